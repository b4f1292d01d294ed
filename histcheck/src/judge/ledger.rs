//! Every edit that was sent: how it was answered, and whether the log agrees.
//!
//! Promises: an answer that leaves open what happened is held against nobody.
//! Must never: keep more than a few words for each edit.

use std::collections::HashMap;
use std::hash::Hasher;

use super::era::Era;
use super::names::Name;
use crate::digest::{BuildDigest, Digest};
use crate::history::{Client, Told, Touched};
use crate::id::Id;
use crate::kind::Kind;
use crate::verdict::{Verdict, Violation};

/// Answers to an edit that say it was not applied, and never will be if it was acked before ([ED2]). Other codes are about the
/// moment.
const FINAL: [&str; 2] = ["invalid_edit", "forbidden"];
/// Answers after which it may have been applied.
const OPEN: [&str; 3] = ["busy", "draining", "internal"];

/// A project and an `editId`.
pub(super) type Key = (Id, Id);

/// One connection of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) number: u32,
}

/// Who sent an edit.
#[derive(Clone, Copy)]
enum Senders {
    /// One connection, that has not been answered.
    Waiting(Connection),
    /// The same, and its event came already: at this seq.
    Overtaken(Connection, u64),
    /// Several connections, or one that has been answered: nothing can be said of the order.
    Settled,
}

struct Ack {
    client: Client,
    era: Era,
    seq: u64,
    versions: u64,
    /// Whether an ack said that it was the first.
    new: bool,
}

struct Entry {
    user: Name,
    sends: u32,
    refusals: u32,
    answers: u32,
    senders: Senders,
    ack: Option<Ack>,
}

/// An event of the log, as far as its edit is concerned.
pub(super) struct Applied {
    pub(super) seq: u64,
    pub(super) user: Name,
    pub(super) versions: u64,
}

/// All edits.
#[derive(Default)]
pub(super) struct Ledger {
    entries: HashMap<Key, Entry, BuildDigest>,
    /// Users beside the first that sent an edit: seldom.
    others: HashMap<Key, Vec<Name>, BuildDigest>,
}

/// A digest of versions in any order.
pub(super) fn digest_of_versions(versions: &[Touched]) -> u64 {
    let one = |Touched(block, version): &Touched| {
        let mut digest = Digest::default();
        digest.write_u128(block.0);
        digest.write_u64(*version);
        digest.finish()
    };
    versions.iter().map(one).fold(versions.len() as u64, u64::wrapping_add)
}

impl Ledger {
    pub(super) fn sent(&mut self, key: Key, user: Name, from: Connection, verdict: &mut Verdict) {
        verdict.checked.sends += 1;
        let entry = self.entries.entry(key).or_insert_with(|| {
            verdict.checked.edits += 1;
            Entry { user, sends: 0, refusals: 0, answers: 0, senders: Senders::Waiting(from), ack: None }
        });
        entry.sends += 1;
        match entry.senders {
            Senders::Waiting(first) | Senders::Overtaken(first, _) if first == from => {}
            _ => entry.senders = Senders::Settled,
        }
        if entry.user != user {
            self.others.entry(key).or_default().push(user);
        }
    }

    pub(super) fn acked(&mut self, key: Key, by: (Client, Era), place: (u64, u64), told: Told, verdict: &mut Verdict) {
        let ((client, era), (seq, versions)) = (by, place);
        verdict.checked.acks += 1;
        verdict.checked.duplicates += u64::from(told.duplicate);
        let violation = |kind| Violation::new(kind, key.0).edit(key.1).client(client).seq(seq);
        let Some(entry) = self.entries.get_mut(&key) else { return verdict.add(violation(Kind::NobodySent)) };
        entry.answer();
        let new = !told.duplicate;
        match &mut entry.ack {
            // Logs of different eras may well say different things.
            Some(ack) if ack.era.is_like(era) => {
                if (ack.seq, ack.versions) != (seq, versions) {
                    verdict.add(violation(Kind::AcksDiffer).saying(format!("the other says seq {}", ack.seq)));
                } else if new && ack.new {
                    verdict.add(violation(Kind::NewTwice));
                }
                ack.new |= new;
            }
            ack => *ack = Some(Ack { client, era, seq, versions, new }),
        }
    }

