//! A project as JSON, and back: everything but history, members and versions.
//!
//! Promises: what was written reads as the same blocks under the same names. What cannot be right is refused with words
//! for people.
//! Must never: be what the wire speaks; this is a file format.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Piece;
use crate::domain::block::Content;
use crate::domain::ids::{BlockId, ProjectId};
use crate::domain::seed::Seed;

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// For people.
    pub title: String,
    /// Its blocks, parents before what is under them.
    pub blocks: Vec<Seed>,
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON, or not of this shape.
    #[error("not an exported project: {0}")]
    Shape(#[from] serde_json::Error),
    /// Two blocks have one name.
    #[error("block {0} is there twice")]
    Twice(BlockId),
    /// A parent is missing, or comes after what is under it.
    #[error("block {block} names a parent, {parent}, that does not come before it")]
    Orphan {
        /// Which block.
        block: BlockId,
        /// What it names.
        parent: BlockId,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    project: ProjectId,
    title: &'a str,
    blocks: Vec<WrittenBlock<'a>>,
}

#[derive(Serialize)]
struct WrittenBlock<'a> {
    id: BlockId,
    kind: &'a str,
    parent: Option<BlockId>,
    content: &'a Content,
}

#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    title: String,
    blocks: Vec<StoredBlock>,
}

#[derive(Deserialize)]
struct StoredBlock {
    id: BlockId,
    kind: Arc<str>,
    parent: Option<BlockId>,
    content: Content,
}

/// Writes a project, indented, blocks in the order given.
pub fn write<'a>(project: ProjectId, title: &str, blocks: impl IntoIterator<Item = Piece<'a>>) -> String {
    let block = |piece: Piece<'a>| WrittenBlock {
        id: piece.id,
        kind: piece.kind,
        parent: piece.parent,
        content: piece.content,
    };
    let written = Written { project, title, blocks: blocks.into_iter().map(block).collect() };
    // Keys are strings and nothing here fails to serialize; were it so, an empty file says it louder than a panic.
    serde_json::to_string_pretty(&written).unwrap_or_default() + "\n"
}

/// Reads a project that `write` wrote, or that somebody made like it.
///
/// # Errors
/// It is not JSON of that shape, or its blocks are no tree.
pub fn read(text: &str) -> Result<Document, JsonError> {
    let stored: Stored = serde_json::from_str(text)?;
    let mut seen = HashSet::new();
    let mut blocks = Vec::with_capacity(stored.blocks.len());
    for StoredBlock { id, kind, parent, content } in stored.blocks {
        if let Some(parent) = parent.filter(|parent| !seen.contains(parent)) {
            return Err(JsonError::Orphan { block: id, parent });
        }
        if !seen.insert(id) {
            return Err(JsonError::Twice(id));
        }
        blocks.push(Seed { id, kind, parent, content });
    }
    Ok(Document { title: stored.title, blocks })
}
