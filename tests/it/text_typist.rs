//! What a client shows and sends while others type ([ED13]).

use blockhub::domain::sequence::Version;
use blockhub::domain::text::TextChange;

use crate::harness::typist::Typist;

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
