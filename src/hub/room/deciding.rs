//! Decides one submission: was it applied before, may its author, what does it do, and what is missing to know that.
//!
//! Promises: an edit that was applied before is answered as then, whatever its author may do now ([ED2]).
//! Must never: commit, answer, or show.

use std::borrow::Cow;
use std::sync::Arc;

use super::command::{Submission, busy, internal};
use super::people::permit;
use super::reading::blocks_at;
use super::submit::Decided;
use super::{Room, not_found, not_joined};
use crate::domain::access::Action;
use crate::domain::decide::{Decision, Verdict, decide, runs_ahead};
use crate::domain::edit::{BaseEpoch, Edit};
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, EditId, GroupId};
use crate::domain::past::Need;
use crate::domain::sequence::Timestamp;
use crate::domain::undo;
use crate::hub::batch::ack_again;
use crate::hub::clock::now;
use crate::hub::{Intent, Outcome};
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::{ConflictReport, Refusal};
use crate::store::{EditRecord, StoreError};

/// Rounds of fetching that one decision may take; text history is fetched in ever larger steps.
const FETCHES_MAX: usize = 64;

type Planned = (Option<GroupId>, Decision);

impl Room {
    /// Whether the room must first commit what it has tried, and catch up, before it can decide this.
    pub(super) fn is_beyond(&self, submission: &Submission) -> bool {
        let Intent::Edit(edit) = &submission.intent else { return true };
        self.is_of_another_log(submission) || runs_ahead(&self.replica.project, &self.replica.past, edit)
    }

    /// Whether its author knows another log than the room: one of the two is behind.
    pub(super) fn is_of_another_log(&self, submission: &Submission) -> bool {
        let Intent::Edit(edit) = &submission.intent else { return false };
        matches!(edit.epoch, BaseEpoch::Known(known) if known != self.replica.epoch())
    }

    pub(super) async fn decide_one(&mut self, submission: &Submission) -> Decided {
        let edit = submission.intent.edit();
        let user = submission.context.principal.user();
        if let Some(event) = self.replica.past.find_edit(edit) {
            let own = event.actor.id == *user;
            return if own { Decided::Echo(event) } else { Decided::Answered(self.not_yours(submission)) };
        }
        if let Some(record) = self.known_edits.remove(&edit) {
            return Decided::Answered(self.answer_again(submission, record));
        }
        // One moment for both: what is judged to be in time also says so.
        let at = now();
        match self.verdict(submission, at).await {
            Ok((group, decision)) => Decided::Applied(Arc::new(self.event(submission, at, group, decision))),
            Err(outcome) => Decided::Answered(self.unless_known(submission, outcome).await),
        }
    }

    fn event(&self, submission: &Submission, at: Timestamp, group: Option<GroupId>, decision: Decision) -> Event {
        Event {
            seq: self.replica.project.seq.next(),
            edit: submission.intent.edit(),
            request: submission.context.request,
            group,
            actor: submission.context.principal.actor.clone(),
            at,
            merged: decision.merged,
            overwrote: decision.overwrote,
            changes: decision.changes,
        }
    }

    async fn verdict(&mut self, submission: &Submission, at: Timestamp) -> Result<Planned, Outcome> {
        submission.context.in_time().map_err(Outcome::Refused)?;
        self.permit_edit(submission, at).map_err(Outcome::Refused)?;
        let edit = self.plan(&submission.intent).await.map_err(Outcome::Refused)?;
        for _ in 0..FETCHES_MAX {
            let epoch = self.replica.epoch();
            let (author, replica) = (submission.context.principal.user(), &mut self.replica);
            match decide(&replica.project, &mut replica.past, epoch, author, &edit, &self.env.limits) {
                Verdict::Apply(decision) => return Ok((edit.group, decision)),
                Verdict::Conflict(conflicts) => {
                    let (project, seq) = (self.id, self.replica.project.seq);
                    return Err(Outcome::Conflict(ConflictReport { project, edit: edit.id, seq, conflicts }));
                }
                Verdict::Invalid { op, message } => {
                    let refusal = Refusal { op: Some(op), ..Refusal::new(ErrorCode::InvalidEdit, message) };
                    return Err(Outcome::Refused(refusal));
                }
                Verdict::TooLarge { op } => return Err(Outcome::Refused(too_large_block(op))),
                Verdict::Needs(needs) => {
                    self.fetch(needs).await.map_err(|error| Outcome::Refused(self.unavailable(&error)))?;
                }
            }
        }
        tracing::error!(project = %self.id, edit = %edit.id, "deciding did not end");
        Err(Outcome::Refused(internal()))
    }

    fn permit_edit(&self, submission: &Submission, at: Timestamp) -> Result<(), Refusal> {
        let principal = &submission.context.principal;
        if principal.expired(at) {
            return Err(Refusal::new(ErrorCode::Unauthenticated, "The token has expired."));
        }
        match submission.context.via.connection() {
            Some(connection) => self.permit_member(connection, Action::Edit),
            None => permit(principal, self.role_of(principal), Action::Edit),
        }
    }

