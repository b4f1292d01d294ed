//! What the database holds in the end: each project's log and blocks.
//!
//! Promises: finds by itself whether the log is whole, numbered without holes, and leads to the blocks.
//! Must never: need the log in order; a history may be written by several hands.

use std::collections::HashMap;

use super::names::Name;
use crate::digest::BuildDigest;
use crate::history::{Body, Touched};
use crate::id::Id;
use crate::kind::Kind;
use crate::verdict::{Verdict, Violation};

/// An event.
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) edit: Id,
    pub(super) user: Name,
    pub(super) versions: Box<[Touched]>,
    pub(super) body: Option<Body>,
}

/// The project itself.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) epoch: Name,
    pub(super) seq: u64,
    pub(super) blocks: u64,
}

/// One project.
#[derive(Default)]
pub(super) struct Project {
    pub(super) head: Option<Head>,
    pub(super) rows: Vec<Row>,
    /// Where each edit is first; known once it is settled.
    pub(super) seqs: HashMap<Id, u64, BuildDigest>,
}

impl Project {
    /// Puts the log in order and judges it alone.
    pub(super) fn settle(&mut self, id: Id, verdict: &mut Verdict) {
        self.rows.sort_by_key(|row| row.seq);
        verdict.checked.events += self.rows.len() as u64;
        self.judge_seqs(id, verdict);
        self.judge_edits(id, verdict);
        self.judge_versions(id, verdict);
        self.judge_fold(id, verdict);
    }

    /// The first seq that is kept.
    pub(super) fn first(&self) -> u64 {
        self.rows.first().map_or(1, |row| row.seq)
    }

    /// The event at a seq.
    pub(super) fn at(&self, seq: u64) -> Option<&Row> {
        self.rows.binary_search_by_key(&seq, |row| row.seq).ok().map(|place| &self.rows[place])
    }

    /// The digest of the blocks after a seq, if it can be known.
    pub(super) fn blocks_at(&self, seq: u64) -> Option<u64> {
        let folded = self.at(seq).and_then(|row| row.body).and_then(|body| body.blocks);
        let empty = (seq == 0 && self.first() == 1).then_some(0);
        let head = self.head.filter(|head| head.seq == seq).map(|head| head.blocks);
        folded.or(empty).or(head)
    }

    fn judge_seqs(&self, id: Id, verdict: &mut Verdict) {
        for pair in self.rows.windows(2) {
            let (before, after) = (pair[0].seq, pair[1].seq);
            if before == after {
                verdict.add(Violation::new(Kind::LogRepeat, id).seq(after).edit(pair[1].edit));
            } else if after > before + 1 {
                verdict.add(Violation::new(Kind::LogHole, id).seq(before + 1).saying(format!("the next is {after}")));
            }
        }
        let last = self.rows.last().map_or(0, |row| row.seq);
        if let Some(head) = self.head
            && head.seq != last
        {
            let hole = Violation::new(Kind::LogHole, id).seq(last + 1);
            verdict.add(hole.saying(format!("the project is at {}", head.seq)));
        }
    }

    fn judge_edits(&mut self, id: Id, verdict: &mut Verdict) {
        for row in &self.rows {
            let other = *self.seqs.entry(row.edit).or_insert(row.seq);
            if other != row.seq {
                let twice = Violation::new(Kind::AppliedTwice, id).seq(row.seq).edit(row.edit);
                verdict.add(twice.saying(format!("also at {other}")));
            }
        }
    }

    fn judge_versions(&self, id: Id, verdict: &mut Verdict) {
        let mut versions: HashMap<Id, u64, BuildDigest> = HashMap::default();
        let whole = self.first() == 1;
        // A seq that is there twice has been told of.
        let rows = self.rows.chunk_by(|one, other| one.seq == other.seq).filter_map(<[Row]>::first);
        for row in rows {
            for Touched(block, version) in &row.versions {
                verdict.checked.versions += 1;
                let before = versions.insert(*block, *version);
                // Where the beginning is gone, a block's first version is not known.
                let expected =
                    if whole { before.unwrap_or(0) + 1 } else { before.map_or(*version, |before| before + 1) };
                let kind = match version.cmp(&expected) {
                    std::cmp::Ordering::Equal => continue,
                    std::cmp::Ordering::Less => Kind::VersionTwice,
                    std::cmp::Ordering::Greater => Kind::VersionSkipped,
                };
                let violation = Violation::new(kind, id).seq(row.seq).edit(row.edit).block(*block);
                verdict.add(violation.saying(format!("version {version}, expected {expected}")));
            }
        }
    }

    fn judge_fold(&self, id: Id, verdict: &mut Verdict) {
        let Some(head) = self.head else { return };
        let folded = self.at(head.seq).and_then(|row| row.body).and_then(|body| body.blocks);
        let folded = if head.seq == 0 { Some(0) } else { folded };
        if folded.is_some_and(|folded| folded != head.blocks) {
            verdict.add(Violation::new(Kind::FoldDiffers, id).seq(head.seq));
        }
    }
}

/// All projects.
#[derive(Default)]
pub(super) struct Held {
    pub(super) projects: HashMap<Id, Project, BuildDigest>,
}

impl Held {
    /// A project to add to.
    pub(super) fn project(&mut self, id: Id) -> &mut Project {
        self.projects.entry(id).or_default()
    }
}
