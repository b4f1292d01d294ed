//! The wire: what `docs/protocol.md` says, as types; the only place that knows JSON keys.
//!
//! Promises: what is decoded is well-formed by [MS2]; what is encoded has the contract's shape to the letter.
//! Must never: decide, look anything up, or wait.

pub mod code;
pub mod fields;
pub mod frame;
pub mod json;
pub mod message;
pub mod pointer;
pub mod resource;
pub mod scan;
pub mod schema;
pub mod typescript;
pub mod view;
pub mod word;
