//! Blocks to Markdown.
//!
//! Promises: takes any blocks, in the order of snapshots; what stands in a container stays in it.
//! Must never: recurse, so that depth is bounded by memory and not by the stack.

use serde_json::{Value, json};

use super::{DEPTH_MAX, inline};
use crate::document::Piece;
use crate::domain::ids::BlockId;

/// Writes a document of these blocks, parents before what is under them, siblings in order.
pub fn write<'a>(blocks: impl IntoIterator<Item = Piece<'a>>) -> String {
    let mut writer = Writer { out: String::new(), prefixes: Vec::new(), open: vec![Open::top()] };
    for block in blocks {
        writer.close_up_to(block.parent);
        writer.block(&block);
    }
    writer.close_up_to(None);
    writer.out
}

/// No list begins with more than nine digits.
const NUMBER_MAX: u64 = 999_999_999;

/// A block whose children are being written.
struct Open {
    block: Option<BlockId>,
    spacing: Spacing,
    last: Last,
    /// How many prefixes its lines have.
    depth: usize,
    items: Option<Items>,
}

impl Open {
    fn top() -> Self {
        Self { block: None, spacing: Spacing::Loose, last: Last::Nothing, depth: 0, items: None }
    }
}

/// Whether blank lines stand between a block's children.
#[derive(Clone, Copy, PartialEq)]
enum Spacing {
    Loose,
    Tight,
}

/// What was written last in a block.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    /// The text of an item.
    Text,
    Code,
    /// A list whose items have this behind or as their mark.
    List(char),
    Item,
    Reference,
    Other,
}

/// How the items of a list are marked.
#[derive(Clone, Copy)]
struct Items {
    mark: char,
    /// The number of the next item, in ordered lists.
    next: Option<u64>,
    /// What came before the list, and how it is spaced there.
    behind: (Spacing, Last),
}

impl Items {
    /// The mark of the next item.
    fn take_mark(&mut self) -> String {
        let Some(number) = self.next else { return format!("{} ", self.mark) };
        self.next = Some((number + 1).min(NUMBER_MAX));
        format!("{number}{} ", self.mark)
    }
}

/// Whether a blank line belongs between two children of a block.
fn needs_blank(spacing: Spacing, last: Last, next: Last) -> bool {
    match (last, next) {
        (Last::Nothing, _) | (Last::Reference, Last::Reference) => false,
        (Last::Item, Last::Item) | (Last::Text | Last::Code | Last::List(_), Last::Code | Last::List(_)) => {
            spacing == Spacing::Loose
        }
        _ => true,
    }
}

/// What a container puts before its lines: once, then on every other line.
struct Prefix {
    once: Option<String>,
    then: String,
}

struct Writer {
    out: String,
    prefixes: Vec<Prefix>,
    open: Vec<Open>,
}

impl Writer {
    /// Ends blocks until `parent` is the innermost; the top, if it is not open.
    fn close_up_to(&mut self, parent: Option<BlockId>) {
        while self.open.len() > 1 && self.top().block != parent {
            self.open.pop();
            let depth = self.top().depth;
            self.end_prefixes(depth);
        }
    }

    /// Drops prefixes down to `depth`; a mark that had no line yet gets an empty one.
    fn end_prefixes(&mut self, depth: usize) {
        if self.prefixes[depth.min(self.prefixes.len())..].iter().any(|prefix| prefix.once.is_some()) {
            self.line("");
        }
        self.prefixes.truncate(depth);
    }

