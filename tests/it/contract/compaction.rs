//! Dropping what is old, and nothing else.

use std::sync::Arc;

use blockhub::domain::access::Role;
use blockhub::domain::block::Block;
use blockhub::domain::event::{Change, Event};
use blockhub::domain::ids::{GroupId, UserId};
use blockhub::domain::merge::Pointer;
use blockhub::domain::sequence::{Seq, Timestamp, Version};
use blockhub::domain::text::Sent;
use blockhub::store::{Commit, Committed, Dropped, Retention, Span, Store};
use uuid::Uuid;

use super::on_both;
use super::scene::{NOW, Scene, event, lives, new_project};
use crate::harness::database::Database;

on_both!(
    hi3_nothing_is_dropped_that_is_young,
    hi3_old_events_go_and_young_ones_stay,
    hi3_asking_for_what_was_dropped_finds_nothing,
    hi3_a_long_log_goes_piece_by_piece,
    hi3_graves_are_kept,
    hi3_records_outlive_their_events,
    hi3_records_go_when_they_are_old_and_their_events_dropped,
    hi3_text_history_is_kept_as_far_as_a_later_event_leans_on_it,
    hi3_a_later_event_that_leans_on_nothing_old_holds_nothing_back,
    hi3_a_deleted_project_goes_for_good_when_its_time_is_over,
);

const NEVER: Timestamp = Timestamp(i64::MIN);

/// What is dropped if nothing is old.
const KEEP: Retention = Retention { events_before: None, records_before: NEVER, deleted_before: NEVER };

async fn compact_all(store: &dyn Store, retention: Retention) -> Dropped {
    let mut sum = Dropped::default();
    loop {
        let dropped = store.compact(&retention).await.unwrap();
        if dropped == Dropped::default() {
            return sum;
        }
        sum.events += dropped.events;
        sum.records += dropped.records;
        sum.projects += dropped.projects;
    }
}

async fn drop_events(scene: &Scene, before: i64) -> Dropped {
    compact_all(&*scene.store, Retention { events_before: Some(Timestamp(before)), ..KEEP }).await
}

/// An event at a time.
fn at(ms: i64, commit: Commit) -> Commit {
    let events = commit.events.iter().map(|event| Arc::new(Event { at: Timestamp(ms), ..(**event).clone() }));
    Commit { events: events.collect(), ..commit }
}

/// A project with one block, inserted at 1 and updated at 2, 3, … .
async fn aged(database: &Database, events: u64) -> (Scene, Block) {
    let scene = Scene::new(database).await;
    let mut block = super::scene::block("a0");
    scene.must_commit(at(1, scene.insert(0, &block))).await;
    for ms in 2..=events {
        scene.must_commit(at(ms.cast_signed(), scene.update(&block))).await;
        block.version = block.version.next();
    }
    (scene, block)
}

async fn log(scene: &Scene) -> Vec<u64> {
    let events = scene.store.events(scene.project, Span::Before(None), 9_999).await.unwrap();
    events.iter().rev().map(|event| event.seq.0).collect()
}

async fn hi3_nothing_is_dropped_that_is_young(database: &Database) {
    let (scene, _) = aged(database, 5).await;
    assert_eq!(compact_all(&*scene.store, KEEP).await, Dropped::default());
    assert_eq!(drop_events(&scene, 1).await, Dropped::default());
    assert_eq!(log(&scene).await, vec![1, 2, 3, 4, 5]);
}

async fn hi3_old_events_go_and_young_ones_stay(database: &Database) {
    let (scene, block) = aged(database, 6).await;
    assert_eq!(drop_events(&scene, 4).await, Dropped { events: 3, ..Dropped::default() });
    assert_eq!(log(&scene).await, vec![4, 5, 6]);
    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!((opened.log_start, opened.info.seq), (Seq(3), Seq(6)));
    assert_eq!(opened.project.get(block.id).unwrap().version, block.version);
    assert_eq!(scene.must_commit(scene.update(&block)).await, Seq(7));
    assert_eq!(drop_events(&scene, NOW.0 + 1).await.events, 4);
    assert_eq!(log(&scene).await, Vec::<u64>::new());
    assert_eq!(scene.must_commit(scene.commit(None, vec![], vec![])).await, Seq(8));
}

