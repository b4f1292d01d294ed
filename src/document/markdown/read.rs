//! Markdown to blocks.
//!
//! Promises: takes any text; every block's parent comes before it.
//! Must never: recurse, so that depth is bounded by memory and not by the stack.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};
use serde_json::json;

use super::leaf::{Image, Leaf, content, titled};
use super::{BLANK, DEPTH_MAX, inline, options};
use crate::domain::block::Content;
use crate::domain::ids::BlockId;
use crate::domain::seed::Seed;

/// Reads a document; `ids` names its blocks, in their order.
pub fn read(markdown: &str, ids: impl FnMut() -> BlockId) -> Vec<Seed> {
    let text = normalized(markdown);
    let parser = Parser::new_ext(&text, options());
    let references = references(&parser);
    let mut reader =
        Reader { text: &text, ids, drafts: Vec::new(), open: Vec::new(), leaf: Leaf::None, starts: Vec::new() };
    for (event, range) in parser.into_offset_iter() {
        reader.take(event, range);
    }
    for content in references {
        reader.push("reference", content);
    }
    reader.drafts
}

/// Line ends as `\n`, no byte order mark, and no NUL, as CommonMark asks and [MS2] demands.
fn normalized(markdown: &str) -> String {
    let text = markdown.strip_prefix('\u{feff}').unwrap_or(markdown);
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}")
}

/// What links by label lead to, in the order of the source.
fn references(parser: &Parser<'_>) -> Vec<Content> {
    // `[^1]` always names a footnote, so nothing leads to a reference of such a label.
    let mut found: Vec<_> =
        parser.reference_definitions().iter().filter(|(label, _)| !label.starts_with('^')).collect();
    found.sort_by_key(|(_, definition)| definition.span.start);
    let reference = |label: &str, url: &str, title: Option<&str>| {
        let mut content = content([("label", json!(one_line(label))), ("url", json!(url))]);
        titled(&mut content, title.unwrap_or_default());
        content
    };
    found.into_iter().map(|(label, to)| reference(label, &to.dest, to.title.as_deref())).collect()
}

/// The words of a label, which may stand on several lines.
fn one_line(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A block that holds blocks, while it is read.
struct Open {
    shape: Container,
    /// Where its draft is; `None` past the depth that is kept.
    draft: Option<usize>,
}

enum Container {
    Quote,
    List(Spacing),
    Item,
    Footnote,
}

/// Whether a list has blank lines between its items.
enum Spacing {
    /// Nothing has shown it; is taken for loose.
    Unknown,
    /// The text of an item stands there without a paragraph around it.
    Tight,
    /// Items hold more than text, code and lists, which blank lines keep apart.
    Loose,
}

struct Reader<'a, F> {
    text: &'a str,
    ids: F,
    drafts: Vec<Seed>,
    open: Vec<Open>,
    leaf: Leaf,
    /// Where the things inside the leaf's lines begin, ascending.
    starts: Vec<usize>,
}

