//! What a room is asked to do, and how it answers.
//!
//! Promises: every question is answered exactly once: one that is dropped, by a full mailbox or a panic, answers itself.
//! Must never: hold a reply back because a client is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::bus::News;
use crate::domain::access::{Answer, Principal};
use crate::domain::ids::{ConnectionId, HubRun};
use crate::domain::sequence::Seq;
use crate::hub::context::Context;
use crate::hub::feed::Lag;
use crate::hub::outbox::Outbox;
use crate::hub::{Intent, Outcome, Snapshot};
use crate::protocol::code::ErrorCode;
use crate::protocol::message::client::Since;
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::{Receipt, Refusal};
use crate::protocol::message::server::ServerMessage;
use crate::store::Head;

/// How long a client is asked to wait when the hub is busy.
pub const BUSY_RETRY_MS: u64 = 1_000;

/// A refusal that asks to come again.
pub fn busy(message: &str) -> Refusal {
    Refusal { retry_after_ms: Some(BUSY_RETRY_MS), ..Refusal::new(ErrorCode::Busy, message) }
}

/// One connection's place in one room; shared by the connection, which counts it, and the room, which gives it and ends it.
#[derive(Debug, Default)]
pub struct Seat {
    over: AtomicBool,
    edits: AtomicBool,
}

impl Seat {
    /// The room lets the connection read, or edit as well.
    pub fn give(&self, edits: Answer) {
        self.edits.store(edits == Answer::Yes, Ordering::Release);
    }

    /// The room has refused or removed the connection.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Whether it was ended.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Whether the room takes edits from it, as was last said.
    pub fn may_edit(&self) -> bool {
        self.edits.load(Ordering::Acquire) && !self.is_over()
    }
}

/// Where a reply goes on a socket. Dropped unanswered it says `internal`, so that nobody waits for ever.
#[derive(Debug)]
pub struct Reply {
    outbox: Arc<Outbox>,
    /// Taken by the answer.
    receipt: Option<Receipt>,
    /// After it an answer is worth nothing.
    deadline: Instant,
}

impl Reply {
    /// A reply that is due.
    pub fn new(outbox: Arc<Outbox>, receipt: Receipt, deadline: Instant) -> Self {
        Self { outbox, receipt: Some(receipt), deadline }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Says why not.
    pub fn refuse(mut self, refusal: &Refusal) {
        self.send_refusal(refusal);
    }

    /// The receipt for a message that the caller sends itself; nothing is due any more.
    pub fn take(mut self) -> (Arc<Outbox>, Receipt) {
        let receipt = self.receipt.take();
        // Proven: only this, `refuse` and `drop` take the receipt, and the first two consume the reply.
        (self.outbox.clone(), receipt.expect("a reply holds its receipt until it is given"))
    }

    /// Answers an edit. An ack is to be carried, so that it goes out with its event: from the outbox that is returned.
    fn give(self, outcome: &Outcome) -> Option<Arc<Outbox>> {
        match outcome {
            Outcome::Refused(refusal) => self.refuse(refusal),
            Outcome::Acked(ack) => {
                let (outbox, receipt) = self.take();
                outbox.ack(encode(&ServerMessage::Ack { receipt, ack }));
                return Some(outbox);
            }
            Outcome::Conflict(report) => {
                let (outbox, receipt) = self.take();
                outbox.reply(encode(&ServerMessage::Conflict { receipt, report }));
            }
        }
        None
    }

    fn send_refusal(&mut self, refusal: &Refusal) {
        let Some(receipt) = self.receipt.take() else { return };
        if refusal.code == ErrorCode::Internal {
            tracing::error!(request = %receipt.request, "a message was dropped unanswered");
        }
        self.outbox.reply(encode(&ServerMessage::Error { receipt, refusal }));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.receipt.is_some() {
            self.send_refusal(&internal());
        }
    }
}

/// The hub's fault.
pub fn internal() -> Refusal {
    Refusal::new(ErrorCode::Internal, "The hub failed; send the same again, its editId tells what became of it.")
}

/// Who waits for what became of an edit.
#[derive(Debug)]
pub enum Waiter {
    /// A connection.
    Client(Reply),
    /// A call; a dropped sender is an internal error there.
    Call(oneshot::Sender<Outcome>),
}

impl Waiter {
    /// Answers; the outbox that is to be carried from then, if any.
    #[must_use]
    pub fn give(self, outcome: Outcome) -> Option<Arc<Outbox>> {
        match self {
            Self::Client(reply) => reply.give(&outcome),
            Self::Call(sender) => {
                // Who called may have gone.
                let _ = sender.send(outcome);
                None
            }
        }
    }

