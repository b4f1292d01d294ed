//! Edits that chance makes up, from what a client was shown.
//!
//! Promises: against what the client knows each edit is right; some are stale on purpose. No edit is a mistake of the
//! client in whatever order edits are committed: folders are never moved or deleted, and only folders hold blocks.
//! Must never: touch a block that has an unanswered edit ([ED13]).

use std::collections::HashSet;

use histcheck::fold::{Block, Blocks};
use histcheck::id::Id;
use serde_json::{Value, json};

use crate::chance::Chance;

/// What a project grows to.
const BLOCKS: usize = 60;
const FOLDERS: usize = 3;
/// A text's length, in characters, from which on more is deleted than typed.
const TEXT_CHARS: usize = 120;
const WORDS: [&str; 8] = ["block", "hub", " und ", "Straße", "日本", "🙂", "e\u{301}", "the quick brown fox "];

/// An edit that is not sent yet.
#[derive(Debug)]
pub struct Draft {
    /// `edit.ops`.
    pub ops: Vec<Value>,
    /// `edit.onConflict`, if it is given.
    pub on_conflict: Option<&'static str>,
    /// The blocks it touches.
    pub blocks: Vec<Id>,
}

/// Makes up edits.
pub struct Drafter<'a> {
    blocks: &'a Blocks,
    busy: &'a HashSet<Id>,
    chance: &'a mut Chance,
}

impl<'a> Drafter<'a> {
    /// Of one client, for one project.
    pub fn new(blocks: &'a Blocks, busy: &'a HashSet<Id>, chance: &'a mut Chance) -> Self {
        Self { blocks, busy, chance }
    }

    /// One to three ops, each on a block of its own.
    pub fn draft(&mut self) -> Draft {
        let mut draft = Draft { ops: Vec::new(), on_conflict: self.on_conflict(), blocks: Vec::new() };
        let count = if self.chance.one_in(8) { 2 + self.chance.below(2) } else { 1 };
        for _ in 0..count {
            let (block, op) = self.op(&draft.blocks);
            draft.blocks.push(block);
            draft.ops.push(op);
        }
        draft
    }

    /// A change of one block that carries these words, so that they can be found on their way.
    pub fn marked(&mut self, words: &str) -> Draft {
        let content = json!({"text": "", "mark": words});
        let (block, op) = match self.block(&[]) {
            Some(block) => (
                block.id,
                json!({"op": "update", "block": block.id, "baseVersion": block.version, "patch": {"mark": words}}),
            ),
            None => self.insert("text", content),
        };
        Draft { ops: vec![op], on_conflict: Some("overwrite"), blocks: vec![block] }
    }

