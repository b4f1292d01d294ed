//! What a client shows and sends while others type ([ED13]).

use blockhub::domain::sequence::Version;
use blockhub::domain::text::TextChange;
use proptest::prelude::*;

use crate::harness::string_hub::StringHub;
use crate::harness::typist::{Sending, Typist};

fn change(at: usize, delete: usize, insert: &str) -> TextChange {
    TextChange { at, delete, insert: insert.into() }
}

#[test]
fn ed13_pending_text_stays_beside_the_character_it_was_typed_after() {
    let mut typist = Typist::new(Version(1), "abcd");
    typist.types(2, 0, "P");
    typist.takes_others(Version(2), &[change(0, 1, "A"), change(2, 0, "-")]);
    assert_eq!(typist.shown(), "AbP-cd");
    assert_eq!(typist.confirmed(), "Ab-cd");
    assert_eq!(typist.next_edit().unwrap().changes, [change(2, 0, "P")]);
}

#[test]
fn ed13_pending_text_keeps_its_place_when_the_character_it_was_typed_after_goes() {
    let mut typist = Typist::new(Version(1), "abcd");
    typist.types(2, 0, "P");
    typist.takes_others(Version(2), &[change(1, 1, "")]);
    typist.takes_others(Version(3), &[change(1, 0, "-")]);
    assert_eq!(typist.shown(), "a-Pcd");
    assert_eq!(typist.next_edit().unwrap().changes, [change(2, 0, "P")]);
}

#[test]
fn ed13_one_edit_is_in_flight_and_what_is_typed_meanwhile_goes_as_one() {
    let mut typist = Typist::new(Version(1), "");
    typist.types(0, 0, "one");
    assert_eq!(typist.next_edit().unwrap().changes, [change(0, 0, "one")]);
    typist.types(3, 0, " two");
    typist.types(0, 1, "O");
    typist.types(7, 0, "!");
    assert_eq!(typist.next_edit(), None);
    typist.acked(Version(2));
    assert_eq!(typist.confirmed(), "one");
    let next = typist.next_edit().unwrap();
    assert_eq!((next.base, next.changes), (Version(2), vec![change(0, 1, "O"), change(3, 0, " two!")]));
}

#[test]
fn ed13_what_is_typed_and_deleted_again_before_it_is_sent_is_never_sent() {
    let mut typist = Typist::new(Version(1), "ab");
    typist.types(1, 0, "xyz");
    typist.types(2, 1, "");
    assert_eq!(typist.next_edit().unwrap().changes, [change(1, 0, "xz")]);
}

#[test]
fn ed13_the_hub_decides_where_the_edit_in_flight_goes_and_pending_text_goes_with_it() {
    let mut typist = Typist::new(Version(1), "ab");
    typist.types(1, 0, "mine");
    typist.next_edit().unwrap();
    typist.types(5, 0, "!");
    typist.types(1, 1, "M");
    typist.takes_others(Version(2), &[change(1, 0, "theirs")]);
    typist.takes_own(Version(3), &[change(7, 0, "mine")]);
    assert_eq!(typist.confirmed(), "atheirsmineb");
    assert_eq!(typist.shown(), "aMtheirsine!b");
    assert_eq!(typist.next_edit().unwrap().changes, [change(1, 0, "M"), change(7, 1, ""), change(11, 0, "!")]);
}

#[test]
fn ed13_what_two_deleted_is_deleted_once() {
    let mut typist = Typist::new(Version(1), "abcd");
    typist.types(1, 2, "X");
    assert_eq!(typist.next_edit().unwrap().changes, [change(1, 2, "X")]);
    typist.takes_others(Version(2), &[change(2, 2, "")]);
    assert_eq!(typist.shown(), "aX");
    typist.takes_own(Version(3), &[change(1, 1, "X")]);
    assert_eq!((typist.confirmed(), typist.is_settled()), ("aX".into(), true));
}

/// One step of somebody's, of several who write one string.
#[derive(Clone, Debug)]
enum Step {
    Type { at: prop::sample::Index, delete: usize, insert: String },
    BeginAnother,
    Send,
    Commit,
    TakeIn,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let typing = (any::<prop::sample::Index>(), 0..4_usize, "[a-z😀]{0,3}");
    let step = prop_oneof![
        3 => typing.prop_map(|(at, delete, insert)| Step::Type { at, delete, insert }),
        1 => Just(Step::BeginAnother),
        3 => Just(Step::Send),
        3 => Just(Step::Commit),
        4 => Just(Step::TakeIn),
    ];
    (0..3_usize, step)
}

/// Three people at one string.
struct Company {
    hub: StringHub,
    typists: Vec<Typist>,
    sent: Vec<Option<Sending>>,
}

impl Company {
    fn new() -> Self {
        let typists = vec![Typist::new(Version(0), ""); 3];
        Self { hub: StringHub::default(), typists, sent: vec![None; 3] }
    }

    /// Whether anything happened.
    fn does(&mut self, who: usize, step: &Step) -> bool {
        match step {
            Step::Type { at, delete, insert } => self.types(who, *at, *delete, insert),
            Step::BeginAnother => self.typists[who].begin_another(),
            Step::Send => {
                let Some(edit) = self.typists[who].next_edit() else { return false };
                self.sent[who] = Some(edit);
            }
            Step::Commit => {
                let Some(edit) = self.sent[who].take() else { return false };
                self.hub.commit(who, edit);
            }
            Step::TakeIn => return self.takes_in(who),
        }
        true
    }

    /// Replaces `delete` characters; what is seen then is what was typed.
    fn types(&mut self, who: usize, at: prop::sample::Index, delete: usize, insert: &str) {
        let shown = self.typists[who].shown();
        let chars: Vec<char> = shown.chars().collect();
        let from = at.index(chars.len() + 1);
        let to = (from + delete).min(chars.len());
        let units = |chars: &[char]| chars.iter().map(|char| char.len_utf16()).sum();
        self.typists[who].types(units(&chars[..from]), units(&chars[from..to]), insert);
        let expect: String =
            chars[..from].iter().copied().chain(insert.chars()).chain(chars[to..].iter().copied()).collect();
        assert_eq!(self.typists[who].shown(), expect);
    }

    fn takes_in(&mut self, who: usize) -> bool {
        let typist = &mut self.typists[who];
        let Some(event) = self.hub.log.iter().find(|event| event.version > typist.version()) else { return false };
        if event.author == who {
            typist.takes_own(event.version, &event.changes());
        } else {
            typist.takes_others(event.version, &event.changes());
        }
        true
    }

    fn finishes(&mut self) {
        let steps = [Step::Send, Step::Commit, Step::TakeIn];
        while (0..3).any(|who| steps.iter().any(|step| self.does(who, step))) {}
    }
}

proptest! {
    #[test]
    fn ed13_whoever_follows_the_events_ends_with_the_hubs_text(steps in prop::collection::vec(step(), 0..80)) {
        let mut company = Company::new();
        for (who, step) in &steps {
            company.does(*who, step);
        }
        company.finishes();
        for typist in &company.typists {
            prop_assert!(typist.is_settled());
            prop_assert_eq!(&typist.confirmed(), &company.hub.text);
            prop_assert_eq!(&typist.shown(), &company.hub.text);
        }
    }
}
