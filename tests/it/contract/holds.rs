//! A project that is held for one commit.

use std::time::Duration;

use blockhub::domain::ids::ProjectId;
use blockhub::domain::sequence::Seq;
use blockhub::store::{Committed, Hold, Patience};
use tokio::time;
use uuid::Uuid;

use super::on_both;
use super::scene::Scene;
use crate::harness::database::Database;

on_both!(
    ed1_what_is_held_is_committed_by_its_holder_alone,
    who_waits_for_a_held_project_sees_what_its_holder_did,
    ed3_a_held_commit_is_checked_like_any_other,
    a_hold_that_is_dropped_lets_go,
    who_goes_away_while_waiting_to_hold_leaves_no_lock,
    reads_go_on_while_a_project_is_held,
    a_project_that_never_was_is_held_for_nothing,
);

const PATIENT: Patience = Patience::Ms(60_000);

async fn held(scene: &Scene) -> Box<dyn Hold> {
    scene.store.hold(scene.project, PATIENT).await.unwrap().expect("the lock")
}

async fn ed1_what_is_held_is_committed_by_its_holder_alone(database: &Database) {
    let scene = Scene::new(database).await;
    let other = scene.elsewhere(database).await;
    let hold = held(&scene).await;
    for patience in [Patience::None, Patience::Ms(20)] {
        let answer = other.store.commit(&[other.commit(None, vec![], vec![])], patience).await.unwrap();
        assert_eq!(answer, vec![Committed::Locked]);
        assert!(other.store.hold(scene.project, patience).await.unwrap().is_none());
    }
    assert_eq!(hold.commit(scene.commit(None, vec![], vec![])).await.unwrap(), Committed::Done { first: Seq(1) });
    assert_eq!(other.must_commit(other.commit(None, vec![], vec![])).await, Seq(2));
}

async fn who_waits_for_a_held_project_sees_what_its_holder_did(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, _) = scene.with_block().await;
    let hold = held(&scene).await;
    let other = scene.elsewhere(database).await;
    let late = other.update(&block);
    let waiting = tokio::spawn(async move { other.store.commit(&[late], PATIENT).await.unwrap() });
    assert_eq!(hold.commit(scene.update(&block)).await.unwrap(), Committed::Done { first: Seq(2) });
    assert_eq!(waiting.await.unwrap(), vec![Committed::Stale]);
}

async fn ed3_a_held_commit_is_checked_like_any_other(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, tree) = scene.with_block().await;
    scene.must_commit(scene.update(&block)).await;
    assert_eq!(held(&scene).await.commit(scene.update(&block)).await.unwrap(), Committed::Stale);
    let again = scene.commit(None, vec![], vec![]);
    scene.must_commit(again.clone()).await;
    assert_eq!(held(&scene).await.commit(again).await.unwrap(), Committed::Stale);
    assert_eq!(scene.head().await, Seq(tree + 2));
}

async fn a_hold_that_is_dropped_lets_go(database: &Database) {
    let scene = Scene::new(database).await;
    for round in 1..=3 {
        drop(held(&scene).await);
        let answer = scene.store.commit(&[scene.commit(None, vec![], vec![])], PATIENT).await.unwrap();
        assert_eq!(answer, vec![Committed::Done { first: Seq(round) }]);
    }
}

async fn who_goes_away_while_waiting_to_hold_leaves_no_lock(database: &Database) {
    let scene = Scene::new(database).await;
    let other = scene.elsewhere(database).await;
    let hold = held(&scene).await;
    tokio::select! {
        biased;
        _ = other.store.hold(scene.project, PATIENT) => panic!("held twice"),
        () = std::future::ready(()) => {}
    }
    drop(hold);
    let answer = scene.store.commit(&[scene.commit(None, vec![], vec![])], PATIENT).await.unwrap();
    assert_eq!(answer, vec![Committed::Done { first: Seq(1) }]);
}

async fn reads_go_on_while_a_project_is_held(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, seq) = scene.with_block().await;
    let hold = held(&scene).await;
    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!(opened.project.get(block.id).unwrap().version, block.version);
    assert_eq!(scene.head().await, Seq(seq));
    drop(hold);
}

async fn a_project_that_never_was_is_held_for_nothing(database: &Database) {
    let scene = Scene::new(database).await;
    let nowhere = ProjectId(Uuid::now_v7());
    let hold = scene.store.hold(nowhere, PATIENT).await.unwrap().expect("the lock");
    let commit = blockhub::store::Commit { project: nowhere, ..scene.commit(None, vec![], vec![]) };
    assert_eq!(hold.commit(commit).await.unwrap(), Committed::Gone);
}

async fn a_hold_lets_go_by_itself_when_its_time_is_up(database: &Database) {
    let scene = Scene::new(database).await;
    let hold = held(&scene).await;
    time::pause();
    time::advance(Duration::from_secs(6)).await;
    time::resume();
    let answer = scene.store.commit(&[scene.commit(None, vec![], vec![])], PATIENT).await.unwrap();
    assert_eq!(answer, vec![Committed::Done { first: Seq(1) }]);
    assert_eq!(hold.commit(scene.commit(None, vec![], vec![])).await.unwrap(), Committed::Locked);
    assert_eq!(scene.head().await, Seq(1));
}

// Only a runtime of one thread can be told that time has passed.

#[tokio::test]
async fn on_sqlite_a_hold_lets_go_by_itself_when_its_time_is_up() {
    a_hold_lets_go_by_itself_when_its_time_is_up(&Database::sqlite()).await;
}

#[tokio::test]
async fn on_postgres_a_hold_lets_go_by_itself_when_its_time_is_up() {
    let database = Database::postgres().await;
    a_hold_lets_go_by_itself_when_its_time_is_up(&database).await;
    database.drop().await;
}
