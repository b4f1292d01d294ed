//! Random edits that make sense: few blocks, few keys, bases that are current or a little behind.

use blockhub::domain::edit::{Edit, OnConflict, Op};
use blockhub::domain::ids::BlockId;
use blockhub::domain::text::TextChange;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::*;

/// An edit as dice; what they mean depends on the project that they fall on.
#[derive(Clone, Debug)]
pub struct Draw {
    author: bool,
    mode: u8,
    behind: u64,
    ops: Vec<[u16; 6]>,
}

impl Draw {
    /// Who edits.
    pub fn author(&self) -> &'static str {
        if self.author { "ann" } else { "bob" }
    }

    /// The same with bases that are the current versions.
    pub fn with_current_bases(&self) -> Self {
        Self { behind: 0, mode: 0, ..self.clone() }
    }
}

/// Dice.
pub fn draw() -> impl Strategy<Value = Draw> {
    let ops = prop::collection::vec(any::<[u16; 6]>(), 1..5);
    (any::<bool>(), 0..4_u8, 0..4_u64, ops).prop_map(|(author, mode, behind, ops)| Draw { author, mode, behind, ops })
}

/// The edit that the dice mean on this world.
pub fn edit_of(world: &mut World, draw: &Draw) -> Edit {
    let ops = draw.ops.iter().map(|dice| op_of(world, dice, draw.behind)).collect();
    let mut edit = world.edit(ops);
    edit.on_conflict = match draw.mode {
        0 | 1 => OnConflict::Merge,
        2 => OnConflict::Overwrite,
        _ => OnConflict::Reject,
    };
    edit
}

fn block_of(die: u16) -> BlockId {
    id(u128::from(die % 9))
}

fn some_block(die: u16) -> Option<BlockId> {
    (die % 10 > 2).then(|| block_of(die / 10))
}

/// A block that is under `parent` now, mostly.
fn sibling(world: &World, parent: Option<BlockId>, die: u16) -> Option<BlockId> {
    let siblings = world.order(parent);
    match usize::from(die) % (siblings.len() + 2) {
        0 => None,
        1 => some_block(die / 7),
        index => Some(siblings[index - 2]),
    }
}

fn op_of(world: &World, dice: &[u16; 6], behind: u64) -> Op {
    let block = block_of(dice[1]);
    let held = world.project.get(block);
    let base = held.map_or(0, |block| block.version.0.saturating_sub(behind).max(1));
    let parent = some_block(dice[2]);
    match dice[0] % 12 {
        0..3 => insert(block, parent, sibling(world, parent, dice[3]), patch(dice[4])),
        _ if held.is_none() => insert(block, parent, sibling(world, parent, dice[3]), patch(dice[4])),
        3..5 => update(block, base, patch(dice[4])),
        5..8 => relocate(block, base, parent, sibling(world, parent, dice[3])),
        8..11 => {
            let len = held.and_then(|block| block.content.get("text")?.as_str()).map_or(0, str::len);
            Op::Text { block, base: base.into_version(), path: path("/text"), changes: spans(len, dice) }
        }
        _ => delete(block, base),
    }
}

trait IntoVersion {
    fn into_version(self) -> blockhub::domain::sequence::Version;
}

impl IntoVersion for u64 {
    fn into_version(self) -> blockhub::domain::sequence::Version {
        blockhub::domain::sequence::Version(self)
    }
}

/// One or two spans of a string of about this length.
fn spans(len: usize, dice: &[u16; 6]) -> Vec<TextChange> {
    let at = usize::from(dice[3]) % (len + 1);
    let delete = usize::from(dice[4] % 4).min(len - at);
    let first = TextChange { at, delete, insert: "abc"[..usize::from(dice[5] % 4)].to_owned() };
    let second = TextChange { at: at + delete + 1, delete: 0, insert: "Z".to_owned() };
    let two = dice[5] % 5 == 1 && second.at <= len;
    if two { vec![first, second] } else { vec![first] }
}

fn patch(die: u16) -> Value {
    let words = ["one", "two", "three"];
    match die % 10 {
        0..3 => json!({ "text": words[usize::from(die) / 10 % 3] }),
        3 => json!({"a": {"b": die / 10 % 3}, "text": "four"}),
        4 => json!({"a": {"c": die / 10 % 3}}),
        5 => json!({"a": {"b": null}}),
        6 => json!({"a": null}),
        7 => json!({"a": {}}),
        8 => json!({"text": null, "d": [die]}),
        _ => json!({"d": die / 10 % 3}),
    }
}
