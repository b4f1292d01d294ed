//! Leaving in good order, and how connections begin.

use std::time::Duration;

use blockhub::protocol::code::CloseCode;
use serde_json::json;

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh};

on_both!(
    dr1_what_was_sent_is_answered_before_the_connection_closes,
    cn4_anything_but_hello_first_is_turned_away,
    ms2_twenty_malformed_messages_in_ten_seconds_close_the_connection_and_one_does_not,
);

async fn dr1_what_was_sent_is_answered_before_the_connection_closes(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    desk.hub.roll.drain(Duration::ZERO);
    let mut edits = Vec::new();
    for _ in 0..20 {
        let op =
            json!([{"op": "insert", "block": fresh(), "kind": "text", "parent": null, "after": null, "content": {}}]);
        edits.push(ann.say(json!({"type": "edit", "project": project, "editId": fresh(), "ops": op})).await);
    }
    assert_eq!(ann.connection.next_time(), Some(Duration::ZERO));
    ann.connection.on_time().await;
    assert!(ann.hear("draining").await["reconnectInMs"].is_u64());
    for edit in edits {
        assert_eq!(ann.answer(&edit).await["type"], "ack");
    }
    assert_eq!(ann.closes().await, CloseCode::Restart);
    // Others are served until their own time.
    assert_eq!(bob.event(20).await["seq"], 20);
    let mut late = desk.stranger();
    let refused = late.ask(json!({"type": "hello", "user": {"id": "late"}})).await;
    assert_eq!((&refused["code"], refused["retryAfterMs"].is_u64()), (&json!("draining"), true));
    assert_eq!(late.closes().await, CloseCode::Restart);
    // Whose handshake was under way has no moment of its own, and does not wait for its hello either.
    let mut silent = desk.stranger();
    assert_eq!(silent.connection.next_time(), Some(Duration::ZERO));
    silent.connection.on_time().await;
    assert_eq!(silent.closes().await, CloseCode::Restart);
}

async fn cn4_anything_but_hello_first_is_turned_away(database: &Database) {
    let desk = Desk::open(database).await;
    for first in [r#"{"type":"ping","id":"x"}"#, "nonsense", "[]"] {
        let mut peer = desk.stranger();
        peer.say_raw(first).await;
        assert_eq!(peer.next().await["code"], "unauthenticated");
        assert_eq!(peer.closes().await, CloseCode::Unauthenticated);
    }
    // The time-out itself is the connection's own deadline.
    let peer = desk.stranger();
    let wait = peer.connection.next_time().unwrap();
    assert!(wait <= Duration::from_secs(5) && wait > Duration::from_secs(4), "{wait:?}");
}

async fn ms2_twenty_malformed_messages_in_ten_seconds_close_the_connection_and_one_does_not(database: &Database) {
    let desk = Desk::open(database).await;
    let mut ann = desk.peer("ann").await;
    for _ in 0..19 {
        ann.say_raw("{").await;
        assert_eq!(ann.next().await["code"], "malformed");
    }
    assert_eq!(ann.ask(json!({"type": "ping"})).await["type"], "pong");
    ann.connection.binary(None).await;
    assert_eq!(ann.next().await["code"], "unsupported");
    assert_eq!(ann.closes().await, CloseCode::Violated);
}
