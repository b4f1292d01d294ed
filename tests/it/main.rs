//! Everything about the hub that can be seen from outside, and the promises of its parts, in one binary.
#![allow(clippy::unwrap_used)]

mod contract;
mod harness;
