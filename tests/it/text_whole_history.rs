//! Merging in a window is merging over the whole history, for any history ([ED12], [HI2]).
//!
//! The judge is a sequence CRDT of the plainest kind: one item per character, kept from the first version on, each
//! with the two neighbours that its author saw, compared by where they stand; nothing is cut, skipped or remembered.

use std::sync::Arc;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::{Sent, Splice, TextChange, Window, apply, splices_of, take_back};
use proptest::prelude::*;

type Name = (u64, usize);

struct Item {
    name: Name,
    char: char,
    left: Option<Name>,
    right: Option<Name>,
    deleted_by: Vec<u64>,
}

/// The history of one string that was empty at version 0.
#[derive(Default)]
struct Judge {
    items: Vec<Item>,
    log: Vec<(u64, Sent)>,
}

impl Judge {
    fn stands(&self, event: u64, at: u64) -> bool {
        let undoes = |(version, sent): &&(u64, Sent)| match sent {
            Sent::Undone { target, .. } => target.0 == event && *version <= at && self.stands(*version, at),
            Sent::Typed { .. } => false,
        };
        !self.log.iter().any(|entry| undoes(&entry))
    }

    fn is_visible(&self, item: &Item, at: u64) -> bool {
        let counts = |event: u64| event <= at && self.stands(event, at);
        counts(item.name.0) && !item.deleted_by.iter().any(|event| counts(*event))
    }

    fn visible(&self, at: u64) -> Vec<&Item> {
        self.items.iter().filter(|item| self.is_visible(item, at)).collect()
    }

    fn text(&self, at: u64) -> String {
        self.visible(at).iter().map(|item| item.char).collect()
    }

    fn index(&self, name: Name) -> usize {
        self.items.iter().position(|item| item.name == name).unwrap()
    }

    fn commit(&mut self, version: u64, sent: Sent) {
        if let Sent::Typed { base, changes } = &sent {
            self.commit_typed(version, base.0, changes);
        }
        self.log.push((version, sent));
    }

    fn commit_typed(&mut self, version: u64, base: u64, changes: &[TextChange]) {
        let seen: Vec<(Name, usize)> =
            self.visible(base).iter().map(|item| (item.name, item.char.len_utf16())).collect();
        let mut typed = 0;
        for change in changes {
            let (mut at, mut left, mut deleted) = (0, None, Vec::new());
            for (name, len) in &seen {
                if at < change.at {
                    left = Some(*name);
                } else if at < change.at + change.delete {
                    deleted.push(*name);
                }
                at += len;
            }
            for name in deleted {
                let index = self.index(name);
                self.items[index].deleted_by.push(version);
            }
            let after = left.map_or(0, |left| self.index(left) + 1);
            let right = self.items[after..].iter().find(|item| item.name.0 <= base).map(|item| item.name);
            for char in change.insert.chars() {
                let name = (version, typed);
                self.integrate(Item { name, char, left, right, deleted_by: Vec::new() });
                left = Some(name);
                typed += 1;
            }
        }
    }

    fn left_index(&self, item: &Item) -> isize {
        item.left.map_or(-1, |name| isize::try_from(self.index(name)).unwrap())
    }

    fn right_index(&self, item: &Item) -> usize {
        item.right.map_or(self.items.len(), |name| self.index(name))
    }

    /// YjsMod, with the later commit behind the earlier one where all else is equal.
    fn integrate(&mut self, new: Item) {
        let (left, right) = (self.left_index(&new), self.right_index(&new));
        let first = usize::try_from(left + 1).unwrap();
        let mut place = first;
        let mut scanning = false;
        for index in first..right {
            let other = &self.items[index];
            let other_left = self.left_index(other);
            if other_left < left {
                break;
            }
            if other_left == left {
                scanning = self.right_index(other) < right;
            }
            if !scanning {
                place = index + 1;
            }
        }
        self.items.insert(place, new);
    }

    fn head(&self) -> u64 {
        self.log.last().map_or(0, |(version, _)| *version)
    }

