//! A project with its whole log in memory, edited as a room would: what deciding lacks is fetched from the log.

use std::collections::HashMap;
use std::sync::Arc;

use blockhub::domain::block::{Block, Content, Grave, Project};
use blockhub::domain::decide::{Conflict, Decision, EditLimits, Verdict, decide};
use blockhub::domain::edit::{BaseEpoch, Edit, OnConflict, Op};
use blockhub::domain::event::{Actor, ActorKind, Change, Event};
use blockhub::domain::ids::{BlockId, EditId, GroupId, RequestId, UserId};
use blockhub::domain::merge::Pointer;
use blockhub::domain::past::{Need, Past, PastLimits};
use blockhub::domain::sequence::{Epoch, Seq, Timestamp, Version};
use blockhub::domain::text::TextChange;
use serde_json::Value;
use uuid::Uuid;

pub const EPOCH: Epoch = Epoch { log: 7, timeline: 1 };
pub const LIMITS: EditLimits = EditLimits { block_bytes_max: 2_000, text_window_max: 100 };

/// A project, its past and its log.
pub struct World {
    pub project: Project,
    pub past: Past,
    pub log: Vec<Arc<Event>>,
    pub limits: EditLimits,
    /// Events up to this seq were dropped from the log.
    pub dropped: Seq,
    edits: u128,
}

impl World {
    /// An empty project whose room remembers much.
    pub fn new() -> Self {
        Self::remembering(PastLimits::default())
    }

    /// An empty project whose room remembers as much as this.
    pub fn remembering(limits: PastLimits) -> Self {
        Self {
            project: Project::default(),
            past: Past::new(limits),
            log: Vec::new(),
            limits: LIMITS,
            dropped: Seq(0),
            edits: 0,
        }
    }

    /// A room that has just opened: nothing is remembered.
    pub fn reopen(&mut self) {
        self.past.forget_all();
    }

    /// An edit with a name of its own, by way of merging.
    pub fn edit(&mut self, ops: Vec<Op>) -> Edit {
        self.edits += 1;
        Edit {
            id: EditId(Uuid::from_u128(self.edits)),
            group: None,
            epoch: BaseEpoch::Current,
            on_conflict: OnConflict::Merge,
            ops,
            ignoring: Vec::new(),
        }
    }

    /// Decides, fetching what is lacking.
    pub fn decide(&mut self, author: &str, edit: &Edit) -> Verdict {
        for _ in 0..50 {
            match decide(&self.project, &mut self.past, EPOCH, &UserId::from(author), edit, &self.limits) {
                Verdict::Needs(needs) => needs.iter().for_each(|need| self.fetch(need)),
                verdict => {
                    self.past.forget_learned();
                    return verdict;
                }
            }
        }
        panic!("deciding never has enough");
    }

    fn fetch(&mut self, need: &Need) {
        match need {
            Need::Versions { block, after } => {
                let kept = self.log.iter().filter(|event| event.seq > self.dropped);
                let events = kept.filter(|event| event.version_of(*block).is_some_and(|version| version > *after));
                self.past.learn_versions(*block, *after, events.cloned().collect());
            }
            Need::Grave { block } => self.past.learn_grave(*block, self.grave(*block)),
        }
    }

    fn grave(&self, id: BlockId) -> Option<Grave> {
        let deleted = |change: &Change| match change {
            Change::Delete { blocks } => blocks.iter().find(|block| block.id == id).cloned(),
            _ => None,
        };
        let block = self.log.iter().rev().find_map(|event| event.changes.iter().rev().find_map(deleted))?;
        Some(Grave { version: block.version.next(), place: block.place })
    }

    /// Decides and, if it applies, commits. As the database does, it refuses an insert whose id is taken; that is then
    /// learned, and decided again.
    pub fn submit(&mut self, author: &str, edit: &Edit) -> Verdict {
        let verdict = self.decide(author, edit);
        let Verdict::Apply(decision) = &verdict else { return verdict };
        let taken: Vec<BlockId> = decision.changes.iter().filter_map(|change| self.taken_by(change)).collect();
        if taken.is_empty() {
            self.commit(author, edit.id, edit.group, decision.clone());
            return verdict;
        }
        taken.iter().for_each(|id| self.past.learn_grave(*id, self.grave(*id)));
        self.decide(author, edit)
    }

    fn taken_by(&self, change: &Change) -> Option<BlockId> {
        match change {
            Change::Insert { block } if block.version == Version(1) && self.was_there(block.id) => Some(block.id),
            _ => None,
        }
    }

