//! What is wrong with an edit whatever the project holds (ED11, and the words of the contract).
//!
//! Promises: names the first op that is wrong.
//! Must never: look at a block.

use std::collections::{HashMap, HashSet};

use crate::domain::block::{self, Content};
use crate::domain::edit::{Edit, Op};
use crate::domain::ids::BlockId;
use crate::domain::merge::{self, Pointer};

/// An op that breaks a rule.
pub(super) struct Fault {
    pub(super) op: usize,
    /// For people.
    pub(super) message: String,
}

/// Looks at all ops.
pub(super) fn check(edit: &Edit) -> Result<(), Fault> {
    let mut seen = Seen::default();
    for (op, step) in edit.ops.iter().enumerate() {
        seen.look_at(step).map_err(|message| Fault { op, message: message.to_owned() })?;
    }
    Ok(())
}

/// What earlier ops of the edit did.
#[derive(Default)]
struct Seen<'a> {
    deleted: HashSet<BlockId>,
    texts: HashMap<BlockId, Vec<&'a Pointer>>,
    patches: HashMap<BlockId, Vec<&'a Content>>,
}

impl<'a> Seen<'a> {
    fn look_at(&mut self, op: &'a Op) -> Result<(), &'static str> {
        if self.deleted.contains(&op.block()) && op.born().is_none() {
            return Err("the block was deleted earlier in the same edit");
        }
        match op {
            Op::Insert { kind, .. } if !block::is_kind(kind) => Err("a kind has 1 to 64 characters"),
            Op::Insert { content, .. } if merge::hides_null(content) => Err("an array may not hold a null"),
            Op::Update { patch, .. } if merge::hides_null(patch) => Err("an array may not hold a null"),
            Op::Update { block, patch, .. } => self.look_at_update(*block, patch),
            Op::Text { block, path, .. } => self.look_at_text(*block, path),
            Op::Delete { block, .. } | Op::Uninsert { block, .. } => {
                self.deleted.insert(*block);
                Ok(())
            }
            Op::Revive { block, .. } => {
                self.deleted.remove(&block.id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn look_at_update(&mut self, block: BlockId, patch: &'a Content) -> Result<(), &'static str> {
        if self.texts.get(&block).is_some_and(|texts| texts.iter().any(|path| stands_in_the_way(patch, path))) {
            return Err("the same edit changes a text that this update replaces");
        }
        self.patches.entry(block).or_default().push(patch);
        Ok(())
    }

    fn look_at_text(&mut self, block: BlockId, path: &'a Pointer) -> Result<(), &'static str> {
        let texts = self.texts.entry(block).or_default();
        if texts.contains(&path) {
            return Err("the same edit changes this text already");
        }
        texts.push(path);
        match self.patches.get(&block) {
            Some(patches) if patches.iter().any(|patch| stands_in_the_way(patch, path)) => {
                Err("the same edit replaces this text by an update")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a patch has a leaf at, above or below a text's path; an empty object is a leaf too.
fn stands_in_the_way(patch: &Content, path: &Pointer) -> bool {
    merge::leaf_paths(patch).iter().any(|leaf| leaf.overlaps(path))
}
