//! How the world reaches the hub.
//!
//! Promises: a transport decides nothing: remove one, and no rule is lost.
//! Must never: be known to anything below.

pub mod arrived;
pub mod auth;
pub mod http;
pub mod listener;
pub mod origin;
pub mod probe;
pub mod proxies;
pub mod socketio;
pub mod websocket;
