//! Walks through an edit's ops and gathers what comes of them.
//!
//! Promises: every op that conflicts is found (ED6), and everything that is lacking is asked for at once.
//! Must never: call an op invalid only because one before it failed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::draft::Draft;
use super::text::Undone;
use super::{Conflict, Decision, EditLimits, Verdict};
use crate::domain::block::{Block, Project};
use crate::domain::edit::{BaseEpoch, Edit, Op};
use crate::domain::event::Misfit;
use crate::domain::ids::{BlockId, UserId};
use crate::domain::past::{Need, Past, Remains};
use crate::domain::position::PositionError;
use crate::domain::sequence::{Epoch, Version};
use crate::domain::text::TextError;

/// Why an op goes no further.
pub(super) enum Halt {
    /// It breaks a rule; for people.
    Invalid(&'static str),
    /// The content would grow too large.
    TooLarge,
    /// This is not known.
    Lacks(Need),
    /// It conflicts.
    Conflicts(Box<Conflict>),
    /// It depends on an op that failed.
    Moot,
}

/// What comes of an op, or of a part of its judgement.
pub(super) type Step<T = ()> = Result<T, Halt>;

impl From<Misfit> for Halt {
    fn from(_: Misfit) -> Self {
        Self::Invalid("the change does not fit the block")
    }
}

impl From<PositionError> for Halt {
    fn from(_: PositionError) -> Self {
        Self::Invalid("there is no place between these siblings")
    }
}

impl From<TextError> for Halt {
    fn from(_: TextError) -> Self {
        Self::Invalid("the changes are not ascending spans of the text at the base version")
    }
}

/// Which log an edit's bases belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Ours,
    Another,
}

/// An edit under judgement.
pub(super) struct Judge<'a> {
    pub(super) project: &'a Project,
    pub(super) past: &'a mut Past,
    pub(super) author: &'a UserId,
    pub(super) edit: &'a Edit,
    pub(super) limits: &'a EditLimits,
    pub(super) log: Log,
    pub(super) draft: Draft<'a>,
    pub(super) merged: bool,
    pub(super) overwrote: bool,
    /// The text changes that were taken back so far.
    pub(super) undone: Vec<Undone>,
    /// Undo: the blocks as they were when the first op with this base came.
    pub(super) compared: HashMap<(BlockId, Version), Option<Arc<Block>>>,
    failed: HashSet<BlockId>,
    needs: Vec<Need>,
    conflicts: Vec<Conflict>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        project: &'a Project,
        past: &'a mut Past,
        epoch: Epoch,
        author: &'a UserId,
        edit: &'a Edit,
        limits: &'a EditLimits,
    ) -> Self {
        let log = match edit.epoch {
            BaseEpoch::Current => Log::Ours,
            BaseEpoch::Known(known) if known == epoch => Log::Ours,
            BaseEpoch::Known(_) | BaseEpoch::Foreign => Log::Another,
        };
        Self {
            project,
            past,
            author,
            edit,
            limits,
            log,
            draft: Draft::new(project),
            merged: false,
            overwrote: false,
            undone: Vec::new(),
            compared: HashMap::new(),
            failed: HashSet::new(),
            needs: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    pub(super) fn verdict(mut self) -> Verdict {
        let edit = self.edit;
        for (index, op) in edit.ops.iter().enumerate() {
            if let Err(halt) = self.take(op)
                && let Some(verdict) = self.note(index, op, halt)
            {
                return verdict;
            }
        }
        if !self.conflicts.is_empty() {
            self.ask_for_taken_ids();
        }
        if !self.needs.is_empty() {
            return Verdict::Needs(self.needs);
        }
        if !self.conflicts.is_empty() {
            return Verdict::Conflict(self.conflicts);
        }
        let (merged, overwrote) = (self.merged, self.overwrote);
        Verdict::Apply(Decision { changes: self.draft.into_changes(), merged, overwrote })
    }

    fn take(&mut self, op: &Op) -> Step {
        match op {
            Op::Insert { block, kind, parent, after, content } => {
                self.insert(op, *block, kind, *parent, *after, content)
            }
            Op::Update { block, base, patch } => self.update(op, *block, *base, patch),
            Op::Text { block, base, path, changes } => self.text(op, *block, *base, path, changes),
            Op::Move { block, base, parent, after } => self.relocate(op, *block, *base, *parent, *after),
            Op::Delete { block, base } => self.delete(op, *block, *base),
            Op::Uninsert { block, base } => self.uninsert(op, *block, *base),
            Op::Revive { block, base } => self.revive(op, block, *base),
            Op::Return { block, base, place } => self.put_back(op, *block, *base, place),
            Op::Untext { block, path, target } => self.untext(op, *block, path, *target),
        }
    }

    /// Whether an insert's id is taken, the database finds when it commits. What conflicts does not get there, and an
    /// edit that breaks a rule is invalid even if it conflicts.
    fn ask_for_taken_ids(&mut self) {
        let inserted = self.edit.ops.iter().filter(|op| matches!(op, Op::Insert { .. })).map(Op::block);
        let unknown = inserted.filter(|id| self.past.remains(*id) == Remains::Unknown);
        self.needs.extend(unknown.map(|block| Need::Grave { block }));
    }

    /// Notes why an op halts; a verdict if that settles it.
    fn note(&mut self, index: usize, op: &Op, halt: Halt) -> Option<Verdict> {
        let moot = !self.needs.is_empty() || op.named().iter().any(|id| self.failed.contains(id));
        self.failed.insert(op.block());
        match halt {
            Halt::Invalid(_) | Halt::TooLarge if moot => None,
            Halt::Invalid(message) => Some(Verdict::Invalid { op: index, message: message.to_owned() }),
            Halt::TooLarge => Some(Verdict::TooLarge { op: index }),
            Halt::Moot => None,
            Halt::Lacks(need) => {
                if !self.needs.contains(&need) {
                    self.needs.push(need);
                }
                None
            }
            Halt::Conflicts(conflict) => {
                self.conflicts.push(Conflict { op: index, ..*conflict });
                None
            }
        }
    }

    /// Whether an op on this block failed.
    pub(super) fn has_failed(&self, id: BlockId) -> bool {
        self.failed.contains(&id)
    }
}
