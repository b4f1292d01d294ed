//! The life of an edit, top to bottom: drain, decide, commit, ack, deliver, publish. Lost the race? Catch up, decide
//! again.
//!
//! Promises: an edit is answered once, in the order of sending, and an ack only when its event is durable ([ED1]). What
//! is tried on the replica and does not become true is taken back, and nobody saw it.
//! Must never: answer from a state that is not in the database; try without bound.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::command::{Command, Submission, busy, internal};
use super::replica::Mark;
use super::{Ending, Room};
use crate::domain::event::Change;
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, ConnectionId, EditId};
use crate::domain::sequence::Seq;
use crate::hub::Outcome;
use crate::hub::batch::{ack_of, commit_of};
use crate::hub::committer::Settled;
use crate::hub::outbox::Outbox;
use crate::protocol::code::{CloseCode, ErrorCode};
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::{Ack, Refusal};
use crate::protocol::message::server::{LeftReason, ServerMessage};
use crate::store::{Commit, Committed, Hold, Patience, Span, StoreError};

/// Edits of one room in one commit.
const EDITS_PER_COMMIT_MAX: usize = 256;
/// How often an edit that loses its race is decided, before it is decided while nobody else can commit.
const RACES_MAX: u32 = 4;
/// How long that waits for the project's lock, before it ends as `busy`.
const HOLD_WAIT: Patience = Patience::Ms(2_000);

/// What was decided of one submission.
pub(super) enum Decided {
    /// It applies: this is what it becomes.
    Applied(Arc<Event>),
    /// It is the same edit as one that applied just now, perhaps in this commit.
    Echo(Arc<Event>),
    /// It does not apply.
    Answered(Outcome),
}

/// Decided submissions, in order, of which some wait to become true.
pub(super) struct Batch {
    submissions: Vec<(Submission, Decided)>,
    events: Vec<Arc<Event>>,
    mark: Mark,
    attempt: Attempt,
}

/// How a batch is to become true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// By a race with other hubs, the first, second, … of them.
    Race(u32),
    /// While the project is held: the last.
    Held,
}

/// Whose acks are to be carried.
type Authors = Vec<Arc<Outbox>>;

/// A commit under way.
pub(super) struct InFlight {
    batch: Batch,
    /// The committer holds the other end; it always answers.
    settled: oneshot::Receiver<Settled>,
}

/// Waits for the commit under way; for ever if there is none.
pub(super) async fn settled(in_flight: &mut Option<InFlight>) -> Settled {
    match in_flight {
        Some(in_flight) => match (&mut in_flight.settled).await {
            Ok(settled) => settled,
            Err(_) => Err(StoreError::Unavailable("the committer is gone".into())),
        },
        None => std::future::pending().await,
    }
}

impl Room {
    /// Drains: all edits that wait, up to the next command of another kind.
    pub(super) async fn decide_waiting(&mut self) {
        let mut submissions = Vec::new();
        while submissions.len() < EDITS_PER_COMMIT_MAX {
            match self.waiting.pop_front() {
                Some(Command::Submit(submission)) => submissions.push(*submission),
                Some(other) => {
                    self.waiting.push_front(other);
                    break;
                }
                None => break,
            }
        }
        if !submissions.is_empty() {
            self.decide_all(submissions, Attempt::Race(1), None).await;
        }
    }

    /// Decides in order, each on what those before it leave, and commits what applies: by the hold, if there is one.
    async fn decide_all(&mut self, submissions: Vec<Submission>, attempt: Attempt, hold: Option<Box<dyn Hold>>) {
        let mut batch = Batch { submissions: Vec::new(), events: Vec::new(), mark: self.replica.mark(), attempt };
        let mut submissions = submissions.into_iter();
        while let Some(submission) = submissions.next() {
            if self.is_beyond(&submission) && !batch.events.is_empty() {
                // It leans on what is not yet true, or not yet here: after this commit.
                self.put_back(std::iter::once(submission).chain(submissions));
                break;
            }
            if batch.events.is_empty() && self.is_beyond(&submission) {
                self.keep_up(&mut batch, &submission).await;
            }
            let decided = self.decide_one(&submission).await;
            batch.submissions.push((submission, self.attempt(decided, &mut batch.events)));
        }
        self.replica.past.forget_learned();
        if batch.events.is_empty() {
            return carry(self.answer(batch.submissions));
        }
        let commit =
            commit_of(self.id, self.replica.epoch(), batch.mark.tree_seq, &self.replica.project, &batch.events);
        let settled = match hold {
            Some(hold) => commit_held(hold, commit),
            None => self.env.committer.commit(commit),
        };
        self.in_flight = Some(InFlight { settled, batch });
    }

