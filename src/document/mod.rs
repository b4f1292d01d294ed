//! Documents: a project's blocks as files that people and other programs read.
//!
//! Promises: pure conversion, both ways; what is written and read again gives the same blocks.
//! Must never: open a file, make up an identifier, know a store.

pub mod json;
pub mod markdown;

use std::sync::Arc;

use serde_json::Value;

use crate::domain::block::{Block, Content};
use crate::domain::ids::BlockId;
use crate::domain::seed::Seed;

/// A block as documents see it, borrowed from where it lives.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Its name.
    pub id: BlockId,
    /// The application's word for what it is.
    pub kind: &'a str,
    /// Under which block.
    pub parent: Option<BlockId>,
    /// What it holds.
    pub content: &'a Content,
}

impl<'a> From<&'a Block> for Piece<'a> {
    fn from(block: &'a Block) -> Self {
        Self { id: block.id, kind: &block.kind, parent: block.place.parent, content: &block.content }
    }
}

impl<'a> From<&'a Arc<Block>> for Piece<'a> {
    fn from(block: &'a Arc<Block>) -> Self {
        Self::from(&**block)
    }
}

impl<'a> From<&'a Seed> for Piece<'a> {
    fn from(draft: &'a Seed) -> Self {
        Self { id: draft.id, kind: &draft.kind, parent: draft.parent, content: &draft.content }
    }
}

impl<'a> Piece<'a> {
    /// The string at `key`; empty if there is none.
    fn text(&self, key: &str) -> &'a str {
        self.content.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}