    /// An undo or a restore as the edit that does it.
    async fn plan<'a>(&mut self, intent: &'a Intent) -> Result<Cow<'a, Edit>, Refusal> {
        match intent {
            Intent::Edit(edit) => Ok(Cow::Borrowed(edit)),
            Intent::Undo { target, edit } => {
                let targets = self.targets(*target).await.map_err(|error| self.unavailable(&error))?;
                if targets.is_empty() {
                    return Err(Refusal::new(
                        ErrorCode::NotFound,
                        "There is no such edit or group, or it is not kept.",
                    ));
                }
                Ok(Cow::Owned(undo::undo(*edit, &targets)))
            }
            Intent::Restore { seq, edit } => {
                let store = self.env.store.clone();
                let then = blocks_at(&*store, self.id, &self.replica.project, *seq, self.replica.log_start).await?;
                let then: Vec<_> = then.in_order().into_iter().map(|block| (**block).clone()).collect();
                Ok(Cow::Owned(undo::restore(*edit, &self.replica.project, &then)))
            }
        }
    }

    /// The edit of this name, or all of the group, oldest first, as far as the replica goes.
    async fn targets(&self, target: uuid::Uuid) -> Result<Vec<Arc<Event>>, StoreError> {
        if let Some(event) = self.replica.past.find_edit(EditId(target)) {
            return Ok(vec![event]);
        }
        let mut events: Vec<_> = self.env.store.event_of_edit(self.id, EditId(target)).await?.into_iter().collect();
        if events.is_empty() {
            events = self.env.store.events_of_group(self.id, GroupId(target)).await?;
        }
        events.retain(|event| event.seq <= self.replica.project.seq && event.seq > self.replica.log_start);
        Ok(events)
    }

    async fn fetch(&mut self, needs: Vec<Need>) -> Result<(), StoreError> {
        let store = self.env.store.clone();
        for need in needs {
            match need {
                Need::Versions { block, after } => {
                    let mut events = store.block_events(self.id, block, after).await?;
                    events.retain(|event| event.seq <= self.replica.project.seq);
                    self.replica.past.learn_versions(block, after, events);
                }
                Need::Grave { block } => self.fetch_graves(&[block]).await?,
            }
        }
        Ok(())
    }

    async fn fetch_graves(&mut self, blocks: &[BlockId]) -> Result<(), StoreError> {
        if blocks.is_empty() {
            return Ok(());
        }
        let found = self.env.store.graves(self.id, blocks).await?;
        for block in blocks {
            let grave = found.iter().find(|(id, _)| id == block).map(|(_, grave)| grave.clone());
            self.replica.past.learn_grave(*block, grave);
        }
        Ok(())
    }

    /// After a stale commit: which of its edit ids and new blocks are taken?
    pub(super) async fn learn_names(&mut self, edits: &[EditId], inserts: &[BlockId]) -> Result<(), StoreError> {
        let records = self.env.store.records(self.id, edits).await?;
        self.known_edits = records.into_iter().map(|record| (record.edit, record)).collect();
        self.fetch_graves(inserts).await
    }

    /// An edit that does not apply now may have been applied before.
    async fn unless_known(&self, submission: &Submission, outcome: Outcome) -> Outcome {
        let hopeless = |code| matches!(code, ErrorCode::Busy | ErrorCode::Internal | ErrorCode::Unauthenticated);
        if matches!(&outcome, Outcome::Refused(refusal) if hopeless(refusal.code) || *refusal == not_joined()) {
            return outcome;
        }
        match self.env.store.records(self.id, &[submission.intent.edit()]).await {
            Ok(mut records) => match records.pop() {
                Some(record) => self.answer_again(submission, record),
                None => outcome,
            },
            Err(error) => Outcome::Refused(self.unavailable(&error)),
        }
    }

    fn answer_again(&self, submission: &Submission, record: EditRecord) -> Outcome {
        if record.user != *submission.context.principal.user() {
            return self.not_yours(submission);
        }
        Outcome::Acked(ack_again(self.id, record))
    }

    /// The edit id is another user's; who may not see the project learns nothing.
    fn not_yours(&self, submission: &Submission) -> Outcome {
        let visible = self.role_of(&submission.context.principal).is_some();
        let taken = || Refusal::new(ErrorCode::Forbidden, "This editId was used by another user.");
        Outcome::Refused(if visible { taken() } else { not_found() })
    }

    fn unavailable(&self, error: &StoreError) -> Refusal {
        tracing::warn!(project = %self.id, %error, "an edit could not be decided");
        busy("The database is not available just now.")
    }
}

fn too_large_block(op: usize) -> Refusal {
    let message = "The block's content would grow too large.";
    Refusal { op: Some(op), limit: Some("maxBlockBytes"), ..Refusal::new(ErrorCode::TooLarge, message) }
}
