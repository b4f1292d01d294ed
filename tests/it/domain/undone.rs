//! Undo and restore ([HI2]).

use std::sync::Arc;

use blockhub::domain::block::{Block, Project};
use blockhub::domain::decide::{Conflict, Verdict};
use blockhub::domain::edit::{Edit, Op};
use blockhub::domain::event::{Change, Event};
use blockhub::domain::ids::EditId;
use blockhub::domain::undo::{restore, undo};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::draws::{Draw, draw, edit_of};
use super::world::*;

/// The edit that undoes the events of these seqs as one.
fn undoing(world: &World, seqs: &[usize]) -> Edit {
    let targets: Vec<Arc<Event>> = seqs.iter().map(|seq| world.log[seq - 1].clone()).collect();
    undo(EditId(Uuid::from_u128(1 << 100 | world.log.len() as u128)), &targets)
}

fn undoes(world: &mut World, seqs: &[usize]) {
    let edit = undoing(world, seqs);
    let verdict = world.submit("ann", &edit);
    assert!(matches!(verdict, Verdict::Apply(_)), "{verdict:?}");
}

fn undo_conflicts(world: &mut World, seqs: &[usize]) -> Vec<Conflict> {
    let edit = undoing(world, seqs);
    conflicts_of(world.submit("ann", &edit))
}

fn restores(world: &mut World, then: &Project) {
    let blocks: Vec<Block> = then.in_order().into_iter().map(|block| Block::clone(block)).collect();
    let edit = restore(EditId(Uuid::from_u128(1 << 101 | world.log.len() as u128)), &world.project, &blocks);
    let verdict = world.submit("ann", &edit);
    assert!(matches!(verdict, Verdict::Apply(_)), "{verdict:?}");
}

/// Blocks 1 and 2 side by side and 3 under 1, all at version 1, with texts.
fn three() -> World {
    let mut world = World::new();
    let ops = vec![
        insert(id(1), None, None, json!({"text": "one", "n": 0})),
        insert(id(2), None, Some(id(1)), json!({"text": "two"})),
        insert(id(3), Some(id(1)), None, json!({"text": "three"})),
    ];
    world.applies("ann", ops);
    world
}

fn string(world: &World, number: u128) -> String {
    world.content(id(number))["text"].as_str().unwrap().to_owned()
}

#[test]
fn hi2_each_kind_of_edit_is_undone_and_redone() {
    let edits: [Vec<Op>; 7] = [
        vec![insert(id(4), Some(id(1)), Some(id(3)), json!({"a": 1}))],
        vec![update(id(1), 1, json!({"n": null, "m": {"x": 1}}))],
        vec![text(id(1), 1, &[(0, 1, "O"), (3, 0, "!")])],
        vec![relocate(id(1), 1, None, Some(id(2)))],
        vec![delete(id(1), 1)],
        vec![
            update(id(1), 1, json!({"n": 1})),
            update(id(1), 1, json!({"n": 2})),
            relocate(id(2), 1, Some(id(3)), None),
        ],
        vec![text(id(1), 1, &[(0, 0, "x")]), relocate(id(2), 1, Some(id(1)), None), delete(id(1), 1)],
    ];
    for ops in edits {
        for reopened in [false, true] {
            let mut world = three();
            let before = world.shape();
            world.applies("ann", ops.clone());
            let after = world.shape();
            for round in 0..4 {
                if reopened {
                    world.reopen();
                }
                let last = world.log.len();
                undoes(&mut world, &[last]);
                assert_eq!(world.shape(), if round % 2 == 0 { before.clone() } else { after.clone() }, "{ops:?}");
            }
        }
    }
}

#[test]
fn hi2_a_revived_block_is_an_insert_one_version_above_its_last() {
    let mut world = three();
    world.applies("ann", vec![delete(id(1), 1)]);
    undoes(&mut world, &[2]);
    assert_eq!((world.version(id(1)), world.version(id(3))), (3, 3));
    assert!(matches!(&world.log[2].changes[0], Change::Insert { block } if block.id == id(1)));
}