    fn commit(&mut self, author: &str, edit: EditId, group: Option<GroupId>, decision: Decision) {
        let event = Arc::new(Event {
            seq: self.project.seq.next(),
            edit,
            request: RequestId(Uuid::nil()),
            group,
            actor: Arc::new(Actor { id: UserId::from(author), name: None, kind: ActorKind::Human }),
            at: Timestamp(0),
            merged: decision.merged,
            overwrote: decision.overwrote,
            changes: decision.changes,
        });
        for (id, version) in self.project.apply(&event).unwrap() {
            let last = self.log.iter().rev().find_map(|event| event.version_of(id)).unwrap_or_default();
            assert_eq!(version, last.next(), "a version rises by one with each edit");
        }
        self.past.append(event.clone());
        self.log.push(event);
    }

    /// Submits ops that must apply.
    pub fn applies(&mut self, author: &str, ops: Vec<Op>) -> Decision {
        let edit = self.edit(ops);
        match self.submit(author, &edit) {
            Verdict::Apply(decision) => decision,
            other => panic!("{other:?}"),
        }
    }

    /// Submits ops that must conflict.
    pub fn conflicts(&mut self, author: &str, ops: Vec<Op>) -> Vec<Conflict> {
        let edit = self.edit(ops);
        conflicts_of(self.submit(author, &edit))
    }

    /// Submits ops of which one must be invalid; which.
    pub fn is_invalid(&mut self, author: &str, ops: Vec<Op>) -> usize {
        let edit = self.edit(ops);
        match self.submit(author, &edit) {
            Verdict::Invalid { op, .. } => op,
            other => panic!("{other:?}"),
        }
    }

    /// Whether a block of this id ever lived.
    pub fn was_there(&self, id: BlockId) -> bool {
        self.log.iter().any(|event| event.version_of(id).is_some())
    }

    /// A block's content.
    pub fn content(&self, id: BlockId) -> Value {
        Value::Object(self.project.get(id).unwrap().content.clone())
    }

    /// A block's version.
    pub fn version(&self, id: BlockId) -> u64 {
        self.project.get(id).unwrap().version.0
    }

    /// The order of the blocks under a parent.
    pub fn order(&self, parent: Option<BlockId>) -> Vec<BlockId> {
        self.project.children(parent).map(|(_, id)| id).collect()
    }

    /// All blocks without their versions, in order.
    pub fn shape(&self) -> Vec<Block> {
        shape(&self.project)
    }
}

/// All blocks of a project without their versions, in order.
pub fn shape(project: &Project) -> Vec<Block> {
    project.in_order().into_iter().map(|block| Block { version: Version(0), ..Block::clone(block) }).collect()
}

/// All blocks of a project, by name.
pub fn blocks(project: &Project) -> HashMap<BlockId, Block> {
    project.in_order().into_iter().map(|block| (block.id, Block::clone(block))).collect()
}

pub fn conflicts_of(verdict: Verdict) -> Vec<Conflict> {
    match verdict {
        Verdict::Conflict(conflicts) => conflicts,
        other => panic!("{other:?}"),
    }
}

pub fn id(number: u128) -> BlockId {
    BlockId(Uuid::from_u128(number + 1_000))
}

pub fn object(value: Value) -> Content {
    match value {
        Value::Object(object) => object,
        _ => panic!("no object"),
    }
}

pub fn path(text: &str) -> Pointer {
    text.parse().unwrap()
}

pub fn insert(block: BlockId, parent: Option<BlockId>, after: Option<BlockId>, content: Value) -> Op {
    Op::Insert { block, kind: "text".into(), parent, after, content: object(content) }
}

pub fn update(block: BlockId, base: u64, patch: Value) -> Op {
    Op::Update { block, base: Version(base), patch: object(patch) }
}

pub fn relocate(block: BlockId, base: u64, parent: Option<BlockId>, after: Option<BlockId>) -> Op {
    Op::Move { block, base: Version(base), parent, after }
}

pub fn delete(block: BlockId, base: u64) -> Op {
    Op::Delete { block, base: Version(base) }
}

pub fn text(block: BlockId, base: u64, changes: &[(usize, usize, &str)]) -> Op {
    let change = |(at, delete, insert): &(usize, usize, &str)| TextChange {
        at: *at,
        delete: *delete,
        insert: (*insert).to_owned(),
    };
    Op::Text { block, base: Version(base), path: path("/text"), changes: changes.iter().map(change).collect() }
}
