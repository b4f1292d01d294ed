//! What goes wrong inside costs an answer, never an edit.

use std::sync::Arc;

use blockhub::bus::local::LocalBus;
use blockhub::domain::ids::ProjectId;
use blockhub::domain::sequence::{Epoch, Seq};
use blockhub::hub::committer::Committer;
use blockhub::hub::context;
use blockhub::store::{Commit, Committed, Store, StoreError};
use blockhub::transport::auth::Keys;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh, parts};
use crate::harness::faulty::{Fault, FaultyStore};

on_both!(
    ed1_a_panic_in_a_room_costs_one_answer_and_the_room_goes_on,
    ed2_a_commit_whose_answer_was_lost_is_applied_once,
    ed1_a_commit_that_failed_is_not_acked_and_may_be_sent_again,
    jn5_a_log_that_was_rewritten_is_a_reset,
);

async fn faulty(database: &Database) -> (Desk, Arc<FaultyStore>) {
    let store = FaultyStore::over(database.store().await);
    (Desk::of(parts(store.clone(), Arc::new(LocalBus::default()), Keys::Open)), store)
}

fn edit(project: &str) -> Value {
    json!({"type": "edit", "project": project, "editId": fresh(), "ops": [
        {"op": "insert", "block": fresh(), "kind": "text", "parent": null, "after": null, "content": {}}]})
}

async fn ed1_a_panic_in_a_room_costs_one_answer_and_the_room_goes_on(database: &Database) {
    let (desk, store) = faulty(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    assert_eq!(ann.ask(edit(&project)).await["seq"], 1);
    store.plant(Fault::PanicInRecords);
    // An invalid edit is looked up among the records before it is answered.
    let invalid = json!([{"op": "delete", "block": fresh(), "baseVersion": 1}]);
    assert_eq!(ann.edit(&project, invalid.clone()).await["code"], "internal");
    assert_eq!(ann.edit(&project, invalid).await["code"], "invalid_edit");
    assert_eq!(ann.ask(edit(&project)).await["seq"], 2);
    assert_eq!((bob.event(1).await["seq"].clone(), bob.event(2).await["seq"].clone()), (json!(1), json!(2)));
}

async fn ed2_a_commit_whose_answer_was_lost_is_applied_once(database: &Database) {
    let (desk, store) = faulty(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    let edit = edit(&project);
    store.plant(Fault::CommitUnanswered);
    ann.say(edit.clone()).await;
    // [MS5] also where the hub does not know yet that there is an event.
    let is_first = |message: &Value| message["type"] == "error" || message["type"] == "events";
    let busy = ann.hear_where("the reply, then the event", is_first).await;
    assert_eq!((&busy["code"], busy["retryAfterMs"].is_u64()), (&json!("busy"), true), "{busy}");
    let again = ann.ask(edit).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(1), &json!(true)), "{again}");
    assert_eq!(bob.event(1).await["editId"], again["editId"]);
    assert_eq!(desk.head(&project).await.0, 1);
}

