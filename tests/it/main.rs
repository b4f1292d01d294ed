//! What the hub promises, as sentences: each test carries the id of the rule of `docs/protocol.md` that it proves.
#![allow(clippy::unwrap_used)]

mod auth_tokens;
mod config_sources;
mod contract;
mod document_json;
mod document_markdown;
mod document_protocol;
mod domain;
mod exchange;
mod harness;
mod http_access;
mod http_blocks;
mod http_health;
mod http_problems;
mod http_projects;
mod http_server;
mod http_sessions;
mod hub;
mod outbox_policy;
mod protocol_decode;
mod protocol_encode;
mod protocol_frame;
mod session_local;
mod socket_frames;
mod socket_handshake;
mod socket_harness;
mod socket_life;
mod socket_origins;
mod socket_reader;
mod telemetry_lines;
mod text_merge;
mod text_replay;
mod text_splices;
mod text_typist;
mod text_whole_history;
mod tidy;
