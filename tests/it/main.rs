//! Everything that is promised, tested from outside.
#![allow(missing_docs, clippy::unwrap_used)]

mod outbox_policy;
mod protocol_decode;
mod protocol_encode;
mod protocol_frame;
