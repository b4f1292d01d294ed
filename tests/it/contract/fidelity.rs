//! Events and blocks are read as they were written, whatever is in them.

use std::sync::Arc;

use blockhub::domain::block::{Block, Content, Place};
use blockhub::domain::event::{Actor, ActorKind, Change, Event};
use blockhub::domain::ids::{BlockId, EditId, GroupId, RequestId, UserId};
use blockhub::domain::merge::Pointer;
use blockhub::domain::position::Position;
use blockhub::domain::sequence::{Seq, Timestamp, Version};
use blockhub::domain::text::{Sent, Splice, TextChange};
use blockhub::store::{BlockState, BlockWrite, Commit, Committed, Patience, Span};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, TestCaseError, any, prop_assert_eq, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use uuid::Uuid;

use super::on_both;
use super::scene::Scene;
use crate::harness::database::Database;

on_both!(hi1_every_event_is_read_as_it_was_written, every_block_is_read_as_it_was_written, numbers_keep_their_last_bit,);

/// Runs a property on values drawn, shrunk when it fails, inside the test's runtime.
fn holds<S: Strategy>(strategy: S, property: impl AsyncFn(S::Value) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Handle::current();
    let checked = runner.run(&strategy, |value| tokio::task::block_in_place(|| runtime.block_on(property(value))));
    checked.unwrap();
}

async fn hi1_every_event_is_read_as_it_was_written(database: &Database) {
    let scene = Scene::new(database).await;
    holds(vec(an_event(), 1..4), async |events| {
        let head = scene.head().await;
        let events = numbered(events, head);
        let commit = Commit { events: events.clone(), ..scene.commit(None, vec![], vec![]) };
        let answers = scene.store.commit(&[commit], Patience::None).await.unwrap();
        prop_assert_eq!(answers[0], Committed::Done { first: head.next() });
        prop_assert_eq!(&scene.store.events(scene.project, Span::After(head), 9).await.unwrap(), &events);
        Ok(())
    });
}

async fn every_block_is_read_as_it_was_written(database: &Database) {
    let scene = Scene::new(database).await;
    holds(vec(a_block(), 1..4), async |blocks| {
        let write = |block: &Block| BlockWrite {
            id: block.id,
            found: Version(0),
            left: BlockState::Lives(Arc::new(block.clone())),
        };
        let commit = scene.commit(None, blocks.iter().map(write).collect(), vec![]);
        let answers = scene.store.commit(&[commit], Patience::None).await.unwrap();
        prop_assert_eq!(answers[0], Committed::Done { first: scene.head().await });
        let opened = scene.store.open(scene.project).await.unwrap().unwrap();
        for block in &blocks {
            prop_assert_eq!(opened.project.get(block.id).map(|found| &**found), Some(block));
        }
        Ok(())
    });
}

async fn numbers_keep_their_last_bit(database: &Database) {
    let scene = Scene::new(database).await;
    holds(vec(any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()), 64), async |numbers| {
        let mut block = super::scene::block("a0");
        block.content.insert("numbers".into(), numbers.clone().into());
        let commit = scene.insert(scene.head().await.0, &block);
        prop_assert_eq!(scene.try_commit(commit).await, Committed::Done { first: scene.head().await });
        let opened = scene.store.open(scene.project).await.unwrap().unwrap();
        let read = opened.project.get(block.id).unwrap().content["numbers"].clone();
        let read: Vec<_> = read.as_array().unwrap().iter().map(|number| number.as_f64().unwrap().to_bits()).collect();
        prop_assert_eq!(read, numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>());
        Ok(())
    });
}

fn numbered(events: Vec<Event>, head: Seq) -> Vec<Arc<Event>> {
    events.into_iter().zip(head.0 + 1..).map(|(event, seq)| Arc::new(Event { seq: Seq(seq), ..event })).collect()
}

fn an_event() -> impl Strategy<Value = Event> {
    let actor = ("[^\0]{1,8}", proptest::option::of(any::<String>()), any::<bool>());
    let flags = (any::<bool>(), any::<bool>());
    let names = (a_uuid(), a_uuid(), proptest::option::of(a_uuid()));
    (names, actor, any::<i64>(), flags, vec(a_change(), 0..6)).prop_map(|(names, actor, at, flags, changes)| Event {
        seq: Seq(0),
        edit: EditId(names.0),
        request: RequestId(names.1),
        group: names.2.map(GroupId),
        actor: Arc::new(Actor {
            id: UserId::from(actor.0.as_str()),
            name: actor.1.map(Into::into),
            kind: if actor.2 { ActorKind::Agent } else { ActorKind::Human },
        }),
        at: Timestamp(at),
        merged: flags.0,
        overwrote: flags.1,
        changes,
    })
}

fn a_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        a_block().prop_map(|block| Change::Insert { block }),
        (a_block_id(), a_version(), a_content(), a_content())
            .prop_map(|(block, version, patch, back)| Change::Update { block, version, patch, back }),
        (a_block_id(), a_version(), vec(any::<String>(), 0..4), vec(a_splice(), 0..4), a_sent()).prop_map(
            |(block, version, path, splices, sent)| Change::Text { block, version, path: Pointer(path), splices, sent }
        ),
        (a_block_id(), a_version(), a_place(), a_place()).prop_map(|(block, version, to, from)| Change::Move {
            block,
            version,
            to,
            from
        }),
        vec(a_block(), 1..4).prop_map(|blocks| Change::Delete { blocks }),
    ]
}

fn a_block() -> impl Strategy<Value = Block> {
    (a_block_id(), "[^\0]{1,9}", a_place(), a_content(), a_version())
        .prop_map(|(id, kind, place, content, version)| Block { id, kind: kind.into(), place, content, version })
}

fn a_splice() -> impl Strategy<Value = Splice> {
    (0..1_000_usize, any::<String>(), any::<String>()).prop_map(|(at, deleted, inserted)| Splice {
        at,
        deleted,
        inserted,
    })
}

fn a_sent() -> impl Strategy<Value = Sent> {
    let change = (0..1_000_usize, 0..1_000_usize, any::<String>());
    let change = change.prop_map(|(at, delete, insert)| TextChange { at, delete, insert });
    prop_oneof![
        (a_version(), vec(change, 0..4)).prop_map(|(base, changes)| Sent::Typed { base, changes }),
        (a_version(), a_version()).prop_map(|(target, reach)| Sent::Undone { target, reach }),
    ]
}

fn a_place() -> impl Strategy<Value = Place> {
    (proptest::option::of(a_block_id()), "[a-z][0-9A-Za-z]{1,9}")
        .prop_map(|(parent, key)| Place { parent, position: Position(key.into()) })
}

fn a_content() -> impl Strategy<Value = Content> {
    btree_map(any::<String>(), a_value(), 0..4).prop_map(|map| map.into_iter().collect())
}

/// Any JSON, nulls too: patches have them.
fn a_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn a_version() -> impl Strategy<Value = Version> {
    (1..1_u64 << 53).prop_map(Version)
}

fn a_block_id() -> impl Strategy<Value = BlockId> {
    a_uuid().prop_map(BlockId)
}

fn a_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}
