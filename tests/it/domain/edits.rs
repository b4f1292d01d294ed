//! Inserts, updates and deletes: bases, merging, conflicts ([ED1]–[ED14]).

use blockhub::domain::decide::{Verdict, runs_ahead};
use blockhub::domain::edit::{BaseEpoch, OnConflict};
use blockhub::domain::event::Change;
use blockhub::domain::sequence::{Epoch, Seq, Version};
use serde_json::json;

use super::world::*;

/// A world with one block of content `{"a": 0, "b": 0}` at version 1.
fn one_block() -> World {
    let mut world = World::new();
    world.applies("ann", vec![insert(id(1), None, None, json!({"a": 0, "b": 0}))]);
    world
}

fn paths(conflict: &blockhub::domain::decide::Conflict) -> Vec<String> {
    conflict.paths.iter().map(ToString::to_string).collect()
}

#[test]
fn ed3_versions_begin_at_one_and_rise_by_one_with_each_edit() {
    let mut world = one_block();
    assert_eq!(world.version(id(1)), 1);
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1})), update(id(1), 1, json!({"b": 1}))]);
    assert_eq!(world.version(id(1)), 2);
    let decision = world.applies("ann", vec![update(id(1), 2, json!({"a": 2})), delete(id(1), 2)]);
    assert_eq!(decision.changes[1].touched(), [(id(1), Version(3))]);
}

#[test]
fn ed3_a_block_that_the_same_edit_inserts_has_base_zero() {
    let mut world = World::new();
    let ops = vec![
        insert(id(1), None, None, json!({"text": "ab"})),
        update(id(1), 0, json!({"a": 1})),
        text(id(1), 0, &[(2, 0, "c")]),
        insert(id(2), None, None, json!({})),
        relocate(id(1), 0, None, Some(id(2))),
    ];
    world.applies("ann", ops);
    assert_eq!(world.content(id(1)), json!({"text": "abc", "a": 1}));
    assert_eq!(world.version(id(1)), 1);
    assert_eq!(world.order(None), [id(2), id(1)]);
    let ops = vec![insert(id(3), None, None, json!({})), update(id(3), 1, json!({"a": 1}))];
    assert_eq!(world.is_invalid("ann", ops), 1);
}

#[test]
fn ed5_disjoint_updates_merge() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    let decision = world.applies("bob", vec![update(id(1), 1, json!({"b": 2}))]);
    assert!(decision.merged && !decision.overwrote);
    assert_eq!(world.content(id(1)), json!({"a": 1, "b": 2}));
    assert_eq!(world.version(id(1)), 3);
}

#[test]
fn ed5_updates_of_one_path_conflict_on_exactly_that_path() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    let conflicts = world.conflicts("bob", vec![update(id(1), 1, json!({"a": 2, "b": 2}))]);
    let conflict = &conflicts[0];
    assert_eq!(paths(conflict), ["/a"]);
    assert_eq!((conflict.op, conflict.block), (0, id(1)));
    assert_eq!((conflict.base_version, conflict.current_version), (Version(1), Version(2)));
    assert_eq!(conflict.base.clone().unwrap(), object(json!({"a": 0, "b": 0})));
    assert_eq!(conflict.current.as_ref().unwrap().content, object(json!({"a": 1, "b": 0})));
    assert_eq!(conflict.changed.as_ref().unwrap().0.id.as_str(), "ann");
    assert_eq!(world.content(id(1)), json!({"a": 1, "b": 0}));
}

#[test]
fn ed5_the_same_conflict_comes_from_a_room_that_remembers_nothing() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    let remembered = world.conflicts("bob", vec![update(id(1), 1, json!({"a": 2}))]);
    world.reopen();
    assert_eq!(world.conflicts("bob", vec![update(id(1), 1, json!({"a": 2}))]), remembered);
}

#[test]
fn ed5_what_was_changed_and_changed_back_does_not_clash() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    world.applies("ann", vec![update(id(1), 2, json!({"a": 0}))]);
    assert!(world.applies("bob", vec![update(id(1), 1, json!({"a": 2}))]).merged);
}

#[test]
fn ed5_merging_a_removal_does_not_bring_an_object_back() {
    let mut world = World::new();
    world.applies("ann", vec![insert(id(1), None, None, json!({"a": {"b": 1}}))]);
    world.applies("ann", vec![update(id(1), 1, json!({"a": null}))]);
    world.applies("bob", vec![update(id(1), 1, json!({"a": {"b": null}, "c": 1}))]);
    assert_eq!(world.content(id(1)), json!({"c": 1}));
}

