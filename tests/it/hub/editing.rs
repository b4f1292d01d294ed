//! Editing: acks, conflicts, events, order.

use serde_json::json;

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh};

on_both!(
    ms5_the_ack_precedes_the_event_and_everybody_gets_the_event,
    ed2_an_edit_sent_again_is_answered_with_the_original_seq,
    ed5_disjoint_changes_merge_and_clashing_ones_conflict_with_all_it_takes_to_settle,
    ed12_two_people_typing_at_once_end_equal_and_never_conflict,
    hi2_undo_takes_an_edit_back_and_restore_the_whole_project,
);

async fn ms5_the_ack_precedes_the_event_and_everybody_gets_the_event(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    let block = fresh();
    ann.hear("presence").await;
    let id = ann
        .say(json!({"type": "edit", "project": project, "editId": fresh(), "ops": [
            {"op": "insert", "block": block, "kind": "text", "parent": null, "after": null, "content": {"text": "Hi"}}]}))
        .await;
    let ack = ann.next().await;
    assert_eq!((&ack["type"], &ack["id"], &ack["seq"]), (&json!("ack"), &json!(id), &json!(1)), "{ack}");
    assert_eq!(ack["versions"], json!({block.clone(): 1}));
    let events = ann.next().await;
    assert_eq!(events["events"][0]["ops"][0]["block"]["content"], json!({"text": "Hi"}), "{events}");
    assert_eq!(events["events"][0]["requestId"], ack["requestId"]);
    assert_eq!(bob.event(1).await, events["events"][0]);
}

async fn ed2_an_edit_sent_again_is_answered_with_the_original_seq(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let edit = json!({"type": "edit", "project": project, "editId": fresh(), "ops": [
        {"op": "insert", "block": fresh(), "kind": "text", "parent": null, "after": null, "content": {}}]});
    let first = ann.ask(edit.clone()).await;
    ann.insert(&project, json!({})).await;
    let again = ann.ask(edit.clone()).await;
    assert_eq!((&again["seq"], &again["versions"]), (&first["seq"], &first["versions"]));
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    // Another hub, which has never heard of it.
    let elsewhere = Desk::open(database).await;
    let mut later = elsewhere.joined("ann", &project).await;
    let there = later.ask(edit.clone()).await;
    assert_eq!((&there["seq"], &there["versions"]), (&first["seq"], &first["versions"]), "{there}");
    assert_eq!(there["duplicate"], true);
    let mut bob = elsewhere.joined("bob", &project).await;
    assert_eq!(bob.ask(edit).await["code"], "forbidden");
    assert_eq!(desk.head(&project).await.0, 2);
}

async fn ed5_disjoint_changes_merge_and_clashing_ones_conflict_with_all_it_takes_to_settle(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    let block = ann.insert(&project, json!({"color": "blue", "size": 1})).await;
    let update = |base: u64, patch| json!([{"op": "update", "block": block, "baseVersion": base, "patch": patch}]);
    let red = ann.edit(&project, update(1, json!({"color": "red"}))).await;
    assert_eq!((&red["seq"], &red["merged"]), (&json!(2), &json!(false)));
    let big = bob.edit(&project, update(1, json!({"size": 2}))).await;
    assert_eq!((&big["type"], &big["merged"], &big["versions"][&block]), (&json!("ack"), &json!(true), &json!(3)));
    let clash = bob.edit(&project, update(1, json!({"color": "green"}))).await;
    assert_eq!(clash["type"], "conflict", "{clash}");
    let conflict = &clash["conflicts"][0];
    assert_eq!(conflict["paths"], json!(["/color"]));
    assert_eq!(conflict["current"]["content"], json!({"color": "red", "size": 2}));
    assert_eq!(conflict["base"], json!({"color": "blue", "size": 1}));
    assert_eq!((&conflict["baseVersion"], &conflict["currentVersion"]), (&json!(1), &json!(3)));
    let notice = ann.hear("conflicted").await;
    assert_eq!((&notice["editId"], &notice["actor"]["id"]), (&clash["editId"], &json!("bob")));
}

async fn ed12_two_people_typing_at_once_end_equal_and_never_conflict(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    let block = ann.insert(&project, json!({"text": "one two"})).await;
    let text = |at: u64, insert: &str| {
        json!([{"op": "text", "block": block, "baseVersion": 1, "path": "/text",
            "changes": [{"at": at, "delete": 0, "insert": insert}]}])
    };
    assert_eq!(ann.edit(&project, text(3, " and a half")).await["type"], "ack");
    let merged = bob.edit(&project, text(7, " three")).await;
    assert_eq!((&merged["type"], &merged["merged"]), (&json!("ack"), &json!(true)), "{merged}");
    let event = ann.event(3).await;
    assert_eq!(event["ops"][0]["changes"], json!([{"at": 18, "delete": 0, "insert": " three"}]));
    let now = desk.joined("eve", &project).await;
    drop(now);
}

async fn hi2_undo_takes_an_edit_back_and_restore_the_whole_project(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let block = ann.insert(&project, json!({"text": "first"})).await;
    let edit = fresh();
    ann.ask(json!({"type": "edit", "project": project, "editId": edit, "ops": [
        {"op": "update", "block": block, "baseVersion": 1, "patch": {"text": "second"}}]}))
        .await;
    let undone = ann.ask(json!({"type": "undo", "project": project, "target": edit, "editId": fresh()})).await;
    assert_eq!((&undone["type"], &undone["seq"]), (&json!("ack"), &json!(3)), "{undone}");
    assert_eq!(ann.event(3).await["ops"][0]["patch"], json!({"text": "first"}));
    let restored = ann.ask(json!({"type": "restore", "project": project, "seq": 2, "editId": fresh()})).await;
    assert_eq!(restored["type"], "ack", "{restored}");
    assert_eq!(ann.event(4).await["ops"][0]["patch"], json!({"text": "second"}));
    let unknown = ann.ask(json!({"type": "undo", "project": project, "target": fresh(), "editId": fresh()})).await;
    assert_eq!(unknown["code"], "not_found");
}