    /// The versions that everything later had seen.
    fn critical(&self) -> Vec<u64> {
        let all = std::iter::once(0).chain(self.log.iter().map(|(version, _)| *version));
        all.filter(|c| self.log.iter().all(|(version, sent)| version <= c || sent.reach().0 >= *c)).collect()
    }
}

/// What somebody is about to do, whatever the string may be by then.
#[derive(Clone, Debug)]
enum Intent {
    Type { lag: usize, spans: Vec<(usize, usize, String)> },
    Undo { back: usize },
}

fn intent() -> impl Strategy<Value = Intent> {
    let span = (0..5_usize, 0..4_usize, "[a-z😀é]{0,3}");
    let lag = prop_oneof![3 => Just(0_usize), 3 => 0..4_usize, 1 => 0..12_usize];
    prop_oneof![
        5 => (lag, prop::collection::vec(span, 1..4)).prop_map(|(lag, spans)| Intent::Type { lag, spans }),
        1 => (0..6_usize).prop_map(|back| Intent::Undo { back }),
    ]
}

/// `spans` as (characters to skip, to delete, to insert) on `text`.
fn changes_on(text: &str, spans: &[(usize, usize, String)]) -> Vec<TextChange> {
    let lens: Vec<usize> = text.chars().map(char::len_utf16).collect();
    let (mut next, mut changes) = (0, Vec::new());
    for (skip, delete, insert) in spans {
        let from = (next + skip).min(lens.len());
        let to = (from + delete).min(lens.len());
        if from < next {
            break;
        }
        let (at, delete) = (lens[..from].iter().sum(), lens[from..to].iter().sum());
        changes.push(TextChange { at, delete, insert: insert.clone() });
        next = to.max(from + 1);
    }
    changes
}

fn history(intents: &[Intent]) -> Judge {
    let mut judge = Judge::default();
    for intent in intents {
        let sent = match intent {
            Intent::Type { lag, spans } => {
                // Every second version changed something else, but may be a base.
                let base = judge.head().saturating_sub(u64::try_from(*lag).unwrap());
                Sent::Typed { base: Version(base), changes: changes_on(&judge.text(base), spans) }
            }
            Intent::Undo { back } => {
                let Some((target, undone)) = judge.log.iter().rev().nth(*back) else { continue };
                Sent::Undone { target: Version(*target), reach: undone.reach() }
            }
        };
        judge.commit(judge.head() + 2, sent);
    }
    judge
}

fn assert_apart(splices: &[Splice]) {
    for two in splices.windows(2) {
        assert!(two[0].at + two[0].deleted.encode_utf16().count() < two[1].at, "{splices:?}");
    }
    assert!(splices.iter().all(|splice| !splice.deleted.is_empty() || !splice.inserted.is_empty()));
}

