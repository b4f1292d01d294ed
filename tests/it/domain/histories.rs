//! What holds over every history of random edits.

use std::collections::{BTreeSet, HashSet};

use blockhub::domain::block::Project;
use blockhub::domain::decide::Verdict;
use blockhub::domain::edit::{Edit, Op};
use blockhub::domain::ids::{BlockId, EditId};
use blockhub::domain::merge;
use blockhub::domain::past::PastLimits;
use blockhub::domain::undo::undo;
use proptest::prelude::*;
use serde_json::json;

use super::draws::{Draw, draw, edit_of};
use super::world::*;

fn history() -> impl Strategy<Value = Vec<Draw>> {
    prop::collection::vec(draw(), 1..30)
}

/// Which events are undone as one.
fn targets() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..4)
}

fn undo_of(world: &World, targets: &[prop::sample::Index], id: EditId) -> Edit {
    // Mostly the last ones, so that it often goes through.
    let seqs: BTreeSet<usize> =
        targets.iter().map(|at| world.log.len() - 1 - at.index(world.log.len().min(5))).collect();
    undo(id, &seqs.into_iter().map(|at| world.log[at].clone()).collect::<Vec<_>>())
}

/// A world that remembers little, so that much has to be fetched.
fn forgetful() -> World {
    World::remembering(PastLimits { events_max: 3, ..PastLimits::default() })
}

/// Every block but those at the top stands under a living one, and is found from the top.
fn is_tree(project: &Project) -> bool {
    let found: HashSet<BlockId> = project.in_order().iter().map(|block| block.id).collect();
    found.len() == project.len() && project.in_order().iter().all(|block| block.content.values().all(|v| !v.is_null()))
}

fn same(one: &Project, other: &Project) -> bool {
    one.seq == other.seq && blocks(one) == blocks(other) && one.in_order() == other.in_order()
}

/// Whether an edit says that it changes this block's content somewhere at or around `path`.
fn says(edit: &Edit, id: BlockId, path: &merge::Pointer) -> bool {
    edit.ops.iter().filter(|op| op.block() == id).any(|op| match op {
        Op::Update { patch, .. } | Op::Insert { content: patch, .. } => {
            merge::leaf_paths(patch).iter().any(|leaf| leaf.overlaps(path))
        }
        Op::Text { path: text, .. } => text == path,
        _ => false,
    })
}

fn is_deleted(edit: &Edit, before: &Project, after_moves: &Project, id: BlockId) -> bool {
    let deletes = |op: &Op| match op {
        Op::Delete { block, .. } => Some(*block),
        _ => None,
    };
    let moved: HashSet<BlockId> = edit.ops.iter().filter(|op| matches!(op, Op::Move { .. })).map(Op::block).collect();
    edit.ops.iter().filter_map(deletes).any(|root| {
        before.is_under(id, root) || after_moves.is_under(id, root) || moved.iter().any(|m| before.is_under(id, *m))
    })
}

