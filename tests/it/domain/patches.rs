//! Merge patches: paths, applying, going back, clashes.

use blockhub::domain::block::Content;
use blockhub::domain::merge::{self, Pointer};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{object, path};

fn applied(content: Value, patch: Value) -> Value {
    let mut content = object(content);
    merge::apply(&mut content, &object(patch));
    Value::Object(content)
}

fn clashes(patch: Value, base: Value, now: Value) -> Vec<String> {
    merge::clashes(&object(patch), &object(base), &object(now)).iter().map(Pointer::to_string).collect()
}

#[test]
fn ed5_pointers_read_and_write_rfc_6901() {
    for text in ["", "/", "/a", "/a/b", "/a~1b/m~0n", "/~01", "/é/ ", "//"] {
        assert_eq!(path(text).to_string(), text);
    }
    assert_eq!(path("/a~1b/~01").0, ["a/b", "~1"]);
    for text in ["a", "/a~", "/~2", "/~é"] {
        assert!(text.parse::<Pointer>().is_err(), "{text}");
    }
}

/// The table of RFC 7396, appendix A, where both sides are objects.
#[test]
fn ed5_patches_apply_as_rfc_7396_says() {
    let table = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ];
    for (content, patch, expected) in table {
        assert_eq!(applied(content, patch), expected);
    }
}

#[test]
fn ed5_paths_clash_that_are_equal_above_or_below() {
    let table = [
        (json!({"a": 1}), json!({"a": 0}), json!({"a": 2}), vec!["/a"]),
        (json!({"a": {"b": 1}}), json!({"a": 0}), json!({"a": 2}), vec!["/a/b"]),
        (json!({"a": 1}), json!({"a": {"b": 0}}), json!({"a": {"b": 2}}), vec!["/a"]),
        (json!({"a": null}), json!({"a": {"b": 0}}), json!({"a": {"b": 2}}), vec!["/a"]),
        (json!({"a": {"b": 1}}), json!({"a": {"b": 0, "c": 0}}), json!({"a": {"b": 0, "c": 2}}), vec![]),
        (json!({"a": {"b": 1}}), json!({}), json!({"a": {"c": 2}}), vec![]),
        (json!({"a": [1]}), json!({"a": []}), json!({"a": [2]}), vec!["/a"]),
        (json!({"ab": 1}), json!({"a": 0, "ab": 0}), json!({"a": 1, "ab": 0}), vec![]),
        (json!({"a": 1, "b": 2, "c": 3}), json!({}), json!({"a": 9, "c": 9}), vec!["/a", "/c"]),
    ];
    for (patch, base, now, expected) in table {
        assert_eq!(clashes(patch.clone(), base, now), expected, "{patch}");
    }
}

#[test]
fn ed5_the_same_value_on_both_sides_is_no_clash() {
    assert!(clashes(json!({"a": 1}), json!({"a": 0}), json!({"a": 1})).is_empty());
    assert!(clashes(json!({"a": null}), json!({"a": 0}), json!({})).is_empty());
    assert!(clashes(json!({"a": [1]}), json!({}), json!({"a": [1]})).is_empty());
    assert_eq!(clashes(json!({"a": {"b": null}}), json!({"a": {"b": 1}}), json!({"a": "s"})), ["/a/b"]);
}

#[test]
fn ed5_an_empty_object_in_a_patch_changes_nothing_where_an_object_is() {
    assert!(clashes(json!({"a": {}}), json!({"a": {"b": 0}}), json!({"a": {"b": 1}})).is_empty());
    assert_eq!(clashes(json!({"a": {}}), json!({"a": 0}), json!({"a": 1})), ["/a"]);
}

#[test]
fn ed11_a_patch_replaces_what_it_sets_above_and_below() {
    let replaces = |patch, at| merge::replaces(&object(patch), &path(at));
    assert!(replaces(json!({"a": {"b": "x"}}), "/a/b"));
    assert!(replaces(json!({"a": 1}), "/a/b"));
    assert!(replaces(json!({"a": {"b": {"c": 1}}}), "/a/b"));
    assert!(replaces(json!({"a": {"b": {}}}), "/a/b"));
    assert!(!replaces(json!({"a": {"c": 1}}), "/a/b"));
    assert!(!replaces(json!({"a": {}}), "/a/b"));
}

#[test]
fn ed12_nulls_in_arrays_are_found() {
    assert!(merge::hides_null(&object(json!({"a": {"b": [1, {"c": null}]}}))));
    assert!(!merge::hides_null(&object(json!({"a": {"b": null}, "c": [{"d": [1]}]}))));
}

/// Contents and patches that often touch each other: few keys, few values.
fn value(nulls: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        3 => (0..3).prop_map(|number| json!(number)),
        1 => Just(json!("s")),
        1 => Just(json!([1])),
        if nulls { 2 } else { 0 } => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect()))
    })
}

fn content() -> impl Strategy<Value = Content> {
    prop::collection::btree_map("[abc]", value(false), 0..4).prop_map(|map| map.into_iter().collect())
}

fn patch() -> impl Strategy<Value = Content> {
    prop::collection::btree_map("[abc]", value(true), 0..4).prop_map(|map| map.into_iter().collect())
}

fn after(content: &Content, patch: &Content) -> Content {
    let mut after = content.clone();
    merge::apply(&mut after, patch);
    after
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(inner) => inner.values().any(holds_null),
        _ => false,
    }
}

proptest! {
    #[test]
    fn hi2_going_back_gives_the_content_before(before in content(), patch in patch()) {
        let back = merge::back(&before, &patch);
        prop_assert_eq!(after(&after(&before, &patch), &back), before);
    }

    #[test]
    fn hi2_a_difference_leads_from_one_to_the_other(from in content(), to in content()) {
        prop_assert_eq!(after(&from, &merge::difference(&from, &to)), to);
    }

    #[test]
    fn ed5_no_patch_brings_a_null(before in content(), patch in patch()) {
        prop_assert!(!holds_null(&Value::Object(after(&before, &patch))));
    }

    #[test]
    fn ed5_patches_that_do_not_clash_keep_what_the_others_set(base in content(), theirs in patch(), mine in patch()) {
        let now = after(&base, &theirs);
        if !merge::clashes(&mine, &base, &now).is_empty() {
            return Ok(());
        }
        let merged = after(&now, &merge::without_idle_removals(&mine, &now));
        for path in merge::differing(&base, &now) {
            prop_assert_eq!(path.get(&merged), path.get(&now), "{}", path);
        }
        for (path, value) in merge::leaves(&mine) {
            if !matches!(value, Value::Object(_)) {
                prop_assert_eq!(path.get(&merged), Some(value).filter(|value| !value.is_null()), "{}", path);
            }
        }
    }

    #[test]
    fn ed5_two_contents_are_equal_where_no_path_differs(one in content(), other in content()) {
        prop_assert_eq!(merge::differing(&one, &other).is_empty(), one == other);
    }
}
