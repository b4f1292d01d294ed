//! One project, as one client has it: its copy, and its edits that are not settled.
//!
//! Promises: does with its edits what [ED13] and [ED14] ask of a client; writes down everything for the judge.
//! Must never: repair what it was shown; what does not fit stays out of the copy and is the judge's to name.

use std::collections::HashSet;

use histcheck::digest::digest_of_event;
use histcheck::file::Writer;
use histcheck::fold::Blocks;
use histcheck::history::{Given, Record, Seen, Since};
use histcheck::id::Id;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::database::Heads;
use super::draft::Draft;

/// A project of a client.
pub struct Room {
    /// Whose.
    client: u32,
    /// Which.
    pub project: Id,
    /// What it was given, since the first join.
    pub copy: Option<Copy>,
    /// Whether the connection has joined it.
    pub standing: Standing,
    /// Edits in the order of their sending, until their events have been taken in.
    pub edits: Vec<Edit>,
}

/// What a client has of a project.
pub struct Copy {
    /// Of which log.
    pub epoch: String,
    /// The last event in it.
    pub seq: u64,
    /// The blocks after that event.
    pub blocks: Blocks,
}

/// Whether a connection has joined a project.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It has to ask, from this moment on.
    Out(Instant),
    /// It has asked.
    Asked,
    /// More parts of this `joined` or `reset` are to come.
    Loading(Box<Value>),
    /// It gets all events.
    In,
}

/// An edit.
pub struct Edit {
    /// Its `editId`.
    pub id: Id,
    /// The message, sent unchanged each time.
    pub message: String,
    /// What it touches.
    blocks: Vec<Id>,
    /// When it was first sent.
    pub begun: Instant,
    /// How often it was sent.
    pub sends: u32,
    /// Where it stands.
    pub state: State,
}

/// Where an edit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for its answer on this connection.
    Sent,
    /// It has to be sent again, from this moment on.
    Due(Instant),
    /// It is in the log at this place.
    Acked(u64),
}

impl Room {
    /// A project that was not joined yet.
    pub fn new(client: u32, project: Id) -> Self {
        Self { client, project, copy: None, standing: Standing::Out(Instant::now()), edits: Vec::new() }
    }

    /// The message that joins it.
    pub fn join(&mut self) -> Value {
        self.standing = Standing::Asked;
        let since = self.copy.as_ref().map(|copy| json!({"epoch": copy.epoch, "seq": copy.seq}));
        json!({"type": "join", "id": format!("join {}", self.project), "project": self.project, "since": since})
    }

    /// The connection was lost.
    pub fn lost(&mut self) {
        self.standing = Standing::Out(Instant::now());
        self.send_again();
    }

    /// `joined` or `reset`: taken in when all of it is there.
    pub fn begins(&mut self, message: Value, history: &Writer) {
        if message["more"] == true && message["recovered"] != true {
            self.standing = Standing::Loading(Box::new(message));
        } else {
            self.begun(&message, history);
        }
    }

    /// `snapshot`: a further part.
    pub fn goes_on(&mut self, part: &mut Value, history: &Writer) {
        let Standing::Loading(message) = &mut self.standing else { return };
        if let (Some(blocks), Some(more)) = (message["blocks"].as_array_mut(), part["blocks"].as_array_mut()) {
            blocks.append(more);
        }
        if part["last"] == true {
            let message = std::mem::take(&mut **message);
            self.begun(&message, history);
        }
    }

    fn begun(&mut self, message: &Value, history: &Writer) {
        self.standing = Standing::In;
        if message["type"] == "reset" {
            self.reset(message, history)
        } else {
            self.joined(message, history)
        }
        self.settle();
    }

    fn joined(&mut self, message: &Value, history: &Writer) {
        let since = self.copy.as_ref().map(|copy| Since { epoch: copy.epoch.clone(), seq: copy.seq });
        let (epoch, seq) = place(message);
        let given = if message["recovered"] == true {
            let events = list(&message["events"]);
            events.iter().for_each(|event| self.take_in(event));
            Given::Recovered(events.iter().map(seen).collect())
        } else {
            Given::Snapshot(self.begin_again(&epoch, seq, message))
        };
        history.write(&Record::Joined { client: self.client, project: self.project, since, epoch, seq, given });
    }

    fn reset(&mut self, message: &Value, history: &Writer) {
        let (epoch, seq) = place(message);
        let blocks = self.begin_again(&epoch, seq, message);
        let reason = message["reason"].as_str().unwrap_or_default().to_owned();
        history.write(&Record::Reset { client: self.client, project: self.project, epoch, seq, blocks, reason });
        self.send_again();
    }

