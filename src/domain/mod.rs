//! The rules, and nothing else.
//!
//! Promises: every function here is a pure one: the same arguments give the same answer, on any machine, at any time.
//! Must never: await, read a clock, draw a random number, know a JSON key of the wire, SQL or a socket.

pub mod access;
pub mod block;
pub mod decide;
pub mod edit;
pub mod event;
pub mod ids;
pub mod merge;
pub mod past;
pub mod position;
pub mod presence;
pub mod quota;
pub mod seed;
pub mod sequence;
pub mod text;
pub mod undo;
