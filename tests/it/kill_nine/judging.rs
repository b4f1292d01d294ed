//! The judge itself: it must see what is wrong, or it proves nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::judge::{Outcome, Testimony, faults};
use super::player::{Acked, Comeback};
use crate::harness::replica::Replica;

fn event(seq: u64) -> Value {
    let block = json!({ "id": format!("b{seq}"), "kind": "text", "parent": null, "position": format!("a{seq}"),
                        "content": {}, "version": 1 });
    json!({ "seq": seq, "editId": format!("e{seq}"), "actor": { "id": "ann" },
            "ops": [{ "op": "insert", "block": block }] })
}

fn folded(log: &[Value]) -> Replica {
    let mut replica = Replica::default();
    log.iter().for_each(|event| replica.apply(event));
    replica
}

/// Three edits, all acked, and one refused; whoever was away came back.
fn sound() -> (Outcome, Testimony) {
    let log: Vec<_> = (1..=3).map(event).collect();
    let snapshot = folded(&log);
    let acked = (1..=3).map(|seq| Acked {
        project: "p".into(),
        edit: format!("e{seq}"),
        user: "ann".into(),
        seq,
        duplicate: false,
    });
    let comeback = Comeback { project: "p".into(), since: 1, seq: 3, recovered: true, snapshot_bytes: 0 };
    let testimony = Testimony {
        acked: acked.collect(),
        refused: vec!["e9".into()],
        sent: ["e1", "e2", "e3", "e9"].map(String::from).into(),
        comebacks: vec![comeback],
        replicas: vec![("ann".into(), "p".into(), snapshot.clone())],
    };
    (Outcome { log, snapshot }, testimony)
}

/// How many faults there are, once this was done.
fn found(plant: impl FnOnce(&mut Outcome, &mut Testimony)) -> usize {
    let (mut outcome, mut testimony) = sound();
    plant(&mut outcome, &mut testimony);
    faults(&BTreeMap::from([("p".to_owned(), outcome)]), &testimony).len()
}

#[test]
fn ed1_the_judge_sees_each_kind_of_fault_and_none_where_there_is_none() {
    assert_eq!(found(|_, _| {}), 0);
    let lost = found(|outcome, testimony| {
        outcome.log.pop();
        outcome.snapshot = folded(&outcome.log);
        testimony.replicas.clear();
    });
    assert_eq!(lost, 1, "an acked edit is lost");
    let elsewhere = found(|outcome, _| {
        outcome.log[0]["editId"] = json!("e2");
        outcome.log[1]["editId"] = json!("e1");
    });
    assert_eq!(elsewhere, 2, "two acked edits are elsewhere");
    let twice = found(|outcome, testimony| {
        outcome.log[2]["editId"] = json!("e2");
        testimony.acked.pop();
    });
    assert_eq!(twice, 1, "an edit is there twice");
    let by_another = found(|outcome, _| outcome.log[1]["actor"]["id"] = json!("bob"));
    assert_eq!(by_another, 1, "an edit is another's");
    let refused = found(|_, testimony| testimony.refused.push("e1".into()));
    assert_eq!(refused, 1, "a refused edit was applied");
    assert_eq!(found(|_, testimony| testimony.sent.retain(|edit| edit != "e1")), 1, "nobody sent this");
}

#[test]
fn jn5_the_judge_sees_holes_copies_that_differ_and_snapshots_that_were_not_called_for() {
    assert!(found(|outcome, _| drop(outcome.log.remove(1))) >= 1, "the log has a hole");
    let copy = found(|_, testimony| drop(testimony.replicas[0].2.blocks.remove("b2")));
    assert_eq!(copy, 1, "a copy differs");
    let late = found(|_, testimony| testimony.replicas[0].2.seq = 2);
    assert_eq!(late, 1, "a copy is behind");
    let database = found(|outcome, _| outcome.snapshot.blocks.get_mut("b1").unwrap()["version"] = json!(2));
    assert_eq!(database, 2, "the snapshot is not what the log comes to, and nobody's copy is it");
    assert_eq!(found(|_, testimony| testimony.comebacks[0].recovered = false), 1, "events would have done");
}
