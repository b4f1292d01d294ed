//! A bus that loses, doubles, delays and shuffles what it carries: nothing is out of order, nothing is missing
//! (design, invariant 4).

use std::sync::Arc;

use async_trait::async_trait;
use blockhub::bus::local::LocalBus;
use blockhub::bus::{Bus, BusState, Heard, Hint};
use blockhub::domain::ids::ProjectId;
use blockhub::transport::auth::Keys;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::contract::on_both;
use crate::harness::chance::Chance;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, Peer, fresh, parts};

on_both!(
    jn5_hints_that_are_lost_doubled_late_or_out_of_order_change_nothing,
    ed8_structural_edits_of_two_hubs_leave_no_cycle_no_orphan_and_no_equal_positions,
);

/// Carries hints as chance will have it. What it holds back goes out with a later one.
struct UnreliableBus {
    beneath: LocalBus,
    chance: Mutex<Chance>,
    held: Mutex<Vec<Hint>>,
}

impl UnreliableBus {
    fn of(seed: u64) -> Arc<Self> {
        Arc::new(Self { beneath: LocalBus::default(), chance: Mutex::new(Chance(seed)), held: Mutex::default() })
    }
}

#[async_trait]
impl Bus for UnreliableBus {
    fn publish(&self, hint: Hint) {
        match self.chance.lock().below(5) {
            0 => {}
            1 => {
                self.beneath.publish(hint.clone());
                self.beneath.publish(hint);
            }
            2 | 3 => self.held.lock().push(hint),
            _ => {
                self.beneath.publish(hint);
                // The last first.
                let held = std::mem::take(&mut *self.held.lock());
                held.into_iter().rev().for_each(|hint| self.beneath.publish(hint));
            }
        }
    }
    fn is_heard(&self) -> bool {
        self.beneath.is_heard()
    }
    fn hints(&self) -> broadcast::Receiver<Heard> {
        self.beneath.hints()
    }
    async fn follow(&self, project: ProjectId) -> usize {
        self.beneath.follow(project).await
    }
    fn unfollow(&self, project: ProjectId) {
        self.beneath.unfollow(project);
    }
    fn state(&self) -> BusState {
        BusState::Connected
    }
}

async fn two(database: &Database, bus: Arc<dyn Bus>) -> [Desk; 2] {
    let hub = async || Desk::of(parts(database.store().await, bus.clone(), Keys::Open));
    [hub().await, hub().await]
}

/// All events up to `head`, as they come.
async fn events(peer: &mut Peer, head: u64) -> Vec<Value> {
    let mut events = Vec::new();
    while (events.len() as u64) < head {
        let message = peer.hear("events").await;
        events.extend(message["events"].as_array().unwrap().iter().cloned());
    }
    events
}

async fn jn5_hints_that_are_lost_doubled_late_or_out_of_order_change_nothing(database: &Database) {
    let hubs = two(database, UnreliableBus::of(5)).await;
    let project = hubs[0].project().await;
    let (mut ann, mut bob) = (hubs[0].joined("ann", &project).await, hubs[1].joined("bob", &project).await);
    const EDITS: u64 = 60;
    for n in 0..EDITS / 2 {
        ann.insert(&project, json!({"ann": n})).await;
        bob.insert(&project, json!({"bob": n})).await;
    }
    let (hers, his) = (events(&mut ann, EDITS).await, events(&mut bob, EDITS).await);
    let seqs: Vec<_> = hers.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=EDITS).collect::<Vec<_>>());
    assert_eq!(hers, his);
}

/// The blocks of a project as a hub shows them, checked to be a tree.
async fn tree(desk: &Desk, project: &str) -> Value {
    let mut reader = desk.peer("reader").await;
    reader.say(json!({"type": "join", "project": project})).await;
    let joined = reader.hear("joined").await;
    let blocks = joined["blocks"].as_array().unwrap();
    let parent_of = |id: &Value| blocks.iter().find(|block| block["id"] == *id).map(|block| block["parent"].clone());
    let mut places = std::collections::BTreeSet::new();
    for block in blocks {
        let place = (block["parent"].to_string(), block["position"].to_string());
        assert!(places.insert(place), "two blocks stand at one place: {block}");
        let (mut above, mut steps) = (block["parent"].clone(), 0);
        while !above.is_null() {
            above = parent_of(&above).unwrap_or_else(|| panic!("an orphan: {block}"));
            steps += 1;
            assert!(steps <= blocks.len(), "a cycle: {block}");
        }
    }
    joined["blocks"].clone()
}

