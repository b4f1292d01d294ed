//! What this machine charges for the least that has to be done: the floors that figures are compared with.
//!
//! Promises: measured in the run that is compared with it.
//! Must never: do more than the bare thing.

pub mod disk;
pub mod pgbench;
pub mod writer;