async fn hi3_asking_for_what_was_dropped_finds_nothing(database: &Database) {
    let (scene, block) = aged(database, 4).await;
    let group = GroupId(Uuid::new_v4());
    for ms in [5, 6] {
        let mut commit = scene.commit(None, vec![], vec![]);
        commit.events = vec![Arc::new(Event { group: Some(group), ..event(vec![]) })];
        scene.must_commit(at(ms, commit)).await;
    }
    let events = scene.store.events(scene.project, Span::After(Seq(0)), 9).await.unwrap();
    drop_events(&scene, 6).await;
    for event in &events[..5] {
        assert_eq!(scene.store.event_of_edit(scene.project, event.edit).await.unwrap(), None);
    }
    assert!(scene.store.event_of_edit(scene.project, events[5].edit).await.unwrap().is_some());
    assert_eq!(scene.store.events(scene.project, Span::After(Seq(4)), 9).await.unwrap(), vec![]);
    assert_eq!(scene.store.events(scene.project, Span::After(Seq(5)), 9).await.unwrap(), events[5..]);
    assert_eq!(scene.store.events_of_group(scene.project, group).await.unwrap(), events[5..]);
    assert_eq!(scene.store.block_events(scene.project, block.id, Version(0)).await.unwrap(), vec![]);
}

async fn hi3_a_long_log_goes_piece_by_piece(database: &Database) {
    let scene = Scene::new(database).await;
    let events = (0..2_500).map(|_| Arc::new(event(vec![])));
    let commit = Commit { events: events.collect(), ..scene.commit(None, vec![], vec![]) };
    scene.must_commit(at(1, commit)).await;
    scene.must_commit(at(5, scene.commit(None, vec![], vec![]))).await;
    let retention = Retention { events_before: Some(Timestamp(2)), ..KEEP };
    let first = scene.store.compact(&retention).await.unwrap();
    assert!((1..2_500).contains(&first.events), "{first:?}");
    assert_eq!(log(&scene).await, vec![2_501]);
    assert_eq!(first.events + compact_all(&*scene.store, retention).await.events, 2_500);
}

async fn hi3_graves_are_kept(database: &Database) {
    let (scene, block) = aged(database, 1).await;
    scene.must_commit(at(2, scene.delete(1, &block))).await;
    let old = Retention { records_before: Timestamp(9), events_before: Some(Timestamp(9)), ..KEEP };
    assert_eq!(compact_all(&*scene.store, old).await, Dropped { events: 2, records: 2, projects: 0 });
    let graves = scene.store.graves(scene.project, &[block.id]).await.unwrap();
    assert_eq!(graves[0].1.version, Version(2));
    assert_eq!(scene.try_commit(scene.insert(2, &block)).await, Committed::Stale);
}

async fn hi3_records_outlive_their_events(database: &Database) {
    let (scene, _) = aged(database, 3).await;
    let events = scene.store.events(scene.project, Span::After(Seq(0)), 9).await.unwrap();
    let edits: Vec<_> = events.iter().map(|event| event.edit).collect();
    let before = scene.store.records(scene.project, &edits).await.unwrap();
    assert_eq!(drop_events(&scene, 9).await, Dropped { events: 3, ..Dropped::default() });
    let mut after = scene.store.records(scene.project, &edits).await.unwrap();
    after.sort_by_key(|record| record.seq);
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|record| after.contains(record)));
    let mut again = scene.commit(None, vec![], vec![]);
    again.events = vec![Arc::clone(&events[0])];
    assert_eq!(scene.try_commit(again).await, Committed::Stale);
}