#[test]
fn hi2_undoing_an_insert_that_has_gained_children_conflicts() {
    let mut world = three();
    world.applies("ann", vec![insert(id(4), None, None, json!({}))]);
    world.applies("bob", vec![insert(id(5), Some(id(4)), None, json!({}))]);
    assert_eq!(undo_conflicts(&mut world, &[2])[0].block, id(4));
    world.applies("bob", vec![delete(id(5), 1)]);
    undoes(&mut world, &[2]);
    assert!(world.project.get(id(4)).is_none());
}

#[test]
fn hi2_undoing_an_insert_that_others_changed_conflicts() {
    let mut world = three();
    world.applies("ann", vec![insert(id(4), None, None, json!({}))]);
    world.applies("bob", vec![update(id(4), 1, json!({"a": 1}))]);
    assert_eq!(undo_conflicts(&mut world, &[2]).len(), 1);
}

#[test]
fn hi2_an_undo_merges_with_what_came_since_or_conflicts() {
    let mut world = three();
    world.applies("ann", vec![update(id(1), 1, json!({"n": 1}))]);
    world.applies("bob", vec![update(id(1), 2, json!({"m": 1}))]);
    undoes(&mut world, &[2]);
    assert!(world.log.last().unwrap().merged);
    assert_eq!(world.content(id(1)), json!({"text": "one", "n": 0, "m": 1}));
    world.applies("bob", vec![update(id(1), 4, json!({"m": 2}))]);
    assert_eq!(undo_conflicts(&mut world, &[3])[0].paths, [path("/m")]);
}

#[test]
fn hi2_an_undone_text_merges_with_what_was_typed_since() {
    for reopened in [false, true] {
        let mut world = three();
        world.applies("ann", vec![text(id(1), 1, &[(3, 0, " two three")])]);
        world.applies("bob", vec![text(id(1), 2, &[(7, 0, " and")])]);
        if reopened {
            world.reopen();
        }
        undoes(&mut world, &[2]);
        assert_eq!(string(&world, 1), "one and");
    }
}

#[test]
fn hi2_undoing_typing_and_then_deleting_last_first_leaves_neither() {
    let mut world = three();
    let before = world.shape();
    world.applies("ann", vec![text(id(1), 1, &[(3, 0, " more")])]);
    world.applies("bob", vec![text(id(1), 2, &[(1, 5, "")])]);
    undoes(&mut world, &[3]);
    assert_eq!(string(&world, 1), "one more");
    undoes(&mut world, &[2]);
    assert_eq!(world.shape(), before);
}

#[test]
fn hi2_a_group_is_undone_as_one_and_redone() {
    let mut world = three();
    let before = world.shape();
    world.applies("ann", vec![text(id(1), 1, &[(3, 0, " more")])]);
    world.applies("ann", vec![text(id(1), 2, &[(0, 2, "")]), update(id(1), 2, json!({"n": 1}))]);
    world.applies("ann", vec![update(id(1), 3, json!({"n": 2})), relocate(id(1), 3, None, Some(id(2)))]);
    world.applies("ann", vec![insert(id(4), Some(id(1)), None, json!({})), relocate(id(2), 1, Some(id(4)), None)]);
    world.applies("ann", vec![text(id(1), 4, &[(0, 0, ">")])]);
    let after = world.shape();
    undoes(&mut world, &[2, 3, 4, 5, 6]);
    assert_eq!(world.shape(), before);
    assert!(!world.log.last().unwrap().merged, "nobody else changed anything");
    for expected in [&after, &before, &after] {
        let last = world.log.len();
        undoes(&mut world, &[last]);
        assert_eq!(world.shape(), *expected);
    }
}

