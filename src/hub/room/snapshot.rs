//! A project's blocks as bytes: encoded once for everybody who joins at one seq ([JN4]).
//!
//! Promises: each part holds at most about 256 KiB, one block at least.
//! Must never: outlive the seq it was made for; the room throws it away with the next event.

use std::sync::Arc;

use crate::domain::block::{Block, Project};
use crate::domain::sequence::Seq;
use crate::protocol::frame::Chunk;
use crate::protocol::message::encode::encode_blocks;

/// Bytes of one part.
pub const PART_BYTES_MAX: usize = 256 << 10;

/// The blocks of one seq.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// After which event.
    pub seq: Seq,
    /// JSON arrays; never empty.
    pub parts: Arc<[Arc<Chunk>]>,
    /// Of all parts.
    pub bytes: usize,
}

impl Encoded {
    /// Encodes all blocks, in order.
    pub fn new(project: &Project) -> Self {
        let mut parts = Vec::new();
        let mut part: Vec<u8> = Vec::new();
        for block in project.in_order() {
            append(&mut part, &mut parts, block);
        }
        close(&mut part, &mut parts);
        if parts.is_empty() {
            parts.push(Chunk::new(b"[]".to_vec()));
        }
        let bytes = parts.iter().map(|part| part.len()).sum();
        Self { seq: project.seq, parts: parts.into(), bytes }
    }
}

fn append(part: &mut Vec<u8>, parts: &mut Vec<Arc<Chunk>>, block: &Block) {
    let array = encode_blocks(std::iter::once(block));
    let object = &array[1..array.len() - 1];
    if !part.is_empty() && part.len() + object.len() + 2 > PART_BYTES_MAX {
        close(part, parts);
    }
    part.push(if part.is_empty() { b'[' } else { b',' });
    part.extend_from_slice(object);
}

fn close(part: &mut Vec<u8>, parts: &mut Vec<Arc<Chunk>>) {
    if !part.is_empty() {
        part.push(b']');
        parts.push(Chunk::new(std::mem::take(part)));
    }
}
