//! What the judge says: what it looked at, and what it found wrong.
//!
//! Promises: every violation is counted; of each kind the first `KEPT_MAX` are kept with what is needed to find them.
//! Must never: grow with the number of violations.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::history::Client;
use crate::id::Id;
use crate::kind::Kind;

/// Violations of one kind that are kept.
pub const KEPT_MAX: u64 = 20;

/// The outcome.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// How much was looked at.
    pub checked: Counts,
    /// How many violations of each kind there are.
    pub found: BTreeMap<Kind, u64>,
    /// The first of each kind.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds a violation.
    pub(crate) fn add(&mut self, violation: Violation) {
        let count = self.found.entry(violation.kind).or_default();
        *count += 1;
        if *count <= KEPT_MAX {
            self.violations.push(violation);
        }
    }
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Lines.
    pub records: u64,
    /// Clients that did or saw something.
    pub clients: u64,
    /// Connections that ended.
    pub losses: u64,
    /// Different edits that were sent.
    pub edits: u64,
    /// Sends, each edit once or more.
    pub sends: u64,
    /// Acks.
    pub acks: u64,
    /// Acks that say `duplicate`.
    pub duplicates: u64,
    /// Conflicts.
    pub conflicts: u64,
    /// Errors in answer to edits.
    pub refusals: u64,
    /// Edits that nobody was ever answered; not acked, so not lost.
    pub unanswered: u64,
    /// Joins that brought blocks.
    pub snapshots: u64,
    /// Joins that brought events.
    pub recoveries: u64,
    /// Joins that brought less than the client had been acked in that epoch. The contract allows it ([ED13]: such an edit
    /// stays pending): a figure, no violation.
    pub joins_behind_ack: u64,
    /// Events, once for each client that was shown them.
    pub shown: u64,
    /// Resets.
    pub resets: u64,
    /// Reads over HTTP.
    pub reads: u64,
    /// Looks into the database after an ack.
    pub probes: u64,
    /// Copies at rest.
    pub copies: u64,
    /// Projects in the database.
    pub projects: u64,
    /// Events in the database.
    pub events: u64,
    /// Versions of blocks in the database's log.
    pub versions: u64,
}

impl Counts {
    /// Each figure with its name, for people.
    pub fn rows(&self) -> [(&'static str, u64); 21] {
        [
            ("records", self.records),
            ("clients", self.clients),
            ("connections lost", self.losses),
            ("edits", self.edits),
            ("sends", self.sends),
            ("acks", self.acks),
            ("  of these duplicate", self.duplicates),
            ("conflicts", self.conflicts),
            ("refusals", self.refusals),
            ("edits without any answer", self.unanswered),
            ("joins with a snapshot", self.snapshots),
            ("joins recovered", self.recoveries),
            ("  joins behind an own ack", self.joins_behind_ack),
            ("events shown", self.shown),
            ("resets", self.resets),
            ("reads", self.reads),
            ("probes after an ack", self.probes),
            ("copies at rest", self.copies),
            ("projects", self.projects),
            ("events in the log", self.events),
            ("block versions", self.versions),
        ]
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// What.
    pub kind: Kind,
    /// In which project.
    pub project: Id,
    /// Who saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
    /// At which place in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Of which edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<Id>,
    /// At which block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Id>,
    /// What else there is to say, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Violation {
    pub(crate) fn new(kind: Kind, project: Id) -> Self {
        Self { kind, project, client: None, seq: None, edit: None, block: None, detail: String::new() }
    }

    pub(crate) fn client(self, client: Client) -> Self {
        Self { client: Some(client), ..self }
    }

    pub(crate) fn seq(self, seq: u64) -> Self {
        Self { seq: Some(seq), ..self }
    }

    pub(crate) fn edit(self, edit: Id) -> Self {
        Self { edit: Some(edit), ..self }
    }

    pub(crate) fn block(self, block: Id) -> Self {
        Self { block: Some(block), ..self }
    }

    pub(crate) fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (project {}", self.kind.words(), self.project)?;
        if let Some(seq) = self.seq {
            write!(f, ", seq {seq}")?;
        }
        if let Some(edit) = self.edit {
            write!(f, ", edit {edit}")?;
        }
        if let Some(block) = self.block {
            write!(f, ", block {block}")?;
        }
        if let Some(client) = self.client {
            write!(f, ", client {client}")?;
        }
        write!(f, ")")?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}
