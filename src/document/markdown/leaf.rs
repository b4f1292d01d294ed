//! Blocks that hold no blocks, while they are read.
//!
//! Promises: a line's span reaches over everything that the parser found in it, and over nothing else.
//! Must never: know what stands around it.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Tag};
use serde_json::{Value, json};

use super::BLANK;
use crate::domain::block::Content;

/// A block that holds no blocks, while it is read.
pub(super) enum Leaf {
    None,
    Line { heading: Option<u8>, span: Option<Range<usize>>, image: Option<Image> },
    Raw { kind: &'static str, content: Content, text: String },
    Table { align: Vec<Value>, rows: Vec<Vec<String>>, cell: Option<Range<usize>> },
}

/// The first image of a line.
pub(super) struct Image {
    pub(super) whole: Range<usize>,
    pub(super) alt: Option<Range<usize>>,
    pub(super) url: String,
    pub(super) title: String,
}

impl Leaf {
    pub(super) fn code(kind: &CodeBlockKind<'_>) -> Self {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.trim_matches(BLANK),
            CodeBlockKind::Indented => "",
        };
        let content = if language.is_empty() { Content::new() } else { content([("language", json!(language))]) };
        Self::Raw { kind: "code", content, text: String::new() }
    }

    pub(super) fn table(align: &[Alignment]) -> Self {
        let word = |align: &Alignment| match align {
            Alignment::None => json!("none"),
            Alignment::Left => json!("left"),
            Alignment::Center => json!("center"),
            Alignment::Right => json!("right"),
        };
        Self::Table { align: align.iter().map(word).collect(), rows: Vec::new(), cell: None }
    }

    pub(super) fn start_in_table(&mut self, tag: &Tag<'_>) {
        if let Self::Table { rows, cell, .. } = self {
            match tag {
                Tag::TableCell => *cell = None,
                _ => rows.push(Vec::new()),
            }
        }
    }

    pub(super) fn image(&mut self, whole: Range<usize>, url: &str, title: &str) {
        if let Self::Line { image: image @ None, .. } = self {
            *image = Some(Image { whole, alt: None, url: url.to_owned(), title: title.replace('\n', " ") });
        }
    }

    pub(super) fn cover(&mut self, range: &Range<usize>) {
        match self {
            Self::Line { span, image, .. } => {
                extend(span, range);
                if let Some(image) = image.as_mut().filter(|image| range.end < image.whole.end) {
                    extend(&mut image.alt, range);
                }
            }
            Self::Table { cell, .. } => extend(cell, range),
            Self::None | Self::Raw { .. } => {}
        }
    }
}

/// Makes `span` reach over `range` too.
fn extend(span: &mut Option<Range<usize>>, range: &Range<usize>) {
    *span = Some(match span.take() {
        Some(span) => span.start.min(range.start)..span.end.max(range.end),
        None => range.clone(),
    });
}

/// Adds a title, if there is one.
pub(super) fn titled(content: &mut Content, title: &str) {
    if !title.is_empty() {
        content.insert("title".to_owned(), json!(title.replace('\n', " ")));
    }
}

/// What a block holds.
pub(super) fn content<const N: usize>(pairs: [(&str, Value); N]) -> Content {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