/// Lets a window that begins at `start` merge all that came later, and looks at every step.
fn assert_window(judge: &Judge, start: u64) {
    let mut text = judge.text(start);
    let mut window = Window::new(Version(start), &text);
    for (version, sent) in judge.log.iter().filter(|(version, _)| *version > start) {
        let splices = window.merge(sent).unwrap();
        assert_apart(&splices);
        assert_eq!(window.merge(sent).unwrap(), splices, "merging changed the window");
        let after = apply(&text, &splices).unwrap();
        assert_eq!(after, judge.text(*version), "version {version}, window from {start}");
        assert_eq!(take_back(&after, &splices).unwrap(), text);
        window.push(Version(*version), Arc::new(sent.clone())).unwrap();
        text = after;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn ed12_a_window_merges_as_the_whole_history_does(intents in prop::collection::vec(intent(), 0..24)) {
        let judge = history(&intents);
        for start in judge.critical() {
            assert_window(&judge, start);
        }
    }

    #[test]
    fn ed12_a_window_that_was_told_all_at_once_is_the_same(intents in prop::collection::vec(intent(), 1..24)) {
        let judge = history(&intents);
        let mut window = Window::new(Version(0), "");
        let Some((last, before)) = judge.log.split_last() else { return Ok(()) };
        for (version, sent) in before {
            window.push(Version(*version), Arc::new(sent.clone())).unwrap();
        }
        let text = judge.text(before.last().map_or(0, |(version, _)| *version));
        prop_assert_eq!(apply(&text, &window.merge(&last.1).unwrap()).unwrap(), judge.text(last.0));
    }

    #[test]
    fn ed12_merging_with_a_current_base_is_splicing(text in "[a-c😀]{0,12}", spans in prop::collection::vec((0..4_usize, 0..4_usize, "[xy]{0,2}"), 0..5)) {
        let changes = changes_on(&text, &spans);
        let spliced = splices_of(&text, &changes).unwrap();
        let sent = Sent::Typed { base: Version(7), changes };
        prop_assert_eq!(Window::new(Version(7), &text).merge(&sent).unwrap(), spliced);
    }

    #[test]
    fn ed12_no_input_harms_a_window(
        text in "[ab😀]{0,6}",
        log in prop::collection::vec((0..4_u64, 0..8_u64, prop::collection::vec((0..9_usize, 0..5_usize, "[x😎]{0,2}"), 0..3), any::<bool>()), 0..12),
    ) {
        let mut window = Window::new(Version(2), &text);
        let mut current = text;
        let mut next = 2;
        for (step, base, spans, undo) in log {
            next += step;
            let changes = spans.into_iter().map(|(at, delete, insert)| TextChange { at, delete, insert }).collect();
            let sent = if undo {
                Sent::Undone { target: Version(base), reach: Version(2) }
            } else {
                Sent::Typed { base: Version(base), changes }
            };
            let Ok(splices) = window.merge(&sent) else { continue };
            if window.push(Version(next), Arc::new(sent)).is_ok() {
                current = apply(&current, &splices).unwrap();
            }
        }
    }
}

/// Where a person types next.
#[derive(Clone, Copy, Debug)]
enum Hand {
    /// Behind what they typed last.
    Forward,
    /// Before it.
    Backward,
}

/// Everybody types a word of one letter, all at one place, key by key, each having seen at least their own keys.
fn type_words(people: usize, hand: Hand, keys: &[(usize, u64)], with_deletion: bool) -> String {
    let mut judge = Judge::default();
    let mut window = Window::new(Version(0), "");
    let mut text = String::new();
    let mut commit = |base: u64, at: usize, delete: usize, insert: &str| {
        let changes = vec![TextChange { at, delete, insert: insert.into() }];
        let sent = Sent::Typed { base: Version(base), changes };
        text = apply(&text, &window.merge(&sent).unwrap()).unwrap();
        let version = judge.head() + 1;
        judge.commit(version, sent.clone());
        window.push(Version(version), Arc::new(sent)).unwrap();
        judge.text(version)
    };
    let mut texts = vec![String::new(), commit(0, 0, 0, "(-)")];
    if with_deletion {
        texts.push(commit(1, 1, 1, ""));
    }
    let mut own = vec![1; people];
    for (who, lag) in keys {
        let who = who % people;
        let head = texts.len() - 1;
        let base = head.saturating_sub(usize::try_from(*lag).unwrap()).max(own[who]);
        let letter = char::from(b'a' + u8::try_from(who).unwrap());
        let seen = &texts[base];
        // The first key goes behind the bracket, as it was before anybody typed.
        let first = if with_deletion && who.is_multiple_of(2) { 2 } else { 1 };
        let (base, at) = match (hand, seen.find(letter), seen.rfind(letter)) {
            (Hand::Backward, Some(at), _) => (base, at),
            (Hand::Forward, _, Some(at)) => (base, at + 1),
            _ => (first, 1),
        };
        texts.push(commit(u64::try_from(base).unwrap(), at, 0, &letter.to_string()));
        own[who] = texts.len() - 1;
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn ed12_words_typed_at_one_place_stay_whole(
        people in 1..5_usize,
        hand in prop_oneof![Just(Hand::Forward), Just(Hand::Backward)],
        keys in prop::collection::vec((0..4_usize, 0..10_u64), 0..24),
        with_deletion in any::<bool>(),
    ) {
        let text = type_words(people, hand, &keys, with_deletion);
        let mut letters: Vec<char> = text.chars().collect();
        letters.dedup();
        let runs = letters.len();
        letters.sort_unstable();
        letters.dedup();
        prop_assert_eq!(letters.len(), runs, "mixed: {}", text);
    }
}
