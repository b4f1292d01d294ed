//! A message as bytes: encoded once, compressed once, shared by every recipient ([CN2], design invariant 8).

use std::sync::Arc;

/// Bytes of JSON that many messages share, such as the blocks of a snapshot; compressed at most once.
#[derive(Debug)]
pub struct Chunk {
    _p: (),
}

impl Chunk {
    /// JSON text that stands inside messages.
    pub fn new(_json: Vec<u8>) -> Arc<Self> {
        unimplemented!()
    }
    /// Bytes of JSON.
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One message as bytes.
#[derive(Debug)]
pub struct Frame {
    _p: (),
}

impl Frame {
    /// A whole message.
    pub fn new(_json: Vec<u8>) -> Arc<Self> {
        unimplemented!()
    }
    /// A message with a shared chunk in its middle: head and tail are this message's own.
    pub fn around(_head: Vec<u8>, _chunk: Arc<Chunk>, _tail: Vec<u8>) -> Arc<Self> {
        unimplemented!()
    }
    /// Bytes of JSON: what the message counts for in an outbox.
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The JSON text, for HTTP and tests.
    pub fn json(&self) -> Vec<u8> {
        unimplemented!()
    }
}