impl<F: FnMut() -> BlockId> Reader<'_, F> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Rule => {
                self.close();
                self.push("divider", Content::new());
            }
            Event::TaskListMarker(checked) => self.check(checked),
            Event::Text(text) | Event::Html(text) if matches!(self.leaf, Leaf::Raw { .. }) => {
                if let Leaf::Raw { text: raw, .. } = &mut self.leaf {
                    raw.push_str(&text);
                }
            }
            _ => self.cover(range),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.begin(Leaf::Line { heading: None, span: None, image: None }),
            Tag::Heading { level, .. } => {
                self.begin(Leaf::Line { heading: Some(level as u8), span: None, image: None });
            }
            Tag::CodeBlock(kind) => self.begin(Leaf::code(&kind)),
            Tag::HtmlBlock => self.begin(Leaf::Raw { kind: "html", content: Content::new(), text: String::new() }),
            Tag::Table(align) => self.begin(Leaf::table(&align)),
            Tag::TableHead | Tag::TableRow | Tag::TableCell => self.leaf.start_in_table(&tag),
            Tag::BlockQuote(_) => self.enter(Container::Quote, "quote", Content::new()),
            Tag::List(first) => self.enter(Container::List(Spacing::Unknown), "list", list(first)),
            Tag::Item => self.enter(Container::Item, "item", content([("text", json!(""))])),
            Tag::FootnoteDefinition(label) => {
                self.enter(Container::Footnote, "footnote", content([("label", json!(&*label))]));
            }
            Tag::Image { link_type: LinkType::Inline, dest_url, title, .. } => {
                self.cover(range.clone());
                self.leaf.image(range, &dest_url, &title);
            }
            _ => self.cover(range),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::FootnoteDefinition => self.leave(),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::Table => {
                self.close()
            }
            _ => {}
        }
    }

    /// A leaf begins; one that was open without saying so (the text of a tight item) ends.
    fn begin(&mut self, leaf: Leaf) {
        self.close();
        self.leaf = leaf;
    }

    fn enter(&mut self, shape: Container, kind: &str, content: Content) {
        self.close();
        let draft = (self.open.len() < DEPTH_MAX).then(|| self.push(kind, content));
        self.open.push(Open { shape, draft });
    }

    fn leave(&mut self) {
        self.close();
        let Some(Open { shape, draft: Some(at) }) = self.open.pop() else { return };
        match shape {
            // One item with nothing but its text is spaced in no way.
            Container::List(Spacing::Unknown | Spacing::Loose) if self.drafts.len() != at + 2 => {
                self.drafts[at].content.insert("loose".to_owned(), json!(true));
            }
            // A list that begins with an empty item cannot follow a text without a blank line.
            Container::Item if self.drafts[at].content.get("text") == Some(&json!("")) => self.loosen(),
            _ => {}
        }
    }

    /// All lists around are loose.
    fn loosen(&mut self) {
        for open in &mut self.open {
            if let Container::List(spacing) = &mut open.shape {
                *spacing = Spacing::Loose;
            }
        }
    }

    /// Something inside a line: the line reaches this far.
    fn cover(&mut self, range: Range<usize>) {
        if matches!(self.leaf, Leaf::None) {
            if let Some(unknown @ Spacing::Unknown) = self.spacing() {
                *unknown = Spacing::Tight;
            }
            self.leaf = Leaf::Line { heading: None, span: None, image: None };
        }
        self.leaf.cover(&range);
        self.starts.push(range.start);
    }

    /// The spacing of the list whose item is the innermost container.
    fn spacing(&mut self) -> Option<&mut Spacing> {
        match &mut *self.open {
            [.., Open { shape: Container::List(spacing), .. }, Open { shape: Container::Item, .. }] => Some(spacing),
            _ => None,
        }
    }

    fn check(&mut self, checked: bool) {
        if let Some(Open { shape: Container::Item, draft: Some(at) }) = self.open.last() {
            self.drafts[*at].content.insert("checked".to_owned(), json!(checked));
        }
    }

    fn end_cell(&mut self) {
        let Leaf::Table { cell, .. } = &mut self.leaf else { return };
        let span = cell.take();
        let text = span.map(|span| self.source(span)).unwrap_or_default();
        if let Leaf::Table { rows, .. } = &mut self.leaf
            && let Some(row) = rows.last_mut()
        {
            row.push(text);
        }
    }

    /// Makes a block of the leaf that is open, if one is.
    fn close(&mut self) {
        self.make_block();
        self.starts.clear();
    }

    fn make_block(&mut self) {
        match std::mem::replace(&mut self.leaf, Leaf::None) {
            Leaf::Line { heading: Some(level), span, .. } => {
                let text = span.map(|span| self.source(span)).unwrap_or_default();
                let underlined = text.contains('\n') || text.ends_with('#');
                let text = if underlined { inline::paragraph("", &text) } else { Cow::Borrowed(&*text) };
                self.push("heading", content([("level", json!(level)), ("text", json!(text))]));
            }
            Leaf::Line { heading: None, span: Some(span), image } => self.close_paragraph(span, image),
            Leaf::Raw { kind: "html", mut content, text } => {
                content.insert("text".to_owned(), json!(inline::closed_html(&text)));
                self.push("html", content);
            }
            Leaf::Raw { kind, mut content, text } => {
                content.insert("text".to_owned(), json!(text.strip_suffix('\n').unwrap_or(&text)));
                self.push(kind, content);
            }
            Leaf::Table { align, mut rows, .. } if !rows.is_empty() => {
                let header = rows.remove(0);
                self.push(
                    "table",
                    content([("align", json!(align)), ("header", json!(header)), ("rows", json!(rows))]),
                );
            }
            _ => {}
        }
    }

    fn close_paragraph(&mut self, span: Range<usize>, image: Option<Image>) {
        let text = self.source(span.clone());
        if self.is_item_without_text() {
            if let Some(item) = self.drafts.last_mut() {
                let text = inline::paragraph(inline::task_box(&item.content), &text).into_owned();
                item.content.insert("text".to_owned(), json!(text));
            }
            return;
        }
        match image.filter(|image| image.whole == span && !text.contains('\n')) {
            Some(image) => {
                let alt = image.alt.map(|alt| self.source(alt)).unwrap_or_default();
                let mut content = content([("url", json!(image.url)), ("alt", json!(alt))]);
                titled(&mut content, &image.title);
                self.push("image", content);
            }
            None => {
                self.push("paragraph", content([("text", json!(inline::paragraph("", &text)))]));
            }
        }
    }

    /// Whether what comes is the first thing in a list's item: then it is the item's own text.
    fn is_item_without_text(&self) -> bool {
        let Some(Open { shape: Container::Item, draft: Some(at) }) = self.open.last() else { return false };
        *at + 1 == self.drafts.len() && self.drafts[*at].content.get("text") == Some(&json!(""))
    }

    fn push(&mut self, kind: &str, content: Content) -> usize {
        if !matches!(kind, "list" | "item" | "code")
            && let Some(spacing) = self.spacing()
        {
            *spacing = Spacing::Loose;
        }
        let parent = self.open.iter().rev().find_map(|open| open.draft).map(|at| self.drafts[at].id);
        self.drafts.push(Seed { id: (self.ids)(), kind: Arc::from(kind), parent, content });
        self.drafts.len() - 1
    }

    /// The source of a span, without what quotes and lists put before its lines.
    fn source(&self, span: Range<usize>) -> String {
        // A backslash before the first letter belongs to the source, but to no event.
        let mut at = span.start - usize::from(self.text[..span.start].ends_with('\\'));
        let mut source = String::new();
        for line in self.text[at..span.end].split_inclusive('\n') {
            let inner = if source.is_empty() { line } else { self.without_prefix(at, line) };
            source.push_str(inner);
            at += line.len();
        }
        source.trim_matches(BLANK).to_owned()
    }

    /// A line that begins at `at`, without its prefix: up to where the parser found something in it, else, where a code
    /// span or the like goes on, without as many marks as there are quotes.
    fn without_prefix<'l>(&self, at: usize, line: &'l str) -> &'l str {
        let next = self.starts.partition_point(|start| *start < at);
        if let Some(start) = self.starts.get(next).filter(|start| **start < at + line.len()) {
            let prefix = line[..start - at].trim_end_matches('\\');
            if prefix.chars().all(|letter| letter == '>' || BLANK.contains(&letter)) {
                return line[prefix.len()..].trim_start_matches([' ', '\t']);
            }
        }
        let quotes = self.open.iter().filter(|open| matches!(open.shape, Container::Quote)).count();
        let mut rest = line.trim_start_matches([' ', '\t']);
        for _ in 0..quotes {
            let Some(inner) = rest.strip_prefix('>') else { break };
            rest = inner.trim_start_matches([' ', '\t']);
        }
        rest
    }
}

fn list(first: Option<u64>) -> Content {
    match first {
        Some(first) => content([("style", json!("ordered")), ("start", json!(first))]),
        None => content([("style", json!("bullet"))]),
    }
}