#[test]
fn hi2_a_group_is_compared_with_changes_by_edits_outside_it_only() {
    let mut world = three();
    world.applies("ann", vec![update(id(1), 1, json!({"n": 1}))]);
    world.applies("bob", vec![update(id(1), 2, json!({"m": 1}))]);
    world.applies("ann", vec![update(id(1), 3, json!({"n": 2}))]);
    undoes(&mut world, &[2, 4]);
    assert_eq!(world.content(id(1)), json!({"text": "one", "n": 0, "m": 1}));
    world.applies("ann", vec![update(id(1), 5, json!({"n": 1}))]);
    world.applies("bob", vec![update(id(1), 6, json!({"n": 5}))]);
    world.applies("ann", vec![update(id(1), 7, json!({"n": 2}))]);
    assert_eq!(undo_conflicts(&mut world, &[6, 8])[0].paths, [path("/n")]);
}

#[test]
fn hi2_a_group_of_typing_is_undone_around_what_others_typed_meanwhile() {
    for reopened in [false, true] {
        let mut world = three();
        world.applies("ann", vec![text(id(1), 1, &[(3, 0, "AA")])]);
        world.applies("bob", vec![text(id(1), 2, &[(4, 0, "bb")])]);
        world.applies("ann", vec![text(id(1), 3, &[(0, 2, "CC")])]);
        assert_eq!(string(&world, 1), "CCeAbbA");
        undoes(&mut world, &[2, 4]);
        assert_eq!(string(&world, 1), "onebb");
        if reopened {
            world.reopen();
        }
        world.applies("bob", vec![text(id(1), 3, &[(7, 0, "d")])]);
        let last = world.log.len() - 1;
        undoes(&mut world, &[last]);
        assert_eq!(string(&world, 1), "CCeAbbAd");
    }
}

#[test]
fn hi2_a_group_that_types_and_then_replaces_the_string_is_undone() {
    let mut world = three();
    let before = world.shape();
    world.applies("ann", vec![text(id(1), 1, &[(3, 0, " more")])]);
    world.applies("ann", vec![text(id(1), 2, &[(0, 1, "O")])]);
    world.applies("ann", vec![update(id(1), 3, json!({"text": "other"}))]);
    world.applies("ann", vec![text(id(1), 4, &[(0, 0, "an")])]);
    let after = world.shape();
    for expected in [&before, &after, &before] {
        let seqs: Vec<usize> = if world.log.len() == 5 { vec![2, 3, 4, 5] } else { vec![world.log.len()] };
        undoes(&mut world, &seqs);
        assert_eq!(world.shape(), *expected);
    }
    let version = world.version(id(1));
    world.applies("bob", vec![text(id(1), version, &[(0, 0, "x")])]);
    world.applies("ann", vec![text(id(1), version, &[(3, 0, "y")])]);
    assert_eq!(string(&world, 1), "xoney");
}

#[test]
fn hi2_a_group_that_types_and_then_deletes_the_block_is_undone() {
    let mut world = three();
    let before = world.shape();
    world.applies("ann", vec![text(id(1), 1, &[(3, 0, " more")])]);
    world.applies("ann", vec![delete(id(1), 2)]);
    undoes(&mut world, &[2, 3]);
    assert_eq!(world.shape(), before);
}

#[test]
fn ed12_text_with_a_base_before_a_revival_conflicts() {
    let mut world = three();
    world.applies("ann", vec![delete(id(1), 1)]);
    undoes(&mut world, &[2]);
    assert_eq!(world.conflicts("bob", vec![text(id(1), 1, &[(0, 0, "x")])])[0].paths, [path("/text")]);
}

#[test]
fn hi2_undoing_a_delete_whose_parent_is_gone_conflicts_without_a_current_block() {
    let mut world = three();
    world.applies("ann", vec![delete(id(3), 1)]);
    world.applies("bob", vec![delete(id(1), 1)]);
    assert_eq!(undo_conflicts(&mut world, &[2])[0].current, None);
}

#[test]
fn hi2_undoing_twice_conflicts_where_a_block_lives_again() {
    let mut world = three();
    world.applies("ann", vec![delete(id(2), 1)]);
    undoes(&mut world, &[2]);
    assert!(undo_conflicts(&mut world, &[2])[0].current.is_some());
}