    /// Tries on the replica what was decided.
    fn attempt(&mut self, decided: Decided, events: &mut Vec<Arc<Event>>) -> Decided {
        if let Decided::Applied(event) = &decided {
            if let Err(error) = self.replica.apply(event) {
                tracing::error!(project = %self.id, edit = %event.edit, %error, "what was decided does not apply");
                return Decided::Answered(Outcome::Refused(internal()));
            }
            events.push(event.clone());
        }
        decided
    }

    fn put_back(&mut self, submissions: impl DoubleEndedIterator<Item = Submission>) {
        for submission in submissions.rev() {
            self.waiting.push_front(Command::Submit(Box::new(submission)));
        }
    }

    /// A hub that is behind catches up first ([ED14]); nothing is tried yet.
    async fn keep_up(&mut self, batch: &mut Batch, submission: &Submission) {
        let kept_up = match self.is_of_another_log(submission) {
            true => self.catch_up_across_epochs().await.is_ok(),
            false => self.catch_up().await.is_ok(),
        };
        if !kept_up {
            tracing::warn!(project = %self.id, "an edit is decided without catching up");
        }
        batch.mark = self.replica.mark();
    }

    /// What became of the commit under way.
    pub(super) async fn settle(&mut self, settled: Settled) -> Option<Ending> {
        let InFlight { mut batch, .. } = self.in_flight.take()?;
        match settled {
            Ok(Committed::Done { first }) => return self.became_true(batch, first).await,
            not_done => {
                let taken_back = self.replica.take_back(batch.mark, &batch.events);
                batch.events.clear();
                if let Err(error) = taken_back {
                    tracing::error!(project = %self.id, %error, "the room reads its project anew");
                    // The reply first ([MS5]): reading anew shows what was committed all the same.
                    self.refuse_applied(batch, &busy("The project cannot be read just now."));
                    return self.reload().await.err();
                }
                self.not_true(batch, not_done).await
            }
        }
    }

    /// Durable: acks first, then the events ([MS5]), then the hint.
    async fn became_true(&mut self, mut batch: Batch, first: Seq) -> Option<Ending> {
        if first != batch.mark.seq.next()
            && let Err(error) = self.renumber(&mut batch, first).await
        {
            // Durable, but its numbers are not known here: sent again, it gets the right answer.
            tracing::error!(project = %self.id, %error, "the events between could not be read");
            // The reply first, the events after it ([MS5]).
            self.refuse_applied(batch, &busy("The database is not available just now."));
            return self.reload().await.err();
        }
        // Before anybody hears of it: who has an ack never reads what was before.
        self.stand();
        // For a while yet nobody is told by older heads where the project stands.
        self.idle_since = tokio::time::Instant::now();
        let authors = self.answer(batch.submissions);
        metrics::counter!("blockhub_edits_acked_total").increment(batch.events.len() as u64);
        let broadcasts = self.deliver(&batch.events);
        // In a large room authors do not wait for their turn, and who has left it has none.
        carry(authors);
        self.publish_moved(&batch.events, broadcasts);
        None
    }

