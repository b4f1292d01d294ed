//! What a room remembers, and that it is bounded ([JN2], design: every queue is bounded).

use blockhub::domain::past::{Missing, Need, Past, PastLimits, Remains};
use blockhub::domain::sequence::{Seq, Version};
use serde_json::json;

use super::world::*;

fn limits(events_max: usize, bytes_max: usize) -> PastLimits {
    PastLimits { events_max, bytes_max, ..PastLimits::default() }
}

/// One block and five updates of it.
fn five(limits: PastLimits) -> World {
    let mut world = World::remembering(limits);
    world.applies("ann", vec![insert(id(1), None, None, json!({}))]);
    for number in 1..=5 {
        world.applies("ann", vec![update(id(1), number, json!({"n": number}))]);
    }
    world
}

fn since(world: &World, seq: u64) -> Option<Vec<u64>> {
    let events = world.past.since(Seq(seq), &world.project)?;
    Some(events.iter().map(|event| event.seq.0).collect())
}

#[test]
fn jn2_events_since_are_all_or_none() {
    let world = five(limits(3, usize::MAX));
    assert_eq!(since(&world, 6), Some(vec![]));
    assert_eq!(since(&world, 4), Some(vec![5, 6]));
    assert_eq!(since(&world, 3), Some(vec![4, 5, 6]));
    assert_eq!(since(&world, 2), None);
    assert_eq!(since(&world, 7), None);
}

#[test]
fn jn2_memory_is_bounded_in_bytes_too() {
    let world = five(limits(100, 1));
    assert_eq!((since(&world, 6), since(&world, 5)), (Some(vec![]), None));
}

#[test]
fn ed2_recent_edits_are_found_by_their_ids() {
    let world = five(limits(3, usize::MAX));
    let edits: Vec<_> = world.log.iter().map(|event| world.past.find_edit(event.edit).is_some()).collect();
    assert_eq!(edits, [false, false, false, true, true, true]);
}

#[test]
fn ed14_what_is_not_remembered_is_asked_for_and_what_was_dropped_is_known_to_be() {
    let mut world = five(limits(3, usize::MAX));
    let ask = Missing::Ask(Need::Versions { block: id(1), after: Version(1) });
    assert_eq!(world.past.history(id(1), Version(1), Version(6)), Err(ask));
    assert_eq!(world.past.history(id(1), Version(3), Version(6)).unwrap().len(), 3);
    world.past.learn_versions(id(1), Version(1), world.log[2..].to_vec());
    assert_eq!(world.past.history(id(1), Version(1), Version(6)), Err(Missing::Dropped));
    assert_eq!(world.past.history(id(1), Version(2), Version(6)).unwrap().len(), 4);
    world.past.forget_learned();
    assert!(matches!(world.past.history(id(1), Version(2), Version(6)), Err(Missing::Ask(_))));
}

#[test]
fn ed5_graves_are_remembered_as_long_as_the_events_that_dug_them() {
    let mut world = five(limits(3, usize::MAX));
    world.applies("ann", vec![delete(id(1), 6)]);
    assert!(matches!(world.past.remains(id(1)), Remains::Grave(grave) if grave.version == Version(7)));
    for number in 2..5 {
        world.applies("ann", vec![insert(id(number), None, None, json!({}))]);
    }
    assert_eq!(world.past.remains(id(1)), Remains::Unknown);
    world.past.learn_grave(id(1), None);
    assert_eq!(world.past.remains(id(1)), Remains::Never);
}

#[test]
fn ed1_events_that_did_not_become_true_are_forgotten() {
    let mut world = five(limits(100, usize::MAX));
    world.applies("ann", vec![delete(id(1), 6)]);
    world.applies("ann", vec![insert(id(2), None, None, json!({}))]);
    let mut past = world.past.clone();
    past.roll_back(Seq(5));
    assert_eq!(past.remains(id(1)), Remains::Unknown);
    assert!(past.find_edit(world.log[5].edit).is_none() && past.find_edit(world.log[4].edit).is_some());
    assert!(past.history(id(1), Version(1), Version(5)).is_ok());
    assert!(past.history(id(1), Version(1), Version(6)).is_err());
    for event in &world.log[5..] {
        past.append(event.clone());
    }
    assert_eq!(past.since(Seq(1), &world.project).unwrap().len(), 7);
}

#[test]
fn jn5_a_past_with_a_gap_begins_anew() {
    let world = five(limits(100, usize::MAX));
    let mut past = Past::new(limits(100, usize::MAX));
    past.append(world.log[0].clone());
    past.append(world.log[5].clone());
    assert!(past.find_edit(world.log[0].edit).is_none());
    assert_eq!(past.since(Seq(5), &world.project).unwrap().len(), 1);
    assert_eq!(past.since(Seq(4), &world.project), None);
}
