//! Makes sound histories up: a hub that does nothing wrong, with clients that lose their connections, come back, and send again.
//!
//! Promises: the judge has nothing to say about them; the same seed, the same history; any length in the memory of its log.
//! Must never: share a rule with the judge; it acts, and what it did is right because it did it so.

use std::collections::{HashMap, VecDeque};

use crate::chance::Chance;
use crate::digest::BuildDigest;
use crate::history::{Body, Client, Epochs, Given, Record, Seen, Since, Told, Touched};
use crate::id::Id;

/// How large a made-up run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Records that clients write, about.
    pub records: u64,
    /// Clients.
    pub clients: u32,
    /// Projects; each client works in one.
    pub projects: u32,
}

/// An event that the made-up hub committed.
#[derive(Clone)]
struct Done {
    edit: Id,
    user: String,
    versions: Vec<Touched>,
    body: Body,
}

struct Project {
    id: Id,
    epoch: u32,
    log: Vec<Done>,
    /// Where each edit is.
    seqs: HashMap<Id, u64, BuildDigest>,
    blocks: Vec<Touched>,
}

impl Project {
    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    fn epoch(&self) -> String {
        format!("epoch-{}", self.epoch)
    }

    fn state(&self) -> u64 {
        self.log.last().map_or(0, |done| done.body.blocks.unwrap_or(0))
    }

    fn seen(&self, after: u64, to: u64) -> Vec<Seen> {
        let seqs = after + 1..=to;
        seqs.map(|seq| (seq, &self.log[seq as usize - 1]))
            .map(|(seq, done)| Seen(seq, done.edit, done.body.digest))
            .collect()
    }
}

struct Person {
    client: Client,
    project: usize,
    joined: bool,
    at: u64,
    epoch: u32,
    /// Sent, and not answered for good.
    pending: Vec<Id>,
}

/// A made-up history, record by record.
pub struct Generator {
    chance: Chance,
    epochs: Epochs,
    left: u64,
    clock: u64,
    projects: Vec<Project>,
    people: Vec<Person>,
    ready: VecDeque<Record>,
    ended: bool,
}

impl Generator {
    /// The history that a seed gives.
    pub fn new(seed: u64, epochs: Epochs, size: Size) -> Self {
        let mut chance = Chance::of(seed);
        let projects: Vec<_> = (0..size.projects).map(|_| project(&mut chance)).collect();
        let person = |client: Client| Person {
            client,
            project: (client % size.projects) as usize,
            joined: false,
            at: 0,
            epoch: 0,
            pending: Vec::new(),
        };
        let people = (0..size.clients).map(person).collect();
        let run = Record::Run { row: "made up".into(), seed, epochs };
        let (left, ready) = (size.records, VecDeque::from([run]));
        Self { chance, epochs, left, clock: 0, projects, people, ready, ended: false }
    }

    fn write(&mut self, record: Record) {
        self.left = self.left.saturating_sub(1);
        self.clock += 1;
        self.ready.push_back(record);
    }

    /// Somebody does something, or something happens to them.
    fn step(&mut self) {
        let who = self.chance.below(self.people.len());
        if !self.people[who].joined {
            return self.join(who);
        }
        match self.chance.below(200) {
            0..110 => self.edit(who),
            110..185 => self.deliver(who, 8),
            185..188 => self.lose(who),
            188..190 => self.reset(who, "lagged"),
            190..196 => self.read(who),
            196 | 197 => self.leave(who),
            _ if self.epochs != Epochs::Fixed && self.chance.once_in(10) => self.change_epoch(self.people[who].project),
            _ => self.join(who),
        }
    }

    fn edit(&mut self, who: usize) {
        let edit = self.chance.id();
        self.send(who, edit);
        match self.chance.below(20) {
            0 => self.conflict(who, edit),
            1 => self.refuse(who, edit, "busy"),
            2 => self.refuse(who, edit, "invalid_edit"),
            3 => {
                self.commit(who, edit);
                self.refuse(who, edit, "internal");
                self.people[who].pending.push(edit);
            }
            4 => {
                self.commit(who, edit);
                self.people[who].pending.push(edit);
                self.lose(who);
            }
            5 => {
                self.people[who].pending.push(edit);
                self.lose(who);
            }
            _ => {
                self.commit(who, edit);
                self.answer(who, edit, false);
            }
        }
    }

    fn send(&mut self, who: usize, edit: Id) {
        let (client, project, user) = self.place(who);
        self.write(Record::Sent { client, project, edit, user, at_ms: self.clock });
    }

    fn conflict(&mut self, who: usize, edit: Id) {
        let (client, project, _) = self.place(who);
        self.write(Record::Conflicted { client, project, edit });
    }

    fn refuse(&mut self, who: usize, edit: Id, code: &str) {
        let (client, project, _) = self.place(who);
        self.write(Record::Refused { client, project, edit, code: code.into() });
    }

    fn commit(&mut self, who: usize, edit: Id) {
        let (_, _, user) = self.place(who);
        let project = &mut self.projects[self.people[who].project];
        let block = self.chance.below(project.blocks.len() + 1);
        let block = if block == project.blocks.len() || self.chance.once_in(50) {
            project.blocks.push(Touched(self.chance.id(), 0));
            project.blocks.len() - 1
        } else {
            block
        };
        project.blocks[block].1 += 1;
        let body = Body { digest: self.chance.number(), blocks: Some(self.chance.number()) };
        project.seqs.insert(edit, project.head() + 1);
        project.log.push(Done { edit, user, versions: vec![project.blocks[block]], body });
    }

