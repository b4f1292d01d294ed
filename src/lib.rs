//! BlockHub: a real-time collaboration server.
//!
//! The map, from the ground up; imports only go down. `docs/architecture.md` tells the rest.
//!
//! - [`domain`]: the rules, pure: blocks, edits, deciding, merging, text, the policy.
//! - [`pause`]: pauses between tries.
//! - [`redis_link`]: the way to Redis: addresses, connections.
//! - [`protocol`]: the wire, and the only types that know JSON keys.
//! - [`document`]: Markdown and JSON files to blocks and back, pure.
//! - [`store`]: durable truth, on Postgres or SQLite.
//! - [`bus`]: hints between hubs, which may be lost.
//! - [`session`]: what outlives a user's connections.
//! - [`limit`]: how much of what anybody may do.
//! - [`hub`]: the living part: connections, rooms, the life of an edit.
//! - [`transport`]: how the world reaches it: WebSocket and HTTP.
//! - [`config`], [`telemetry`]: settings; logs and metrics.
//! - [`exchange`], [`app`]: import and export; everything put together.
//!
//! `src/main.rs` is the command line.

pub mod app;
pub mod bus;
pub mod config;
pub mod document;
pub mod domain;
pub mod exchange;
pub mod hub;
pub mod limit;
pub mod pause;
pub mod protocol;
pub mod redis_link;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod transport;
