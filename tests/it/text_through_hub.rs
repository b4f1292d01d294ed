//! Real keystrokes of two people, typed again through the running hub ([ED11]–[ED13]): two clients over WebSocket,
//! and in the end both, and the database, have the text that the two had.

use std::time::Instant;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::TextChange;
use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::chance::Chance;
use crate::harness::client::{Client, Followed};
use crate::harness::database::Database;
use crate::harness::hub::TestHub;
use crate::harness::keystrokes::Keystrokes;
use crate::text_replay::end_of_the_beginning;

/// So many keystrokes are replayed in several orders; all of them, in one.
const BEGINNING: usize = 1_500;

on_both!(
    ed12_ed13_two_peoples_keystrokes_end_as_they_did_through_the_hub,
    ed12_ed13_in_whatever_order_the_hub_commits_the_beginning_ends_as_it_did,
);

/// How the two take turns.
#[derive(Clone, Copy, Debug)]
struct Manner {
    seed: u64,
    /// Of 100 steps, so many go into typing ahead of the network.
    slowness: u64,
    /// How many steps in a row are one person's, about.
    burst: u64,
    /// A socket is lost once in so many steps.
    loss: u64,
}

/// An edit that was handed to the network, as it was sent.
struct Unanswered {
    edit: Value,
    is_out: bool,
    is_acked: bool,
}

/// One person's socket.
struct Line {
    client: Client,
    unanswered: Option<Unanswered>,
    /// The last event that was taken in.
    seq: u64,
}

/// The two, and the hub between them.
struct Replay<'a> {
    hub: &'a TestHub,
    project: String,
    block: String,
    epoch: String,
    people: Keystrokes,
    lines: [Line; 2],
    /// The last event that anybody has heard of.
    head: u64,
    merged: usize,
    lost: usize,
    chance: Chance,
}

impl<'a> Replay<'a> {
    async fn new(hub: &'a TestHub, people: Keystrokes, seed: u64) -> Self {
        let project = hub.project("Friends forever").await;
        let [mut ann, mut bob] = [hub.client("ann").await, hub.client("bob").await];
        ann.join(&project).await;
        let block = ann.insert(&project, "").await;
        ann.expect("events").await;
        let joined = bob.join(&project).await;
        assert_eq!(joined["seq"], 1, "{joined}");
        let epoch = joined["epoch"].as_str().unwrap().to_owned();
        let lines = [ann, bob].map(|client| Line { client, unanswered: None, seq: 1 });
        Self { hub, project, block, epoch, people, lines, head: 1, merged: 0, lost: 0, chance: Chance(seed) }
    }

    fn is_done(&self) -> bool {
        let [one, two] = &self.people.authors;
        one.is_done(two) && two.is_done(one)
    }

    async fn run(&mut self, manner: Manner) {
        let mut who = 0;
        while !self.is_done() {
            if self.chance.once_in(manner.burst) {
                who = 1 - who;
            }
            match self.chance.below(100) {
                lot if lot < manner.slowness => drop(self.people.authors[who].types()),
                lot if lot % 3 == 0 => drop(self.people.authors[who].types()),
                lot if lot % 3 == 1 => self.post(who).await,
                _ if self.has_mail(who) => self.read(who).await,
                _ => who = 1 - who,
            }
            self.send(who);
            if self.chance.once_in(manner.loss) {
                self.lose(who).await;
            }
        }
    }

    /// Hands the next edit to the network, which has it until `post`.
    fn send(&mut self, who: usize) {
        let Some(sending) = self.people.authors[who].typist.next_edit() else { return };
        let change = |change: &TextChange| json!({ "at": change.at, "delete": change.delete, "insert": change.insert });
        let changes: Vec<_> = sending.changes.iter().map(change).collect();
        let op = json!({ "op": "text", "block": self.block, "baseVersion": sending.base.0, "path": "/text",
                         "changes": changes });
        let edit = json!({ "type": "edit", "project": self.project, "editId": self.chance.uuid(), "epoch": self.epoch,
                           "ops": [op] });
        self.lines[who].unanswered = Some(Unanswered { edit, is_out: false, is_acked: false });
    }

    async fn post(&mut self, who: usize) {
        let line = &mut self.lines[who];
        if let Some(unanswered) = line.unanswered.as_mut().filter(|unanswered| !unanswered.is_out) {
            unanswered.is_out = true;
            line.client.begin(unanswered.edit.clone()).await;
        }
    }

    /// Whether something is sure to come.
    fn has_mail(&self, who: usize) -> bool {
        let line = &self.lines[who];
        let waits = line.unanswered.as_ref().is_some_and(|unanswered| unanswered.is_out && !unanswered.is_acked);
        waits || line.seq < self.head
    }

    async fn read(&mut self, who: usize) {
        let message = self.lines[who].client.next().await;
        match message["type"].as_str().unwrap() {
            "ack" => self.take_ack(who, &message),
            "events" => self.take_events(who, &message),
            "presence" => {}
            _ => panic!("typing must not come to this: {message}"),
        }
    }