/// The same, once the hub has everything: one that is asked about a seq that it does not know catches up.
async fn last_tree(desk: &Desk, project: &str) -> Value {
    let mut reader = desk.joined("reader", project).await;
    let epoch = reader.ask(json!({"type": "join", "project": project})).await["epoch"].clone();
    let since = json!({"epoch": epoch, "seq": desk.head(project).await});
    reader.ask(json!({"type": "join", "project": project, "since": since})).await;
    tree(desk, project).await
}

/// Somebody who moves blocks about, knowing only what was there a while ago.
async fn shuffle(peer: &mut Peer, project: &str, chance: &mut Chance, blocks: &mut Vec<(String, u64)>) -> &'static str {
    let pick = |chance: &mut Chance| {
        let at = chance.below(blocks.len() as u64 + 1);
        usize::try_from(at).ok().and_then(|at| blocks.get(at)).map(|(id, _)| json!(id)).unwrap_or(Value::Null)
    };
    let (parent, after) = (pick(chance), pick(chance));
    let at = usize::try_from(chance.below(blocks.len().max(1) as u64)).unwrap();
    let op = match chance.below(10) {
        0..3 => json!({"op": "insert", "block": fresh(), "kind": "x", "parent": parent, "after": null, "content": {}}),
        3 if blocks.len() > 8 => json!({"op": "delete", "block": blocks[at].0, "baseVersion": blocks[at].1}),
        _ if blocks.is_empty() => return "nothing",
        _ => {
            let base = blocks[at].1;
            let sibling = if chance.below(2) == 0 { after } else { Value::Null };
            json!({"op": "move", "block": blocks[at].0, "baseVersion": base, "parent": parent, "after": sibling})
        }
    };
    let edit = json!({"type": "edit", "project": project, "editId": fresh(), "onConflict": "overwrite", "ops": [op]});
    let id = peer.say(edit).await;
    let answer = peer.answer(&id).await;
    match answer["type"].as_str() {
        Some("ack") => {
            for (id, version) in answer["versions"].as_object().unwrap() {
                blocks.retain(|(known, _)| known != id);
                blocks.push((id.clone(), version.as_u64().unwrap()));
            }
            "ack"
        }
        Some("conflict") => "conflict",
        _ => {
            assert_eq!(answer["code"], "invalid_edit", "{answer}");
            "invalid"
        }
    }
}

/// How many edits each of the two makes; `BLOCKHUB_TEST_SHUFFLES=n` for more.
fn rounds() -> u64 {
    std::env::var("BLOCKHUB_TEST_SHUFFLES").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(300)
}

async fn ed8_structural_edits_of_two_hubs_leave_no_cycle_no_orphan_and_no_equal_positions(database: &Database) {
    let hubs = two(database, UnreliableBus::of(8)).await;
    let project = hubs[0].project().await;
    let rounds = rounds();
    let player = async |desk: &Desk, user: &str, seed: u64| {
        let mut peer = desk.joined(user, &project).await;
        let (mut chance, mut blocks, mut acks) = (Chance(seed), Vec::new(), 0);
        for _ in 0..rounds {
            let what = shuffle(&mut peer, &project, &mut chance, &mut blocks).await;
            acks += u64::from(what == "ack");
            // What the other did comes to know now and then.
            if chance.below(4) == 0 {
                let now = tree(desk, &project).await;
                let known =
                    |block: &Value| (block["id"].as_str().unwrap().to_owned(), block["version"].as_u64().unwrap());
                blocks = now.as_array().unwrap().iter().map(known).collect();
            }
        }
        acks
    };
    let (hers, his) = tokio::join!(player(&hubs[0], "ann", 1), player(&hubs[1], "bob", 2));
    assert!(hers > 0 && his > 0);
    let trees = [last_tree(&hubs[0], &project).await, last_tree(&hubs[1], &project).await];
    assert_eq!(trees[0], trees[1]);
    assert_eq!(hubs[0].head(&project).await.0, hers + his, "every ack is one event");
}
