//! Commits: all or nothing, numbered without holes, on what they were decided on.

use std::sync::Arc;

use blockhub::domain::ids::ProjectId;
use blockhub::domain::sequence::{Epoch, Seq, Timestamp, Version};
use blockhub::store::{Committed, Patience, Span};
use uuid::Uuid;

use super::on_both;
use super::scene::{NOW, Scene, block, event, grave_of, lives};
use crate::harness::database::Database;

on_both!(
    ed1_an_edit_takes_the_next_seq_and_is_there_as_a_whole,
    ed1_several_edits_of_a_room_are_numbered_in_their_order,
    ed1_an_edit_that_changes_nothing_takes_a_seq,
    ed3_a_version_that_is_not_so_is_stale_and_changes_nothing,
    ed3_a_block_that_never_was_is_stale,
    ed8_another_tree_seq_is_stale_only_to_those_who_name_one,
    ed14_another_epoch_is_stale,
    ed2_an_edit_id_that_is_taken_is_stale,
    ed2_an_edit_id_twice_in_one_batch_is_stale_for_its_project_alone,
    ed2_an_edit_id_is_free_in_another_project,
    ed9_the_id_of_a_block_that_is_there_is_stale,
    ed9_the_id_of_a_deleted_block_is_never_free_again,
    hi2_a_grave_is_revived_from_its_version,
    two_blocks_change_places_in_one_commit,
    one_stale_project_does_not_hold_up_the_others,
    a_deleted_or_unknown_project_is_gone,
    answers_stand_in_the_order_of_the_batch,
    an_empty_batch_is_answered_with_nothing,
    a_commit_moves_the_time_of_the_last_change,
);

async fn ed1_an_edit_takes_the_next_seq_and_is_there_as_a_whole(database: &Database) {
    let scene = Scene::new(database).await;
    let block = block("a0");
    let commit = scene.insert(0, &block);
    assert_eq!(scene.try_commit(commit.clone()).await, Committed::Done { first: Seq(1) });

    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!(opened.info.seq, Seq(1));
    assert_eq!((opened.project.seq, opened.project.tree_seq), (Seq(1), Seq(1)));
    assert_eq!(opened.project.get(block.id).map(|found| (**found).clone()), Some(block.clone()));
    assert_eq!(opened.project.len(), 1);
    let events = scene.store.events(scene.project, Span::After(Seq(0)), 10).await.unwrap();
    assert_eq!(events, commit.events);
    let records = scene.store.records(scene.project, &[commit.events[0].edit]).await.unwrap();
    assert_eq!(records[0].seq, Seq(1));
    assert_eq!(records[0].versions, vec![(block.id, Version(1))]);
}

async fn ed1_several_edits_of_a_room_are_numbered_in_their_order(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, tree) = scene.with_block().await;
    let mut commit = scene.commit(None, vec![], vec![]);
    commit.events = (0..3).map(|_| Arc::new(event(vec![]))).collect();
    let second = scene.update(&block);
    commit.blocks = second.blocks;
    commit.events.extend(second.events);
    assert_eq!(scene.try_commit(commit.clone()).await, Committed::Done { first: Seq(tree + 1) });

    let events = scene.store.events(scene.project, Span::After(Seq(tree)), 10).await.unwrap();
    let edits: Vec<_> = commit.events.iter().map(|event| event.edit).collect();
    assert_eq!(events.iter().map(|event| event.edit).collect::<Vec<_>>(), edits);
    assert_eq!(events.iter().map(|event| event.seq.0).collect::<Vec<_>>(), vec![2, 3, 4, 5]);
    assert_eq!(scene.head().await, Seq(5));
}

async fn ed1_an_edit_that_changes_nothing_takes_a_seq(database: &Database) {
    let scene = Scene::new(database).await;
    assert_eq!(scene.must_commit(scene.commit(None, vec![], vec![])).await, Seq(1));
    assert_eq!(scene.must_commit(scene.commit(None, vec![], vec![])).await, Seq(2));
}

async fn ed3_a_version_that_is_not_so_is_stale_and_changes_nothing(database: &Database) {
    let scene = Scene::new(database).await;
    let (first, _) = scene.with_block().await;
    let (second, _) = scene.with_block().await;
    scene.must_commit(scene.update(&first)).await;

    let mut commit = scene.update(&second);
    commit.blocks.extend(scene.update(&first).blocks);
    assert_eq!(scene.try_commit(commit.clone()).await, Committed::Stale);

    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!(opened.project.get(second.id).unwrap().version, Version(1));
    assert_eq!(opened.info.seq, Seq(3));
    assert_eq!(scene.store.records(scene.project, &[commit.events[0].edit]).await.unwrap(), vec![]);
    assert_eq!(scene.store.events(scene.project, Span::After(Seq(3)), 10).await.unwrap(), vec![]);
}

