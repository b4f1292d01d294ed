//! Text inside a line: kept as source, written so that it stays what it is.
//!
//! Promises: a text that was read from a paragraph is written without a change that a reader could see.
//! Must never: interpret emphasis, links or code; that is for whoever shows the text.

use std::borrow::Cow;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use serde_json::Value;

use super::{BLANK, options};
use crate::domain::block::Content;

/// `text` as lines of a paragraph that begins with `lead` (a task's box, or nothing). A line that would begin a heading,
/// a list or the like is escaped (the first) or indented (the others: four blanks mean nothing there).
pub fn paragraph<'a>(lead: &str, text: &'a str) -> Cow<'a, str> {
    let text = text.trim_matches(BLANK);
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default();
    // Behind the mark of a list's item, two dashes would be the rest of a rule.
    let dashes = lead.is_empty() && !first.is_empty() && first.trim_matches(['-', ' ', '\t']).is_empty();
    if !dashes && !lines.clone().any(rules_off) && is_paragraph(&format!("{lead}{text}")) {
        return Cow::Borrowed(text);
    }
    let keeps = !dashes && is_paragraph(&format!("{lead}{first}"));
    let mut safe = if keeps { first.to_owned() } else { escaped(first) };
    for line in lines {
        safe.push_str(if ends_a_paragraph(line) { "\n    " } else { "\n" });
        safe.push_str(line);
    }
    Cow::Owned(safe)
}

/// What stands before the text of a task.
pub fn task_box(content: &Content) -> &'static str {
    match content.get("checked").and_then(Value::as_bool) {
        Some(true) => "[x] ",
        Some(false) => "[ ] ",
        None => "",
    }
}

/// Whether this is one paragraph and nothing else.
fn is_paragraph(markdown: &str) -> bool {
    let mut events = Parser::new_ext(markdown, options());
    let starts = matches!(events.next(), Some(Event::Start(Tag::Paragraph)));
    starts && events.by_ref().any(|event| event == Event::End(TagEnd::Paragraph)) && events.next().is_none()
}

/// Whether a line, behind a line of text, would be more than a second one.
fn ends_a_paragraph(line: &str) -> bool {
    rules_off(line) || !is_paragraph(&format!("x\n{line}"))
}

/// Whether a line is what makes the line before it the head of a table.
fn rules_off(line: &str) -> bool {
    !line.trim().is_empty() && line.trim_matches(['|', '-', ':', ' ', '\t']).is_empty()
}

/// Whether a line begins as headings, lists, tables and the like do.
fn may_begin_a_block(line: &str) -> bool {
    line.starts_with(|first: char| "#>-+*=~`|<:_[".contains(first) || first.is_ascii_digit())
}

/// A line with a backslash before what makes it more than text.
fn escaped(line: &str) -> String {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if !may_begin_a_block(line) {
        return line.to_owned();
    }
    format!("{}\\{}", &line[..digits], &line[digits..])
}

/// `text` as a cell of a table: one line, its bars escaped.
pub fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.trim_matches(BLANK).chars() {
        match letter {
            '\n' => safe.push(' '),
            '|' if !safe.ends_with('\\') => safe.push_str("\\|"),
            other => safe.push(other),
        }
    }
    safe
}

/// Where a link or an image leads, and its title, as they stand in brackets or behind a label.
pub fn target(url: &str, title: &str) -> String {
    let plain = !url.is_empty() && url.chars().all(|letter| letter.is_ascii_graphic() && !"<>()\\&".contains(letter));
    let url = if plain { Cow::Borrowed(url) } else { Cow::Owned(format!("<{}>", quoted(url, "<>\\&"))) };
    if title.is_empty() { url.into_owned() } else { format!("{url} \"{}\"", quoted(title, "\"\\&")) }
}

/// One line, with a backslash before each letter of `special`.
fn quoted(text: &str, special: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => safe.push(' '),
            _ if special.contains(letter) => safe.extend(['\\', letter]),
            _ => safe.push(letter),
        }
    }
    safe
}

/// `alt` as it can stand between an image's brackets: as it is if it does not end them, else escaped.
pub fn alt(text: &str) -> Cow<'_, str> {
    let image = format!("![{text}](x)");
    let mut events = Parser::new_ext(&image, options()).into_offset_iter();
    let whole = !text.contains('\n')
        && matches!(events.nth(1), Some((Event::Start(Tag::Image { .. }), range)) if range == (0..image.len()));
    if whole { Cow::Borrowed(text) } else { Cow::Owned(quoted(text, "[]\\`<&!*_")) }
}

/// HTML that ends where it seems to: what begins a comment or the like and never ends it would take along all that
/// follows, so it gets its end.
pub fn closed_html(html: &str) -> Cow<'_, str> {
    const RAW: &[&str] = &["</script>", "</pre>", "</style>", "</textarea>"];
    const ENDS: [(&str, &[&str]); 8] = [
        ("<!--", &["-->"]),
        ("<?", &["?>"]),
        ("<![cdata[", &["]]>"]),
        ("<!", &[">"]),
        ("<script", RAW),
        ("<pre", RAW),
        ("<style", RAW),
        ("<textarea", RAW),
    ];
    let html = html.trim();
    let lower = html.to_ascii_lowercase();
    match ENDS.iter().find(|(start, _)| lower.starts_with(start)) {
        Some((_, ends)) if !ends.iter().any(|end| lower.contains(end)) => Cow::Owned(format!("{html}\n{}", ends[0])),
        _ => Cow::Borrowed(html),
    }
}