    fn on_conflict(&mut self) -> Option<&'static str> {
        *self.chance.pick(&[None, None, Some("merge"), Some("merge"), Some("overwrite"), Some("reject")])?
    }

    fn op(&mut self, taken: &[Id]) -> (Id, Value) {
        if self.folders().count() < FOLDERS {
            return self.insert("folder", json!({"title": "folder"}));
        }
        let Some(block) = self.block(taken).filter(|_| self.blocks.len() > BLOCKS / 4) else {
            return self.insert_text();
        };
        let grown = self.blocks.len() >= BLOCKS;
        let op = match self.chance.below(100) {
            0..40 => self.update(block),
            40..75 => self.text(block),
            75..85 => self.change_place(block),
            85..92 if grown => json!({"op": "delete", "block": block.id, "baseVersion": self.base(block)}),
            92.. if !grown => return self.insert_text(),
            _ => self.update(block),
        };
        (block.id, op)
    }

    fn insert_text(&mut self) -> (Id, Value) {
        let text = self.words();
        self.insert("text", json!({"text": text, "n": 0}))
    }

    fn insert(&mut self, kind: &str, content: Value) -> (Id, Value) {
        let id = self.chance.uuid().to_string();
        let (parent, after) = if kind == "folder" { (None, None) } else { self.place(None) };
        let op =
            json!({"op": "insert", "block": id, "kind": kind, "parent": parent, "after": after, "content": content});
        // Proven: it was made from a UUID.
        (id.parse().unwrap_or_default(), op)
    }

    fn update(&mut self, block: &Block) -> Value {
        let patch = match self.chance.below(10) {
            0 => json!({"text": self.words()}),
            1 => json!({"color": null, "style": {"bold": self.chance.one_in(2)}}),
            2..5 => json!({"color": self.words()}),
            _ => json!({"n": self.chance.below(1_000_000)}),
        };
        json!({"op": "update", "block": block.id, "baseVersion": self.base(block), "patch": patch})
    }

    fn text(&mut self, block: &Block) -> Value {
        let base = self.base(block);
        let text = block.content.get("text").and_then(Value::as_str).unwrap_or_default();
        // What the text was at an old base is forgotten; its beginning was there.
        let changes = if base == block.version {
            self.changes(text)
        } else {
            json!([{"at": 0, "delete": 0, "insert": self.words()}])
        };
        json!({"op": "text", "block": block.id, "baseVersion": base, "path": "/text", "changes": changes})
    }

    /// One or two spans, at borders of characters, counted in UTF-16 code units.
    fn changes(&mut self, text: &str) -> Value {
        let mut borders = vec![0];
        for char in text.chars() {
            borders.push(borders[borders.len() - 1] + char.len_utf16());
        }
        let long = borders.len() > TEXT_CHARS;
        let span = |chance: &mut Chance, from: usize| {
            let begin = from + chance.below(borders.len() - from);
            let most = if long { borders.len() - begin } else { 4.min(borders.len() - begin) };
            let end = begin + chance.below(most);
            (begin, end)
        };
        let (begin, end) = span(self.chance, 0);
        let insert = if long { String::new() } else { self.words() };
        let mut changes =
            vec![json!({"at": borders[begin], "delete": borders[end] - borders[begin], "insert": insert})];
        // The second begins behind the first.
        if self.chance.one_in(4) && end + 1 < borders.len() {
            let (begin, end) = span(self.chance, end + 1);
            changes
                .push(json!({"at": borders[begin], "delete": borders[end] - borders[begin], "insert": self.words()}));
        }
        Value::Array(changes)
    }

    fn change_place(&mut self, block: &Block) -> Value {
        let (parent, after) = self.place(Some(block.id));
        json!({"op": "move", "block": block.id, "baseVersion": self.base(block), "parent": parent, "after": after})
    }

    /// A parent and a sibling, or neither.
    fn place(&mut self, moved: Option<Id>) -> (Option<Id>, Option<Id>) {
        let folders: Vec<Id> = self.folders().map(|folder| folder.id).collect();
        let parent = if self.chance.one_in(4) { None } else { self.chance.pick(&folders).copied() };
        let siblings: Vec<Id> = self
            .blocks
            .iter()
            .filter(|block| block.parent == parent && Some(block.id) != moved)
            .map(|block| block.id)
            .collect();
        let after = if self.chance.one_in(4) { None } else { self.chance.pick(&siblings).copied() };
        (parent, after)
    }

    /// The version that the client saw, and now and then an older one.
    fn base(&mut self, block: &Block) -> u64 {
        let back = if self.chance.one_in(8) { self.chance.below(4) as u64 } else { 0 };
        block.version.saturating_sub(back).max(1)
    }

    /// A block that may be touched now.
    fn block(&mut self, taken: &[Id]) -> Option<&'a Block> {
        let free: Vec<&'a Block> = self
            .blocks
            .iter()
            .filter(|block| block.kind != "folder" && !self.busy.contains(&block.id) && !taken.contains(&block.id))
            .collect();
        self.chance.pick(&free).copied()
    }

    fn folders(&self) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(|block| block.kind == "folder")
    }

    fn words(&mut self) -> String {
        (0..=self.chance.below(3)).filter_map(|_| self.chance.pick(&WORDS).copied()).collect()
    }
}
