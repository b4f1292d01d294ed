//! The judge of BlockHub: decides from what clients saw and what the database holds whether anything was lost.
//!
//! Promises: linear time; the same verdict for the same history.
//! Must never: know the hub; it reads histories, and nothing else.
//!
//! In reading order: [`history`] is what is read, [`file`] how it is written and read; [`judge`] reads, and says in a
//! [`verdict`] which [`kind`]s of wrong it found. [`fold`] and [`digest`] are for those who write histories, [`log`] for
//! the database's side of them.

pub mod chance;
pub mod digest;
pub mod file;
pub mod fold;
pub mod generate;
pub mod history;
pub mod id;
pub mod judge;
pub mod kind;
pub mod log;
pub mod verdict;
