//! What the hub promises, as sentences: each rule of `docs/protocol.md` by its id.
#![allow(clippy::unwrap_used)]

mod auth_tokens;
mod config_sources;
mod session_local;
mod telemetry_lines;
