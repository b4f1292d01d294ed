//! The fold follows the contract's words, and so do the digests.

use histcheck::digest::{digest_of, digest_of_event};
use histcheck::fold::{Blocks, Misfit};
use histcheck::history::{Body, Record, Touched};
use histcheck::id::Id;
use histcheck::log::{Log, head};
use serde_json::{Value, json};

const A: &str = "00000000-0000-0000-0000-00000000000a";
const B: &str = "00000000-0000-0000-0000-00000000000b";
const PROJECT: Id = Id(1);

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn block(id: &str, parent: Option<&str>, content: &Value, version: u64) -> Value {
    json!({"id": id, "kind": "text", "parent": parent, "position": "a0", "content": content, "version": version})
}

fn event(ops: &Value) -> Value {
    json!({"seq": 1, "editId": B, "actor": {"id": "ann"}, "ops": ops})
}

/// Applies ops to a block A at version 3 with this content.
fn after(content: &Value, ops: &Value) -> Result<(Blocks, Vec<Touched>), Misfit> {
    let mut blocks = Blocks::of(&[block(A, None, content, 3)]).unwrap();
    let touched = blocks.apply(&event(ops))?;
    Ok((blocks, touched))
}

#[test]
fn ed5_an_update_is_a_merge_patch() {
    let patch = json!({"color": null, "size": {"w": 1, "h": null}, "list": [1, null]});
    let (blocks, touched) = after(
        &json!({"color": "red", "size": 7, "x": 1}),
        &json!([{"op": "update", "block": A, "version": 4, "patch": patch}]),
    )
    .unwrap();
    let held = blocks.get(id(A)).unwrap();
    assert_eq!(Value::Object(held.content.clone()), json!({"size": {"w": 1}, "x": 1, "list": [1, null]}));
    assert_eq!((held.version, touched), (4, vec![Touched(id(A), 4)]));
}

#[test]
fn ed11_text_is_counted_in_utf16() {
    let changes = json!([{"at": 0, "delete": 1, "insert": "A"}, {"at": 3, "delete": 0, "insert": "é"}, {"at": 4, "delete": 1, "insert": ""}]);
    let ops = json!([{"op": "text", "block": A, "version": 4, "path": "/a~1b/~0", "changes": changes}]);
    let (blocks, _) = after(&json!({"a/b": {"~": "a🎈bc"}}), &ops).unwrap();
    assert_eq!(blocks.get(id(A)).unwrap().content["a/b"]["~"], "A🎈éb");
}

#[test]
fn ed11_a_change_that_does_not_fit_the_text_is_refused() {
    for (at, delete) in [(2, 1), (5, 0), (3, 9)] {
        let changes = json!([{"at": at, "delete": delete, "insert": ""}]);
        let ops = json!([{"op": "text", "block": A, "version": 4, "path": "/t", "changes": changes}]);
        assert!(after(&json!({"t": "a🎈b"}), &ops).is_err(), "{at} {delete}");
    }
}

#[test]
fn ed9_a_deletion_makes_a_version_of_all_that_goes() {
    let mut blocks = Blocks::of(&[block(A, None, &json!({}), 3), block(B, Some(A), &json!({}), 1)]).unwrap();
    let touched = blocks.apply(&event(&json!([{"op": "delete", "blocks": [A, B]}]))).unwrap();
    assert_eq!(touched, [Touched(id(A), 4), Touched(id(B), 2)]);
    assert_eq!((blocks.digest(), blocks.is_empty()), (0, true));
}

#[test]
fn ed3_an_event_gives_a_block_one_version() {
    let ops = json!([
        {"op": "update", "block": A, "version": 4, "patch": {"x": 1}},
        {"op": "move", "block": A, "version": 4, "parent": null, "position": "b"},
        {"op": "delete", "blocks": [A]}]);
    assert_eq!(after(&json!({}), &ops).unwrap().1, [Touched(id(A), 4)]);
}

#[test]
fn what_does_not_live_cannot_change_and_what_lives_cannot_come_to_be() {
    for op in [
        json!({"op": "update", "block": B, "version": 4, "patch": {}}),
        json!({"op": "delete", "blocks": [B]}),
        json!({"op": "insert", "block": block(A, None, &json!({}), 1)}),
        json!({"op": "paint"}),
    ] {
        assert!(after(&json!({}), &json!([op])).is_err(), "{op}");
    }
}

#[test]
fn equal_json_has_equal_digests_and_other_json_has_others() {
    let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":[1.5,"x"],"d":null}}"#).unwrap();
    let same: Value = serde_json::from_str(r#"{ "b": {"d": null, "c": [15e-1, "\u0078"]}, "a": 1.0 }"#).unwrap();
    assert_eq!(digest_of(&one), digest_of(&same));
    let values = [
        json!(null),
        json!(false),
        json!(0),
        json!(""),
        json!([]),
        json!({}),
        json!([null]),
        json!({"a": null}),
        json!("a"),
        json!(["a", "b"]),
        json!(["ab"]),
        json!([["a"], "b"]),
    ];
    let mut digests: Vec<u64> = values.iter().map(digest_of).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), values.len());
}

#[test]
fn the_digest_of_blocks_is_that_of_a_snapshot_in_any_order() {
    let (first, second) = (block(A, None, &json!({"t": "x"}), 1), block(B, Some(A), &json!({}), 1));
    let mut folded = Blocks::default();
    let ops = json!([{"op": "insert", "block": first}, {"op": "insert", "block": second}]);
    folded.apply(&event(&ops)).unwrap();
    folded.apply(&event(&json!([{"op": "update", "block": A, "version": 2, "patch": {"t": "y"}}]))).unwrap();
    let given = [second, block(A, None, &json!({"t": "y"}), 2)];
    assert_eq!(folded.digest(), Blocks::of(&given).unwrap().digest());
    assert_ne!(folded.digest(), Blocks::of(&given[..1]).unwrap().digest());
}

#[test]
fn a_log_says_after_each_event_what_the_blocks_must_be() {
    let born = block(A, None, &json!({}), 1);
    let event = event(&json!([{"op": "insert", "block": born}]));
    let blocks = Blocks::of(std::slice::from_ref(&born)).unwrap().digest();
    let record = Log::of(PROJECT).event(&event).unwrap();
    let body = Some(Body { digest: digest_of_event(&event), blocks: Some(blocks) });
    let versions = vec![Touched(id(A), 1)];
    assert_eq!(record, Record::Event { project: PROJECT, seq: 1, edit: id(B), user: "ann".into(), versions, body });
    let at_rest = head(PROJECT, "e".into(), 1, &[born]).unwrap();
    assert_eq!(at_rest, Record::Head { project: PROJECT, epoch: "e".into(), seq: 1, blocks });
}
