//! Text that several people change at once ([ED12], [HI2]).

use std::sync::Arc;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::{Sent, Splice, TextChange, TextError, Window, apply};

fn typed(base: u64, changes: &[(usize, usize, &str)]) -> Sent {
    let change = |&(at, delete, insert): &(usize, usize, &str)| TextChange { at, delete, insert: insert.into() };
    Sent::Typed { base: Version(base), changes: changes.iter().map(change).collect() }
}

fn undone(target: u64, reach: u64) -> Sent {
    Sent::Undone { target: Version(target), reach: Version(reach) }
}

/// A string at version 0 and its log from there on.
struct Log {
    window: Window,
    text: String,
}

impl Log {
    fn of(text: &str) -> Self {
        Self { window: Window::new(Version(0), text), text: text.into() }
    }

    /// Merges and commits an edit as the next version; the string must then be `expect`.
    #[track_caller]
    fn then(mut self, sent: Sent, expect: &str) -> Self {
        let splices = self.window.merge(&sent).unwrap();
        self.text = apply(&self.text, &splices).unwrap();
        assert_eq!(self.text, expect);
        self.window.push(Version(self.window.version().0 + 1), Arc::new(sent)).unwrap();
        self
    }

    fn refuse(mut self, sent: &Sent, error: TextError) -> Self {
        assert_eq!(self.window.merge(sent), Err(error));
        self
    }
}

#[test]
fn ed12_what_two_people_type_at_one_place_stays_whole_and_committed_first_stands_first() {
    Log::of("ab")
        .then(typed(0, &[(1, 0, "one")]), "aoneb")
        .then(typed(0, &[(1, 0, "two")]), "aonetwob")
        .then(typed(0, &[(1, 0, "three")]), "aonetwothreeb");
}

#[test]
fn ed12_words_typed_letter_by_letter_do_not_mix() {
    Log::of("ab")
        .then(typed(0, &[(1, 0, "o")]), "aob")
        .then(typed(0, &[(1, 0, "t")]), "aotb")
        .then(typed(1, &[(2, 0, "n")]), "aontb")
        .then(typed(2, &[(3, 0, "w")]), "aontwb")
        .then(typed(3, &[(3, 0, "e")]), "aonetwb")
        .then(typed(4, &[(5, 0, "o")]), "aonetwob");
}

#[test]
fn ed12_words_typed_letter_by_letter_from_back_to_front_do_not_mix() {
    Log::of("ab")
        .then(typed(0, &[(1, 0, "e")]), "aeb")
        .then(typed(0, &[(1, 0, "o")]), "aeob")
        .then(typed(1, &[(1, 0, "n")]), "aneob")
        .then(typed(2, &[(2, 0, "w")]), "anewob")
        .then(typed(3, &[(1, 0, "o")]), "aonewob")
        .then(typed(4, &[(3, 0, "t")]), "aonetwob");
}

#[test]
fn ed12_overlapping_deletions_delete_once() {
    Log::of("abcdef")
        .then(typed(0, &[(1, 3, "")]), "aef")
        .then(typed(0, &[(2, 3, "")]), "af")
        .then(typed(0, &[(0, 6, "")]), "");
}

#[test]
fn ed12_what_is_typed_inside_a_span_that_another_deletes_stays() {
    Log::of("abcdef").then(typed(0, &[(3, 0, "new")]), "abcnewdef").then(typed(0, &[(1, 4, "")]), "anewf");
    Log::of("abcdef").then(typed(0, &[(1, 4, "")]), "af").then(typed(0, &[(3, 0, "new")]), "anewf");
}

#[test]
fn ed12_runs_stay_whole_where_the_text_between_them_was_deleted() {
    Log::of("axyb")
        .then(typed(0, &[(1, 2, "")]), "ab")
        .then(typed(0, &[(2, 0, "mid")]), "amidb")
        .then(typed(0, &[(3, 0, "end")]), "amidendb")
        .then(typed(0, &[(1, 0, "beg")]), "abegmidendb")
        .then(typed(1, &[(1, 0, "NEW")]), "abegNEWmidendb");
}

#[test]
fn ed12_text_that_replaces_a_span_stands_where_the_span_began() {
    Log::of("abcd").then(typed(0, &[(2, 0, "-")]), "ab-cd").then(typed(0, &[(1, 2, "X")]), "aX-d");
}

#[test]
fn ed12_changes_of_one_edit_do_not_see_each_other() {
    Log::of("abcdef")
        .then(typed(0, &[(3, 0, "!")]), "abc!def")
        .then(typed(0, &[(0, 1, "A"), (1, 2, ""), (3, 1, "D"), (6, 0, "?")]), "A!Def?");
}

