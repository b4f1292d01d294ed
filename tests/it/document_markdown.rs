//! Markdown to blocks and back.

use blockhub::document::markdown::{read, write};
use blockhub::domain::ids::BlockId;
use blockhub::domain::seed::Seed;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// Reads with names counted from 1.
fn blocks(markdown: &str) -> Vec<Seed> {
    let mut last = 0;
    read(markdown, || {
        last += 1;
        BlockId(Uuid::from_u128(last))
    })
}

fn text(blocks: &[Seed]) -> String {
    write(blocks.iter().map(Into::into))
}

/// What a block is, without its name: how deep it stands, its kind, its content.
fn outline(blocks: &[Seed]) -> Vec<Value> {
    let depth = |draft: &Seed| {
        let parent = |id: &BlockId| blocks.iter().find(|block| block.id == *id).and_then(|block| block.parent);
        std::iter::successors(draft.parent, parent).count()
    };
    blocks.iter().map(|draft| json!([depth(draft), &*draft.kind, draft.content])).collect()
}

#[track_caller]
fn check(markdown: &str, expected: &Value) {
    let found = blocks(markdown);
    assert_eq!(&json!(outline(&found)), expected, "of {markdown:?}");
    stays(markdown);
}

#[track_caller]
fn stays(markdown: &str) {
    let first = blocks(markdown);
    let written = text(&first);
    let second = blocks(&written);
    let same = first == second;
    assert!(
        same,
        "\n--- read\n{markdown}\n--- written\n{written}\n--- {}\n--- {}",
        json!(outline(&first)),
        json!(outline(&second))
    );
}

#[test]
fn headings_and_paragraphs_become_blocks_with_their_source_as_text() {
    check(
        "# One *two* `three`\n\nSome **bold**\nwords.\n\nSetext\n---\n",
        &json!([
            [0, "heading", {"level": 1, "text": "One *two* `three`"}],
            [0, "paragraph", {"text": "Some **bold**\nwords."}],
            [0, "heading", {"level": 2, "text": "Setext"}],
        ]),
    );
}

#[test]
fn lists_nest_and_keep_their_style_their_start_and_their_boxes() {
    check(
        "- one\n  - [x] done\n  - [ ] open\n- two\n\n3. three\n4. four\n",
        &json!([
            [0, "list", {"style": "bullet"}],
            [1, "item", {"text": "one"}],
            [2, "list", {"style": "bullet"}],
            [3, "item", {"text": "done", "checked": true}],
            [3, "item", {"text": "open", "checked": false}],
            [1, "item", {"text": "two"}],
            [0, "list", {"style": "ordered", "start": 3}],
            [1, "item", {"text": "three"}],
            [1, "item", {"text": "four"}],
        ]),
    );
}

#[test]
fn what_follows_the_text_of_an_item_stands_under_it() {
    check(
        "- one\n\n  more\n\n  ```rust\n  let a;\n  ```\n",
        &json!([
            [0, "list", {"style": "bullet", "loose": true}],
            [1, "item", {"text": "one"}],
            [2, "paragraph", {"text": "more"}],
            [2, "code", {"language": "rust", "text": "let a;"}],
        ]),
    );
}

#[test]
fn code_tables_images_quotes_dividers_and_html_become_blocks() {
    check(
        "````md\n```\n````\n\n| a | b |\n|:-|-:|\n| `x\\|y` | |\n\n![A *hub*](hub.svg \"Hub\")\n\n> said\n> > twice\n\n---\n\n<div>\n<p>\n</div>\n",
        &json!([
            [0, "code", {"language": "md", "text": "```"}],
            [0, "table", {"align": ["left", "right"], "header": ["a", "b"], "rows": [["`x\\|y`", ""]]}],
            [0, "image", {"url": "hub.svg", "alt": "A *hub*", "title": "Hub"}],
            [0, "quote", {}],
            [1, "paragraph", {"text": "said"}],
            [1, "quote", {}],
            [2, "paragraph", {"text": "twice"}],
            [0, "divider", {}],
            [0, "html", {"text": "<div>\n<p>\n</div>"}],
        ]),
    );
}

#[test]
fn footnotes_and_link_references_are_not_lost() {
    check(
        "See[^1] and [there][t].\n\n[^1]: A note.\n\n    With more.\n\n[t]: https://example.org \"T\"\n",
        &json!([
            [0, "paragraph", {"text": "See[^1] and [there][t]."}],
            [0, "footnote", {"label": "1"}],
            [1, "paragraph", {"text": "A note."}],
            [1, "paragraph", {"text": "With more."}],
            [0, "reference", {"label": "t", "url": "https://example.org", "title": "T"}],
        ]),
    );
}

#[test]
fn line_ends_marks_and_nul_are_made_plain() {
    check("\u{feff}a\r\nb\rc\0\n", &json!([[0, "paragraph", {"text": "a\nb\nc\u{fffd}"}]]));
}

