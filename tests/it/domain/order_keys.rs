//! Order keys: equal to npm's, and in order.

use blockhub::domain::position::{Position, PositionError};
use proptest::prelude::*;

use super::world::*;

/// `after before key` as npm `fractional-indexing` 4.0.0 makes them; `-` is none, `!` is refused.
const VECTORS: &str = include_str!("../../data/order-keys.txt");

fn key(text: &str) -> Position {
    Position(text.into())
}

fn keys(after: Option<&str>, before: Option<&str>, count: usize) -> Vec<String> {
    let (after, before) = (after.map(key), before.map(key));
    let keys = Position::several(after.as_ref(), before.as_ref(), count).unwrap();
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}

#[test]
fn ed8_order_keys_are_those_of_the_npm_package() {
    for line in VECTORS.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let end = |word: &str| (word != "-").then(|| key(word));
        let made = Position::between(end(words[0]).as_ref(), end(words[1]).as_ref());
        match words[2] {
            "!" => assert!(made.is_err(), "{line}"),
            expected => assert_eq!(made.unwrap().as_str(), expected, "{line}"),
        }
    }
}

#[test]
fn ed8_several_order_keys_are_those_of_the_npm_package() {
    assert_eq!(keys(None, None, 5), ["a0", "a1", "a2", "a3", "a4"]);
    assert_eq!(keys(Some("a4"), None, 4), ["a5", "a6", "a7", "a8"]);
    assert_eq!(keys(None, Some("a0"), 5), ["Zv", "Zw", "Zx", "Zy", "Zz"]);
    let twenty = "a04 a08 a0G a0K a0O a0V a0Z a0d a0l a0t a1 a14 a18 a1G a1O a1V a1Z a1d a1l a1t";
    assert_eq!(keys(Some("a0"), Some("a2"), 20).join(" "), twenty);
}

#[test]
fn ed8_what_is_no_order_key_is_refused() {
    for text in ["", "a", "0", "a00", "b1", "a0é", "A00000000000000000000000000", "a0 "] {
        assert_eq!(Position::between(Some(&key(text)), None), Err(PositionError::NotAKey), "{text}");
    }
    assert_eq!(Position::between(Some(&key("a1")), Some(&key("a1"))), Err(PositionError::OutOfOrder));
    assert_eq!(Position::between(Some(&key("a2")), Some(&key("a1V"))), Err(PositionError::OutOfOrder));
}

proptest! {
    #[test]
    fn ed8_siblings_sort_as_they_were_inserted(places in prop::collection::vec(any::<prop::sample::Index>(), 1..80)) {
        let mut world = World::new();
        let mut expected = Vec::new();
        for (number, place) in places.iter().enumerate() {
            let at = place.index(expected.len() + 1);
            let after = at.checked_sub(1).map(|before| expected[before]);
            let block = id(number as u128);
            world.applies("ann", vec![insert(block, None, after, serde_json::json!({}))]);
            expected.insert(at, block);
        }
        prop_assert_eq!(world.order(None), expected);
    }
}
