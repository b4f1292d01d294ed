//! Folds events, as the wire shows them, into blocks: what a client's copy is, and what the database should hold.
//!
//! Promises: follows the contract's words alone ([ED5], [ED11], [ED13]); shares no code with the hub, whose mistakes it
//! would share, too.
//! Must never: repair an event that does not fit.

use std::collections::HashMap;
use std::hash::Hasher;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::digest::{BuildDigest, Digest, take_members, take_text};
use crate::history::Touched;
use crate::id::Id;

/// An event does not fit the blocks, or either is not what the contract says: the words are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not fit: {0}")]
pub struct Misfit(pub &'static str);

/// A block as the wire shows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Block {
    /// Its name.
    pub id: Id,
    /// The application's word for what it is.
    pub kind: String,
    /// Under which block; none is the top.
    pub parent: Option<Id>,
    /// Its order key among the siblings.
    pub position: String,
    /// What it holds.
    pub content: Map<String, Value>,
    /// How often it was touched.
    pub version: u64,
}

impl Block {
    fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        digest.write_u128(self.id.0);
        digest.write_u64(self.version);
        digest.write_u128(self.parent.map_or(0, |parent| parent.0));
        take_text(&mut digest, &self.kind);
        take_text(&mut digest, &self.position);
        take_members(&mut digest, &self.content);
        digest.finish()
    }
}

/// The living blocks of one project.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    blocks: HashMap<Id, Block, BuildDigest>,
    digest: u64,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Op {
    Insert { block: Block },
    Update { block: Id, version: u64, patch: Map<String, Value> },
    Text { block: Id, version: u64, path: String, changes: Vec<Change> },
    Move { block: Id, version: u64, parent: Option<Id>, position: String },
    Delete { blocks: Vec<Id> },
}

/// A span of a string, in UTF-16 code units, and what stands there instead.
#[derive(Deserialize)]
struct Change {
    at: usize,
    delete: usize,
    insert: String,
}

impl Blocks {
    /// The blocks of a snapshot.
    ///
    /// Errors: one is no block, or two have one id.
    pub fn of(blocks: &[Value]) -> Result<Self, Misfit> {
        let mut all = Self::default();
        all.take_in(blocks)?;
        Ok(all)
    }

    /// The next part of a snapshot.
    ///
    /// Errors: as `of`.
    pub fn take_in(&mut self, blocks: &[Value]) -> Result<(), Misfit> {
        blocks.iter().try_for_each(|block| {
            self.insert(Block::deserialize(block).map_err(|_| Misfit("what a snapshot holds is no block"))?)
        })
    }

    /// Applies the event that comes next; answers which blocks it touched, each once, with its version now.
    ///
    /// Errors: it does not fit; the blocks are then good for nothing any more.
    pub fn apply(&mut self, event: &Value) -> Result<Vec<Touched>, Misfit> {
        let ops = event["ops"].as_array().ok_or(Misfit("the event has no ops"))?;
        let mut touched = Vec::with_capacity(ops.len());
        for op in ops {
            let op = Op::deserialize(op).map_err(|_| Misfit("the op is none of the contract's"))?;
            self.apply_op(op, &mut touched)?;
        }
        Ok(touched)
    }

    /// The digest of all blocks; 0 if there are none.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The living block of this name.
    pub fn get(&self, id: Id) -> Option<&Block> {
        self.blocks.get(&id)
    }

    /// All blocks, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values()
    }

    /// How many blocks live.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether no block lives.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    fn apply_op(&mut self, op: Op, touched: &mut Vec<Touched>) -> Result<(), Misfit> {
        match op {
            Op::Insert { block } => {
                touch(touched, block.id, block.version);
                self.insert(block)
            }
            Op::Update { block, version, patch } => self.change(block, version, touched, |block| {
                merge(&mut block.content, patch);
                Ok(())
            }),
            Op::Text { block, version, path, changes } => {
                self.change(block, version, touched, |block| rewrite(block, &path, &changes))
            }
            Op::Move { block, version, parent, position } => self.change(block, version, touched, |block| {
                (block.parent, block.position) = (parent, position);
                Ok(())
            }),
            Op::Delete { blocks } => blocks.into_iter().try_for_each(|id| self.delete(id, touched)),
        }
    }

    fn insert(&mut self, block: Block) -> Result<(), Misfit> {
        self.digest = self.digest.wrapping_add(block.digest());
        match self.blocks.insert(block.id, block) {
            None => Ok(()),
            Some(_) => Err(Misfit("a block came to be that lived already")),
        }
    }

    fn delete(&mut self, id: Id, touched: &mut Vec<Touched>) -> Result<(), Misfit> {
        let block = self.blocks.remove(&id).ok_or(Misfit("a block was deleted that did not live"))?;
        self.digest = self.digest.wrapping_sub(block.digest());
        touch(touched, id, block.version + 1);
        Ok(())
    }

    fn change(
        &mut self,
        id: Id,
        version: u64,
        touched: &mut Vec<Touched>,
        change: impl FnOnce(&mut Block) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        let block = self.blocks.get_mut(&id).ok_or(Misfit("a block was changed that did not live"))?;
        let before = block.digest();
        change(block)?;
        block.version = version;
        self.digest = self.digest.wrapping_sub(before).wrapping_add(block.digest());
        touch(touched, id, version);
        Ok(())
    }
}

/// One event gives a block one version, whatever it does to it.
fn touch(touched: &mut Vec<Touched>, id: Id, version: u64) {
    if touched.iter().all(|Touched(other, _)| *other != id) {
        touched.push(Touched(id, version));
    }
}

/// RFC 7396.
fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(&key);
            }
            Value::Object(inner) => {
                let below = target.entry(key).or_insert(Value::Null);
                if !below.is_object() {
                    *below = Value::Object(Map::new());
                }
                if let Value::Object(below) = below {
                    merge(below, inner);
                }
            }
            value => {
                target.insert(key, value);
            }
        }
    }
}

fn rewrite(block: &mut Block, path: &str, changes: &[Change]) -> Result<(), Misfit> {
    let mut keys = path.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"));
    let first = keys.next().ok_or(Misfit("a text's path is empty"))?;
    let start = block.content.get_mut(&first);
    let found = keys.fold(start, |value, key| value.and_then(|value| value.as_object_mut()?.get_mut(&key)));
    match found {
        Some(Value::String(text)) => *text = splice(text, changes)?,
        _ => return Err(Misfit("there is no text where one was changed")),
    }
    Ok(())
}

fn splice(text: &str, changes: &[Change]) -> Result<String, Misfit> {
    let before: Vec<u16> = text.encode_utf16().collect();
    let mut after = Vec::with_capacity(before.len());
    let mut taken = 0;
    for change in changes {
        let kept = before.get(taken..change.at).ok_or(Misfit("a text's changes overlap or leave the text"))?;
        after.extend_from_slice(kept);
        after.extend(change.insert.encode_utf16());
        taken = change.at + change.delete;
    }
    after.extend_from_slice(before.get(taken..).ok_or(Misfit("a text's change ends behind the text"))?);
    String::from_utf16(&after).map_err(|_| Misfit("a text's change cuts a character in two"))
}