    pub(super) fn conflicted(&mut self, key: Key, client: Client, verdict: &mut Verdict) {
        verdict.checked.conflicts += 1;
        self.denied(key, client, "conflict", verdict);
    }

    pub(super) fn refused(&mut self, key: Key, client: Client, code: &str, verdict: &mut Verdict) {
        verdict.checked.refusals += 1;
        if OPEN.contains(&code) {
            self.entries.entry(key).and_modify(Entry::answer);
        } else if FINAL.contains(&code) {
            self.denied(key, client, code, verdict);
        } else {
            self.entries.entry(key).and_modify(Entry::refuse);
        }
    }

    fn denied(&mut self, key: Key, client: Client, word: &str, verdict: &mut Verdict) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.refuse();
        let acked = entry.ack.as_ref().is_some_and(|ack| ack.client == client && ack.era == Era::Only);
        if acked && !self.others.contains_key(&key) {
            let violation = Violation::new(Kind::AckedThenRefused, key.0).edit(key.1).client(client);
            verdict.add(violation.saying(format!("with {word}")));
        }
    }

    /// An event was shown to somebody.
    pub(super) fn shown(&mut self, key: Key, to: Connection, seq: u64) {
        if let Some(entry) = self.entries.get_mut(&key)
            && let Senders::Waiting(from) = entry.senders
            && from == to
        {
            entry.senders = Senders::Overtaken(from, seq);
        }
    }

    /// Compares an event of the log with what its senders were told. `epoch` is the one
    /// that the log has.
    pub(super) fn compare(&self, key: Key, applied: &Applied, epoch: Option<Name>, verdict: &mut Verdict) {
        let violation = |kind| Violation::new(kind, key.0).edit(key.1).seq(applied.seq);
        let Some(entry) = self.entries.get(&key) else { return verdict.add(violation(Kind::NobodySent)) };
        let others = self.others.get(&key).map_or([].as_slice(), Vec::as_slice);
        if entry.user != applied.user && !others.contains(&applied.user) {
            verdict.add(violation(Kind::AnothersEdit));
        }
        match &entry.ack {
            Some(ack) if ack.era.counts(epoch) && ack.seq != applied.seq => {
                verdict
                    .add(violation(Kind::AckUnlikeLog).client(ack.client).saying(format!("the ack says {}", ack.seq)));
            }
            Some(ack) if ack.era.counts(epoch) && ack.versions != applied.versions => {
                verdict.add(violation(Kind::AckUnlikeLog).client(ack.client).saying("the versions differ"));
            }
            None if entry.refusals == entry.sends => verdict.add(violation(Kind::RefusedButApplied)),
            _ => {}
        }
    }

    /// What is left to say when all is known. `is_held` finds an edit in the log; `may_be_gone` says that an ack at this
    /// seq, given in this era, need not be there.
    pub(super) fn close(
        &self,
        is_held: impl Fn(Key) -> bool,
        may_be_gone: impl Fn(Id, Era, u64) -> bool,
        verdict: &mut Verdict,
    ) {
        for (key, entry) in &self.entries {
            let violation = |kind| Violation::new(kind, key.0).edit(key.1);
            verdict.checked.unanswered += u64::from(entry.answers == 0);
            if let Senders::Overtaken(by, seq) = entry.senders {
                verdict.add(violation(Kind::EventBeforeReply).client(by.client).seq(seq));
            }
            if let Some(ack) = &entry.ack
                && !may_be_gone(key.0, ack.era, ack.seq)
                && !is_held(*key)
            {
                verdict.add(violation(Kind::LostAck).client(ack.client).seq(ack.seq));
            }
        }
    }
}

impl Entry {
    fn answer(&mut self) {
        self.answers += 1;
        if let Senders::Waiting(_) = self.senders {
            self.senders = Senders::Settled;
        }
    }

    fn refuse(&mut self) {
        self.answer();
        self.refusals += 1;
    }
}
