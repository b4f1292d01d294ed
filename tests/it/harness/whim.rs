//! Edits that somebody might make of what they see: any kind of op, by lot.
//!
//! Promises: what is asked for is well formed, and based on the versions seen. It may conflict, or be invalid on what
//! others made meanwhile.
//! Must never: touch a block that it is told to leave alone.

use serde_json::{Value, json};

use super::chance::Chance;
use super::replica::Replica;

/// More blocks than this are not made.
const BLOCKS_MAX: usize = 40;

/// What somebody wants, and the block that it is about.
pub struct Whim {
    pub block: String,
    pub op: Value,
}

/// An op on what is seen; `None` if nothing comes to mind.
pub fn op(chance: &mut Chance, seen: &Replica, busy: impl Fn(&str) -> bool) -> Option<Whim> {
    let free: Vec<_> = seen.blocks.values().filter(|block| !busy(block["id"].as_str().unwrap())).collect();
    let lot = chance.below(20);
    if free.is_empty() || (lot < 6 && seen.blocks.len() < BLOCKS_MAX) {
        return (seen.blocks.len() < BLOCKS_MAX).then(|| insert(chance, seen));
    }
    let block = *chance.one_of(&free);
    let id = block["id"].as_str().unwrap().to_owned();
    let mut op = match lot {
        0..10 => text(chance, block).unwrap_or_else(|| update(chance)),
        10..16 => update(chance),
        16..19 => relocate(chance, seen, &id),
        _ => json!({ "op": "delete" }),
    };
    op["block"] = json!(id);
    op["baseVersion"] = block["version"].clone();
    Some(Whim { block: id, op })
}

fn insert(chance: &mut Chance, seen: &Replica) -> Whim {
    let block = chance.uuid();
    let (parent, after) = place(chance, seen);
    let op = json!({ "op": "insert", "block": block, "kind": "text", "parent": parent, "after": after,
                     "content": { "text": word(chance), "by": chance.below(9) } });
    Whim { block, op }
}

/// Under the top, or under any block; first, or behind any that is there.
fn place(chance: &mut Chance, seen: &Replica) -> (Value, Value) {
    let ids: Vec<_> = seen.blocks.keys().collect();
    let at_top = ids.is_empty() || chance.once_in(2);
    let parent = if at_top { Value::Null } else { json!(chance.one_of(&ids)) };
    let siblings = seen.under(&parent);
    let first = siblings.is_empty() || chance.once_in(3);
    let after = if first { Value::Null } else { json!(chance.one_of(&siblings)) };
    (parent, after)
}

fn relocate(chance: &mut Chance, seen: &Replica, block: &str) -> Value {
    let (parent, after) = place(chance, seen);
    let after = if after == block { Value::Null } else { after };
    json!({ "op": "move", "parent": parent, "after": after })
}

fn update(chance: &mut Chance) -> Value {
    let patch = match chance.below(8) {
        0 => json!({ "text": word(chance) }),
        1 => json!({ "style": null }),
        2 | 3 => json!({ "style": { "color": chance.below(5) } }),
        4 | 5 => json!({ "style": { "size": chance.below(5) }, "list": [chance.below(3)] }),
        _ => json!({ "note": word(chance) }),
    };
    json!({ "op": "update", "patch": patch })
}

/// One span of the block's text, which is ASCII.
fn text(chance: &mut Chance, block: &Value) -> Option<Value> {
    let len = block["content"]["text"].as_str()?.len();
    let at = chance.index(len + 1);
    let delete = chance.index(6).min(len - at);
    let change = json!({ "at": at, "delete": delete, "insert": word(chance) });
    Some(json!({ "op": "text", "path": "/text", "changes": [change] }))
}

fn word(chance: &mut Chance) -> String {
    (*chance.one_of(&["", "a", "be", "sea", "deep", "quiet", " "])).to_owned()
}
