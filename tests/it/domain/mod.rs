//! The pure core: each rule by example, and what holds for all edits by random ones.

mod draws;
mod edits;
mod garbage;
mod histories;
mod memory;
mod moves;
mod order_keys;
mod patches;
mod seeds;
mod texts;
mod undone;
mod world;