    fn answer(&mut self, who: usize, edit: Id, duplicate: bool) {
        let (client, project, _) = self.place(who);
        let here = &self.projects[self.people[who].project];
        let Some(seq) = here.seqs.get(&edit).copied() else { return };
        let versions = here.log[seq as usize - 1].versions.clone();
        let told = Told { duplicate, ..Told::default() };
        self.write(Record::Acked { client, project, edit, seq, versions, told, at_ms: self.clock });
        if self.chance.once_in(20) {
            self.write(Record::Probe { project, edit, found: Some(seq) });
        }
    }

    fn deliver(&mut self, who: usize, most: usize) {
        let (at, project) = (self.people[who].at, &self.projects[self.people[who].project]);
        let to = project.head().min(at + 1 + self.chance.below(most) as u64);
        if to == at {
            return;
        }
        let (epoch, events) = (project.epoch(), project.seen(at, to));
        let (client, project, _) = self.place(who);
        self.people[who].at = to;
        self.write(Record::Shown { client, project, epoch, events });
    }

    fn lose(&mut self, who: usize) {
        let client = self.people[who].client;
        self.people[who].joined = false;
        self.write(Record::Lost { client, at_ms: self.clock });
    }

    fn leave(&mut self, who: usize) {
        let (client, project, _) = self.place(who);
        self.people[who].joined = false;
        self.write(Record::Left { client, project });
    }

    /// Comes in, or back; then sends again what was not answered.
    fn join(&mut self, who: usize) {
        let (client, project, _) = self.place(who);
        let here = &self.projects[self.people[who].project];
        let (at, epoch) = (self.people[who].at, format!("epoch-{}", self.people[who].epoch));
        let since = (at > 0 && !self.chance.once_in(10)).then_some(Since { epoch, seq: at });
        let recovers = since.as_ref().is_some_and(|since| since.epoch == here.epoch()) && !self.chance.once_in(4);
        let (seq, epoch) = (here.head(), here.epoch());
        let given = if recovers { Given::Recovered(here.seen(at, seq)) } else { Given::Snapshot(here.state()) };
        let person = &mut self.people[who];
        (person.joined, person.at, person.epoch) = (true, seq, here.epoch);
        self.write(Record::Joined { client, project, since, epoch, seq, given });
        for edit in std::mem::take(&mut self.people[who].pending) {
            self.send_again(who, edit);
        }
    }

    fn send_again(&mut self, who: usize, edit: Id) {
        let known = self.projects[self.people[who].project].seqs.contains_key(&edit);
        self.send(who, edit);
        if !known {
            self.commit(who, edit);
        }
        self.answer(who, edit, known);
    }

    fn reset(&mut self, who: usize, reason: &str) {
        let here = &self.projects[self.people[who].project];
        let (epoch, seq, blocks) = (here.epoch(), here.head(), here.state());
        (self.people[who].at, self.people[who].epoch) = (seq, here.epoch);
        let (client, project, _) = self.place(who);
        self.write(Record::Reset { client, project, epoch, seq, blocks, reason: reason.into() });
    }

    fn read(&mut self, who: usize) {
        let here = &self.projects[self.people[who].project];
        let (seq, blocks) = (here.head(), Some(here.state()));
        let min_seq = self.people[who].at;
        let (client, project, _) = self.place(who);
        self.write(Record::Read { client, project, min_seq, seq, blocks });
    }

    /// Another log: in a lossy run the last events are gone, and with them the versions that they made.
    fn change_epoch(&mut self, at: usize) {
        let lost = if self.epochs == Epochs::Lossy { self.chance.below(4) } else { 0 };
        let project = &mut self.projects[at];
        project.epoch += 1;
        for done in project.log.split_off(project.log.len().saturating_sub(lost)).into_iter().rev() {
            project.seqs.remove(&done.edit);
            for Touched(block, version) in done.versions {
                project.blocks.iter_mut().filter(|held| held.0 == block).for_each(|held| held.1 = version - 1);
            }
        }
        project.blocks.retain(|held| held.1 > 0);
        let all: Vec<usize> = (0..self.people.len()).filter(|who| self.people[*who].project == at).collect();
        for who in all {
            if self.people[who].joined {
                self.reset(who, "epoch");
            }
        }
    }

    /// Everybody comes to rest, and the database is read.
    fn end(&mut self) {
        self.ended = true;
        for who in 0..self.people.len() {
            self.join(who);
        }
        for who in 0..self.people.len() {
            self.deliver_rest(who);
            let here = &self.projects[self.people[who].project];
            let (epoch, seq, blocks) = (here.epoch(), here.head(), here.state());
            let (client, project, _) = self.place(who);
            self.write(Record::Copy { client, project, epoch, seq, blocks });
        }
        for project in std::mem::take(&mut self.projects) {
            let (id, epoch, seq, blocks) = (project.id, project.epoch(), project.head(), project.state());
            for (done, seq) in project.log.into_iter().zip(1..) {
                let Done { edit, user, versions, body } = done;
                self.write(Record::Event { project: id, seq, edit, user, versions, body: Some(body) });
            }
            self.write(Record::Head { project: id, epoch, seq, blocks });
        }
    }

    fn deliver_rest(&mut self, who: usize) {
        while self.people[who].at < self.projects[self.people[who].project].head() {
            self.deliver(who, 100);
        }
    }

    fn place(&self, who: usize) -> (Client, Id, String) {
        let person = &self.people[who];
        (person.client, self.projects[person.project].id, format!("user-{}", person.client))
    }
}

fn project(chance: &mut Chance) -> Project {
    Project { id: chance.id(), epoch: 0, log: Vec::new(), seqs: HashMap::default(), blocks: Vec::new() }
}

impl Iterator for Generator {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.ready.is_empty() && !self.ended {
            if self.left > 0 { self.step() } else { self.end() }
        }
        self.ready.pop_front()
    }
}