    /// Says why not.
    pub fn refuse(self, refusal: &Refusal) {
        if let Some(outbox) = self.give(Outcome::Refused(refusal.clone())) {
            outbox.carry();
        }
    }
}

/// An edit on its way.
#[derive(Debug)]
pub struct Submission {
    /// Who wants it; a connection must have joined.
    pub context: Context,
    /// What.
    pub intent: Intent,
    /// Who waits.
    pub waiter: Waiter,
}

/// A connection that comes in.
#[derive(Debug)]
pub struct Join {
    /// Who.
    pub connection: ConnectionId,
    /// For whom.
    pub principal: Principal,
    /// Where events go.
    pub outbox: Arc<Outbox>,
    /// Ended when the room is over for it.
    pub seat: Arc<Seat>,
    /// What the client has.
    pub since: Option<Since>,
    /// Its presence, if given.
    pub presence: Option<Arc<RawValue>>,
    /// The answer.
    pub reply: Reply,
}

/// What a room is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Come in.
    Join(Box<Join>),
    /// Go; `reply` is `None` when the socket is gone.
    Leave {
        /// Who.
        connection: ConnectionId,
        /// The answer.
        reply: Option<Reply>,
        /// Told when everything sent before has been answered.
        left: Option<oneshot::Sender<()>>,
    },
    /// Change blocks.
    Submit(Box<Submission>),
    /// Set a connection's state.
    Presence {
        /// Whose.
        connection: ConnectionId,
        /// Any JSON.
        state: Arc<RawValue>,
        /// Answered only if it fails.
        reply: Reply,
    },
    /// Tell the others.
    Signal {
        /// From whom.
        connection: ConnectionId,
        /// The application's word.
        event: Box<str>,
        /// Any JSON.
        data: Option<Arc<RawValue>>,
        /// Answered only if it fails.
        reply: Reply,
    },
    /// Read the log.
    History {
        /// For whom.
        connection: ConnectionId,
        /// Begin before this.
        before: Option<Seq>,
        /// At most this many.
        limit: u32,
        /// The answer.
        reply: Reply,
    },
    /// A client reads again: bring what was dropped.
    CatchUp {
        /// Who.
        connection: ConnectionId,
        /// What.
        lag: Lag,
    },
    /// The blocks, for a call that has checked access.
    Read {
        /// Never older than this.
        min_seq: Option<Seq>,
        /// The answer.
        reply: oneshot::Sender<Result<Snapshot, Refusal>>,
    },
    /// A connection has a new token.
    Renewed {
        /// Whose.
        connection: ConnectionId,
        /// What the token says.
        principal: Principal,
    },
    /// Title, access, members or existence may have changed.
    Changed,
    /// The store, or another hub, is ahead of what the room was known to have.
    Ahead(Head),
    /// What another hub says.
    News {
        /// Which life of which hub.
        from: HubRun,
        /// What.
        news: News,
    },
    /// Hints of other hubs may have been lost.
    Gap,
}

impl Command {
    /// Whether nobody waits for it any more, and it need not be done. What changes who is here is done all the same;
    /// edits are looked at when they are decided.
    pub fn is_late(&self) -> bool {
        match self {
            Self::Join(join) => join.reply.is_late(),
            Self::History { reply, .. } => reply.is_late(),
            Self::Read { reply, .. } => reply.is_closed(),
            _ => false,
        }
    }

    /// Answers `busy`: the room does not keep up.
    pub fn refuse_busy(self) {
        self.refuse(&busy("The room does not keep up; wait and send the same again."));
    }

    /// Answers with a refusal whoever asked.
    pub fn refuse(self, refusal: &Refusal) {
        match self {
            Self::Join(join) => {
                join.seat.end();
                join.reply.refuse(refusal);
            }
            Self::Submit(submission) => submission.waiter.refuse(refusal),
            Self::Presence { reply, .. } | Self::Signal { reply, .. } | Self::History { reply, .. } => {
                reply.refuse(refusal);
            }
            Self::Leave { reply: Some(reply), .. } => reply.refuse(refusal),
            Self::Read { reply, .. } => drop(reply.send(Err(refusal.clone()))),
            Self::Leave { reply: None, .. }
            | Self::CatchUp { .. }
            | Self::Renewed { .. }
            | Self::Changed
            | Self::Ahead(_)
            | Self::News { .. }
            | Self::Gap => {}
        }
    }
}
