//! Made-up histories in memory, to plant faults in.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use histcheck::generate::{Generator, Size};
use histcheck::history::{Client, Epochs, Record, Touched};
use histcheck::id::Id;
use histcheck::judge::judge;
use histcheck::kind::Kind;
use histcheck::verdict::Verdict;

/// Small enough to read, large enough that everything in it happens.
pub const SIZE: Size = Size { records: 3_000, clients: 6, projects: 2 };

/// A history that is held in memory.
pub struct History(pub Vec<Record>);

/// What is said of records.
pub fn verdict(records: impl IntoIterator<Item = Record>) -> Verdict {
    judge(records.into_iter().map(Ok::<_, Infallible>)).unwrap()
}

impl History {
    pub fn sound(seed: u64, epochs: Epochs) -> Self {
        Self(Generator::new(seed, epochs, SIZE).collect())
    }

    /// The kinds that the judge finds.
    pub fn kinds(self) -> BTreeSet<Kind> {
        verdict(self.0).found.into_keys().collect()
    }

    /// The first place from the middle on where something holds.
    pub fn find(&self, holds: impl Fn(&Record) -> bool) -> usize {
        let middle = self.0.len() / 4;
        middle + self.0[middle..].iter().position(holds).expect("a made-up history has one of these")
    }

    /// How often each edit was sent, and acked.
    pub fn sends_and_acks(&self) -> HashMap<Id, (u32, u32)> {
        let mut counts: HashMap<Id, (u32, u32)> = HashMap::new();
        for record in &self.0 {
            match record {
                Record::Sent { edit, .. } => counts.entry(*edit).or_default().0 += 1,
                Record::Acked { edit, .. } => counts.entry(*edit).or_default().1 += 1,
                _ => {}
            }
        }
        counts
    }

    /// An ack of an edit that was sent and acked once.
    pub fn plain_ack(&self) -> usize {
        let counts = self.sends_and_acks();
        self.find(|record| matches!(record, Record::Acked { edit, .. } if counts[edit] == (1, 1)))
    }

    /// Adds a send of what an ack says, and what is answered to it.
    pub fn send_again(&mut self, ack: usize, answer: impl Fn(Client, Id, Id) -> Record) {
        let Record::Acked { client, project, edit, .. } = self.0[ack] else { panic!("no ack") };
        let user = format!("user-{client}");
        self.0.push(Record::Sent { client, project, edit, user, at_ms: 0 });
        self.0.push(answer(client, project, edit));
    }

    /// The project of the first client, with its epoch, head and digest of blocks.
    pub fn head(&self) -> (Id, String, u64, u64) {
        let head = self.0.iter().find_map(|record| match record {
            Record::Head { project, epoch, seq, blocks } => Some((*project, epoch.clone(), *seq, *blocks)),
            _ => None,
        });
        head.unwrap()
    }

    /// The log's rows of a project, in order.
    pub fn rows(&self, of: Id) -> Vec<Record> {
        let is_row = |record: &&Record| matches!(record, Record::Event { project, .. } if *project == of);
        self.0.iter().filter(is_row).cloned().collect()
    }

    /// The project's head, and its copies at rest, move.
    pub fn move_head(&mut self, of: Id, by: u64) {
        for record in &mut self.0 {
            match record {
                Record::Head { project, seq, .. } | Record::Copy { project, seq, .. } if *project == of => *seq += by,
                _ => {}
            }
        }
    }

    /// Says of an event that made a version, which no later one did, that it made another, and to its author too.
    pub fn renumber_last_version(&mut self, renumber: impl Fn(u64) -> u64) {
        let (of, ..) = self.head();
        let mut last: HashMap<Id, (u64, Id)> = HashMap::new();
        for row in self.rows(of) {
            let Record::Event { edit, versions, .. } = row else { continue };
            last.extend(versions.iter().map(|Touched(block, version)| (*block, (*version, edit))));
        }
        let (_, (_, chosen)) = last.into_iter().find(|(_, (version, _))| *version > 1).unwrap();
        for record in &mut self.0 {
            match record {
                Record::Event { edit, versions, .. } | Record::Acked { edit, versions, .. } if *edit == chosen => {
                    versions[0].1 = renumber(versions[0].1);
                }
                _ => {}
            }
        }
    }
}
