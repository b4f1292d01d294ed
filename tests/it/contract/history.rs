//! The log, and what is looked up in it.

use std::sync::Arc;

use blockhub::domain::event::{Actor, ActorKind, Change, Event};
use blockhub::domain::ids::{EditId, GroupId, UserId};
use blockhub::domain::sequence::{Seq, Version};
use blockhub::store::{Commit, EditRecord, Span};
use uuid::Uuid;

use super::on_both;
use super::scene::{Scene, block, event, lives};
use crate::harness::database::Database;

on_both!(
    hi1_a_span_after_a_seq_is_oldest_first,
    hi1_a_span_before_a_seq_is_newest_first,
    hi1_the_logs_of_two_projects_do_not_mix,
    ed2_a_record_tells_whose_it_was_and_what_was_answered,
    ed2_records_are_found_for_some_of_the_ids_asked_for,
    ed2_an_event_is_found_by_its_edit,
    hi2_the_events_of_a_group_are_found_oldest_first,
    ed12_the_events_of_a_block_are_found_from_a_version_on,
    ed9_a_delete_is_an_event_of_all_it_takes_along,
    an_event_that_touches_a_block_twice_is_found_once,
);

fn seqs(events: &[Arc<Event>]) -> Vec<u64> {
    events.iter().map(|event| event.seq.0).collect()
}

async fn with_events(database: &Database, events: u64) -> Scene {
    let scene = Scene::new(database).await;
    let commit = |_| scene.commit(None, vec![], vec![]).events[0].clone();
    let commit = Commit { events: (0..events).map(commit).collect(), ..scene.commit(None, vec![], vec![]) };
    scene.must_commit(commit).await;
    scene
}