    /// `events`; the digests are in the history.
    pub fn events(&mut self, message: &Value, history: &Writer) {
        let epoch = message["epoch"].as_str().unwrap_or_default().to_owned();
        let events = list(&message["events"]);
        let seen = events.iter().map(seen).collect();
        history.write(&Record::Shown { client: self.client, project: self.project, epoch, events: seen });
        events.iter().for_each(|event| self.take_in(event));
        self.settle();
    }

    /// A new edit, in the words in which it will be sent each time.
    pub fn begin(&mut self, id: Id, draft: Draft) {
        let epoch = self.copy.as_ref().map(|copy| copy.epoch.as_str());
        let mut message =
            json!({"type": "edit", "id": id, "project": self.project, "editId": id, "epoch": epoch, "ops": draft.ops});
        if let Some(rule) = draft.on_conflict {
            message["onConflict"] = rule.into();
        }
        let (message, begun) = (message.to_string(), Instant::now());
        self.edits.push(Edit { id, message, blocks: draft.blocks, begun, sends: 0, state: State::Due(begun) });
    }

    /// Somebody's edit, to be sent once more from here, not before `at`.
    pub fn repeat(&mut self, id: Id, message: String, at: Instant) {
        self.edits.push(Edit { id, message, blocks: Vec::new(), begun: at, sends: 0, state: State::Due(at) });
    }

    /// The edit of this name that an answer is about: one that waits for it, if there are several.
    pub fn edit(&mut self, id: Id) -> Option<&mut Edit> {
        let waits = |edit: &Edit| match edit.state {
            State::Sent => 0,
            State::Due(_) => 1,
            State::Acked(_) => 2,
        };
        self.edits.iter_mut().filter(|edit| edit.id == id).min_by_key(|edit| waits(edit))
    }

    /// It was not applied and never will be.
    pub fn forget(&mut self, id: Id) {
        // It has no place in any log: it is over at once.
        self.acked(id, 0);
    }

    /// It was acked.
    pub fn acked(&mut self, id: Id, seq: u64) {
        if let Some(edit) = self.edit(id) {
            edit.state = State::Acked(seq);
        }
        self.settle();
    }

    /// Whether its copy has everything up to these heads.
    pub fn has_reached(&self, heads: &Heads) -> bool {
        let head = heads.get(&self.project);
        head.zip(self.copy.as_ref()).is_some_and(|(head, copy)| head.epoch == copy.epoch && head.seq <= copy.seq)
    }

    /// The blocks that may not be touched now.
    pub fn busy(&self) -> HashSet<Id> {
        self.edits.iter().flat_map(|edit| edit.blocks.iter().copied()).collect()
    }

    /// Whether an edit waits for its answer.
    pub fn waits(&self) -> bool {
        self.edits.iter().any(|edit| !matches!(edit.state, State::Acked(_)))
    }

    /// Writes down the copy as it is at rest.
    pub fn write_copy(&self, history: &Writer) {
        if let Some(Copy { epoch, seq, blocks }) = &self.copy {
            let (client, project, epoch) = (self.client, self.project, epoch.clone());
            history.write(&Record::Copy { client, project, epoch, seq: *seq, blocks: blocks.digest() });
        }
    }

    fn send_again(&mut self) {
        for edit in self.edits.iter_mut().filter(|edit| edit.state == State::Sent) {
            edit.state = State::Due(Instant::now());
        }
    }

    fn begin_again(&mut self, epoch: &str, seq: u64, message: &Value) -> u64 {
        // What is no snapshot leaves an empty copy, which the judge will name.
        let blocks = Blocks::of(list(&message["blocks"])).unwrap_or_default();
        let digest = blocks.digest();
        self.copy = Some(Copy { epoch: epoch.to_owned(), seq, blocks });
        digest
    }

    fn take_in(&mut self, event: &Value) {
        let Some(copy) = &mut self.copy else { return };
        let seq = event["seq"].as_u64().unwrap_or_default();
        if seq == copy.seq + 1 && copy.blocks.apply(event).is_ok() {
            copy.seq = seq;
        }
    }

    /// An edit is over when its event is in the copy.
    fn settle(&mut self) {
        let seq = self.copy.as_ref().map_or(0, |copy| copy.seq);
        self.edits.retain(|edit| !matches!(edit.state, State::Acked(at) if at <= seq));
    }
}

fn place(message: &Value) -> (String, u64) {
    (message["epoch"].as_str().unwrap_or_default().to_owned(), message["seq"].as_u64().unwrap_or_default())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn seen(event: &Value) -> Seen {
    Seen(event["seq"].as_u64().unwrap_or_default(), id_of(&event["editId"]), digest_of_event(event))
}

/// A UUID of a message; the zero one if it is none.
pub fn id_of(value: &Value) -> Id {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}