async fn ed1_a_commit_that_failed_is_not_acked_and_may_be_sent_again(database: &Database) {
    let (desk, store) = faulty(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    for (fault, code) in [(Fault::CommitRefused, "busy"), (Fault::PanicInCommit, "internal")] {
        let before = desk.head(&project).await.0;
        let edit = edit(&project);
        store.plant(fault);
        assert_eq!(ann.ask(edit.clone()).await["code"], code);
        assert_eq!(desk.head(&project).await.0, before);
        let ack = ann.ask(edit).await;
        assert_eq!((&ack["seq"], &ack["duplicate"]), (&json!(before + 1), &json!(false)), "{ack}");
    }
}

async fn jn5_a_log_that_was_rewritten_is_a_reset(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let block = ann.insert(&project, json!({"n": 1})).await;
    assert!(desk.store.bump_epoch(project.parse().unwrap(), 99).await.unwrap());
    let reset = ann.hear("reset").await;
    assert_eq!((&reset["reason"], &reset["seq"]), (&json!("epoch"), &json!(1)), "{reset}");
    assert_eq!(reset["blocks"][0]["id"], json!(block));
    assert_eq!(ann.ask(edit(&project)).await["seq"], 2);
    let old = json!({"type": "edit", "project": project, "editId": fresh(), "epoch": "0000000000000007-0", "ops": [
        {"op": "update", "block": block, "baseVersion": 1, "patch": {"n": 2}}]});
    assert_eq!(ann.ask(old).await["type"], "conflict");
}

fn nothing(project: u128) -> Commit {
    Commit {
        project: ProjectId(Uuid::from_u128(project)),
        epoch: Epoch { log: 1, timeline: 0 },
        tree_seq: None,
        blocks: Vec::new(),
        events: Vec::new(),
    }
}

/// On a store of its own, with one lane.
async fn committer(database: &Database) -> (Committer, Arc<FaultyStore>) {
    let store = FaultyStore::over(database.store().await);
    let erased: Arc<dyn Store> = store.clone();
    (Committer::new(&erased), store)
}

#[tokio::test]
async fn ed1_rooms_whose_turn_it_is_decide_then_and_go_together() {
    let database = Database::sqlite();
    let (committer, store) = committer(&database).await;
    assert!(committer.turn(ProjectId(Uuid::nil())).is_none(), "an idle lane makes nobody wait");
    // While it stands, the batch waits for as long as the rooms need.
    tokio::time::pause();
    store.plant(Fault::CommitHeld);
    let first = committer.commit(nothing(1));
    store.something_is_held().await;
    let turns = [2, 3, 4].map(|project| (project, committer.turn(ProjectId(Uuid::from_u128(project))).unwrap()));
    store.go_on();
    let mut answers = vec![first];
    for (project, turn) in turns {
        let _turn = turn.await.unwrap();
        answers.push(committer.commit(nothing(project)));
    }
    tokio::time::resume();
    for answer in answers {
        assert!(matches!(answer.await, Ok(Ok(Committed::Gone))));
    }
    assert_eq!(store.batches(), [1, 3]);
}

#[tokio::test]
async fn ed1_a_room_that_lets_its_turn_pass_holds_up_nobody() {
    let database = Database::sqlite();
    let (committer, store) = committer(&database).await;
    tokio::time::pause();
    store.plant(Fault::CommitHeld);
    let first = committer.commit(nothing(1));
    store.something_is_held().await;
    let asleep = committer.turn(ProjectId(Uuid::from_u128(2))).unwrap();
    let next = committer.commit(nothing(3));
    store.go_on();
    let turn = asleep.await.unwrap();
    assert!(matches!(first.await, Ok(Ok(Committed::Gone))));
    tokio::time::resume();
    assert!(matches!(next.await, Ok(Ok(Committed::Gone))));
    drop(turn);
}

#[tokio::test]
async fn ed1_a_commit_that_is_never_answered_does_not_hold_up_its_lane() {
    let database = Database::sqlite();
    let (committer, store) = committer(&database).await;
    tokio::time::pause();
    store.plant(Fault::CommitSilent);
    let (silent, next) = (committer.commit(nothing(1)), committer.commit(nothing(1)));
    assert!(matches!(silent.await, Ok(Err(StoreError::Unavailable(_)))));
    tokio::time::resume();
    assert!(matches!(next.await, Ok(Err(_) | Ok(Committed::Gone))));
}

/// On one thread, whose clock can be moved.
#[tokio::test]
async fn ms4_what_waits_past_its_deadline_is_busy_and_not_done() {
    let database = Database::sqlite();
    let (desk, store) = faulty(&database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let (mut bob, late) = (desk.peer("bob").await, edit(&project));
    store.plant(Fault::CommitHeld);
    ann.say(edit(&project)).await;
    store.something_is_held().await;
    let waits = ann.say(late.clone()).await;
    let joins = bob.say(json!({"type": "join", "project": project})).await;
    tokio::time::pause();
    tokio::time::advance(context::WITHIN).await;
    tokio::time::resume();
    store.go_on();
    for reply in [ann.answer(&waits).await, bob.answer(&joins).await] {
        assert_eq!((&reply["code"], &reply["retryAfterMs"]), (&json!("busy"), &json!(1000)), "{reply}");
    }
    assert_eq!(desk.head(&project).await, Seq(0));
    assert_eq!(ann.ask(late).await["seq"], 1);
    assert_eq!(bob.ask(json!({"type": "join", "project": project})).await["seq"], 1);
}
