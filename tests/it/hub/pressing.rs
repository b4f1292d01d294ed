//! Clients that press: they do not wait for answers, or do not read.

use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, Peer, fresh};

on_both!(
    jn1_what_is_said_right_behind_a_join_is_said_by_a_member,
    jn6_large_events_cost_a_client_that_does_not_read_one_snapshot_at_most,
);

async fn jn1_what_is_said_right_behind_a_join_is_said_by_a_member(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut bob = desk.joined("bob", &project).await;
    let mut ann = desk.peer("ann").await;
    ann.say(json!({"type": "join", "project": project})).await;
    ann.say(json!({"type": "presence", "project": project, "state": {"here": true}})).await;
    ann.say(json!({"type": "signal", "project": project, "event": "wave"})).await;
    let is_said = |message: &Value| message["type"] == "signal" || message["type"] == "error";
    assert_eq!(bob.hear_where("the wave", is_said).await["event"], "wave");
    let is_here = |message: &Value| {
        message["updates"].as_array().is_some_and(|updates| updates.iter().any(|one| one["state"]["here"] == true))
    };
    bob.hear_where("ann's state", is_here).await;
    assert_eq!(ann.ask(json!({"type": "ping"})).await["type"], "pong");
    let left = json!({"type": "leave", "project": project});
    ann.say(left).await;
    let late = ann.ask(json!({"type": "presence", "project": project, "state": 1})).await;
    assert_eq!(late["code"], "not_joined");
}

async fn jn6_large_events_cost_a_client_that_does_not_read_one_snapshot_at_most(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut slow = desk.joined("slow", &project).await;
    let mut ann = desk.joined("ann", &project).await;
    let mut blocks = Vec::new();
    for _ in 0..6 {
        blocks.push(ann.insert(&project, json!({"text": "x".repeat(100_000)})).await);
    }
    slow.event(6).await;
    for version in [1, 3, 5, 7] {
        delete_and_revive(&mut ann, &project, &blocks, version).await;
    }
    let mut resets = 0;
    let mut seq = 6;
    while seq < 14 {
        let message = slow.next().await;
        match message["type"].as_str().unwrap() {
            "reset" => {
                resets += 1;
                seq = message["seq"].as_u64().unwrap();
            }
            "events" => {
                let first = message["events"][0]["seq"].as_u64().unwrap();
                assert_eq!(first, seq + 1, "a hole");
                seq += message["events"].as_array().unwrap().len() as u64;
            }
            _ => {}
        }
        slow.connection.on_progress().await;
    }
    // One before the outbox was full, one when it had been read.
    assert!(resets <= 2, "{resets} snapshots");
}

/// Deletes all, and takes it back: that event is larger than what is sent.
async fn delete_and_revive(ann: &mut Peer, project: &str, blocks: &[String], version: u64) {
    let ops: Vec<Value> =
        blocks.iter().map(|block| json!({"op": "delete", "block": block, "baseVersion": version})).collect();
    let deleted = ann.edit(project, json!(ops)).await;
    assert_eq!(deleted["type"], "ack", "{deleted}");
    let undo = json!({"type": "undo", "project": project, "target": deleted["editId"], "editId": fresh()});
    let undone = ann.ask(undo).await;
    assert_eq!(undone["type"], "ack", "{undone}");
}
