//! Text in place, as an edit's op ([ED11], [ED12]); how spans merge is tested with the windows themselves.

use blockhub::domain::decide::{Conflict, Verdict};
use blockhub::domain::edit::{OnConflict, Op};
use blockhub::domain::past::PastLimits;
use blockhub::domain::sequence::{Seq, Version};
use serde_json::json;

use super::world::*;

/// A world with one block of text `Hello` at version 1.
fn hello() -> World {
    hello_in(World::new())
}

fn hello_in(mut world: World) -> World {
    world.applies("ann", vec![insert(id(1), None, None, json!({"text": "Hello", "n": 0}))]);
    world
}

fn string(world: &World) -> String {
    world.content(id(1))["text"].as_str().unwrap().to_owned()
}

fn at_text(conflicts: &[Conflict]) -> bool {
    conflicts.len() == 1 && conflicts[0].paths == [path("/text")]
}

#[test]
fn ed12_text_never_conflicts_with_text() {
    for reopened in [false, true] {
        let mut world = hello();
        world.applies("ann", vec![text(id(1), 1, &[(5, 0, " world")])]);
        world.applies("ann", vec![text(id(1), 2, &[(0, 1, "J")])]);
        if reopened {
            world.reopen();
        }
        let decision = world.applies("bob", vec![text(id(1), 1, &[(5, 0, "!")])]);
        assert!(decision.merged && !decision.overwrote);
        assert_eq!(string(&world), "Jello world!");
    }
}

#[test]
fn ed12_a_window_that_is_kept_merges_as_one_that_is_built_anew() {
    let forgetful = PastLimits { windows_max: 0, ..PastLimits::default() };
    let mut worlds = [hello(), hello_in(World::remembering(forgetful))];
    for world in &mut worlds {
        for round in 0..20 {
            let now = world.version(id(1));
            let behind = u64::min(round, 3);
            world.applies("ann", vec![text(id(1), now, &[(2, 1, "ab")])]);
            world.applies("bob", vec![text(id(1), now - behind, &[(1, 2, "x"), (4, 0, "yz")])]);
            world.applies("ann", vec![update(id(1), now, json!({"n": round}))]);
        }
    }
    assert_eq!(string(&worlds[0]), string(&worlds[1]));
}

#[test]
fn ed12_a_window_does_not_outlive_its_string() {
    for replacing in [json!({"text": "Goodbye, everybody"}), json!({"text": {"x": 1}})] {
        let mut world = hello();
        world.applies("ann", vec![text(id(1), 1, &[(5, 0, "!")])]);
        world.applies("bob", vec![text(id(1), 1, &[(0, 0, "> ")])]);
        world.applies("ann", vec![update(id(1), 3, replacing)]);
        world.applies("ann", vec![update(id(1), 4, json!({"text": "Goodbye, everybody"}))]);
        world.applies("ann", vec![text(id(1), 5, &[(18, 0, "!")])]);
        world.applies("bob", vec![text(id(1), 5, &[(0, 0, "> ")])]);
        assert_eq!(string(&world), "> Goodbye, everybody!");
    }
}

#[test]
fn ed12_a_stale_base_merges_where_only_other_things_changed() {
    let mut world = hello();
    world.applies("ann", vec![update(id(1), 1, json!({"n": 1}))]);
    world.applies("ann", vec![relocate(id(1), 2, None, None)]);
    assert!(world.applies("bob", vec![text(id(1), 1, &[(0, 5, "Bye")])]).merged);
    assert_eq!(string(&world), "Bye");
}

#[test]
fn ed12_text_conflicts_where_the_string_was_replaced() {
    for mode in [OnConflict::Merge, OnConflict::Overwrite, OnConflict::Reject] {
        let mut world = hello();
        world.applies("ann", vec![update(id(1), 1, json!({"text": "Hello"}))]);
        let mut edit = world.edit(vec![text(id(1), 1, &[(0, 0, "x")])]);
        edit.on_conflict = mode;
        let conflicts = conflicts_of(world.submit("bob", &edit));
        assert!(at_text(&conflicts));
        assert_eq!(conflicts[0].base.clone().unwrap()["text"], "Hello");
    }
}

#[test]
fn ed12_text_conflicts_where_there_is_no_string_any_more() {
    let mut world = hello();
    world.applies("ann", vec![update(id(1), 1, json!({"text": null}))]);
    assert!(at_text(&world.conflicts("bob", vec![text(id(1), 1, &[(0, 0, "x")])])));
}

