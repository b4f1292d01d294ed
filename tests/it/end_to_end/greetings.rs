//! How connections begin, and how the hub gets rid of those that do not: [CN1], [CN3], [CN4], [CN6].

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::scene::{Scene, address, closes, goes_on, launch, upgraded};
use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::socket_harness::{RawClient, ask, frame};

/// The status that answers these headers.
async fn status(scene: &Scene, request: &str) -> u16 {
    let head = RawClient::open(address(&scene.hub), request, &[]).await.head;
    head["HTTP/1.1 ".len()..][..3].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn1_cn3_cn6_who_may_not_upgrade_is_told_by_a_status() {
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let own = format!("Host: {}\r\nOrigin: http://{}\r\n", scene.hub.address(), scene.hub.address());
    let cases = [
        (ask("Sec-WebSocket-Protocol: graphql-ws\r\n"), 400),
        (ask("Sec-WebSocket-Protocol: graphql-ws, blockhub.v1\r\n"), 101),
        (ask("Origin: http://evil.example\r\n"), 403),
        (ask("Origin: null\r\n"), 403),
        (ask("").replace("Host: localhost:8080\r\n", &own), 101),
        (ask("").replace("localhost:8080", "rebound.example:8080"), 403),
        (ask("").replace("Version: 13", "Version: 12"), 426),
        (ask("").replace("Upgrade: websocket\r\n", ""), 400),
        (ask("").replace("GET /ws", "GET /ws/../admin"), 404),
        (ask("").replace("HTTP/1.1", "HTTP/9.9"), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
        (ask(&format!("X: {}\r\n", "x".repeat(1 << 20))), 431),
    ];
    for (request, expected) in cases {
        assert_eq!(status(&scene, &request).await, expected, "{}", &request[..request.len().min(300)]);
        scene.unharmed("a handshake").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn3_with_a_list_only_its_origins_may_connect() {
    let database = Database::sqlite();
    let hub = launch(&database).set("BLOCKHUB_ALLOWED_ORIGINS", "https://app.example").start().await;
    let scene = Scene::of(hub).await;
    for (origin, expected) in
        [("https://app.example", 101), ("https://app.example:444", 403), ("http://localhost", 403)]
    {
        assert_eq!(status(&scene, &ask(&format!("Origin: {origin}\r\n"))).await, expected, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn4_anything_but_hello_first_is_unauthenticated_and_closes_with_4401() {
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let firsts = [
        Message::text(r#"{"type":"ping","id":"1"}"#),
        Message::text(json!({"type": "join", "project": scene.project}).to_string()),
        Message::text(r#"{"type":"hello","user":{"id":7}}"#),
        Message::text(r#"{"type":"hello","user":{"id":"\u0000"}}"#),
        Message::text("nonsense"),
        Message::text("[".repeat(100_000)),
        Message::text(""),
        Message::binary(r#"{"type":"hello"}"#.as_bytes().to_vec()),
    ];
    for first in firsts {
        let mut client = Client::connect(scene.hub.ws()).await.unwrap();
        client.send_raw(first.clone()).await;
        assert_eq!(client.expect("error").await["code"], "unauthenticated", "{first}");
        assert_eq!(client.closed().await, Some(4401), "{first}");
        scene.unharmed("no hello").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn4_who_says_no_hello_in_time_is_closed_with_4408_whatever_else_it_sends() {
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let before = [
        Vec::new(),
        frame(0x89, b"here"),
        frame(0x81, br#"{"type":"hello"}"#)[..9].to_vec(),
        frame(0x01, br#"{"type":"hello","#),
    ];
    let mut silent = Vec::new();
    for bytes in before {
        let mut client = upgraded(&scene.hub, "").await;
        client.send(&bytes).await;
        silent.push(client);
    }
    let began = std::time::Instant::now();
    let codes = join_all(silent.iter_mut().map(closes)).await;
    assert_eq!(codes, [4408; 4]);
    assert!(began.elapsed().as_millis() > 4_000, "too early: {:?}", began.elapsed());
    scene.unharmed("silence").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn4_half_a_handshake_is_dropped_in_time() {
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let whole = ask("");
    let mut halves = Vec::new();
    for sent in ["", "G", &whole[..40], &whole[..whole.len() - 2]] {
        let mut stream = TcpStream::connect(address(&scene.hub)).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        halves.push(stream);
    }
    scene.unharmed("half handshakes").await;
    for mut stream in halves {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 101"));
    }
    scene.unharmed("the end of half handshakes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn_a_full_hub_closes_with_1013_until_there_is_a_place() {
    let database = Database::sqlite();
    let hub = launch(&database).set("BLOCKHUB_MAX_CONNECTIONS", "2").start().await;
    let mut scene = Scene::of(hub).await;
    let mut second = scene.attacker().await;
    for _ in 0..5 {
        let mut third = Client::connect(scene.hub.ws()).await.unwrap();
        assert_eq!(third.closed().await, Some(1013));
    }
    goes_on(&mut second).await;
    scene.unharmed("too many").await;
    second.close().await;
    // The hub learns of the end of a socket when it learns of it.
    while welcome(&scene).await.is_null() {}
    scene.unharmed("a place").await;
}

/// What a newcomer is told, null if there is no place.
async fn welcome(scene: &Scene) -> Value {
    let mut client = upgraded(&scene.hub, "").await;
    client.text(r#"{"type":"hello"}"#).await;
    let (first, payload) = client.read().await;
    if first == 0x88 { Value::Null } else { serde_json::from_slice(&payload).unwrap() }
}