    /// Others committed in between, on other blocks: theirs come first, ours are numbered anew.
    async fn renumber(&mut self, batch: &mut Batch, first: Seq) -> Result<(), StoreError> {
        self.replica.take_back(batch.mark, &batch.events)?;
        self.take_in_before(first)?;
        let store = self.env.store.clone();
        while self.replica.project.seq.next() < first {
            let between = first.0 - self.replica.project.seq.0 - 1;
            let limit = u32::try_from(between).unwrap_or(u32::MAX).min(super::replica::PAGE);
            let events = store.events(self.id, Span::After(self.replica.project.seq), limit).await?;
            if events.is_empty() {
                return Err(StoreError::Broken(format!("no event after {}", self.replica.project.seq)));
            }
            events.iter().try_for_each(|event| self.replica.apply(event))?;
            self.deliver(&events);
        }
        let mut seq = first;
        for event in &mut batch.events {
            *event = Arc::new(Event { seq, ..Event::clone(event) });
            self.replica.apply(event)?;
            seq = seq.next();
        }
        for (_, decided) in &mut batch.submissions {
            if let Decided::Applied(event) = decided {
                let numbered = batch.events.iter().find(|numbered| numbered.edit == event.edit);
                *event = numbered.unwrap_or(event).clone();
            }
        }
        Ok(())
    }

    /// The replica is as before the batch; what now?
    async fn not_true(&mut self, batch: Batch, settled: Settled) -> Option<Ending> {
        match settled {
            Ok(Committed::Stale) if batch.attempt != Attempt::Held => return self.decide_again(batch).await,
            Ok(Committed::Gone) => {
                self.refuse_applied(batch, &super::not_found());
                self.dismiss(LeftReason::Deleted);
                return Some(Ending::Gone);
            }
            Ok(_) => self.refuse_applied(batch, &busy("The project is locked by somebody else just now.")),
            Err(error) => {
                // Whether it took effect is not known; a retry with the same editId tells, after the catch-up.
                tracing::error!(project = %self.id, %error, edits = batch.submissions.len(), "a commit failed");
                // The reply first, the event after it ([MS5]): nothing else is decided in between.
                self.refuse_applied(batch, &failed(&error));
                if let Err(error) = self.catch_up().await {
                    tracing::warn!(project = %self.id, %error, "the room will catch up with the next comparison");
                }
            }
        }
        None
    }

    /// Lost the race: catch up, learn which names are taken, decide again; the last time while holding the project.
    async fn decide_again(&mut self, batch: Batch) -> Option<Ending> {
        metrics::counter!("blockhub_stale_commits_total").increment(1);
        let (attempt, hold) = match batch.attempt {
            Attempt::Race(races) if races < RACES_MAX => (Attempt::Race(races + 1), None),
            _ => match self.hold().await {
                Ok(hold) => (Attempt::Held, Some(hold)),
                Err(refusal) => {
                    self.refuse_applied(batch, &refusal);
                    return None;
                }
            },
        };
        if let Err(failed) = self.catch_up_across_epochs().await {
            match failed {
                Some(ending) => {
                    self.refuse_applied(batch, &super::not_found());
                    return Some(ending);
                }
                None => self.refuse_applied(batch, &busy("The database is not available just now.")),
            }
            return None;
        }
        let (edits, inserts) = names(&batch.submissions);
        if let Err(error) = self.learn_names(&edits, &inserts).await {
            tracing::warn!(project = %self.id, %error, "the names of a stale commit could not be looked up");
            self.refuse_applied(batch, &busy("The database is not available just now."));
            return None;
        }
        let submissions = batch.submissions.into_iter().map(|(submission, _)| submission).collect();
        self.decide_all(submissions, attempt, hold).await;
        None
    }

    /// Nobody else commits to the project from now on, for a while.
    async fn hold(&self) -> Result<Box<dyn Hold>, Refusal> {
        metrics::counter!("blockhub_holds_total").increment(1);
        match self.env.store.hold(self.id, HOLD_WAIT).await {
            Ok(Some(hold)) => Ok(hold),
            Ok(None) => Err(busy("The project is locked by somebody else just now.")),
            Err(error) => {
                tracing::warn!(project = %self.id, %error, "a project could not be held");
                Err(failed(&error))
            }
        }
    }

    /// `Err(None)`: the database cannot be had; `Err(Some)`: the room ends.
    pub(super) async fn catch_up_across_epochs(&mut self) -> Result<(), Option<Ending>> {
        let heads = self.env.store.clone().heads(&[self.id]).await.map_err(|_| None)?;
        match heads.first() {
            None => Err(Some(Ending::Gone)),
            Some(head) if head.epoch != self.replica.epoch() => self.reload().await.map_err(Some),
            Some(_) => self.catch_up().await.map_err(|_| None),
        }
    }