#[test]
fn ed4_reject_makes_every_stale_base_a_conflict() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    let mut edit = world.edit(vec![update(id(1), 1, json!({"b": 2}))]);
    edit.on_conflict = OnConflict::Reject;
    assert!(paths(&conflicts_of(world.submit("bob", &edit))[0]).is_empty());
    let mut edit = world.edit(vec![update(id(1), 2, json!({"b": 2}))]);
    edit.on_conflict = OnConflict::Reject;
    assert!(matches!(world.submit("bob", &edit), Verdict::Apply(_)));
}

#[test]
fn ed4_overwrite_applies_on_the_current_block_and_says_so() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1, "b": 1}))]);
    let mut edit = world.edit(vec![update(id(1), 1, json!({"a": 2}))]);
    edit.on_conflict = OnConflict::Overwrite;
    let Verdict::Apply(decision) = world.submit("bob", &edit) else { panic!() };
    assert!(decision.overwrote && !decision.merged);
    assert_eq!(world.content(id(1)), json!({"a": 2, "b": 1}));
    let mut edit = world.edit(vec![delete(id(1), 1)]);
    edit.on_conflict = OnConflict::Overwrite;
    assert!(matches!(world.submit("bob", &edit), Verdict::Apply(decision) if decision.overwrote));
}

#[test]
fn ed5_a_delete_conflicts_with_any_change_since_its_base() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    assert!(paths(&world.conflicts("bob", vec![delete(id(1), 1)])[0]).is_empty());
    world.applies("bob", vec![delete(id(1), 2)]);
}

#[test]
fn ed5_a_delete_does_not_look_at_changes_below() {
    let mut world = one_block();
    world.applies("ann", vec![insert(id(2), Some(id(1)), None, json!({}))]);
    world.applies("ann", vec![update(id(2), 1, json!({"a": 1}))]);
    world.applies("bob", vec![delete(id(1), 1)]);
    assert!(world.project.is_empty());
}

#[test]
fn ed5_any_op_on_a_deleted_block_is_a_conflict_without_a_current_one_in_every_mode() {
    for mode in [OnConflict::Merge, OnConflict::Reject, OnConflict::Overwrite] {
        for reopened in [false, true] {
            let mut world = one_block();
            world.applies("ann", vec![insert(id(2), None, None, json!({}))]);
            world.applies("ann", vec![delete(id(1), 1)]);
            if reopened {
                world.reopen();
            }
            let ops = vec![
                update(id(1), 1, json!({"a": 1})),
                text(id(1), 1, &[]),
                relocate(id(1), 1, None, None),
                delete(id(1), 1),
                insert(id(3), Some(id(1)), None, json!({})),
                relocate(id(2), 1, Some(id(1)), None),
            ];
            let ops_last_first = ops.into_iter().map(|op| {
                let mut edit = world.edit(vec![op]);
                edit.on_conflict = mode;
                edit
            });
            for edit in ops_last_first.collect::<Vec<_>>() {
                let conflicts = conflicts_of(world.submit("bob", &edit));
                assert_eq!(conflicts.len(), 1);
                assert_eq!(conflicts[0].current, None);
                assert_eq!(conflicts[0].changed.as_ref().unwrap().0.id.as_str(), "ann");
            }
        }
    }
}

#[test]
fn ed5_a_conflict_on_a_deleted_block_holds_its_content_at_the_base() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1}))]);
    world.applies("ann", vec![delete(id(1), 2)]);
    world.reopen();
    let conflicts = world.conflicts("bob", vec![update(id(1), 1, json!({"b": 2}))]);
    assert_eq!(conflicts[0].current_version, Version(3));
    assert_eq!(conflicts[0].base.clone().unwrap(), object(json!({"a": 0, "b": 0})));
    assert_eq!(paths(&conflicts[0]), ["/b"]);
}

#[test]
fn ed6_every_op_that_conflicts_is_listed_and_nothing_applies() {
    let mut world = one_block();
    world.applies("ann", vec![insert(id(2), None, Some(id(1)), json!({"a": 0}))]);
    world.applies("ann", vec![update(id(1), 1, json!({"a": 1})), update(id(2), 1, json!({"a": 1}))]);
    let ops = vec![
        update(id(1), 1, json!({"a": 2})),
        insert(id(3), None, None, json!({})),
        update(id(2), 1, json!({"a": 2})),
        delete(id(2), 1),
    ];
    let conflicts = world.conflicts("bob", ops);
    assert_eq!(conflicts.iter().map(|conflict| conflict.op).collect::<Vec<_>>(), [0, 2, 3]);
    assert!(world.project.get(id(3)).is_none());
}

