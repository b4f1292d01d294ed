//! A history: what clients sent, were answered and were shown, and what the database holds at the end; one record a line
//! (`{"acked":{"client":3,…}}`).
//!
//! Promises: the records of one client stand in the order in which it did and saw things; those of different clients,
//! and the database's, stand anyhow. Whoever writes a history keeps that order.
//! Must never: hold what the judge does not need; histories have millions of lines.

use serde::{Deserialize, Serialize};

use crate::id::Id;

/// One of the clients of a run. It is the same across its connections, and has one connection at a time.
pub type Client = u32;

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Record {
    /// What was run: first, and again when more may become of the log from here on. Without it, `Epochs::Fixed` holds.
    Run {
        /// The row of the scorecard, as `R1`.
        row: String,
        /// What chance began with.
        seed: u64,
        /// What may become of the log.
        epochs: Epochs,
    },

    /// An edit goes out: `edit`, `undo` or `restore`. Once for each time that it is sent, and before the bytes leave.
    /// Who sends by HTTP is a client of its own, beside the one that holds a connection: [MS5] orders nothing between
    /// the two. A project that is created with blocks has an edit that its creator did not name: it is written as
    /// sent, too.
    Sent {
        /// Who.
        client: Client,
        /// Where.
        project: Id,
        /// The `editId`.
        edit: Id,
        /// As whom.
        user: String,
        /// Milliseconds of the run's one clock; for people.
        at_ms: u64,
    },
    /// `ack`.
    Acked {
        /// Whom.
        client: Client,
        /// Where.
        project: Id,
        /// The `editId`.
        edit: Id,
        /// Its place in the log.
        seq: u64,
        /// The versions it made, in any order.
        versions: Vec<Touched>,
        /// What the ack says of itself.
        #[serde(default, skip_serializing_if = "Told::is_plain")]
        told: Told,
        /// Milliseconds of the run's one clock; for people.
        at_ms: u64,
    },
    /// `conflict`: it was not applied.
    Conflicted {
        /// Whom.
        client: Client,
        /// Where.
        project: Id,
        /// The `editId`.
        edit: Id,
    },
    /// `error` in answer to an edit. `busy`, `draining` and `internal` leave open whether it was applied.
    Refused {
        /// Whom.
        client: Client,
        /// Where.
        project: Id,
        /// The `editId`.
        edit: Id,
        /// The contract's word.
        code: String,
    },

    /// `joined`, with the events or (all parts of) the blocks that it brought.
    Joined {
        /// Who.
        client: Client,
        /// Where.
        project: Id,
        /// What `join` said it had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Since>,
        /// The log it was given.
        epoch: String,
        /// `joined.seq`: the last that the answer itself carries.
        seq: u64,
        /// What it was given.
        given: Given,
    },
    /// `events`: all of one message, in its order.
    Shown {
        /// To whom.
        client: Client,
        /// Where.
        project: Id,
        /// Of which log.
        epoch: String,
        /// What.
        events: Vec<Seen>,
    },
    /// `reset`, with (all parts of) its blocks.
    Reset {
        /// Whom.
        client: Client,
        /// Where.
        project: Id,
        /// The log it is given.
        epoch: String,
        /// The last event that is in the blocks.
        seq: u64,
        /// The digest of the blocks.
        blocks: u64,
        /// The contract's word: `lagged`, `epoch` or `large`.
        reason: String,
    },
    /// `left`, asked for or not.
    Left {
        /// Who.
        client: Client,
        /// From where.
        project: Id,
    },
    /// The connection has ended, whoever ended it: nothing is joined any more.
    Lost {
        /// Whose.
        client: Client,
        /// Milliseconds of the run's one clock; for people.
        at_ms: u64,
    },
    /// A read of a project over HTTP.
    Read {
        /// By whom.
        client: Client,
        /// Of what.
        project: Id,
        /// What `minSeq` asked for; the reader has seen an ack or an event of it.
        min_seq: u64,
        /// What was answered.
        seq: u64,
        /// The digest of the blocks that were answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocks: Option<u64>,
    },
    /// A client's copy at rest: every edit has been answered and the client has had time to be shown everything.
    Copy {
        /// Whose.
        client: Client,
        /// Of what.
        project: Id,
        /// Of which log.
        epoch: String,
        /// The last event that is in it.
        seq: u64,
        /// The digest of its blocks.
        blocks: u64,
    },

    /// Somebody looked into the database, by another connection than the hub's, after an ack had arrived.
    Probe {
        /// Where.
        project: Id,
        /// The edit that was acked.
        edit: Id,
        /// Its place in the log, if the log had it.
        found: Option<u64>,
    },
    /// An event that the database holds at the end.
    Event {
        /// Where.
        project: Id,
        /// Its place.
        seq: u64,
        /// The `editId`.
        edit: Id,
        /// Whose edit.
        user: String,
        /// The versions it made, in any order.
        versions: Vec<Touched>,
        /// What happened; none if compaction has dropped it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Body>,
    },
    /// A project as the database holds it at the end.
    Head {
        /// Which.
        project: Id,
        /// Its log.
        epoch: String,
        /// The last event.
        seq: u64,
        /// The digest of its living blocks.
        blocks: u64,
    },
}

/// What may become of the log in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Epochs {
    /// One epoch for the whole run, and nothing is lost.
    #[default]
    Fixed,
    /// Epochs may change, with a `reset` or a snapshot for everybody; nothing is lost all the same.
    Change,
    /// What was acked in one epoch may be gone in the next.
    Lossy,
}

/// A block, and the version that an event gave it: `["…",4]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Touched(pub Id, pub u64);

/// An event as a client was shown it: seq, `editId`, digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen(pub u64, pub Id, pub u64);

/// What an ack says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// A base was stale.
    pub merged: bool,
    /// Something was replaced.
    pub overwrote: bool,
    /// It had been applied before.
    pub duplicate: bool,
}

impl Told {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// What a client says it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// Of this log.
    pub epoch: String,
    /// Everything up to here.
    pub seq: u64,
}

/// What `joined` brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Given {
    /// Blocks, with this digest over all parts.
    Snapshot(u64),
    /// Events (`recovered: true`).
    Recovered(Vec<Seen>),
}

/// What an event of the log did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The digest of the event as the wire shows it.
    pub digest: u64,
    /// The digest of the blocks after it, if the log reaches back far enough to know.
    pub blocks: Option<u64>,
}
