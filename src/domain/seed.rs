//! A project's first blocks.

use std::sync::Arc;

use super::block::Content;
use super::ids::BlockId;

/// A block to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its name.
    pub id: BlockId,
    /// The application's word for what it is.
    pub kind: Arc<str>,
    /// Under which block; named before.
    pub parent: Option<BlockId>,
    /// What it holds.
    pub content: Content,
}
