//! The judge of BlockHub: decides from what clients saw and what the database holds whether anything was lost.
//!
//! Promises: linear time; the same verdict for the same history.
//! Must never: know the hub; it reads histories, and nothing else.

pub mod history;
pub mod id;
