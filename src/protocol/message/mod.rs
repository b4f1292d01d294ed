//! What clients and hubs say to each other.
//!
//! Promises: one type per message, one file per direction.
//! Must never: be asked what a message means.

pub(super) mod body;
pub mod client;
pub mod decode;
pub mod encode;
pub mod limits;
pub mod reply;
pub mod server;
pub mod written;