async fn ed3_a_block_that_never_was_is_stale(database: &Database) {
    let scene = Scene::new(database).await;
    assert_eq!(scene.try_commit(scene.update(&block("a0"))).await, Committed::Stale);
}

async fn ed8_another_tree_seq_is_stale_only_to_those_who_name_one(database: &Database) {
    let scene = Scene::new(database).await;
    let (first, tree) = scene.with_block().await;
    assert_eq!(scene.try_commit(scene.insert(tree - 1, &block("a5"))).await, Committed::Stale);
    assert_eq!(scene.must_commit(scene.update(&first)).await, Seq(2));
    assert_eq!(scene.must_commit(scene.insert(tree, &block("a5"))).await, Seq(3));
    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!(opened.project.tree_seq, Seq(3));
}

async fn ed14_another_epoch_is_stale(database: &Database) {
    let scene = Scene::new(database).await;
    let (first, _) = scene.with_block().await;
    let other_log = Epoch { log: scene.epoch.log ^ 1, ..scene.epoch };
    let other_timeline = Epoch { timeline: scene.epoch.timeline + 1, ..scene.epoch };
    for epoch in [other_log, other_timeline] {
        let mut commit = scene.update(&first);
        commit.epoch = epoch;
        assert_eq!(scene.try_commit(commit).await, Committed::Stale);
    }
    assert!(scene.store.bump_epoch(scene.project, other_log.log).await.unwrap());
    assert_eq!(scene.try_commit(scene.update(&first)).await, Committed::Stale);
    let mut commit = scene.update(&first);
    commit.epoch = other_log;
    assert_eq!(scene.must_commit(commit).await, Seq(2));
}

async fn ed2_an_edit_id_that_is_taken_is_stale(database: &Database) {
    let scene = Scene::new(database).await;
    let (first, _) = scene.with_block().await;
    let commit = scene.commit(None, vec![], vec![]);
    scene.must_commit(commit.clone()).await;
    assert_eq!(scene.try_commit(commit.clone()).await, Committed::Stale);
    let mut other = scene.update(&first);
    other.events.extend(commit.events);
    assert_eq!(scene.try_commit(other).await, Committed::Stale);
    assert_eq!(scene.head().await, Seq(2));
}

async fn ed2_an_edit_id_twice_in_one_batch_is_stale_for_its_project_alone(database: &Database) {
    let scene = Scene::new(database).await;
    let other = Scene::on(Arc::clone(&scene.store)).await;
    let mut twice = scene.commit(None, vec![], vec![]);
    twice.events.push(Arc::clone(&twice.events[0]));
    let batch = [twice, other.commit(None, vec![], vec![])];
    let answers = scene.store.commit(&batch, Patience::None).await.unwrap();
    assert_eq!(answers, vec![Committed::Stale, Committed::Done { first: Seq(1) }]);
    assert_eq!((scene.head().await, other.head().await), (Seq(0), Seq(1)));
}

async fn ed2_an_edit_id_is_free_in_another_project(database: &Database) {
    let scene = Scene::new(database).await;
    let other = Scene::on(Arc::clone(&scene.store)).await;
    let commit = scene.commit(None, vec![], vec![]);
    scene.must_commit(commit.clone()).await;
    let mut same = other.commit(None, vec![], vec![]);
    same.events = commit.events;
    assert_eq!(other.must_commit(same).await, Seq(1));
}

async fn ed9_the_id_of_a_block_that_is_there_is_stale(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, tree) = scene.with_block().await;
    assert_eq!(scene.try_commit(scene.insert(tree, &block)).await, Committed::Stale);
}

async fn ed9_the_id_of_a_deleted_block_is_never_free_again(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, tree) = scene.with_block().await;
    let (child, _) = scene.with_block().await;
    let deleted = scene.must_commit(scene.delete(tree + 1, &block)).await;
    assert_eq!(scene.try_commit(scene.insert(deleted.0, &block)).await, Committed::Stale);

    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!((opened.project.get(block.id), opened.project.len()), (None, 1));
    let never = super::scene::block("a9").id;
    let graves = scene.store.graves(scene.project, &[block.id, child.id, never]).await.unwrap();
    assert_eq!(graves, vec![(block.id, grave_of(&block))]);
}

