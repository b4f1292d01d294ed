//! All tests, in one binary: each a sentence, with the id of the rule that it proves in its name.

#![allow(clippy::unwrap_used)]

mod domain;
mod harness;
mod text_merge;
mod text_replay;
mod text_splices;
mod text_typist;
mod text_whole_history;
