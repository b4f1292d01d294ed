//! All tests, in one binary: each a sentence, with the id of the rule that it proves in its name.

#![allow(clippy::unwrap_used)]

mod domain;
mod text_merge;
mod text_splices;
