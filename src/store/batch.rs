//! A batch of commits as lines of the tables they go to.
//!
//! Promises: lines stand in the batch's order; everything of a commit carries its index, `n`.
//! Must never: check anything; that is the database's.

use std::collections::HashMap;

use uuid::Uuid;

use super::{BlockState, BlockWrite, Commit, NewProject, StoreError, record};
use crate::domain::block::Place;
use crate::domain::event::{Change, Event};
use crate::domain::ids::BlockId;
use crate::domain::sequence::{Epoch, Seq, Version};

/// What a commit does to its project.
#[derive(Debug)]
pub(super) struct ProjectLine {
    pub(super) n: i32,
    pub(super) project: Uuid,
    pub(super) log: i64,
    pub(super) timeline: i32,
    /// The `tree_seq` it was decided on, if that matters.
    pub(super) tree_found: Option<i64>,
    /// The head it leaves behind.
    pub(super) seq: i64,
    /// The last structural event's seq, if there is one.
    pub(super) tree_left: Option<i64>,
    pub(super) at: i64,
}

/// A touched block.
#[derive(Debug)]
pub(super) struct BlockLine {
    pub(super) n: i32,
    pub(super) project: Uuid,
    pub(super) id: Uuid,
    pub(super) found: i64,
    pub(super) version: i64,
    pub(super) deleted: bool,
    pub(super) parent: Option<Uuid>,
    pub(super) position: String,
    pub(super) kind: String,
    pub(super) content: String,
}

/// An event.
#[derive(Debug)]
pub(super) struct EventLine {
    pub(super) n: i32,
    pub(super) project: Uuid,
    pub(super) seq: i64,
    pub(super) edit: Uuid,
    pub(super) group: Option<Uuid>,
    pub(super) user: String,
    pub(super) at: i64,
    pub(super) answer: String,
    pub(super) body: String,
}

/// A version that an event made.
#[derive(Debug)]
pub(super) struct VersionLine {
    pub(super) n: i32,
    pub(super) project: Uuid,
    pub(super) block: Uuid,
    pub(super) version: i64,
    pub(super) seq: i64,
    /// The version that a text change leans on, if others came between.
    pub(super) reach: Option<i64>,
}

/// The lines of a batch.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) projects: Vec<ProjectLine>,
    pub(super) blocks: Vec<BlockLine>,
    pub(super) events: Vec<EventLine>,
    pub(super) versions: Vec<VersionLine>,
}

impl Lines {
    /// The lines of a whole batch, numbered as if each project's head were 0.
    pub(super) fn of(batch: &[Commit]) -> Result<Self, StoreError> {
        let mut lines = Self::default();
        for (n, commit) in batch.iter().enumerate() {
            lines.add(n, commit, Seq(0))?;
        }
        Ok(lines)
    }

    /// Adds the lines of one commit, its events numbered after `head`.
    pub(super) fn add(&mut self, n: usize, commit: &Commit, head: Seq) -> Result<(), StoreError> {
        let n = i32::try_from(n).map_err(|_| StoreError::Broken("the batch is too long".into()))?;
        self.projects.push(project_line(n, commit, head));
        for write in &commit.blocks {
            self.blocks.push(block_line(n, commit, write)?);
        }
        for (event, seq) in commit.events.iter().zip(head.0 + 1..) {
            self.add_event(n, commit.project.0, event, seq.cast_signed())?;
        }
        Ok(())
    }

    fn add_event(&mut self, n: i32, project: Uuid, event: &Event, seq: i64) -> Result<(), StoreError> {
        let touched = record::touched(event);
        let reaches = reaches(event);
        self.versions.extend(touched.iter().map(|&(block, version)| VersionLine {
            n,
            project,
            block: block.0,
            version: version.0.cast_signed(),
            seq,
            reach: reaches.get(&block).filter(|reach| reach.next() < version).map(|reach| reach.0.cast_signed()),
        }));
        self.events.push(EventLine {
            n,
            project,
            seq,
            edit: event.edit.0,
            group: event.group.map(|group| group.0),
            user: event.actor.id.as_str().to_owned(),
            at: event.at.0,
            answer: record::answer(event, touched)?,
            body: record::event_body(event)?,
        });
        Ok(())
    }
}

/// The commit that writes a new project's first event.
pub(super) fn first_commit(project: &NewProject, epoch: Epoch) -> Option<Commit> {
    let event = project.first.as_ref()?;
    let blocks = event.changes.iter().filter_map(|change| match change {
        Change::Insert { block } => {
            let left = BlockState::Lives(block.clone().into());
            Some(BlockWrite { id: block.id, found: Version(0), left })
        }
        _ => None,
    });
    Some(Commit {
        project: project.id,
        epoch,
        tree_seq: Some(Seq(0)),
        blocks: blocks.collect(),
        events: vec![event.clone().into()],
    })
}

fn project_line(n: i32, commit: &Commit, head: Seq) -> ProjectLine {
    let places = || commit.events.iter().zip(head.0.cast_signed() + 1..);
    ProjectLine {
        n,
        project: commit.project.0,
        log: commit.epoch.log.cast_signed(),
        timeline: commit.epoch.timeline.cast_signed(),
        tree_found: commit.tree_seq.map(|seq| seq.0.cast_signed()),
        seq: places().last().map_or(head.0.cast_signed(), |(_, seq)| seq),
        tree_left: places().filter(|(event, _)| event.is_structural()).last().map(|(_, seq)| seq),
        at: commit.events.iter().map(|event| event.at.0).max().unwrap_or(0),
    }
}

fn block_line(n: i32, commit: &Commit, write: &BlockWrite) -> Result<BlockLine, StoreError> {
    let line = |version: Version, place: &Place, deleted, kind: &str, content| BlockLine {
        n,
        project: commit.project.0,
        id: write.id.0,
        found: write.found.0.cast_signed(),
        version: version.0.cast_signed(),
        deleted,
        parent: place.parent.map(|parent| parent.0),
        position: place.position.0.to_string(),
        kind: kind.to_owned(),
        content,
    };
    Ok(match &write.left {
        BlockState::Lives(block) => {
            line(block.version, &block.place, false, &block.kind, record::content(&block.content)?)
        }
        BlockState::Dead(grave) => line(grave.version, &grave.place, true, "", String::new()),
    })
}

/// For each block whose text an event changes, the lowest version that it leans on.
fn reaches(event: &Event) -> HashMap<BlockId, Version> {
    let mut reaches = HashMap::new();
    for change in &event.changes {
        if let Change::Text { block, sent, .. } = change {
            let reach = reaches.entry(*block).or_insert_with(|| sent.reach());
            *reach = sent.reach().min(*reach);
        }
    }
    reaches
}