#[test]
fn ed12_an_edit_on_a_version_that_left_the_string_alone_is_one_on_the_last_that_did_not() {
    let mut window = Window::new(Version(4), "ab");
    window.push(Version(9), Arc::new(typed(6, &[(1, 0, "x")]))).unwrap();
    let splice = |at| vec![Splice { at, deleted: String::new(), inserted: "y".into() }];
    assert_eq!(window.merge(&typed(8, &[(1, 0, "y")])).unwrap(), splice(2));
    assert_eq!(window.merge(&typed(12, &[(1, 0, "y")])).unwrap(), splice(1));
}

#[test]
fn ed12_a_surrogate_pair_is_never_split() {
    Log::of("a😀b")
        .refuse(&typed(0, &[(2, 0, "x")]), TextError::BadSpan)
        .refuse(&typed(0, &[(1, 1, "")]), TextError::BadSpan)
        .refuse(&typed(0, &[(0, 2, "")]), TextError::BadSpan)
        .then(typed(0, &[(1, 0, "😎")]), "a😎😀b")
        .then(typed(0, &[(3, 0, "😡")]), "a😎😀😡b")
        .refuse(&typed(2, &[(4, 0, "x")]), TextError::BadSpan)
        .then(typed(0, &[(1, 2, "")]), "a😎😡b");
}

#[test]
fn ed12_spans_are_judged_on_the_string_at_their_base() {
    Log::of("abc")
        .then(typed(0, &[(3, 0, "def")]), "abcdef")
        .refuse(&typed(0, &[(4, 0, "x")]), TextError::BadSpan)
        .refuse(&typed(0, &[(2, 2, "")]), TextError::BadSpan)
        .refuse(&typed(0, &[(1, 0, "x"), (1, 0, "y")]), TextError::BadSpan)
        .refuse(&typed(0, &[(1, 2, "x"), (2, 0, "y")]), TextError::BadSpan)
        .refuse(&typed(0, &[(usize::MAX, usize::MAX, "x")]), TextError::BadSpan)
        .refuse(&typed(1, &[(1, usize::MAX, "x")]), TextError::BadSpan)
        .then(typed(0, &[(0, 3, "")]), "def");
}

#[test]
fn ed12_a_version_outside_the_window_is_an_error() {
    let mut window = Window::new(Version(5), "abc");
    let unknown = Err(TextError::UnknownVersion);
    assert_eq!(window.push(Version(5), Arc::new(typed(5, &[]))), unknown);
    assert_eq!(window.push(Version(6), Arc::new(typed(4, &[]))), unknown);
    assert_eq!(window.push(Version(6), Arc::new(typed(6, &[]))), unknown);
    for sent in [typed(4, &[]), undone(5, 5), undone(6, 5), undone(6, 4)] {
        assert_eq!(window.merge(&sent), Err(TextError::UnknownVersion));
    }
}

#[test]
fn hi2_undone_typing_goes_and_undone_deletions_are_themselves_again() {
    Log::of("abcd")
        .then(typed(0, &[(1, 2, "XY")]), "aXYd")
        .then(typed(1, &[(2, 0, "-")]), "aX-Yd")
        .then(undone(1, 0), "a-bcd")
        .then(typed(0, &[(2, 0, "+")]), "a-b+cd");
}

#[test]
fn hi2_undoing_typing_and_then_deleting_last_first_leaves_neither() {
    Log::of("ab")
        .then(typed(0, &[(1, 0, "word")]), "awordb")
        .then(typed(1, &[(2, 2, "")]), "awdb")
        .then(undone(2, 1), "awordb")
        .then(undone(1, 0), "ab");
}

#[test]
fn hi2_undoing_typing_and_then_deleting_first_first_leaves_neither() {
    Log::of("ab")
        .then(typed(0, &[(1, 0, "word")]), "awordb")
        .then(typed(1, &[(2, 2, "")]), "awdb")
        .then(undone(1, 0), "ab")
        .then(undone(2, 1), "ab");
}

#[test]
fn hi2_undoing_an_undo_does_it_again() {
    Log::of("ab")
        .then(typed(0, &[(0, 1, "A")]), "Ab")
        .then(undone(1, 0), "ab")
        .then(undone(2, 0), "Ab")
        .then(undone(3, 0), "ab")
        .then(undone(4, 0), "Ab");
}

#[test]
fn hi2_undoing_twice_is_undoing_once() {
    Log::of("ab")
        .then(typed(0, &[(1, 0, "x")]), "axb")
        .then(undone(1, 0), "ab")
        .then(undone(1, 0), "ab")
        .then(undone(2, 0), "ab");
}

#[test]
fn hi2_what_two_deleted_comes_back_when_both_are_undone() {
    Log::of("abc")
        .then(typed(0, &[(0, 2, "")]), "c")
        .then(typed(0, &[(1, 2, "")]), "")
        .then(undone(1, 0), "a")
        .then(undone(2, 0), "abc");
}

#[test]
fn hi2_an_author_who_saw_the_text_before_an_undo_means_that_text() {
    Log::of("abc").then(typed(0, &[(1, 1, "")]), "ac").then(undone(1, 0), "abc").then(typed(1, &[(1, 1, "C")]), "aCb");
}