async fn hi2_a_grave_is_revived_from_its_version(database: &Database) {
    let scene = Scene::new(database).await;
    let (mut block, tree) = scene.with_block().await;
    let deleted = scene.must_commit(scene.delete(tree, &block)).await.0;
    block.version = Version(3);
    let revival = |found| {
        let change = blockhub::domain::event::Change::Insert { block: block.clone() };
        scene.commit(Some(deleted), vec![lives(found, &block)], vec![change])
    };
    assert_eq!(scene.try_commit(revival(1)).await, Committed::Stale);
    assert_eq!(scene.must_commit(revival(2)).await, Seq(3));
    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    assert_eq!(**opened.project.get(block.id).unwrap(), block);
    assert_eq!(scene.store.graves(scene.project, &[block.id]).await.unwrap(), vec![]);
}

async fn two_blocks_change_places_in_one_commit(database: &Database) {
    let scene = Scene::new(database).await;
    let (first, _) = scene.with_block().await;
    let (second, tree) = scene.with_block().await;
    let moved = |one: &blockhub::domain::block::Block, other: &blockhub::domain::block::Block| {
        let mut after = one.clone();
        after.place = other.place.clone();
        after.version = Version(2);
        after
    };
    let blocks = vec![lives(1, &moved(&first, &second)), lives(1, &moved(&second, &first))];
    scene.must_commit(scene.commit(Some(tree), blocks, vec![])).await;
    let opened = scene.store.open(scene.project).await.unwrap().unwrap();
    let order: Vec<_> = opened.project.in_order().iter().map(|block| block.id).collect();
    assert_eq!(order, vec![second.id, first.id]);
}

async fn one_stale_project_does_not_hold_up_the_others(database: &Database) {
    let scene = Scene::new(database).await;
    let mut batch = vec![];
    for index in 0..5 {
        let other = Scene::on(Arc::clone(&scene.store)).await;
        let (block, _) = other.with_block().await;
        batch.push(other.update(&block));
        if index == 2 {
            other.must_commit(other.update(&block)).await;
        }
    }
    let done = Committed::Done { first: Seq(2) };
    let answers = scene.store.commit(&batch, Patience::None).await.unwrap();
    assert_eq!(answers, vec![done, done, Committed::Stale, done, done]);
}

async fn a_deleted_or_unknown_project_is_gone(database: &Database) {
    let scene = Scene::new(database).await;
    let (block, _) = scene.with_block().await;
    assert!(scene.store.set_deleted(scene.project, Some(NOW)).await.unwrap());
    let mut unknown = scene.update(&block);
    unknown.project = ProjectId(Uuid::new_v4());
    let batch = [unknown, scene.update(&block)];
    for patience in [Patience::None, Patience::Ms(50)] {
        let answers = scene.store.commit(&batch, patience).await.unwrap();
        assert_eq!(answers, vec![Committed::Gone, Committed::Gone]);
    }
    assert!(scene.store.set_deleted(scene.project, None).await.unwrap());
    assert_eq!(scene.must_commit(scene.update(&block)).await, Seq(2));
}

async fn answers_stand_in_the_order_of_the_batch(database: &Database) {
    let scene = Scene::new(database).await;
    let (mut batch, mut expected) = (vec![], vec![]);
    for events in 0..6_u64 {
        let other = Scene::on(Arc::clone(&scene.store)).await;
        for _ in 0..events {
            other.must_commit(other.commit(None, vec![], vec![])).await;
        }
        batch.insert(0, other.commit(None, vec![], vec![]));
        expected.insert(0, Committed::Done { first: Seq(events + 1) });
    }
    assert_eq!(scene.store.commit(&batch, Patience::None).await.unwrap(), expected);
}

async fn an_empty_batch_is_answered_with_nothing(database: &Database) {
    let scene = Scene::new(database).await;
    assert_eq!(scene.store.commit(&[], Patience::None).await.unwrap(), vec![]);
}

async fn a_commit_moves_the_time_of_the_last_change(database: &Database) {
    let scene = Scene::new(database).await;
    let at = |ms| {
        let mut commit = scene.commit(None, vec![], vec![]);
        commit.events = vec![Arc::new(blockhub::domain::event::Event { at: Timestamp(ms), ..event(vec![]) })];
        commit
    };
    scene.must_commit(at(NOW.0 + 5)).await;
    scene.must_commit(at(NOW.0 + 2)).await;
    let info = scene.store.open(scene.project).await.unwrap().unwrap().info;
    assert_eq!((info.created, info.updated), (NOW, Timestamp(NOW.0 + 5)));
}
