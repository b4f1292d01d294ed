//! Undo, redo, restore and history over a socket, while three clients edit by lot ([HI1], [HI2]).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::chance::Chance;
use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::TestHub;
use crate::harness::replica::Replica;
use crate::harness::whim;

on_both!(hi1_hi2_whatever_was_edited_undo_and_restore_lead_back_to_exactly_what_was);

/// Projects that are edited, each by other lots.
const PROJECTS: u64 = 8;
/// What happens to each.
const STEPS: usize = 50;

/// Somebody, and what they see, which may lag behind.
struct Person {
    client: Client,
    seen: Replica,
}

/// One project, and how it was after each event.
struct Story<'a> {
    hub: &'a TestHub,
    project: String,
    people: Vec<Person>,
    now: Replica,
    log: Vec<Value>,
    past: Vec<Replica>,
    chance: Chance,
}

async fn hi1_hi2_whatever_was_edited_undo_and_restore_lead_back_to_exactly_what_was(database: &Database) {
    let hub = TestHub::start(database).await;
    for seed in 0..PROJECTS {
        let mut story = Story::begin(&hub, seed).await;
        for _ in 0..STEPS {
            story.step().await;
        }
        story.check_snapshots().await;
        story.check_history().await;
    }
}

impl<'a> Story<'a> {
    async fn begin(hub: &'a TestHub, seed: u64) -> Self {
        let project = hub.project("Rewind").await;
        let mut people = Vec::new();
        for user in ["ann", "bob", "cleo"] {
            let mut client = hub.client(user).await;
            client.join(&project).await;
            people.push(Person { client, seen: Replica::default() });
        }
        let now = Replica::default();
        Self { hub, project, people, past: vec![now.clone()], now, log: Vec::new(), chance: Chance(seed) }
    }

    async fn step(&mut self) {
        match self.chance.below(12) {
            0 | 1 if !self.log.is_empty() => self.undo_the_last().await,
            2 if !self.log.is_empty() => self.undo_any().await,
            3 => self.undo_a_group().await,
            4 => self.restore().await,
            _ => drop(self.edit(&Value::Null).await),
        }
    }

    /// An edit on what somebody sees. Whether it applied.
    async fn edit(&mut self, group: &Value) -> bool {
        let who = self.chance.index(self.people.len());
        self.look(who);
        let mut ops: Vec<Value> = Vec::new();
        let mut blocks: Vec<String> = Vec::new();
        for _ in 0..=self.chance.below(3) {
            let busy = |block: &str| blocks.iter().any(|busy| busy == block);
            let Some(whim) = whim::op(&mut self.chance, &self.people[who].seen, busy) else { continue };
            ops.push(whim.op);
            blocks.push(whim.block);
        }
        let mode = *self.chance.one_of(&["merge", "merge", "overwrite"]);
        let message = json!({ "type": "edit", "onConflict": mode, "group": group, "ops": ops });
        !ops.is_empty() && self.ask(who, message).await["type"] == "ack"
    }

    /// Somebody takes in some of what has come.
    fn look(&mut self, who: usize) {
        let Person { client, seen } = &mut self.people[who];
        let events = &client.followed(&self.project).events;
        let new = &events[usize::try_from(seen.seq).unwrap()..];
        let some = if self.chance.once_in(2) { new.len() } else { self.chance.index(new.len() + 1) };
        new[..some].iter().for_each(|event| seen.apply(event));
    }

    /// Says something that makes an event, and waits until all have it.
    async fn ask(&mut self, who: usize, mut message: Value) -> Value {
        message["project"] = json!(self.project);
        message["editId"] = json!(self.chance.uuid());
        let reply = self.people[who].client.ask(message.clone()).await;
        let fair = ["ack", "conflict"].contains(&reply["type"].as_str().unwrap()) || reply["code"] == "invalid_edit";
        assert!(fair, "{message} was answered with {reply}");
        if reply["type"] == "ack" {
            assert_eq!(reply["seq"], self.now.seq + 1, "{reply}");
            self.hear().await;
            assert_eq!(self.log.last().unwrap()["editId"], message["editId"]);
        }
        reply
    }

