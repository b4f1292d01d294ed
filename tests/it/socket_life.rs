//! [CN8], [JN6], [DR1] over a real socket: who is there, who is slow, who is gone.

use crate::socket_harness::{RawClient, Seen, Server, Setup, frame};

async fn joined(setup: Setup) -> (Server, RawClient) {
    let mut server = setup.serve();
    let client = server.connect().await;
    assert!(matches!(server.next_seen().await, Seen::Came { .. }));
    (server, client)
}

#[tokio::test]
async fn cn8_who_answers_pings_stays() {
    let (_server, mut client) = joined(Setup::pinging(10, 5_000)).await;
    for _ in 0..20 {
        let (first, payload) = client.read().await;
        assert_eq!(first, 0x89);
        client.send(&frame(0x8A, &payload)).await;
    }
    client.text("here").await;
    assert_eq!(client.read_text().await, "here");
}

#[tokio::test]
async fn cn8_who_answers_no_ping_is_closed_with_4408() {
    let (mut server, mut client) = joined(Setup::pinging(20, 20)).await;
    assert_eq!(client.read_close().await, 4408);
    assert_eq!(server.next_seen().await, Seen::Gone);
}

#[tokio::test]
async fn cn8_messages_do_not_stand_in_for_pongs() {
    let (_server, mut client) = joined(Setup::pinging(20, 60)).await;
    loop {
        client.text("busy").await;
        match client.read().await {
            (0x88, payload) => return assert_eq!(payload[..2], 4408_u16.to_be_bytes()),
            (first, _) => assert!(matches!(first, 0x81 | 0x89)),
        }
    }
}

#[tokio::test]
async fn cn8_a_hold_up_of_the_hubs_own_is_not_held_against_the_client() {
    let (server, mut client) = joined(Setup::pinging(50, 200)).await;
    client.text("hold").await;
    assert_eq!(client.read().await.0, 0x89);
    client.send(&frame(0x8A, b"")).await;
    // Somebody else, who answers nothing, is closed meanwhile: so more time than that has passed.
    for _ in 0..2 {
        assert_eq!(server.connect().await.read_close().await, 4408);
    }
    server.release.notify_one();
    client.text("still here").await;
    assert_eq!(client.read_text().await, "still here");
}

#[tokio::test]
async fn cn8_who_takes_nothing_is_dropped_for_lack_of_progress() {
    let (mut server, mut client) = joined(Setup::pinging(50, 50)).await;
    client.text("flood 20000").await;
    assert!(matches!(server.next_seen().await, Seen::Text(_)));
    assert_eq!(server.next_seen().await, Seen::Gone);
}

#[tokio::test]
async fn jn6_what_a_client_does_not_take_waits_in_the_outbox_and_not_in_the_system() {
    let (mut server, mut client) = joined(Setup::default()).await;
    // Twice what an outbox holds before no more is read; the system alone would take all of it.
    client.text("flood 2000").await;
    client.text("not yet").await;
    assert!(matches!(server.next_seen().await, Seen::Text(_)));
    for _ in 0..100 {
        assert_eq!(client.read().await.1.len(), 1024);
        assert!(server.seen.is_empty());
    }
    for _ in 100..2000 {
        assert_eq!(client.read().await.1.len(), 1024);
    }
    assert_eq!(client.read().await, (0x81, b"not yet".to_vec()));
}

#[tokio::test]
async fn jn6_while_replies_fill_the_outbox_no_more_is_read() {
    let (mut server, mut client) = joined(Setup::default()).await;
    client.text("flood 20000").await;
    client.text("not yet").await;
    assert!(matches!(server.next_seen().await, Seen::Text(_)));
    // Twenty mebibytes fit into no socket buffer: the second message cannot be seen before some of them are read.
    for _ in 0..1000 {
        assert_eq!(client.read().await.1.len(), 1024);
        assert!(server.seen.is_empty());
    }
    for _ in 1000..20_000 {
        assert_eq!(client.read().await.1.len(), 1024);
    }
    assert_eq!(client.read().await, (0x81, b"not yet".to_vec()));
}

#[tokio::test]
async fn ms3_answers_come_in_the_order_of_the_questions() {
    let (_server, mut client) = joined(Setup::default()).await;
    for n in 0..2000 {
        client.text(&format!("question {n}")).await;
    }
    for n in 0..2000 {
        assert_eq!(client.read().await.1, format!("question {n}").into_bytes());
    }
}

#[tokio::test]
async fn dr1_what_waits_is_sent_before_the_close() {
    let (mut server, mut client) = joined(Setup::default()).await;
    client.text("flood 3000").await;
    client.text("close").await;
    for _ in 0..3000 {
        assert_eq!(client.read().await.0, 0x81);
    }
    assert_eq!(client.read_close().await, 1012);
    while server.next_seen().await != Seen::Gone {}
}

#[tokio::test]
async fn pr2_the_peer_is_told_when_the_client_vanishes() {
    let (mut server, client) = joined(Setup::default()).await;
    drop(client);
    assert_eq!(server.next_seen().await, Seen::Gone);
}

#[tokio::test]
async fn jn6_who_reads_slowly_still_ends_with_everything() {
    let (_server, mut client) = joined(Setup::pinging(50, 5_000)).await;
    client.text("flood 5000").await;
    for _ in 0..5000 {
        assert_eq!(client.read_text().await.len(), 1024);
    }
}
