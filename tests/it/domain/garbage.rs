//! Deciding takes anything: no input makes it panic, and nothing it applies does harm ([MS2], [ED11]).

use blockhub::domain::block::Place;
use blockhub::domain::edit::{BaseEpoch, Edit, OnConflict, Op};
use blockhub::domain::ids::{BlockId, EditId};
use blockhub::domain::merge::Pointer;
use blockhub::domain::position::Position;
use blockhub::domain::sequence::{Epoch, Version};
use blockhub::domain::text::TextChange;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::*;

fn block() -> impl Strategy<Value = BlockId> {
    (0..7_u128).prop_map(id)
}

fn maybe_block() -> impl Strategy<Value = Option<BlockId>> {
    prop::option::of(block())
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![4 => 0..5_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)].prop_map(Version)
}

fn number() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..9_usize, 1 => any::<usize>(), 1 => Just(usize::MAX)]
}

fn pointer() -> impl Strategy<Value = Pointer> {
    prop_oneof![3 => Just(path("/text")), 1 => prop::collection::vec("[a~/]?", 0..3).prop_map(Pointer)]
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"text": "a😀b"})),
        Just(json!({"text": {"text": [null]}})),
        Just(json!({"": {"": null}, "text": null})),
        Just(json!({"text": ["x".repeat(3_000)]})),
    ]
}

fn changes() -> impl Strategy<Value = Vec<TextChange>> {
    let change = (number(), number(), "[a😀]{0,3}").prop_map(|(at, delete, insert)| TextChange { at, delete, insert });
    prop::collection::vec(change, 0..4)
}

fn place() -> impl Strategy<Value = Place> {
    (maybe_block(), "[aZzA0-9é]{0,4}").prop_map(|(parent, key)| Place { parent, position: Position(key.into()) })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (block(), "[a-zé]{0,70}", maybe_block(), maybe_block(), content()).prop_map(
            |(block, kind, parent, after, content)| {
                Op::Insert { block, kind: kind.into(), parent, after, content: object(content) }
            }
        ),
        (block(), maybe_block(), maybe_block(), content()).prop_map(|(block, parent, after, content)| {
            Op::Insert { block, kind: "text".into(), parent, after, content: object(content) }
        }),
        (block(), version(), content()).prop_map(|(block, base, patch)| Op::Update {
            block,
            base,
            patch: object(patch)
        }),
        (block(), version(), pointer(), changes()).prop_map(|(block, base, path, changes)| Op::Text {
            block,
            base,
            path,
            changes
        }),
        (block(), version(), maybe_block(), maybe_block()).prop_map(|(block, base, parent, after)| Op::Move {
            block,
            base,
            parent,
            after
        }),
        (block(), version()).prop_map(|(block, base)| Op::Delete { block, base }),
        (block(), version()).prop_map(|(block, base)| Op::Uninsert { block, base }),
        (block(), version(), place()).prop_map(|(block, base, place)| Op::Return { block, base, place }),
        (block(), pointer(), version()).prop_map(|(block, path, target)| Op::Untext { block, path, target }),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let mode = prop_oneof![Just(OnConflict::Merge), Just(OnConflict::Reject), Just(OnConflict::Overwrite)];
    let epoch = prop_oneof![
        4 => Just(BaseEpoch::Current),
        1 => Just(BaseEpoch::Foreign),
        1 => Just(BaseEpoch::Known(EPOCH)),
        1 => Just(BaseEpoch::Known(Epoch { log: 0, timeline: 0 })),
    ];
    let ignoring = prop::collection::vec((0..9_u128).prop_map(|number| EditId(Uuid::from_u128(number))), 0..2);
    (mode, epoch, prop::collection::vec(op(), 0..6), ignoring).prop_map(|(on_conflict, epoch, ops, ignoring)| Edit {
        id: EditId(Uuid::nil()),
        group: None,
        epoch,
        on_conflict,
        ops,
        ignoring,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn ms2_deciding_takes_any_edit(edits in prop::collection::vec((edit(), any::<bool>()), 1..12)) {
        let mut world = World::new();
        world.applies("ann", vec![insert(id(1), None, None, json!({"text": "a😀b"}))]);
        for (number, (edit, reopened)) in edits.into_iter().enumerate() {
            if reopened {
                world.reopen();
            }
            let edit = Edit { id: EditId(Uuid::from_u128(number as u128)), ..edit };
            world.submit("ann", &edit);
            prop_assert_eq!(world.project.in_order().len(), world.project.len());
        }
    }
}