    fn refuse_applied(&mut self, batch: Batch, refusal: &Refusal) {
        let refuse = |(submission, decided)| match decided {
            Decided::Answered(outcome) => (submission, Decided::Answered(outcome)),
            _ => (submission, Decided::Answered(Outcome::Refused(refusal.clone()))),
        };
        let submissions = batch.submissions.into_iter().map(refuse).collect();
        carry(self.answer(submissions));
    }

    /// Answers in order; everything applied is durable. Acks are to be carried, from the outboxes that are returned.
    #[must_use]
    fn answer(&mut self, submissions: Vec<(Submission, Decided)>) -> Authors {
        let mut authors = Authors::new();
        for (submission, decided) in submissions {
            let outcome = match decided {
                Decided::Applied(event) => Outcome::Acked(ack_of(self.id, &event)),
                Decided::Echo(event) => {
                    let again = self.replica.past.find_edit(event.edit).unwrap_or(event);
                    Outcome::Acked(Ack { duplicate: true, ..ack_of(self.id, &again) })
                }
                Decided::Answered(outcome) => outcome,
            };
            self.notice(&submission, &outcome);
            let author = self.give(submission, outcome);
            // Edits of one author mostly come in a row; once more would do no harm.
            authors.extend(author.filter(|author| authors.last().is_none_or(|last| !Arc::ptr_eq(last, author))));
        }
        authors
    }

    fn give(&self, submission: Submission, outcome: Outcome) -> Option<Arc<Outbox>> {
        let ended = matches!(&outcome, Outcome::Refused(refusal) if refusal.code == ErrorCode::Unauthenticated);
        let member = submission.context.via.connection().and_then(|connection| self.members.get(&connection));
        let outbox = member.map(|member| member.outbox.clone());
        let author = submission.waiter.give(outcome);
        if let (true, Some(outbox)) = (ended, outbox) {
            outbox.close(CloseCode::Unauthenticated, "the token has expired");
        }
        author
    }

    /// The other members are told of a conflict ([ED7]).
    fn notice(&self, submission: &Submission, outcome: &Outcome) {
        let Outcome::Conflict(report) = outcome else { return };
        metrics::counter!("blockhub_conflicts_total").increment(1);
        let blocks = report.conflicts.iter().map(|conflict| conflict.block).collect();
        let actor = &*submission.context.principal.actor;
        let frame = encode(&ServerMessage::Conflicted { project: self.id, edit: report.edit, actor, blocks });
        // A call over HTTP has no connection, and so nobody to leave out.
        let from = submission.context.via.connection().unwrap_or(ConnectionId(uuid::Uuid::nil()));
        self.aside(frame, from);
    }
}

fn carry(authors: Authors) {
    authors.iter().for_each(|author| author.carry());
}

/// Commits by a hold, in a task that nobody cancels.
fn commit_held(hold: Box<dyn Hold>, commit: Commit) -> oneshot::Receiver<Settled> {
    let (reply, settled) = oneshot::channel();
    tokio::spawn(async move { reply.send(hold.commit(commit).await) });
    settled
}

/// The edit ids and new blocks of what was to be applied.
fn names(submissions: &[(Submission, Decided)]) -> (Vec<EditId>, Vec<BlockId>) {
    let applied = || {
        submissions.iter().filter_map(|(_, decided)| match decided {
            Decided::Applied(event) => Some(event),
            _ => None,
        })
    };
    let inserted = |change: &Change| match change {
        Change::Insert { block } => Some(block.id),
        _ => None,
    };
    let inserts = applied().flat_map(|event| event.changes.iter().filter_map(inserted)).collect();
    (applied().map(|event| event.edit).collect(), inserts)
}

/// What the clients of a failed commit are told: to come again in a while, or that somebody has to look.
fn failed(error: &StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(_) => busy("The database is not available just now."),
        StoreError::Broken(_) => internal(),
    }
}
