//! Markdown (CommonMark with GitHub's tables, task lists, strikethrough and footnotes) to blocks, and back.
//!
//! | kind | content | under it |
//! |---|---|---|
//! | `heading` | `level` 1–6, `text` | |
//! | `paragraph` | `text` | |
//! | `list` | `style` (`bullet`, `ordered`), `start` (ordered), `loose` (blank lines between its items) | `item`s |
//! | `item` | `text`, `checked` (in task lists) | what follows the text |
//! | `code` | `text`, `language` (the whole info string) | |
//! | `table` | `align` (`none`, `left`, `center`, `right`), `header`, `rows` | |
//! | `image` | `url`, `alt`, `title`: an image that stands alone | |
//! | `quote` | | anything |
//! | `divider` | | |
//! | `html` | `text`, as it is | |
//! | `footnote` | `label` | anything |
//! | `reference` | `label`, `url`, `title`: what links of the form `[text][label]` lead to | |
//!
//! `text`, `alt` and the cells of a table hold Markdown source of what stands inside a line, as its author wrote it, so
//! nothing is lost on the way.
//!
//! Promises: reading what was written from what was read gives the same blocks. Any text can be read.
//! Must never: lose content; a kind that is not in the table is written by its `text`, or as JSON.

mod inline;
mod leaf;
mod read;
mod write;

pub use read::read;
pub use write::write;

use pulldown_cmark::Options;
use serde_json::Value;

use crate::domain::seed::Seed;

/// Containers deeper than this are read and written flat: each costs every line below it a prefix.
const DEPTH_MAX: usize = 60;

/// What is never part of a text at its ends.
const BLANK: [char; 3] = [' ', '\t', '\n'];

/// What a document calls itself: the source of its first heading; empty if it has none.
pub fn title(blocks: &[Seed]) -> &str {
    let heading = blocks.iter().find(|block| &*block.kind == "heading");
    heading.and_then(|heading| heading.content.get("text")).and_then(Value::as_str).unwrap_or_default()
}

/// The extensions that are understood.
fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}