#[test]
fn hi2_a_position_that_is_taken_gives_way_to_the_next_free_one() {
    let mut world = three();
    world.applies("ann", vec![delete(id(1), 1)]);
    world.applies("ann", vec![insert(id(4), None, None, json!({})), insert(id(5), None, None, json!({}))]);
    world.applies("ann", vec![delete(id(2), 1)]);
    undoes(&mut world, &[2]);
    assert_eq!(world.order(None).last(), Some(&id(1)));
    assert_eq!(world.order(None).len(), 3);
}

#[test]
fn hi2_a_restore_swaps_blocks_back_and_turns_a_family_round() {
    let mut world = three();
    let then = world.project.clone();
    world.applies("ann", vec![relocate(id(2), 1, None, None)]);
    world.applies("ann", vec![relocate(id(3), 1, None, None)]);
    world.applies("ann", vec![relocate(id(1), 1, Some(id(3)), None)]);
    world.applies("ann", vec![insert(id(4), None, None, json!({})), relocate(id(2), 2, Some(id(4)), None)]);
    world.applies("ann", vec![update(id(3), 2, json!({"text": "x"}))]);
    restores(&mut world, &then);
    assert_eq!(world.shape(), shape(&then));
    assert!(world.version(id(3)) == 4);
}

proptest! {
    #[test]
    fn hi2_undo_after_edit_is_identity(past in prop::collection::vec(draw(), 0..12), last in draw()) {
        let mut world = three();
        past.iter().for_each(|draw| submit(&mut world, draw));
        let before = world.shape();
        let edits = world.log.len();
        submit(&mut world, &last.with_current_bases());
        if world.log.len() == edits {
            return Ok(());
        }
        let after = world.shape();
        undoes(&mut world, &[edits + 1]);
        prop_assert_eq!(&world.shape(), &before);
        undoes(&mut world, &[edits + 2]);
        prop_assert_eq!(&world.shape(), &after);
    }

    #[test]
    fn hi2_undo_of_a_group_is_identity(
        past in prop::collection::vec(draw(), 0..8),
        group in prop::collection::vec(draw(), 1..6),
    ) {
        let mut world = three();
        past.iter().for_each(|draw| submit(&mut world, draw));
        let before = world.shape();
        let edits = world.log.len();
        group.iter().for_each(|draw| submit(&mut world, &draw.with_current_bases()));
        let seqs: Vec<usize> = (edits + 1..=world.log.len()).collect();
        if seqs.is_empty() {
            return Ok(());
        }
        let after = world.shape();
        undoes(&mut world, &seqs);
        prop_assert_eq!(&world.shape(), &before);
        let last = world.log.len();
        undoes(&mut world, &[last]);
        prop_assert_eq!(&world.shape(), &after);
    }

    #[test]
    fn hi2_edits_undone_one_by_one_last_first_leave_nothing(draws in prop::collection::vec(draw(), 1..10)) {
        let mut world = three();
        let mut shapes = vec![world.shape()];
        for draw in &draws {
            submit(&mut world, draw);
            if world.log.len() > shapes.len() {
                shapes.push(world.shape());
            }
        }
        for seq in (2..=shapes.len()).rev() {
            undoes(&mut world, &[seq]);
            prop_assert_eq!(&world.shape(), &shapes[seq - 2]);
        }
    }

    #[test]
    fn hi2_a_restore_gives_the_blocks_back(
        before in prop::collection::vec(draw(), 0..10),
        since in prop::collection::vec(draw(), 0..15),
    ) {
        let mut world = three();
        before.iter().for_each(|draw| submit(&mut world, draw));
        let then = world.project.clone();
        since.iter().for_each(|draw| submit(&mut world, draw));
        restores(&mut world, &then);
        prop_assert_eq!(world.shape(), shape(&then));
    }
}

fn submit(world: &mut World, draw: &Draw) {
    let edit = edit_of(world, draw);
    world.submit(draw.author(), &edit);
}
