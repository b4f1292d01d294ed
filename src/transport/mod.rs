//! What carries messages: sockets and HTTP.
//!
//! Promises: remove one transport, and no rule is lost.
//! Must never: decide what a client may do or see.

pub mod listener;
pub mod origin;
pub mod websocket;
