//! Moves and places ([ED5], [ED8]).

use blockhub::domain::edit::OnConflict;
use blockhub::domain::sequence::Seq;
use serde_json::json;

use super::world::*;

/// Blocks 1, 2 and 3 side by side, all at version 1.
fn three() -> World {
    let mut world = World::new();
    let after = [None, Some(id(1)), Some(id(2))];
    let ops = (1..=3).map(|number| insert(id(number), None, after[number as usize - 1], json!({})));
    world.applies("ann", ops.collect());
    world
}

#[test]
fn ed8_a_block_goes_behind_the_named_sibling_or_first() {
    let mut world = three();
    world.applies("ann", vec![relocate(id(3), 1, None, None)]);
    assert_eq!(world.order(None), [id(3), id(1), id(2)]);
    world.applies("ann", vec![relocate(id(3), 2, None, Some(id(1)))]);
    assert_eq!(world.order(None), [id(1), id(3), id(2)]);
    world.applies("ann", vec![relocate(id(2), 1, Some(id(1)), None)]);
    assert_eq!((world.order(None), world.order(Some(id(1)))), (vec![id(1), id(3)], vec![id(2)]));
}

#[test]
fn ed8_a_block_that_is_there_already_keeps_its_position() {
    let mut world = three();
    let before = world.shape();
    world.applies("ann", vec![relocate(id(2), 1, None, Some(id(1)))]);
    world.applies("ann", vec![relocate(id(1), 1, None, None)]);
    assert_eq!(world.shape(), before);
    assert_eq!(world.version(id(1)), 2);
}

#[test]
fn ed8_the_last_place_of_a_sibling_that_was_moved_away_counts() {
    for reopened in [false, true] {
        let mut world = three();
        world.applies("ann", vec![relocate(id(2), 1, Some(id(1)), None)]);
        world.applies("ann", vec![update(id(2), 2, json!({"a": 1}))]);
        if reopened {
            world.reopen();
        }
        world.applies("bob", vec![insert(id(4), None, Some(id(2)), json!({}))]);
        assert_eq!(world.order(None), [id(1), id(4), id(3)]);
    }
}

#[test]
fn ed8_the_last_place_of_a_sibling_that_was_deleted_counts() {
    for reopened in [false, true] {
        let mut world = three();
        world.applies("ann", vec![delete(id(2), 1)]);
        if reopened {
            world.reopen();
        }
        world.applies("bob", vec![insert(id(4), None, Some(id(2)), json!({}))]);
        world.applies("bob", vec![insert(id(5), None, Some(id(2)), json!({}))]);
        assert_eq!(world.order(None), [id(1), id(5), id(4), id(3)]);
    }
}

#[test]
fn ed8_the_last_place_of_a_sibling_that_the_same_edit_moves_away_counts() {
    let mut world = three();
    let ops = vec![relocate(id(2), 1, Some(id(3)), None), insert(id(4), None, Some(id(2)), json!({}))];
    world.applies("ann", ops);
    assert_eq!(world.order(None), [id(1), id(4), id(3)]);
}

#[test]
fn ed8_a_sibling_that_never_was_there_is_invalid() {
    let mut world = three();
    world.applies("ann", vec![insert(id(4), Some(id(1)), None, json!({}))]);
    world.applies("ann", vec![delete(id(4), 1)]);
    for sibling in [id(4), id(9), id(5)] {
        assert_eq!(world.is_invalid("bob", vec![insert(id(5), None, Some(sibling), json!({}))]), 0);
    }
    assert_eq!(world.is_invalid("bob", vec![insert(id(5), Some(id(2)), Some(id(3)), json!({}))]), 0);
    world.reopen();
    world.dropped = Seq(1);
    assert_eq!(world.is_invalid("bob", vec![insert(id(5), Some(id(2)), Some(id(3)), json!({}))]), 0);
}

#[test]
fn ed8_a_move_under_itself_or_its_own_descendant_is_invalid() {
    let mut world = three();
    world.applies("ann", vec![relocate(id(2), 1, Some(id(1)), None), relocate(id(3), 1, Some(id(2)), None)]);
    assert_eq!(world.is_invalid("ann", vec![relocate(id(1), 1, Some(id(1)), None)]), 0);
    assert_eq!(world.is_invalid("ann", vec![relocate(id(1), 1, Some(id(3)), None)]), 0);
    let ops = vec![insert(id(4), Some(id(3)), None, json!({})), relocate(id(1), 1, Some(id(4)), None)];
    assert_eq!(world.is_invalid("ann", ops), 1);
}

#[test]
fn ed5_a_move_and_an_update_always_merge() {
    let mut world = three();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    assert!(world.applies("bob", vec![relocate(id(1), 1, None, Some(id(2)))]).merged);
    assert!(world.applies("ann", vec![update(id(1), 2, json!({"a": 2}))]).merged);
    assert_eq!(world.order(None), [id(2), id(1), id(3)]);
}

#[test]
fn ed5_two_moves_clash_unless_equal() {
    let mut world = three();
    world.applies("ann", vec![relocate(id(1), 1, None, Some(id(2)))]);
    assert!(world.applies("bob", vec![relocate(id(1), 1, None, Some(id(2)))]).merged);
    let conflicts = world.conflicts("bob", vec![relocate(id(1), 1, None, Some(id(3)))]);
    assert!(conflicts[0].paths.is_empty());
    let mut edit = world.edit(vec![relocate(id(1), 1, None, Some(id(3)))]);
    edit.on_conflict = OnConflict::Overwrite;
    world.submit("bob", &edit);
    assert_eq!(world.order(None), [id(2), id(3), id(1)]);
    assert!(world.log.last().unwrap().overwrote);
}

#[test]
fn ed5_a_block_that_was_moved_and_moved_back_does_not_clash() {
    let mut world = three();
    world.applies("ann", vec![relocate(id(2), 1, Some(id(1)), None)]);
    world.applies("ann", vec![relocate(id(2), 2, None, Some(id(1)))]);
    let (at, then) = (world.project.get(id(2)).unwrap().place.clone(), world.log[0].changes[1].clone());
    let blockhub::domain::event::Change::Insert { block } = then else { panic!() };
    assert_eq!(at, block.place);
    assert!(world.applies("bob", vec![relocate(id(2), 1, Some(id(3)), None)]).merged);
}