async fn hi1_a_span_after_a_seq_is_oldest_first(database: &Database) {
    let scene = with_events(database, 7).await;
    let after =
        async |seq, limit| seqs(&scene.store.events(scene.project, Span::After(Seq(seq)), limit).await.unwrap());
    assert_eq!(after(0, 100).await, vec![1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(after(2, 3).await, vec![3, 4, 5]);
    assert_eq!(after(7, 3).await, Vec::<u64>::new());
    assert_eq!(after(99, 3).await, Vec::<u64>::new());
    assert_eq!(after(0, 0).await, Vec::<u64>::new());
}

async fn hi1_a_span_before_a_seq_is_newest_first(database: &Database) {
    let scene = with_events(database, 7).await;
    let before = async |seq: Option<u64>, limit| {
        seqs(&scene.store.events(scene.project, Span::Before(seq.map(Seq)), limit).await.unwrap())
    };
    assert_eq!(before(None, 3).await, vec![7, 6, 5]);
    assert_eq!(before(Some(5), 3).await, vec![4, 3, 2]);
    assert_eq!(before(Some(3), 9).await, vec![2, 1]);
    assert_eq!(before(Some(1), 9).await, Vec::<u64>::new());
    assert_eq!(before(Some(99), 1).await, vec![7]);
}

async fn hi1_the_logs_of_two_projects_do_not_mix(database: &Database) {
    let scene = with_events(database, 3).await;
    let other = Scene::on(Arc::clone(&scene.store)).await;
    let mine = other.commit(None, vec![], vec![]);
    other.must_commit(mine.clone()).await;
    assert_eq!(other.store.events(other.project, Span::Before(None), 9).await.unwrap(), mine.events);
    let edit = scene.store.events(scene.project, Span::Before(None), 1).await.unwrap()[0].edit;
    assert_eq!(other.store.event_of_edit(other.project, edit).await.unwrap(), None);
    assert_eq!(other.store.records(other.project, &[edit]).await.unwrap(), vec![]);
}

async fn ed2_a_record_tells_whose_it_was_and_what_was_answered(database: &Database) {
    let scene = Scene::new(database).await;
    let (first, _) = scene.with_block().await;
    let (second, _) = scene.with_block().await;
    let mut commit = scene.update(&first);
    commit.blocks.extend(scene.update(&second).blocks);
    let changes = [commit.events[0].changes.clone(), scene.update(&second).events[0].changes.clone()].concat();
    let actor = Actor { id: UserId::from("bob"), name: None, kind: ActorKind::Agent };
    let made = Event { actor: Arc::new(actor), merged: true, overwrote: true, ..event(changes) };
    commit.events = vec![Arc::new(made.clone())];
    scene.must_commit(commit).await;

    let record = EditRecord {
        edit: made.edit,
        user: UserId::from("bob"),
        seq: Seq(3),
        versions: vec![(first.id, Version(2)), (second.id, Version(2))],
        merged: true,
        overwrote: true,
    };
    assert_eq!(scene.store.records(scene.project, &[made.edit]).await.unwrap(), vec![record]);
}

async fn ed2_records_are_found_for_some_of_the_ids_asked_for(database: &Database) {
    let scene = with_events(database, 5).await;
    let events = scene.store.events(scene.project, Span::After(Seq(0)), 9).await.unwrap();
    let asked = [events[3].edit, EditId(Uuid::new_v4()), events[1].edit];
    let mut found: Vec<_> =
        scene.store.records(scene.project, &asked).await.unwrap().iter().map(|record| record.seq.0).collect();
    found.sort_unstable();
    assert_eq!(found, vec![2, 4]);
    assert_eq!(scene.store.records(scene.project, &[]).await.unwrap(), vec![]);
}

async fn ed2_an_event_is_found_by_its_edit(database: &Database) {
    let scene = with_events(database, 3).await;
    let events = scene.store.events(scene.project, Span::After(Seq(0)), 9).await.unwrap();
    let found = scene.store.event_of_edit(scene.project, events[1].edit).await.unwrap();
    assert_eq!(found.as_ref(), Some(&events[1]));
    assert_eq!(scene.store.event_of_edit(scene.project, EditId(Uuid::new_v4())).await.unwrap(), None);
}

async fn hi2_the_events_of_a_group_are_found_oldest_first(database: &Database) {
    let scene = Scene::new(database).await;
    let (mine, other) = (GroupId(Uuid::new_v4()), GroupId(Uuid::new_v4()));
    for group in [Some(mine), None, Some(other), Some(mine)] {
        let mut commit = scene.commit(None, vec![], vec![]);
        commit.events = vec![Arc::new(Event { group, ..event(vec![]) })];
        scene.must_commit(commit).await;
    }
    let found = scene.store.events_of_group(scene.project, mine).await.unwrap();
    assert_eq!(seqs(&found), vec![1, 4]);
    assert!(found.iter().all(|event| event.group == Some(mine)));
    let unknown = GroupId(Uuid::new_v4());
    assert_eq!(scene.store.events_of_group(scene.project, unknown).await.unwrap(), vec![]);
}

async fn ed12_the_events_of_a_block_are_found_from_a_version_on(database: &Database) {
    let scene = Scene::new(database).await;
    let (mut mine, _) = scene.with_block().await;
    let (mut other, _) = scene.with_block().await;
    for _ in 0..3 {
        scene.must_commit(scene.update(&mine)).await;
        scene.must_commit(scene.update(&other)).await;
        mine.version = mine.version.next();
        other.version = other.version.next();
    }
    let after =
        async |version| seqs(&scene.store.block_events(scene.project, mine.id, Version(version)).await.unwrap());
    assert_eq!(after(0).await, vec![1, 3, 5, 7]);
    assert_eq!(after(2).await, vec![5, 7]);
    assert_eq!(after(4).await, Vec::<u64>::new());
    let never = block("a9").id;
    assert_eq!(scene.store.block_events(scene.project, never, Version(0)).await.unwrap(), vec![]);
}

async fn ed9_a_delete_is_an_event_of_all_it_takes_along(database: &Database) {
    let scene = Scene::new(database).await;
    let (parent, _) = scene.with_block().await;
    let (child, tree) = scene.with_block().await;
    let mut commit = scene.delete(tree, &parent);
    commit.blocks.extend(scene.delete(tree, &child).blocks);
    commit.events = vec![Arc::new(event(vec![Change::Delete { blocks: vec![parent.clone(), child.clone()] }]))];
    scene.must_commit(commit).await;
    for block in [parent, child] {
        let found = scene.store.block_events(scene.project, block.id, Version(1)).await.unwrap();
        assert_eq!(seqs(&found), vec![3]);
    }
}

async fn an_event_that_touches_a_block_twice_is_found_once(database: &Database) {
    let scene = Scene::new(database).await;
    let block = block("a0");
    let updated = blockhub::domain::block::Block { version: Version(2), ..block.clone() };
    let mut changes = vec![Change::Insert { block: block.clone() }];
    changes.extend(scene.update(&block).events[0].changes.clone());
    scene.must_commit(scene.commit(Some(0), vec![lives(0, &updated)], changes)).await;
    let found = scene.store.block_events(scene.project, block.id, Version(0)).await.unwrap();
    assert_eq!(seqs(&found), vec![1]);
    let records = scene.store.records(scene.project, &[found[0].edit]).await.unwrap();
    assert_eq!(records[0].versions, vec![(block.id, Version(2))]);
}