#[test]
fn corners_of_markdown_stay_what_they_are() {
    for markdown in [
        "a\n    # b",
        "> a\n===",
        "> a\n1986. b",
        "\\# a",
        "\\- a\n\\- b",
        "- [ ] # a",
        "- a\n\n* b\n\n- c",
        "1. a\n\n1) b",
        "-\n-\n- c",
        "- ```\n  x\n  ```\n- # h",
        "- - a\n  - b",
        "* ---\n* b",
        "- ***",
        "# a \\#\n\n#\n\n# b #\n\nc #\n===",
        "a\nb\n---",
        ">",
        "> - a\n>   b\n> - c\n>\n>   d",
        "![a](<b c> \"d \\\" e\")",
        "![a][r]\n\n[r]: x",
        "``` a`b\nx",
        "~~~ a`b\nx\n~~~",
        "    indented\n\n      more",
        "```\n\n\nx\n\n```",
        "<!-- a\n\nb -->\nc",
        "a  \nb\\\nc",
        "| a |\n|---|",
        "- a\n\n      code\n- b",
        "- <div>\n\n  a",
        "[a]: <b c> 'd'\n[A]: other\n[e]: f",
        "&amp; &#35; a",
        "&#35; a",
        "- a\n  > q\n- b",
        "- a\n  <!-- c -->\n  b",
        "1234567890. a",
        "999999999. a\n1. b",
        "[^a]: > q\n    > r\n\n[^a] x",
        "a | b\n- | -\n",
        "> ```\n> x\ny",
        "- a\n\n\n- b\n\n\nc",
        "*a*\n**b\nc**",
    ] {
        stays(markdown);
    }
}

#[test]
fn text_that_was_never_markdown_is_written_so_that_it_stays_text() {
    for source in [
        "# no heading",
        "- no item",
        "1. none",
        "> none",
        "```",
        "---",
        "<div>",
        "[a]: b",
        "x\n===",
        "+ a\n- b",
        "| a |\n| - |",
    ] {
        let block = Seed { id: BlockId(Uuid::nil()), kind: "paragraph".into(), parent: None, content: content(source) };
        let read = blocks(&text(&[block]));
        assert_eq!(read.len(), 1, "{source:?} became {read:?}");
        assert_eq!(&*read[0].kind, "paragraph", "{source:?}");
    }
}

#[test]
fn unknown_kinds_are_written_by_their_text_or_as_json() {
    let known = Seed { id: BlockId(Uuid::nil()), kind: "note".into(), parent: None, content: content("hello") };
    assert_eq!(text(std::slice::from_ref(&known)), "hello\n");
    let strange = Seed { kind: "chart".into(), content: json!({"x": [1]}).as_object().unwrap().clone(), ..known };
    let written = text(&[strange]);
    assert!(written.starts_with("```json\n") && written.contains("\"chart\""), "{written}");
}

#[test]
fn great_depth_neither_overflows_nor_explodes() {
    let depth = 20_000;
    let quotes = ">".repeat(depth) + " a\n";
    assert!(text(&blocks(&quotes)).contains('a'));
    let mut drafts = Vec::new();
    for number in 1..=depth as u128 {
        let parent = (number > 1).then(|| BlockId(Uuid::from_u128(number - 1)));
        let kind = ["list", "item", "quote", "paragraph"][number as usize % 4].into();
        drafts.push(Seed { id: BlockId(Uuid::from_u128(number)), kind, parent, content: content("x") });
    }
    assert!(text(&drafts).len() < depth * 200);
}

#[test]
fn the_readme_of_this_repository_stays_the_same_document() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(blocks(&readme).len() > 20);
    stays(&readme);
}

fn content(text: &str) -> serde_json::Map<String, Value> {
    json!({ "text": text }).as_object().unwrap().clone()
}

/// Pieces that lines of Markdown are made of.
fn line() -> impl Strategy<Value = String> {
    let indent =
        prop::sample::select(vec!["", "", "", " ", "  ", "    ", "> ", "- ", "1. ", "* ", ">", "   - [ ] ", "- [x] "]);
    let start = prop::sample::select(vec![
        "", "", "", "# ", "## ", "```", "---", "***", "===", "| a | b", "|-|-|", "<div>", "<!-- ", "![i](u)", "[^1]: ",
        "[r]: u", "~~~x", "+ ", "2) ", "\\",
    ]);
    let words = prop::sample::select(vec![
        "",
        "",
        "word",
        "*a* b",
        "`c`",
        "d  ",
        "[r]",
        "[^1]",
        "x | y",
        "&amp;",
        "<b>",
        "-->",
        "![j](v \"t\")",
        "a\\",
        "é😀",
        "#",
        "**",
        "`",
    ]);
    (indent.clone(), indent, start, words).prop_map(|(a, b, c, d)| format!("{a}{b}{c}{d}"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_markdown_written_and_read_again_is_the_same(lines in prop::collection::vec(line(), 0..8)) {
        stays(&lines.join("\n"));
    }

    #[test]
    fn any_text_at_all_can_be_read_and_written(markdown in any::<String>()) {
        let _ = text(&blocks(&markdown));
    }
}
