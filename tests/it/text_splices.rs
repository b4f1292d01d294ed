//! Text changes on the string that they were meant for ([ED11]).

use blockhub::domain::text::{Splice, TextChange, TextError, apply, check, splices_of, take_back};
use proptest::prelude::*;

fn change(at: usize, delete: usize, insert: &str) -> TextChange {
    TextChange { at, delete, insert: insert.into() }
}

fn splice(at: usize, deleted: &str, inserted: &str) -> Splice {
    Splice { at, deleted: deleted.into(), inserted: inserted.into() }
}

#[test]
fn ed11_spans_are_of_the_string_as_it_was() {
    let changes = [change(0, 1, "J"), change(5, 0, ","), change(6, 5, "you")];
    let splices = splices_of("Hello world", &changes).unwrap();
    assert_eq!(splices, [splice(0, "H", "J"), splice(5, "", ","), splice(6, "world", "you")]);
    assert_eq!(apply("Hello world", &splices).unwrap(), "Jello, you");
}

#[test]
fn ed11_each_span_begins_after_the_last_ones_beginning_and_not_before_its_end() {
    let bad = Err(TextError::BadSpan);
    assert_eq!(check("abcdef", &[change(2, 0, "x"), change(2, 0, "y")]), bad);
    assert_eq!(check("abcdef", &[change(2, 0, "x"), change(1, 0, "y")]), bad);
    assert_eq!(check("abcdef", &[change(2, 2, "x"), change(3, 0, "y")]), bad);
    assert_eq!(check("abcdef", &[change(2, 2, "x"), change(4, 2, "y")]), Ok(()));
}

#[test]
fn ed11_nothing_is_beyond_the_end() {
    assert_eq!(check("abc", &[change(3, 0, "x")]), Ok(()));
    assert_eq!(check("abc", &[change(4, 0, "")]), Err(TextError::BadSpan));
    assert_eq!(check("abc", &[change(2, 2, "")]), Err(TextError::BadSpan));
    assert_eq!(check("abc", &[change(1, usize::MAX, "")]), Err(TextError::BadSpan));
    assert_eq!(check("äbc", &[change(2, usize::MAX, "")]), Err(TextError::BadSpan));
    assert_eq!(check("äbc", &[change(usize::MAX, usize::MAX, "")]), Err(TextError::BadSpan));
}

#[test]
fn ed11_positions_are_utf_16_code_units() {
    let splices = splices_of("ä😀b", &[change(1, 2, "ö"), change(4, 0, "!")]).unwrap();
    assert_eq!(splices, [splice(1, "😀", "ö"), splice(4, "", "!")]);
    assert_eq!(apply("ä😀b", &splices).unwrap(), "äöb!");
}

#[test]
fn ed11_a_surrogate_pair_is_never_pointed_into() {
    assert_eq!(check("a😀b", &[change(2, 0, "x")]), Err(TextError::BadSpan));
    assert_eq!(check("a😀b", &[change(1, 1, "")]), Err(TextError::BadSpan));
    assert_eq!(check("a😀b", &[change(0, 2, "")]), Err(TextError::BadSpan));
    assert_eq!(check("a😀b", &[change(1, 2, "")]), Ok(()));
}

#[test]
fn ed13_splices_that_touch_are_one_and_those_that_change_nothing_are_none() {
    let changes = [change(0, 0, ""), change(1, 1, "x"), change(2, 1, "y"), change(4, 0, "")];
    assert_eq!(splices_of("abcd", &changes).unwrap(), [splice(1, "bc", "xy")]);
}

#[test]
fn hi2_splices_are_for_one_string_only() {
    let splices = [splice(1, "b", "x")];
    assert_eq!(apply("aBc", &splices), Err(TextError::BadSpan));
    assert_eq!(apply("a", &splices), Err(TextError::BadSpan));
    assert_eq!(take_back("ayc", &splices), Err(TextError::BadSpan));
    assert_eq!(apply("abc", &[splice(1, "b", ""), splice(0, "", "x")]), Err(TextError::BadSpan));
    assert_eq!(take_back("ac", &[splice(1, "b", ""), splice(0, "", "x")]), Err(TextError::BadSpan));
}

prop_compose! {
    /// A string, and changes to it that are as they should be.
    fn changed()(text in "[a-cä😀]{0,20}", cuts in prop::collection::vec((0..4_usize, 0..4_usize, "[xyü😎]{0,3}"), 0..5))
        -> (String, Vec<TextChange>) {
        let chars: Vec<usize> = text.chars().map(char::len_utf16).collect();
        let (mut next, mut changes) = (0, Vec::new());
        for (skip, delete, insert) in cuts {
            let from = next + skip;
            let to = (from + delete).min(chars.len());
            if from > chars.len() { break; }
            let (at, delete) = (chars[..from].iter().sum(), chars[from..to].iter().sum());
            changes.push(TextChange { at, delete, insert });
            next = to.max(from + 1);
        }
        (text, changes)
    }
}

proptest! {
    #[test]
    fn hi2_taking_back_gives_the_string_before((text, changes) in changed()) {
        let splices = splices_of(&text, &changes).unwrap();
        let after = apply(&text, &splices).unwrap();
        prop_assert_eq!(take_back(&after, &splices).unwrap(), text);
    }

    #[test]
    fn ed11_any_spans_are_applied_or_refused(text in "[ab😀]{0,6}", spans in prop::collection::vec((0..9_usize, 0..4_usize), 0..4)) {
        let changes: Vec<_> = spans.iter().map(|(at, delete)| change(*at, *delete, "x")).collect();
        let units: Vec<u16> = text.encode_utf16().collect();
        let whole = |at: usize| at <= units.len() && String::from_utf16(&units[..at]).is_ok();
        let fine = changes.iter().all(|c| whole(c.at) && whole(c.at + c.delete))
            && changes.windows(2).all(|two| two[1].at > two[0].at && two[1].at >= two[0].at + two[0].delete);
        prop_assert_eq!(check(&text, &changes).is_ok(), fine);
    }
}
