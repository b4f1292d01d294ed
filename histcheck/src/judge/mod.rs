//! The judge: takes a history in, record by record, and gives its verdict.
//!
//! Promises: linear time, one pass; memory in proportion to edits, not to who was shown them.
//! Must never: let one fault be found because another was; each rule looks for itself.

mod claims;
mod era;
mod held;
mod ledger;
mod names;
mod seat;
mod sentence;

use std::collections::{HashMap, HashSet};

use claims::Claims;
use era::Era;
use held::{Head, Held, Row};
use ledger::{Connection, Ledger, digest_of_versions};
use names::{Name, Names};
use seat::{Finding, Seat};

use crate::digest::BuildDigest;
use crate::history::{Client, Epochs, Given, Record, Seen, Since};
use crate::id::Id;
use crate::kind::Kind;
use crate::verdict::{Verdict, Violation};

/// Judges one history.
///
/// Errors: those of the records.
pub fn judge<E>(records: impl IntoIterator<Item = Result<Record, E>>) -> Result<Verdict, E> {
    let mut judge = Judge::default();
    for record in records {
        judge.take(record?);
    }
    Ok(judge.verdict())
}

/// A judgement under way.
#[derive(Default)]
pub struct Judge {
    epochs: Epochs,
    names: Names,
    /// Each project's epoch, where it may not change.
    fixed: HashMap<Id, Name, BuildDigest>,
    ledger: Ledger,
    people: HashMap<Client, Person, BuildDigest>,
    claims: Claims,
    held: Held,
    /// Projects that clients were told of.
    told: HashSet<Id, BuildDigest>,
    copies: Vec<AtRest>,
    verdict: Verdict,
}

/// One client.
#[derive(Default)]
struct Person {
    connection: u32,
    seats: HashMap<Id, Seat, BuildDigest>,
}

/// A copy at rest.
struct AtRest {
    client: Client,
    project: Id,
    epoch: Name,
    seq: u64,
    blocks: u64,
}

impl Judge {
    /// Takes in the next record.
    pub fn take(&mut self, record: Record) {
        self.verdict.checked.records += 1;
        match record {
            Record::Run { epochs, .. } => self.epochs = epochs,
            Record::Sent { client, project, edit, user, .. } => {
                let (user, from) = (self.names.of(&user), self.connection(client));
                self.ledger.sent((project, edit), user, from, &mut self.verdict);
            }
            Record::Acked { client, project, edit, seq, versions, told, .. } => {
                self.told.insert(project);
                let by = (client, self.era_of(client, project));
                let place = (seq, digest_of_versions(&versions));
                self.ledger.acked((project, edit), by, place, told, &mut self.verdict);
                if let Some(seat) = self.person(client).seats.get_mut(&project) {
                    seat.acked(seq);
                }
            }
            Record::Conflicted { client, project, edit } => {
                self.ledger.conflicted((project, edit), client, &mut self.verdict);
            }
            Record::Refused { client, project, edit, code } => {
                self.ledger.refused((project, edit), client, &code, &mut self.verdict);
            }
            Record::Probe { project, edit, found } => self.probe(project, edit, found),
            Record::Copy { client, project, epoch, seq, blocks } => {
                self.verdict.checked.copies += 1;
                let epoch = self.names.of(&epoch);
                self.copies.push(AtRest { client, project, epoch, seq, blocks });
            }
            shown => self.take_shown(shown),
        }
    }

    /// What clients were shown, by whatever message.
    fn take_shown(&mut self, record: Record) {
        match record {
            Record::Joined { client, project, since, epoch, seq, given } => {
                self.join((client, project), since, (&epoch, seq), given);
            }
            Record::Shown { client, project, epoch, events } => self.show((client, project), &epoch, &events),
            Record::Reset { client, project, epoch, seq, blocks, .. } => {
                self.reset((client, project), &epoch, seq, blocks);
            }
            Record::Read { client, project, min_seq, seq, blocks } => {
                self.read((client, project), min_seq, seq, blocks);
            }
            Record::Left { client, project } => {
                let mut found = Vec::new();
                if let Some(seat) = self.person(client).seats.get_mut(&project) {
                    seat.end(&mut found);
                }
                self.add((client, project), found);
            }
            Record::Lost { client, .. } => {
                self.verdict.checked.losses += 1;
                self.person(client).connection += 1;
                self.end_seats(client);
            }
            held => self.take_held(held),
        }
    }

    /// What the database holds.
    fn take_held(&mut self, record: Record) {
        match record {
            Record::Event { project, seq, edit, user, versions, body } => {
                let (user, versions) = (self.names.of(&user), versions.into_boxed_slice());
                self.held.project(project).rows.push(Row { seq, edit, user, versions, body });
            }
            Record::Head { project, epoch, seq, blocks } => {
                self.verdict.checked.projects += 1;
                let epoch = self.names.of(&epoch);
                self.check_fixed(project, None, epoch, seq);
                self.held.project(project).head = Some(Head { epoch, seq, blocks });
            }
            // Taken before.
            _ => {}
        }
    }

