//! The judge of BlockHub: decides from what clients saw and what the database holds whether anything was lost.
//!
//! Promises: linear time; the same verdict for the same history.
//! Must never: know the hub; it reads histories, and nothing else.
//!
//! In reading order: [`history`] is what is read, [`file`] how it is written and read; [`fold`] and [`digest`] are for those
//! who write histories, [`log`] for the database's side of them.

pub mod digest;
pub mod file;
pub mod fold;
pub mod history;
pub mod id;
pub mod log;