async fn hi3_records_go_when_they_are_old_and_their_events_dropped(database: &Database) {
    let (scene, _) = aged(database, 6).await;
    let events = scene.store.events(scene.project, Span::After(Seq(0)), 9).await.unwrap();
    let edits: Vec<_> = events.iter().map(|event| event.edit).collect();
    let kept = async || {
        let records = scene.store.records(scene.project, &edits).await.unwrap();
        let mut seqs: Vec<_> = records.iter().map(|record| record.seq.0).collect();
        seqs.sort_unstable();
        seqs
    };
    let records_old = Retention { records_before: Timestamp(4), ..KEEP };
    assert_eq!(compact_all(&*scene.store, records_old).await, Dropped::default());
    let both = Retention { events_before: Some(Timestamp(6)), ..records_old };
    assert_eq!(compact_all(&*scene.store, both).await, Dropped { events: 5, records: 3, projects: 0 });
    assert_eq!(kept().await, vec![4, 5, 6]);
    let all = Retention { records_before: Timestamp(9), ..both };
    assert_eq!(compact_all(&*scene.store, all).await.records, 2);
    assert_eq!(kept().await, vec![6]);
}

/// A text change at a time, whose author saw `base`.
fn typed(scene: &Scene, block: &Block, base: u64, ms: i64) -> Commit {
    let after = Block { version: block.version.next(), ..block.clone() };
    let change = Change::Text {
        block: block.id,
        version: after.version,
        path: Pointer(vec!["text".into()]),
        splices: vec![],
        sent: Sent::Typed { base: Version(base), changes: vec![] },
    };
    at(ms, scene.commit(None, vec![lives(block.version.0, &after)], vec![change]))
}

/// Versions 1 to 8 of a block, made at 1 to 8 by typing; the events of these versions leaned on these bases.
async fn typed_on(database: &Database, bases: [u64; 7]) -> (Scene, Block) {
    let (scene, mut block) = aged(database, 1).await;
    for (base, ms) in bases.into_iter().zip(2..) {
        scene.must_commit(typed(&scene, &block, base, ms)).await;
        block.version = block.version.next();
    }
    (scene, block)
}

async fn hi3_text_history_is_kept_as_far_as_a_later_event_leans_on_it(database: &Database) {
    // Version 7 leans on 5, so needs 6 too; 6 leans on 3, so needs 4 and 5; 4 leans on 3 only.
    let (scene, block) = typed_on(database, [1, 2, 3, 4, 3, 5, 7]).await;
    assert_eq!(drop_events(&scene, 7).await.events, 3);
    assert_eq!(log(&scene).await, vec![4, 5, 6, 7, 8]);
    assert_eq!(scene.store.block_events(scene.project, block.id, Version(3)).await.unwrap().len(), 5);
    assert_eq!(drop_events(&scene, 8).await.events, 4);
    assert_eq!(log(&scene).await, vec![8]);
}

async fn hi3_a_later_event_that_leans_on_nothing_old_holds_nothing_back(database: &Database) {
    let (scene, _) = typed_on(database, [1, 2, 2, 4, 5, 6, 7]).await;
    assert_eq!(drop_events(&scene, 6).await.events, 5);
    assert_eq!(log(&scene).await, vec![6, 7, 8]);
}

async fn hi3_a_deleted_project_goes_for_good_when_its_time_is_over(database: &Database) {
    let (scene, _) = aged(database, 5).await;
    let other = Scene::on(Arc::clone(&scene.store)).await;
    for project in [scene.project, other.project] {
        scene.store.set_member(project, &UserId::from("bob"), Some(Role::Viewer)).await.unwrap();
    }
    scene.store.set_deleted(scene.project, Some(Timestamp(50))).await.unwrap();
    let over = |ms| Retention { deleted_before: Timestamp(ms), ..KEEP };
    assert_eq!(compact_all(&*scene.store, over(50)).await, Dropped::default());
    assert_eq!(compact_all(&*scene.store, over(51)).await.projects, 1);
    assert!(!scene.store.set_deleted(scene.project, None).await.unwrap());
    assert_eq!(scene.store.project(scene.project, &UserId::from("ann")).await.unwrap(), None);
    assert_eq!(scene.store.members(scene.project).await.unwrap(), vec![]);
    assert_eq!(scene.store.members(other.project).await.unwrap().len(), 2);
    let again = blockhub::store::NewProject { id: scene.project, ..new_project("eve") };
    assert!(scene.store.create(&again).await.unwrap());
    assert_eq!(log(&scene).await, Vec::<u64>::new());
}
