//! What Socket.IO needs of messages: their type beside them, who waits for them, and ends without close codes.

use blockhub::domain::ids::RequestId;
use blockhub::domain::sequence::Timestamp;
use blockhub::protocol::code::{CloseCode, ErrorCode};
use blockhub::protocol::frame::{Chunk, Frame};
use blockhub::protocol::message::client::ClientMessage;
use blockhub::protocol::message::decode::decode_as;
use blockhub::protocol::message::encode::encode;
use blockhub::protocol::message::limits::WireLimits;
use blockhub::protocol::message::reply::{Callback, Receipt};
use blockhub::protocol::message::server::ServerMessage;
use serde_json::json;
use uuid::Uuid;

const ALL_ENDS: [CloseCode; 11] = [
    CloseCode::Normal,
    CloseCode::Protocol,
    CloseCode::NotText,
    CloseCode::TooBig,
    CloseCode::Restart,
    CloseCode::Full,
    CloseCode::Violated,
    CloseCode::Unauthenticated,
    CloseCode::Blocked,
    CloseCode::TimedOut,
    CloseCode::Flooded,
];

fn pong(callback: Option<Callback>) -> ServerMessage<'static> {
    let receipt = Receipt { id: Some("7".into()), request: RequestId(Uuid::from_u128(1)), callback };
    ServerMessage::Pong { receipt, now: Timestamp(0) }
}

#[test]
fn ms2_the_type_that_is_told_beside_a_message_counts_and_not_one_inside() {
    let limits = WireLimits::default();
    for object in [r#"{"id":"1"}"#, r#"{"type":"ping","id":"1"}"#, r#"{"id":"1","type":{"a":[]}}"#] {
        let envelope = decode_as("ping", object, &limits).unwrap();
        assert!(matches!(envelope.message, ClientMessage::Ping), "{object}");
        assert_eq!(envelope.id.as_deref(), Some("1"));
    }
    let cases = [
        ("dance", r#"{"type":"ping"}"#, ErrorCode::UnknownType),
        ("ping", r#""text""#, ErrorCode::Malformed),
        ("ping", "[]", ErrorCode::Malformed),
        ("ping", "{", ErrorCode::Malformed),
        ("join", "{}", ErrorCode::Malformed),
    ];
    for (kind, object, code) in cases {
        assert_eq!(decode_as(kind, object, &limits).unwrap_err().1.code, code, "{kind} {object}");
    }
}

#[test]
fn ms1_who_waits_for_a_reply_goes_with_it_and_not_onto_the_wire() {
    let (answered, unasked) = (encode(&pong(Some(Callback(4)))), encode(&pong(None)));
    assert_eq!(answered.callback(), Some(Callback(4)));
    assert_eq!(unasked.callback(), None);
    assert_eq!(answered.json(), unasked.json());
}

#[test]
fn a_frame_tells_its_type_and_is_one_piece_of_json_for_who_wants_it_so() {
    let whole = encode(&pong(None));
    assert_eq!(whole.kind(), "pong");
    assert_eq!(whole.raw().unwrap().get().as_bytes(), whole.json());
    let snapshot = Frame::in_pieces(br#"{"type":"snapshot","blocks":"#.to_vec(), [Chunk::new(br#"[1,"x"]}"#.to_vec())]);
    assert_eq!(snapshot.kind(), "snapshot");
    assert_eq!(snapshot.raw().unwrap().get(), r#"{"type":"snapshot","blocks":[1,"x"]}"#);
    for text in ["", "no JSON", r#"{"type":"#, r#"{"a":1}"#] {
        assert_eq!(Frame::new(text.as_bytes().to_vec()).kind(), "", "{text}");
    }
    assert!(Frame::new(b"no JSON".to_vec()).raw().is_none());
}

#[test]
fn every_end_that_somebody_hears_of_is_said_by_an_error_with_its_close_code() {
    for close in ALL_ENDS {
        let Some(code) = close.as_error() else {
            assert!(matches!(close, CloseCode::Normal | CloseCode::TimedOut), "{close:?}");
            continue;
        };
        let frame = encode(&ServerMessage::Farewell { close, code, reason: "why" });
        let said: serde_json::Value = serde_json::from_slice(&frame.json()).unwrap();
        let expected = json!({"type": "error", "code": code.as_str(), "message": "why", "closeCode": close.number()});
        assert_eq!(said, expected);
        assert_eq!((frame.kind(), frame.callback()), ("error", None));
    }
}

#[test]
fn only_who_would_be_sent_away_again_is_not_invited_back() {
    let sent_away: Vec<u16> =
        ALL_ENDS.into_iter().filter(|close| !close.invites_back()).map(CloseCode::number).collect();
    assert_eq!(sent_away, [4400, 4401, 4403, 4429]);
}
