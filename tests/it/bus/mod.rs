//! Between hubs: hints as bytes, over Redis, and what becomes of a room when they cannot be relied on.

mod packets;
mod presence;
mod redis;
mod unreliable;
