//! Everything that is promised, tested from outside.
#![allow(missing_docs, clippy::unwrap_used)]

mod outbox_policy;
mod protocol_decode;
mod protocol_encode;
mod protocol_frame;
mod socket_frames;
mod socket_handshake;
mod socket_harness;
mod socket_life;
mod socket_origins;
mod socket_reader;