    /// An ack suffices, unless it says that the edit did not apply as it was sent.
    fn take_ack(&mut self, who: usize, ack: &Value) {
        self.head = self.head.max(ack["seq"].as_u64().unwrap());
        let line = &mut self.lines[who];
        let Some(unanswered) = line.unanswered.as_mut().filter(|sent| sent.edit["editId"] == ack["editId"]) else {
            return assert_eq!(ack["duplicate"], true, "{ack}");
        };
        unanswered.is_acked = true;
        if ack["merged"] == false && ack["overwrote"] == false {
            line.unanswered = None;
            self.people.authors[who].typist.acked(Version(ack["versions"][&self.block].as_u64().unwrap()));
        }
    }

    fn take_events(&mut self, who: usize, message: &Value) {
        for event in message["events"].as_array().unwrap() {
            self.take_event(who, event);
            self.lines[who].seq = event["seq"].as_u64().unwrap();
            self.head = self.head.max(self.lines[who].seq);
        }
    }

    fn take_event(&mut self, who: usize, event: &Value) {
        let op = &event["ops"][0];
        let version = Version(op["version"].as_u64().unwrap());
        let changes = changes_of(op);
        let own = self.lines[who].unanswered.take_if(|sent| sent.edit["editId"] == event["editId"]);
        if own.is_some() {
            self.merged += usize::from(event["merged"] == true);
            self.people.authors[who].typist.takes_own(version, &changes);
        } else if version > self.people.authors[who].typist.version() {
            self.people.authors[who].types_all();
            self.send(who);
            self.people.authors[who].takes_others(version, &changes);
        }
    }

    /// The socket is gone with all that was on the way; another one goes on from there ([JN2]), and what is
    /// unanswered is sent again unchanged.
    async fn lose(&mut self, who: usize) {
        self.lost += 1;
        let mut client = self.hub.client(["ann", "bob"][who]).await;
        let before = Followed { epoch: self.epoch.clone(), seq: self.lines[who].seq, events: Vec::new() };
        let joined = client.resume(&self.project, &before).await;
        assert_eq!(joined["recovered"], true, "{joined}");
        self.lines[who].client = client;
        self.take_events(who, &joined);
        if let Some(unanswered) = &mut self.lines[who].unanswered {
            (unanswered.is_out, unanswered.is_acked) = (false, false);
        }
        self.post(who).await;
    }
}

fn changes_of(op: &Value) -> Vec<TextChange> {
    assert_eq!(op["op"], "text", "{op}");
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let change = |change: &Value| TextChange {
        at: number(&change["at"]),
        delete: number(&change["delete"]),
        insert: change["insert"].as_str().unwrap().to_owned(),
    };
    op["changes"].as_array().unwrap().iter().map(change).collect()
}

/// What the database says, asked through a hub that has just started.
async fn text_in_the_database(hub: TestHub, project: &str) -> String {
    let hub = hub.restart().await;
    let url = hub.url(&format!("/api/projects/{project}/blocks"));
    let snapshot: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(snapshot["blocks"].as_array().unwrap().len(), 1, "{snapshot}");
    snapshot["blocks"][0]["content"]["text"].as_str().unwrap().to_owned()
}

async fn assert_replay(database: &Database, people: Keystrokes, manner: Manner) {
    let hub = TestHub::start(database).await;
    let strokes = people.len();
    let mut replay = Replay::new(&hub, people, manner.seed).await;
    let begun = Instant::now();
    replay.run(manner).await;
    let took = begun.elapsed();
    let Replay { people, project, merged, lost, .. } = replay;
    for author in &people.authors {
        assert!(author.typist.confirmed() == people.end, "an author's text is another: {manner:?}");
        assert!(author.typist.shown() == people.end, "an author sees another text: {manner:?}");
    }
    assert!(text_in_the_database(hub, &project).await == people.end, "the database's text is another: {manner:?}");
    assert!(merged > 0, "the two never typed at once: {manner:?}");
    println!("{strokes} keystrokes of two people through the hub, {merged} merged, {lost} sockets lost: {took:?}");
}

async fn ed12_ed13_two_peoples_keystrokes_end_as_they_did_through_the_hub(database: &Database) {
    let manner = Manner { seed: 1, slowness: 20, burst: 3, loss: 5_000 };
    assert_replay(database, Keystrokes::friends_forever(Version(1)), manner).await;
}

async fn ed12_ed13_in_whatever_order_the_hub_commits_the_beginning_ends_as_it_did(database: &Database) {
    let manners = [
        Manner { seed: 2, slowness: 0, burst: 2, loss: 200 },
        Manner { seed: 3, slowness: 60, burst: 20, loss: 1_000 },
        Manner { seed: 4, slowness: 95, burst: 200, loss: 10_000 },
    ];
    let end = end_of_the_beginning(BEGINNING);
    for manner in manners {
        let people = Keystrokes { end: end.clone(), ..Keystrokes::beginning(Version(1), BEGINNING) };
        assert_replay(database, people, manner).await;
    }
}