    async fn hear(&mut self) {
        for person in &mut self.people {
            person.client.reach(&self.project, self.now.seq + 1).await;
        }
        let event = self.people[0].client.followed(&self.project).events.last().unwrap().clone();
        self.now.apply(&event);
        self.log.push(event);
        self.past.push(self.now.clone());
    }

    /// Somebody's, an edit, an undo or a restore: nothing has come between, so all is as it was. Undone twice, it is
    /// done again.
    async fn undo_the_last(&mut self) {
        let before = self.past[self.past.len() - 2].shape();
        let after = self.now.shape();
        for goal in [before, after] {
            let last = self.log.last().unwrap().clone();
            let reply = self.undo(&last["editId"]).await;
            assert_eq!(reply["type"], "ack", "{last} could not be undone: {reply}");
            assert_same(&self.now.shape(), &goal, &format!("undone: {last}"));
        }
    }

    /// Any event: it may conflict with what came after.
    async fn undo_any(&mut self) {
        let target = self.chance.one_of(&self.log)["editId"].clone();
        self.undo(&target).await;
    }

    async fn undo_a_group(&mut self) {
        let (group, before) = (json!(self.chance.uuid()), self.now.shape());
        let mut applied = 0;
        for _ in 0..4 {
            applied += usize::from(self.edit(&group).await);
        }
        if applied > 0 {
            let reply = self.undo(&group).await;
            assert_eq!(reply["type"], "ack", "a group of {applied} could not be undone: {reply}");
            assert_same(&self.now.shape(), &before, &format!("undone: a group of {applied}"));
        }
    }

    async fn undo(&mut self, target: &Value) -> Value {
        let who = self.chance.index(self.people.len());
        self.ask(who, json!({ "type": "undo", "target": target })).await
    }

    async fn restore(&mut self) {
        let (who, seq) = (self.chance.index(self.people.len()), self.chance.index(self.past.len()));
        let reply = self.ask(who, json!({ "type": "restore", "seq": seq })).await;
        assert_eq!(reply["type"], "ack", "{seq} could not be restored: {reply}");
        let then = Replica::of(&self.get(&format!("blocks?at={seq}")).await);
        assert_same(&self.now.shape(), &then.shape(), &format!("restored: {seq}"));
    }

    /// The project after each event, and now.
    async fn check_snapshots(&self) {
        for past in &self.past {
            let then = Replica::of(&self.get(&format!("blocks?at={}", past.seq)).await);
            assert_eq!(then, *past, "the snapshot at {}", past.seq);
        }
        assert_eq!(Replica::of(&self.get("blocks").await), self.now);
    }

    /// Page by page from the newest, everything is as it was delivered.
    async fn check_history(&mut self) {
        let mut told: Vec<Value> = Vec::new();
        loop {
            let before = told.last().map_or(Value::Null, |event| event["seq"].clone());
            let ask = json!({ "type": "history", "project": self.project, "before": before, "limit": 7 });
            let page = self.people[0].client.ask(ask).await;
            told.extend_from_slice(page["events"].as_array().unwrap());
            if page["more"] == false {
                break;
            }
        }
        told.reverse();
        assert_eq!(told, self.log);
    }

    async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(self.hub.url(&format!("/api/projects/{}/{path}", self.project))).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }
}

/// The same blocks with the same kinds, parents, positions and contents.
#[track_caller]
fn assert_same(have: &BTreeMap<String, Value>, want: &BTreeMap<String, Value>, what: &str) {
    let ids = have.keys().chain(want.keys());
    let different = ids.filter(|id| have.get(*id) != want.get(*id));
    let different: Vec<_> = different.map(|id| format!("{:?} instead of {:?}", have.get(id), want.get(id))).collect();
    assert!(different.is_empty(), "{what}\n{}", different.join("\n"));
}
