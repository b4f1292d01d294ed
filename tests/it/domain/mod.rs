//! The pure core: each rule by example, and what holds for all edits by random ones.

mod edits;
mod moves;
mod order_keys;
mod patches;
mod world;