    fn join(&mut self, at: (Client, Id), since: Option<Since>, (epoch, seq): (&str, u64), given: Given) {
        let epoch = self.names.of(epoch);
        let since = since.map(|since| (self.names.of(&since.epoch), since.seq));
        let mut found = Vec::new();
        self.told.insert(at.1);
        self.check_fixed(at.1, Some(at.0), epoch, seq);
        let seat = self.seat(at, epoch);
        let behind = seat.lacks_ack(epoch, seq);
        seat.join(since, epoch, seq, &mut found);
        self.verdict.checked.joins_behind_ack += u64::from(behind);
        match given {
            Given::Snapshot(digest) => {
                self.verdict.checked.snapshots += 1;
                self.claims.blocks(at.1, self.era(epoch), (seq, digest), at.0);
            }
            Given::Recovered(events) => {
                self.verdict.checked.recoveries += 1;
                let carried: Vec<u64> = events.iter().map(|seen| seen.0).collect();
                self.seat(at, epoch).recover(since, epoch, &carried, &mut found);
                self.claim(at, epoch, &events);
            }
        }
        self.add(at, found);
    }

    fn show(&mut self, at: (Client, Id), epoch: &str, events: &[Seen]) {
        let epoch = self.names.of(epoch);
        let mut found = Vec::new();
        let seat = self.seat(at, epoch);
        for Seen(seq, ..) in events {
            seat.show(epoch, *seq, &mut found);
        }
        self.claim(at, epoch, events);
        self.add(at, found);
    }

    fn claim(&mut self, at: (Client, Id), epoch: Name, events: &[Seen]) {
        let (era, connection) = (self.era(epoch), self.connection(at.0));
        self.verdict.checked.shown += events.len() as u64;
        for seen in events {
            self.ledger.shown((at.1, seen.1), connection, seen.0);
            self.claims.event(at.1, era, *seen, at.0);
        }
    }

    fn reset(&mut self, at: (Client, Id), epoch: &str, seq: u64, blocks: u64) {
        let epoch = self.names.of(epoch);
        let mut found = Vec::new();
        self.verdict.checked.resets += 1;
        self.check_fixed(at.1, Some(at.0), epoch, seq);
        self.seat(at, epoch).reset(epoch, seq, &mut found);
        self.claims.blocks(at.1, self.era(epoch), (seq, blocks), at.0);
        self.add(at, found);
    }

    fn read(&mut self, at: (Client, Id), min_seq: u64, seq: u64, blocks: Option<u64>) {
        self.verdict.checked.reads += 1;
        if seq < min_seq {
            let stale = Violation::new(Kind::StaleRead, at.1).client(at.0).seq(seq);
            self.verdict.add(stale.saying(format!("asked for {min_seq} at least")));
        }
        if let Some(digest) = blocks {
            let era = self.era_of(at.0, at.1);
            self.claims.blocks(at.1, era, (seq, digest), at.0);
        }
    }

    fn probe(&mut self, project: Id, edit: Id, found: Option<u64>) {
        self.verdict.checked.probes += 1;
        if found.is_none() {
            self.verdict.add(Violation::new(Kind::AckBeforeCommit, project).edit(edit));
        }
    }

    fn check_fixed(&mut self, project: Id, client: Option<Client>, epoch: Name, seq: u64) {
        if self.epochs != Epochs::Fixed || *self.fixed.entry(project).or_insert(epoch) == epoch {
            return;
        }
        let moved = Violation::new(Kind::EpochMoved, project).seq(seq);
        let moved = moved.saying(format!("to {}", self.names.text(epoch)));
        self.verdict.add(client.map_or(moved.clone(), |client| moved.client(client)));
    }

    /// The verdict, when all records have been taken in.
    pub fn verdict(mut self) -> Verdict {
        self.verdict.checked.clients = self.people.len() as u64;
        let clients: Vec<Client> = self.people.keys().copied().collect();
        clients.into_iter().for_each(|client| self.end_seats(client));
        self.sentence()
    }

    fn end_seats(&mut self, client: Client) {
        let mut all = Vec::new();
        for (project, seat) in &mut self.person(client).seats {
            let mut found = Vec::new();
            seat.end(&mut found);
            all.push((*project, found));
        }
        all.into_iter().for_each(|(project, found)| self.add((client, project), found));
    }

    fn add(&mut self, (client, project): (Client, Id), found: Vec<Finding>) {
        for (kind, seq, detail) in found {
            self.verdict.add(Violation::new(kind, project).client(client).seq(seq).saying(detail));
        }
    }

    fn person(&mut self, client: Client) -> &mut Person {
        self.people.entry(client).or_default()
    }

    fn connection(&mut self, client: Client) -> Connection {
        Connection { client, number: self.person(client).connection }
    }

    fn seat(&mut self, (client, project): (Client, Id), epoch: Name) -> &mut Seat {
        self.person(client).seats.entry(project).or_insert_with(|| Seat::new(epoch))
    }

    fn era(&self, epoch: Name) -> Era {
        if self.epochs == Epochs::Lossy { Era::Of(epoch) } else { Era::Only }
    }

    fn era_of(&mut self, client: Client, project: Id) -> Era {
        let epoch = self.person(client).seats.get(&project).map(Seat::epoch);
        match (self.epochs, epoch) {
            (Epochs::Lossy, None) => Era::Unknown,
            (Epochs::Lossy, Some(epoch)) => Era::Of(epoch),
            _ => Era::Only,
        }
    }
}