#[test]
fn ed3_the_ops_of_one_edit_do_not_clash_with_each_other() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({"b": 1}))]);
    let decision = world.applies("bob", vec![update(id(1), 1, json!({"a": 1})), update(id(1), 1, json!({"a": 2}))]);
    assert!(decision.merged);
    assert_eq!(world.content(id(1)), json!({"a": 2, "b": 1}));
}

#[test]
fn ed1_an_edit_that_changes_nothing_applies() {
    let mut world = one_block();
    world.applies("ann", vec![update(id(1), 1, json!({}))]);
    world.applies("ann", vec![update(id(1), 2, json!({"a": 0}))]);
    assert_eq!((world.version(id(1)), world.project.seq), (3, Seq(3)));
}

#[test]
fn ed9_deleting_takes_what_is_under_it_and_the_event_lists_all_of_it() {
    let mut world = one_block();
    world.applies("ann", vec![insert(id(2), Some(id(1)), None, json!({"x": 1}))]);
    world.applies("ann", vec![insert(id(3), Some(id(2)), None, json!({}))]);
    world.applies("ann", vec![insert(id(4), None, None, json!({}))]);
    let decision = world.applies("ann", vec![delete(id(1), 1)]);
    let Change::Delete { blocks } = &decision.changes[0] else { panic!() };
    assert_eq!(blocks.iter().map(|block| block.id).collect::<Vec<_>>(), [id(1), id(2), id(3)]);
    assert_eq!(blocks[1].content, object(json!({"x": 1})));
    assert_eq!(world.order(None), [id(4)]);
}

#[test]
fn ed9_an_id_that_ever_existed_is_not_inserted_again() {
    let mut world = one_block();
    assert_eq!(world.is_invalid("ann", vec![insert(id(1), None, None, json!({}))]), 0);
    world.applies("ann", vec![delete(id(1), 1)]);
    assert_eq!(world.is_invalid("ann", vec![insert(id(1), None, None, json!({}))]), 0);
    let twice = vec![insert(id(2), None, None, json!({})), insert(id(2), None, None, json!({}))];
    assert_eq!(world.is_invalid("ann", twice), 1);
    world.reopen();
    let edit = world.edit(vec![insert(id(1), None, None, json!({}))]);
    let optimistic = world.decide("ann", &edit);
    assert!(matches!(optimistic, Verdict::Apply(_)), "the database checks an id that is not known here");
}

#[test]
fn ed9_the_content_of_an_insert_is_a_patch_to_an_empty_object() {
    let mut world = World::new();
    world.applies("ann", vec![insert(id(1), None, None, json!({"a": null, "b": {"c": null, "d": 1}}))]);
    assert_eq!(world.content(id(1)), json!({"b": {"d": 1}}));
    assert_eq!(world.is_invalid("ann", vec![insert(id(2), None, None, json!({"a": [null]}))]), 0);
    assert_eq!(world.is_invalid("ann", vec![update(id(1), 1, json!({"a": [{"b": null}]}))]), 0);
}

#[test]
fn ed10_content_does_not_grow_over_the_bound() {
    let mut world = one_block();
    let large = "x".repeat(2_000);
    let edit = world.edit(vec![insert(id(2), None, None, json!({ "text": large }))]);
    assert_eq!(world.submit("ann", &edit), Verdict::TooLarge { op: 0 });
    let edit = world.edit(vec![update(id(1), 1, json!({"a": 1})), update(id(1), 1, json!({ "text": large }))]);
    assert_eq!(world.submit("ann", &edit), Verdict::TooLarge { op: 1 });
    world.applies("ann", vec![update(id(1), 1, json!({"text": "y".repeat(1_900)}))]);
    world.limits.block_bytes_max = 1_000;
    let edit = world.edit(vec![text(id(1), 2, &[(0, 0, "more")])]);
    assert_eq!(world.submit("ann", &edit), Verdict::TooLarge { op: 0 });
    world.applies("ann", vec![text(id(1), 2, &[(0, 5, "less")])]);
}

#[test]
fn ed11_nothing_follows_the_delete_of_its_block_in_one_edit() {
    let mut world = one_block();
    world.applies("ann", vec![insert(id(2), Some(id(1)), None, json!({}))]);
    assert_eq!(world.is_invalid("ann", vec![delete(id(1), 1), update(id(1), 1, json!({"a": 1}))]), 1);
    assert_eq!(world.is_invalid("ann", vec![delete(id(1), 1), update(id(2), 1, json!({"a": 1}))]), 1);
    assert_eq!(world.is_invalid("ann", vec![delete(id(1), 1), insert(id(3), Some(id(1)), None, json!({}))]), 1);
}

