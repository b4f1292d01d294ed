//! The blocks that a project begins with.

use blockhub::domain::block::Project;
use blockhub::domain::event::Change;
use blockhub::domain::ids::BlockId;
use blockhub::domain::seed::{Seed, SeedError, SeedFault, plant};
use blockhub::domain::sequence::Seq;
use serde_json::{Value, json};

use super::world::{id, object};

fn seed(id: BlockId, parent: Option<BlockId>, content: Value) -> Seed {
    Seed { id, kind: "text".into(), parent, content: object(content) }
}

fn fault(seeds: Vec<Seed>) -> SeedError {
    plant(seeds, 100).unwrap_err()
}

#[test]
fn ed8_seeds_become_a_tree_in_the_order_given() {
    let seeds = vec![
        seed(id(1), None, json!({"a": null, "b": 1})),
        seed(id(2), Some(id(1)), json!({})),
        seed(id(3), None, json!({})),
        seed(id(4), Some(id(1)), json!({})),
    ];
    let blocks = plant(seeds, 100).unwrap().into_iter().map(|change| match change {
        Change::Insert { block } => block,
        other => panic!("{other:?}"),
    });
    let project = Project::new(Seq(1), Seq(1), blocks);
    let order: Vec<_> = project.in_order().into_iter().map(|block| block.id).collect();
    assert_eq!(order, [id(1), id(2), id(4), id(3)]);
    let first = project.get(id(1)).unwrap();
    assert_eq!((first.content.clone(), first.version.0), (object(json!({"b": 1})), 1));
    assert_eq!(first.place.position.as_str(), "a0");
}

#[test]
fn ed9_a_wrong_seed_is_named_with_its_index() {
    let good = || seed(id(1), None, json!({}));
    let table = [
        (seed(id(2), Some(id(3)), json!({})), SeedFault::UnknownParent),
        (seed(id(2), Some(id(2)), json!({})), SeedFault::UnknownParent),
        (good(), SeedFault::DuplicateId),
        (Seed { kind: "".into(), ..seed(id(2), None, json!({})) }, SeedFault::BadKind),
        (seed(id(2), None, json!({"a": [null]})), SeedFault::HiddenNull),
        (seed(id(2), None, json!({"a": "x".repeat(100)})), SeedFault::TooLarge),
    ];
    for (wrong, expected) in table {
        assert_eq!(fault(vec![good(), wrong]), SeedError { index: 1, fault: expected });
    }
}
