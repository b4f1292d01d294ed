//! The end of a judgement: what clients were told is compared with what the database holds.
//!
//! Promises: every ack, every different event, every different snapshot and every copy is compared.
//! Must never: judge what compaction has dropped, or what a lossy failover may lose.

use super::claims::{BlocksClaim, EventClaim};
use super::era::Era;
use super::held::{Held, Project};
use super::ledger::{Applied, digest_of_versions};
use super::{AtRest, Judge};
use crate::history::Client;
use crate::id::Id;
use crate::kind::Kind;
use crate::verdict::{Verdict, Violation};

impl Judge {
    pub(super) fn sentence(mut self) -> Verdict {
        for (id, project) in &mut self.held.projects {
            project.settle(*id, &mut self.verdict);
        }
        self.find_missing();
        self.compare_edits();
        for (claim, client) in &self.claims.events {
            compare_event(&self.held, claim, *client, &mut self.verdict);
        }
        for (claim, client) in &self.claims.blocks {
            compare_blocks(&self.held, claim, *client, &mut self.verdict);
        }
        for copy in &self.copies {
            compare_copy(&self.held, copy, &mut self.verdict);
        }
        self.verdict
    }

    /// Projects that clients were told of, and the database does not know.
    fn find_missing(&mut self) {
        let held = &self.held;
        let mut missing: Vec<_> = self.told.iter().filter(|id| find(held, **id).is_none()).copied().collect();
        missing.sort_unstable();
        missing.into_iter().for_each(|id| self.verdict.add(Violation::new(Kind::ProjectMissing, id)));
    }

    fn compare_edits(&mut self) {
        for (id, project) in &self.held.projects {
            let epoch = project.head.map(|head| head.epoch);
            for row in &project.rows {
                // An edit that is there twice is told of as that, and compared where it was first.
                if project.seqs.get(&row.edit) != Some(&row.seq) {
                    continue;
                }
                let applied = Applied { seq: row.seq, user: row.user, versions: digest_of_versions(&row.versions) };
                self.ledger.compare((*id, row.edit), &applied, epoch, &mut self.verdict);
            }
        }
        let held = &self.held;
        let is_held = |(project, edit)| find(held, project).is_some_and(|project| project.seqs.contains_key(&edit));
        let may_be_gone = |project, era: Era, seq| {
            find(held, project).is_none_or(|project| !counts(project, era) || seq < project.first())
        };
        self.ledger.close(is_held, may_be_gone, &mut self.verdict);
    }
}

/// A project that the database knows; of others it is said once that they are missing.
fn find(held: &Held, project: Id) -> Option<&Project> {
    held.projects.get(&project).filter(|project| project.head.is_some())
}

fn counts(project: &Project, era: Era) -> bool {
    era.counts(project.head.map(|head| head.epoch))
}

fn compare_event(held: &Held, claim: &EventClaim, client: Client, verdict: &mut Verdict) {
    let Some(project) = find(held, claim.project) else { return };
    if !counts(project, claim.era) || claim.seq < project.first() {
        return;
    }
    let row = project.at(claim.seq);
    let is_same =
        row.is_some_and(|row| row.edit == claim.edit && row.body.is_none_or(|body| body.digest == claim.digest));
    if !is_same {
        let known = project.seqs.contains_key(&claim.edit);
        let kind = if known { Kind::ShownUnlikeLog } else { Kind::NeverCommitted };
        verdict.add(Violation::new(kind, claim.project).client(client).seq(claim.seq).edit(claim.edit));
    }
}

fn compare_blocks(held: &Held, claim: &BlocksClaim, client: Client, verdict: &mut Verdict) {
    let Some(project) = find(held, claim.project) else { return };
    if !counts(project, claim.era) {
        return;
    }
    let head = project.head.map_or(0, |head| head.seq);
    let violation = |kind| Violation::new(kind, claim.project).client(client).seq(claim.seq);
    if claim.seq > head {
        verdict.add(violation(Kind::NeverCommitted).saying(format!("blocks of a seq above {head}")));
    } else if project.blocks_at(claim.seq).is_some_and(|blocks| blocks != claim.digest) {
        verdict.add(violation(Kind::SnapshotDiffers));
    }
}

fn compare_copy(held: &Held, copy: &AtRest, verdict: &mut Verdict) {
    let Some(project) = find(held, copy.project) else { return };
    let Some(head) = project.head else { return };
    let violation = |kind| Violation::new(kind, copy.project).client(copy.client).seq(copy.seq);
    if (copy.epoch, copy.seq) != (head.epoch, head.seq) {
        verdict.add(violation(Kind::CopyBehind).saying(format!("the head is {}", head.seq)));
    } else if project.blocks_at(head.seq).is_some_and(|blocks| blocks != copy.blocks) {
        verdict.add(violation(Kind::CopyDiffers));
    }
}
