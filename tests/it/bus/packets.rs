//! Hints as bytes.

use std::sync::Arc;

use blockhub::bus::packet::{read, write, writer};
use blockhub::bus::{Carried, Hint, Moved, News};
use blockhub::domain::event::{Actor, ActorKind};
use blockhub::domain::ids::{ConnectionId, HubRun, ProjectId, UserId};
use blockhub::domain::presence::{Basis, Present, Told, Update};
use blockhub::domain::sequence::{Epoch, Seq};
use blockhub::protocol::frame::{Compressing, Form, Frame};
use proptest::prelude::*;
use serde_json::value::RawValue;
use uuid::Uuid;

fn hint(news: News) -> Hint {
    Hint { from: HubRun(Uuid::from_u128(1)), project: ProjectId(Uuid::from_u128(2)), news }
}

fn moved(carried: Option<Carried>) -> Moved {
    Moved { epoch: Epoch { log: u64::MAX, timeline: 3 }, first: Seq(7), last: Seq(9), carried }
}

fn every_kind() -> Vec<Hint> {
    let frame = Frame::new(br#"{"type":"events"}"#.to_vec());
    let carried = Carried { frame: frame.clone(), events: Arc::from(&b"packed"[..]) };
    let actor = |name: Option<&str>, kind| Actor { id: UserId::from("ann"), name: name.map(Arc::from), kind };
    let state = RawValue::from_string(r#"{"cursor":"ÄÖ😀"}"#.to_owned()).unwrap();
    let updates = vec![
        Update::Here(
            ConnectionId(Uuid::from_u128(4)),
            Present { actor: Arc::new(actor(Some("Ann"), ActorKind::Human)), state: Some(state.into()) },
        ),
        Update::Here(
            ConnectionId(Uuid::from_u128(5)),
            Present { actor: Arc::new(actor(None, ActorKind::Agent)), state: None },
        ),
        Update::Left(ConnectionId(Uuid::from_u128(6))),
    ];
    let told = |basis| Told { basis, revision: 12, updates: updates.clone() };
    vec![
        hint(News::Moved(moved(None))),
        hint(News::Moved(moved(Some(carried)))),
        hint(News::Changed),
        hint(News::Aside { frame, from: ConnectionId(Uuid::from_u128(3)) }),
        hint(News::Presence(told(Basis::Whole))),
        hint(News::Presence(told(Basis::Revision(11)))),
        hint(News::WhoIsHere),
        hint(News::Forget("theme:märz".into())),
    ]
}

/// Everything in a hint, as text; frames as their bytes.
fn shown(hint: &Hint) -> String {
    match &hint.news {
        News::Moved(Moved { carried: Some(Carried { frame, events }), epoch, first, last }) => {
            format!("{epoch} {first} {last} {:?} {events:?}", frame.json())
        }
        News::Aside { frame, from } => format!("{from} {:?}", frame.json()),
        _ => format!("{hint:?}"),
    }
}

#[test]
fn a_hint_is_read_as_it_was_written() {
    for hint in every_kind() {
        let bytes = write(&hint);
        assert_eq!(writer(&bytes), Some(hint.from));
        let again = read(&bytes).unwrap_or_else(|| panic!("not read: {hint:?}"));
        assert_eq!((again.from, again.project), (hint.from, hint.project));
        assert_eq!(shown(&again), shown(&hint));
    }
}

#[test]
fn cn2_the_deflated_form_goes_along_if_it_was_made_and_is_not_made_again() {
    let json = format!(r#"{{"type":"events","text":"{}"}}"#, "abc".repeat(1_000)).into_bytes();
    let frame = Frame::new(json.clone());
    let sent = |frame: &Arc<Frame>| {
        let carried = Carried { frame: frame.clone(), events: Arc::from(&b"[]"[..]) };
        write(&hint(News::Moved(moved(Some(carried)))))
    };
    let plain_only = sent(&frame);
    assert_eq!(frame.form(Compressing::From(1_024)), Form::Deflated);
    let with_both = sent(&frame);
    assert!(with_both.len() > plain_only.len());
    let Some(Hint { news: News::Moved(Moved { carried: Some(carried), .. }), .. }) = read(&with_both) else {
        panic!("not read");
    };
    assert_eq!(carried.frame.json(), json);
    assert_eq!(carried.frame.form(Compressing::From(1_024)), Form::Deflated);
    let pieces = |frame: &Frame| frame.pieces(Form::Deflated).flatten().copied().collect::<Vec<_>>();
    assert_eq!(pieces(&carried.frame), pieces(&frame));
}

#[test]
fn bytes_that_are_no_hint_are_passed_over() {
    for hint in every_kind() {
        let bytes = write(&hint);
        let mut later = bytes.clone();
        later[0] += 1;
        assert!(read(&later).is_none() && writer(&later).is_none(), "another version");
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(read(&longer).is_none(), "something behind: {hint:?}");
        // A presence may end after each of its updates; everything else is whole or nothing.
        let cut = (0..bytes.len()).filter(|end| read(&bytes[..*end]).is_some()).count();
        assert!(cut <= 3, "{cut} beginnings of {hint:?} are read");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_usize..7) {
        drop(read(&bytes));
        let mut bent = write(&every_kind()[kind]);
        for (at, byte) in bytes.iter().enumerate() {
            let place = at * 31 % bent.len();
            bent[place] ^= byte;
            drop(read(&bent));
        }
    }
}
