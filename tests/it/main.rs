//! All tests: one binary, files by behaviour.
#![allow(clippy::unwrap_used)]

mod document_markdown;