proptest! {
    #[test]
    fn ed1_events_give_every_snapshot_forwards_and_back(draws in history()) {
        let mut world = World::new();
        let mut snapshots = vec![world.project.clone()];
        for draw in &draws {
            let edit = edit_of(&mut world, draw);
            if let Verdict::Apply(_) = world.submit(draw.author(), &edit) {
                snapshots.push(world.project.clone());
            }
        }
        let mut forwards = Project::default();
        let mut backwards = world.project.clone();
        for (seq, event) in world.log.iter().enumerate() {
            let touched = forwards.apply(event).unwrap();
            prop_assert!(same(&forwards, &snapshots[seq + 1]));
            prop_assert_eq!(forwards.tree_seq, snapshots[seq + 1].tree_seq);
            for (id, version) in touched {
                prop_assert!(forwards.get(id).is_none_or(|block| block.version == version));
                prop_assert!(snapshots[seq].get(id).is_none_or(|block| block.version.next() == version));
            }
        }
        for (seq, event) in world.log.iter().enumerate().rev() {
            backwards.take_back(event).unwrap();
            prop_assert!(same(&backwards, &snapshots[seq]));
        }
    }

    #[test]
    fn ed8_no_edit_makes_a_cycle_an_orphan_or_equal_positions(draws in history()) {
        let mut world = forgetful();
        for draw in &draws {
            let edit = edit_of(&mut world, draw);
            world.submit(draw.author(), &edit);
            prop_assert!(is_tree(&world.project));
        }
    }

    #[test]
    fn ed3_what_is_decided_does_not_depend_on_what_is_remembered(
        steps in prop::collection::vec((draw(), prop::option::weighted(0.3, targets())), 1..30),
    ) {
        let (mut one, mut other) = (World::new(), forgetful());
        for (draw, targets) in &steps {
            let drawn = edit_of(&mut one, draw);
            let edit = match targets {
                Some(targets) if !one.log.is_empty() => undo_of(&one, targets, drawn.id),
                _ => drawn,
            };
            let verdicts = [&mut one, &mut other].map(|world| world.submit(draw.author(), &edit));
            // Of two ops that are invalid, the one whose block is remembered is found first.
            let are_invalid = verdicts.iter().all(|verdict| matches!(verdict, Verdict::Invalid { .. }));
            prop_assert!(are_invalid || verdicts[0] == verdicts[1], "{:?}", verdicts);
        }
        prop_assert!(same(&one.project, &other.project));
    }

    #[test]
    fn ed5_what_was_acked_disappears_only_by_a_later_edit_that_says_so(draws in history()) {
        let mut world = World::new();
        for draw in &draws {
            let edit = edit_of(&mut world, draw);
            let before = world.project.clone();
            world.submit(draw.author(), &edit);
            for block in before.in_order() {
                let Some(now) = world.project.get(block.id) else {
                    prop_assert!(is_deleted(&edit, &before, &world.project, block.id));
                    continue;
                };
                for path in merge::differing(&block.content, &now.content) {
                    prop_assert!(says(&edit, block.id, &path), "{} of {:?} by {:?}", path, block, edit);
                }
                let moves = |op: &Op| matches!(op, Op::Move { block: moved, .. } if *moved == block.id);
                prop_assert!(block.place == now.place || edit.ops.iter().any(moves));
            }
        }
    }

    #[test]
    fn ed5_disjoint_edits_commute(
        keys in prop::collection::vec((0..2_usize, 0..6_usize, 0..5_u8, 0..3_u8), 1..12),
    ) {
        let base = json!({"a": {"x": 0, "y": 0}, "b": {"x": 0}, "c": 0});
        let paths = ["/a/x", "/a/y", "/b/x", "/b/y", "/c", "/d"];
        let mut patches = [serde_json::Map::new(), serde_json::Map::new()];
        for (_, key, value, owner) in &keys {
            // Each path belongs to one of the two edits.
            let value = if *value == 0 { json!(null) } else { json!(value) };
            let side = (key + usize::from(*owner > 5)) % 2;
            merge_into(&mut patches[side], &path(paths[*key]).patch(value));
        }
        let ends = [[0, 1], [1, 0]].map(|order| {
            let mut world = World::new();
            world.applies("ann", vec![insert(id(1), None, None, base.clone())]);
            for side in order {
                world.applies("ann", vec![update(id(1), 1, patches[side].clone().into())]);
            }
            world.content(id(1))
        });
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}

/// Puts one patch into another, nulls and all.
fn merge_into(
    patch: &mut serde_json::Map<String, serde_json::Value>,
    other: &serde_json::Map<String, serde_json::Value>,
) {
    for (key, value) in other {
        match (patch.get_mut(key), value) {
            (Some(serde_json::Value::Object(held)), serde_json::Value::Object(inner)) => merge_into(held, inner),
            _ => drop(patch.insert(key.clone(), value.clone())),
        }
    }
}
