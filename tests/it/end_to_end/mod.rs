//! The real binary, over real sockets, given what no client should send: every row of [MS2], of the table of errors and
//! of the table of close codes.
//!
//! Promises: after each attack somebody else in the same room has noticed nothing, is acked, and finds the data as it
//! was.
//! Must never: reach into the hub's process; what is not on a socket, in the log or in `/proc` does not count.

mod errors;
mod faults;
mod frames;
mod greetings;
mod messages;
mod processes;
pub mod scene;
mod tokens;