#[test]
fn ed12_an_update_clashes_with_text_since_its_base() {
    let mut world = hello();
    world.applies("ann", vec![text(id(1), 1, &[(0, 0, "x")])]);
    assert!(at_text(&world.conflicts("bob", vec![update(id(1), 1, json!({"text": "Bye"}))])));
    assert!(world.applies("bob", vec![update(id(1), 1, json!({"n": 1}))]).merged);
    world.applies("ann", vec![text(id(1), 3, &[(0, 1, "")])]);
    world.applies("bob", vec![update(id(1), 1, json!({"text": "Bye"}))]);
}

#[test]
fn ed12_with_reject_any_change_by_others_is_a_conflict() {
    let mut world = hello();
    world.applies("ann", vec![update(id(1), 1, json!({"n": 1}))]);
    let mut edit = world.edit(vec![text(id(1), 1, &[(0, 0, "x")])]);
    edit.on_conflict = OnConflict::Reject;
    assert!(at_text(&conflicts_of(world.decide("bob", &edit))));
    assert!(matches!(world.submit("ann", &edit), Verdict::Apply(_)), "her own change is none by others");
}

#[test]
fn ed12_a_base_too_far_back_is_unknown() {
    let mut world = hello();
    world.limits.text_window_max = 3;
    for version in 1..=4 {
        world.applies("ann", vec![text(id(1), version, &[(0, 0, "x")])]);
    }
    let conflicts = world.conflicts("bob", vec![text(id(1), 1, &[(0, 0, "y")])]);
    assert!(at_text(&conflicts) && conflicts[0].base.is_none());
    world.applies("bob", vec![text(id(1), 2, &[(0, 0, "y")])]);
}

#[test]
fn ed14_a_text_base_whose_history_was_dropped_is_unknown() {
    let mut world = hello();
    for version in 1..=4 {
        world.applies("ann", vec![text(id(1), version, &[(0, 0, "x")])]);
    }
    world.reopen();
    world.dropped = Seq(3);
    let conflicts = world.conflicts("bob", vec![text(id(1), 1, &[(0, 0, "y")])]);
    assert!(at_text(&conflicts) && conflicts[0].base.is_none());
    assert!(world.applies("bob", vec![text(id(1), 3, &[(0, 0, "y")])]).merged);
}

#[test]
fn ed11_spans_are_ascending_and_inside_the_string_of_the_base() {
    let mut world = hello();
    world.applies("ann", vec![update(id(1), 1, json!({"text": "a😀b"}))]);
    let wrong: [&[(usize, usize, &str)]; 6] = [
        &[(5, 0, "")],
        &[(0, 5, "")],
        &[(2, 0, "x")],
        &[(1, 1, "")],
        &[(1, 0, ""), (1, 0, "")],
        &[(0, 3, ""), (1, 0, "")],
    ];
    for changes in wrong {
        assert_eq!(world.is_invalid("ann", vec![text(id(1), 2, changes)]), 0, "{changes:?}");
    }
    world.applies("ann", vec![text(id(1), 2, &[(3, 0, "x")])]);
    for changes in wrong {
        assert_eq!(world.is_invalid("ann", vec![text(id(1), 2, changes)]), 0, "{changes:?}");
    }
}

#[test]
fn ed11_a_text_stands_alone_on_its_path_in_an_edit() {
    let mut world = hello();
    world.applies("ann", vec![update(id(1), 1, json!({"a": {"b": "s", "c": "s"}}))]);
    let at = |at: &str| {
        let mut op = text(id(1), 2, &[(0, 0, "x")]);
        if let Op::Text { path: held, .. } = &mut op {
            *held = path(at);
        }
        op
    };
    assert_eq!(world.is_invalid("ann", vec![at("/text"), at("/text")]), 1);
    for patch in [json!({"a": 1}), json!({"a": {}}), json!({"a": {"b": "t"}}), json!({"a": {"b": {"d": 1}}})] {
        assert_eq!(world.is_invalid("ann", vec![at("/a/b"), update(id(1), 2, patch.clone())]), 1);
        assert_eq!(world.is_invalid("ann", vec![update(id(1), 2, patch), at("/a/b")]), 1);
    }
    world.applies("ann", vec![at("/a/b"), at("/a/c"), at("/text"), update(id(1), 2, json!({"n": 1, "a": {"d": 1}}))]);
    assert_eq!(world.content(id(1)), json!({"text": "xHello", "n": 1, "a": {"b": "xs", "c": "xs", "d": 1}}));
}

#[test]
fn ed11_there_must_be_a_string_at_the_path() {
    let mut world = hello();
    for wrong in ["", "/n", "/none", "/text/deeper"] {
        let op = Op::Text { block: id(1), base: Version(1), path: path(wrong), changes: Vec::new() };
        assert_eq!(world.is_invalid("ann", vec![op]), 0, "{wrong}");
    }
}