#[test]
fn ed8_a_kind_has_1_to_64_characters() {
    let mut world = World::new();
    for (kind, is_valid) in [("", false), ("é".repeat(64).as_str(), true), ("é".repeat(65).as_str(), false)] {
        let mut op = insert(id(1), None, None, json!({}));
        if let blockhub::domain::edit::Op::Insert { kind: held, .. } = &mut op {
            *held = kind.into();
        }
        let edit = world.edit(vec![op]);
        assert_eq!(matches!(world.decide("ann", &edit), Verdict::Apply(_)), is_valid, "{kind}");
    }
}

#[test]
fn ed14_a_base_of_another_epoch_is_unknown() {
    let mut world = one_block();
    for epoch in [BaseEpoch::Foreign, BaseEpoch::Known(Epoch { log: 8, timeline: 1 })] {
        let mut edit = world.edit(vec![update(id(1), 1, json!({"a": {"x": 1}, "b": 2})), delete(id(1), 1)]);
        edit.epoch = epoch;
        let conflicts = conflicts_of(world.submit("bob", &edit));
        assert_eq!(paths(&conflicts[0]), ["/a/x", "/b"]);
        assert!(conflicts.iter().all(|conflict| conflict.base.is_none()));
        assert!(paths(&conflicts[1]).is_empty());
    }
    let mut edit = world.edit(vec![insert(id(2), None, None, json!({}))]);
    edit.epoch = BaseEpoch::Foreign;
    assert!(matches!(world.submit("bob", &edit), Verdict::Apply(_)), "an insert has no base");
    let mut edit = world.edit(vec![update(id(1), 1, json!({"a": 3}))]);
    edit.epoch = BaseEpoch::Known(EPOCH);
    assert!(matches!(world.submit("bob", &edit), Verdict::Apply(_)));
}

#[test]
fn ed14_an_unknown_base_applies_with_overwrite_but_for_text() {
    let mut world = World::new();
    world.applies("ann", vec![insert(id(1), None, None, json!({"text": "a", "n": 0}))]);
    let mut edit = world.edit(vec![update(id(1), 9, json!({"n": 1}))]);
    edit.on_conflict = OnConflict::Overwrite;
    assert!(matches!(world.submit("bob", &edit), Verdict::Apply(decision) if decision.overwrote));
    let mut edit = world.edit(vec![text(id(1), 9, &[(0, 0, "x")])]);
    edit.on_conflict = OnConflict::Overwrite;
    assert_eq!(paths(&conflicts_of(world.submit("bob", &edit))[0]), ["/text"]);
}

#[test]
fn ed14_a_base_above_the_current_version_or_older_than_what_is_kept_is_unknown() {
    let mut world = one_block();
    for number in 1..=3 {
        world.applies("ann", vec![update(id(1), number, json!({"a": number}))]);
    }
    let above = world.conflicts("bob", vec![update(id(1), 5, json!({"b": 1}))]);
    assert_eq!((paths(&above[0]), above[0].base.clone()), (vec!["/b".to_owned()], None));
    let zero = world.conflicts("bob", vec![update(id(1), 0, json!({"b": 1}))]);
    assert_eq!(paths(&zero[0]), ["/b"]);
    world.reopen();
    world.dropped = Seq(2);
    let old = world.conflicts("bob", vec![update(id(1), 1, json!({"b": 1}))]);
    assert_eq!((paths(&old[0]), old[0].base.clone()), (vec!["/b".to_owned()], None));
    assert!(world.applies("bob", vec![update(id(1), 2, json!({"b": 1}))]).merged);
}

#[test]
fn ed14_an_edit_that_names_what_is_not_here_runs_ahead() {
    let mut world = one_block();
    let cases = [
        (update(id(1), 2, json!({})), true),
        (update(id(1), 1, json!({})), false),
        (update(id(9), 1, json!({})), true),
        (insert(id(9), Some(id(8)), None, json!({})), true),
        (insert(id(9), None, Some(id(8)), json!({})), true),
        (insert(id(9), None, Some(id(1)), json!({})), false),
    ];
    for (op, expected) in cases {
        let edit = world.edit(vec![op]);
        assert_eq!(runs_ahead(&world.project, &world.past, &edit), expected, "{edit:?}");
    }
}

#[test]
fn ed5_a_block_that_never_was_is_invalid() {
    let mut world = one_block();
    let ops = [
        update(id(9), 1, json!({})),
        delete(id(9), 1),
        insert(id(8), Some(id(9)), None, json!({})),
        relocate(id(1), 1, Some(id(9)), None),
        relocate(id(1), 1, None, Some(id(9))),
    ];
    for op in ops {
        assert_eq!(world.is_invalid("ann", vec![insert(id(7), None, None, json!({})), op]), 1);
    }
}