    fn top(&mut self) -> &mut Open {
        if self.open.is_empty() {
            self.open.push(Open::top());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn block(&mut self, block: &Piece<'_>) {
        match block.kind {
            "heading" => self.heading(block),
            "list" => self.list(block),
            "item" => self.item(block),
            "quote" => self.container(block, "> ".to_owned(), "> "),
            "footnote" => {
                let label = block.text("label").replace([']', '\n'], "");
                self.container(block, format!("[^{label}]: "), "    ");
            }
            "code" => self.leaf(block, Last::Code, &fenced(block.text("language"), block.text("text"))),
            "html" => self.leaf(block, Last::Other, &inline::closed_html(block.text("text"))),
            "table" => match table(block) {
                Some(table) => self.leaf(block, Last::Other, &table),
                None => self.other(block),
            },
            "image" => {
                let target = inline::target(block.text("url"), block.text("title"));
                self.leaf(block, Last::Other, &format!("![{}]({target})", inline::alt(block.text("alt"))));
            }
            "divider" if self.open.iter().any(|open| open.items.is_some()) => self.leaf(block, Last::Other, "___"),
            "divider" => self.leaf(block, Last::Other, "---"),
            "reference" => {
                let target = inline::target(block.text("url"), block.text("title"));
                let label = block.text("label");
                self.leaf(block, Last::Reference, &format!("[{label}]: {target}"));
            }
            _ => self.other(block),
        }
    }

    fn heading(&mut self, block: &Piece<'_>) {
        let level = block.content.get("level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6);
        let text = block.text("text").trim_matches(super::BLANK);
        let underlined = level <= 2 && (text.contains('\n') || text.ends_with('#'));
        if underlined {
            let line = if level == 1 { "===" } else { "---" };
            return self.text(block, &format!("{}\n{line}", inline::paragraph("", text)));
        }
        let mut text = text.replace('\n', " ");
        if text.ends_with('#') {
            text.insert(text.len() - 1, '\\');
        }
        let marks = "#".repeat(usize::try_from(level).unwrap_or(1));
        self.leaf(block, Last::Other, format!("{marks} {text}").trim_end());
    }

    fn list(&mut self, block: &Piece<'_>) {
        let start = block.content.get("start").and_then(Value::as_u64).unwrap_or(1).min(NUMBER_MAX);
        let next = (block.text("style") == "ordered").then_some(start);
        let marks = if next.is_some() { ['.', ')'] } else { ['-', '+'] };
        // Two lists in a row need different marks; and `- - -` would be a rule.
        let behind_mark = self.prefixes.last().is_some_and(|prefix| prefix.once.as_deref() == Some("- "));
        let mark = if behind_mark || self.top().last == Last::List(marks[0]) { marks[1] } else { marks[0] };
        let loose = block.content.get("loose").and_then(Value::as_bool).unwrap_or_default();
        let spacing = if loose { Spacing::Loose } else { Spacing::Tight };
        let around = self.top();
        let behind = (around.spacing, std::mem::replace(&mut around.last, Last::List(mark)));
        let depth = around.depth;
        let items = Some(Items { mark, next, behind });
        self.open.push(Open { block: Some(block.id), spacing, last: Last::Nothing, depth, items });
    }

    fn item(&mut self, block: &Piece<'_>) {
        self.separate_item(block);
        let list = self.top();
        let spacing = if list.items.is_some() { list.spacing } else { Spacing::Tight };
        list.last = Last::Item;
        let mark = list.items.as_mut().map_or_else(|| "- ".to_owned(), Items::take_mark);
        let then = " ".repeat(mark.len());
        self.open_with_prefix(block.id, spacing, mark, &then);
        self.item_text(block);
    }

    fn separate_item(&mut self, block: &Piece<'_>) {
        match *self.top() {
            Open { last: Last::Nothing, items: Some(Items { next, behind: (spacing, last), mark }), .. } => {
                // A text goes on over a list whose first item is empty, or not number 1.
                let joins = last != Last::Text || (next.is_none_or(|next| next == 1) && !block.text("text").is_empty());
                if needs_blank(spacing, last, if joins { Last::List(mark) } else { Last::Other }) {
                    self.line("");
                }
            }
            _ => self.separate(Last::Item),
        }
    }

    fn item_text(&mut self, block: &Piece<'_>) {
        let task = inline::task_box(block.content);
        let text = inline::paragraph(task, block.text("text"));
        if !text.is_empty() {
            self.lines(&format!("{task}{text}"));
            self.top().last = Last::Text;
        } else if !task.is_empty() {
            // What stands under a box alone begins on the next line: a blank one would end the item.
            self.line(task.trim_end());
        }
    }

    /// A paragraph, or what is not known: by its text, else as JSON.
    fn other(&mut self, block: &Piece<'_>) {
        match block.content.get("text").and_then(Value::as_str) {
            Some(text) => self.text(block, &inline::paragraph("", text)),
            None => {
                let json = json!({ "kind": block.kind, "content": block.content });
                self.leaf(block, Last::Other, &fenced("json", &format!("{json:#}")));
            }
        }
    }

    /// Text, unless there is none: an empty line is no paragraph.
    fn text(&mut self, block: &Piece<'_>, text: &str) {
        if text.is_empty() { self.open_flat(block.id) } else { self.leaf(block, Last::Other, text) }
    }

    fn leaf(&mut self, block: &Piece<'_>, last: Last, lines: &str) {
        self.separate(last);
        self.lines(lines);
        self.top().last = last;
        self.open_flat(block.id);
    }

    fn container(&mut self, block: &Piece<'_>, once: String, then: &str) {
        self.separate(Last::Other);
        self.top().last = Last::Other;
        self.open_with_prefix(block.id, Spacing::Loose, once, then);
    }

    fn open_with_prefix(&mut self, block: BlockId, spacing: Spacing, once: String, then: &str) {
        if self.prefixes.len() < DEPTH_MAX {
            self.prefixes.push(Prefix { once: Some(once), then: then.to_owned() });
        }
        let depth = self.prefixes.len();
        self.open.push(Open { block: Some(block), spacing, last: Last::Nothing, depth, items: None });
    }

    /// What stands under a block that holds none here comes after it.
    fn open_flat(&mut self, block: BlockId) {
        let Open { spacing, last, depth, .. } = *self.top();
        self.open.push(Open { block: Some(block), spacing, last, depth, items: None });
    }

    /// A blank line, if one belongs between what is there and what comes.
    fn separate(&mut self, next: Last) {
        let Open { spacing, last, .. } = *self.top();
        if needs_blank(spacing, last, next) {
            self.line("");
        }
    }

    fn lines(&mut self, text: &str) {
        for line in text.split('\n') {
            self.line(line);
        }
    }

    fn line(&mut self, line: &str) {
        let start = self.out.len();
        for prefix in &mut self.prefixes {
            match prefix.once.take() {
                Some(once) => self.out.push_str(&once),
                None => self.out.push_str(&prefix.then),
            }
        }
        if line.is_empty() {
            let end = self.out.trim_end_matches(' ').len().max(start);
            self.out.truncate(end);
        }
        self.out.push_str(line);
        self.out.push('\n');
    }
}

/// Code between fences longer than any in it.
fn fenced(language: &str, text: &str) -> String {
    let language = language.replace('\n', " ");
    let mark = if language.contains('`') { '~' } else { '`' };
    let longest = text.split(|letter| letter != mark).map(str::len).max().unwrap_or_default();
    let fence = mark.to_string().repeat(longest.max(2) + 1);
    let language = language.replace('\\', "\\\\").replace('&', "\\&");
    if text.is_empty() { format!("{fence}{language}\n{fence}") } else { format!("{fence}{language}\n{text}\n{fence}") }
}

/// A table; `None` if the block does not hold one.
fn table(block: &Piece<'_>) -> Option<String> {
    let header = row(block.content.get("header")?)?;
    let rows: Vec<_> = block.content.get("rows")?.as_array()?.iter().map(row).collect::<Option<_>>()?;
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().filter(|columns| *columns > 0)?;
    let align = block.content.get("align").and_then(Value::as_array);
    let rule = |column: usize| match align.and_then(|align| align.get(column)).and_then(Value::as_str) {
        Some("left") => ":--",
        Some("center") => ":-:",
        Some("right") => "--:",
        _ => "---",
    };
    let rules: Vec<_> = (0..columns).map(|column| rule(column).to_owned()).collect();
    let lines = [&header, &rules].into_iter().chain(&rows).map(|cells| {
        let cell = |column: usize| cells.get(column).map_or("", String::as_str);
        format!("| {} |", (0..columns).map(cell).collect::<Vec<_>>().join(" | "))
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn row(cells: &Value) -> Option<Vec<String>> {
    cells.as_array()?.iter().map(|cell| cell.as_str().map(inline::cell)).collect()
}
