//! [CN1], [CN2], [CN3], [CN6] and deadlines: from a TCP connection to a socket.

use axum::http::{HeaderMap, HeaderValue};
use blockhub::transport::websocket::handshake::{Deflate, agree};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::socket_harness::{RawClient, Seen, Setup, ask};

async fn status(request: &str, setup: Setup) -> String {
    let server = setup.serve();
    let client = RawClient::open(server.address, request, &[]).await;
    client.head["HTTP/1.1 ".len()..][..3].to_owned()
}

#[tokio::test]
async fn cn1_the_subprotocol_is_ours_or_none() {
    for (offered, expected) in [
        ("", "101"),
        ("Sec-WebSocket-Protocol: blockhub.v1\r\n", "101"),
        ("Sec-WebSocket-Protocol: other, blockhub.v1\r\n", "101"),
        ("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: blockhub.v1\r\n", "101"),
        ("Sec-WebSocket-Protocol: other\r\n", "400"),
        ("Sec-WebSocket-Protocol: blockhub.v2, Blockhub.V1\r\n", "400"),
        ("Sec-WebSocket-Protocol:\r\n", "400"),
    ] {
        assert_eq!(status(&ask(offered), Setup::default()).await, expected, "{offered}");
    }
    let server = Setup::default().serve();
    let head = server.connect_with("Sec-WebSocket-Protocol: other, blockhub.v1\r\n").await.head;
    assert!(head.to_lowercase().contains("sec-websocket-protocol: blockhub.v1\r\n"), "{head}");
    let head = server.connect().await.head.to_lowercase();
    assert!(!head.contains("sec-websocket-protocol") && !head.contains("extensions"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
}

#[tokio::test]
async fn cn1_what_is_no_websocket_request_is_refused() {
    let without =
        |header: &str| ask("").split("\r\n").filter(|line| !line.starts_with(header)).collect::<Vec<_>>().join("\r\n");
    let with = |from: &str, to: &str| ask("").replace(from, to);
    for (request, expected) in [
        (without("Upgrade"), "400"),
        (without("Connection"), "400"),
        (without("Sec-WebSocket-Key"), "400"),
        (with("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400"),
        (with("dGhlIHNhbXBsZSBub25jZQ==", "!"), "400"),
        (without("Sec-WebSocket-Version"), "426"),
        (with("Version: 13", "Version: 8"), "426"),
        (with("websocket", "h2c"), "400"),
        (with("GET", "POST"), "405"),
        (with("websocket", "WebSocket"), "101"),
    ] {
        assert_eq!(status(&request, Setup::default()).await, expected, "{request}");
    }
}

#[test]
fn cn2_compression_is_accepted_without_context_and_with_the_whole_window_only() {
    let deflate = |offer: &str| {
        let mut headers: HeaderMap = [
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
        headers.insert("sec-websocket-extensions", offer.parse().unwrap());
        let agreement = agree(&headers).unwrap();
        let answer =
            agreement.headers.get("sec-websocket-extensions").map(|answer| answer.to_str().unwrap().to_owned());
        let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(answer, (agreement.deflate == Deflate::Negotiated).then(|| expected.to_owned()));
        agreement.deflate
    };
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=\"15\"",
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
    ] {
        assert_eq!(deflate(offer), Deflate::Negotiated, "{offer}");
    }
    for offer in [
        "",
        "x-webkit-deflate-frame",
        "permessage-deflate; server_max_window_bits=14",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
        "permessage-deflate-2",
    ] {
        assert_eq!(deflate(offer), Deflate::Declined, "{offer}");
    }
}

#[tokio::test]
async fn cn3_a_foreign_page_is_refused_before_the_upgrade() {
    let allowing = || Setup { allowed: vec!["https://app.example".to_owned()], ..Setup::default() };
    for (origin, setup, expected) in [
        ("Origin: https://app.example\r\n", allowing(), "101"),
        ("", allowing(), "101"),
        ("Origin: http://localhost:8080\r\n", allowing(), "403"),
        ("Origin: https://app.example\r\nOrigin: https://app.example\r\n", allowing(), "403"),
        ("Origin: http://localhost:8080\r\n", Setup::default(), "101"),
        ("Origin: http://evil.example\r\n", Setup::default(), "403"),
        ("Origin: \u{ff}\r\n", Setup::default(), "403"),
    ] {
        assert_eq!(status(&ask(origin), setup).await, expected, "{origin}");
    }
}

#[tokio::test]
async fn cn6_an_open_hub_answers_to_the_loopback_only() {
    for (host, expected) in [("localhost:8080", "101"), ("127.0.0.1", "101"), ("evil.example:8080", "403")] {
        let request = ask("").replace("localhost:8080", host);
        assert_eq!(status(&request, Setup::default()).await, expected, "{host}");
        // A target that names a host is what the client means (RFC 9112, section 3.2.2), whatever the header says.
        let request = ask("").replace("GET /ws", &format!("GET http://{host}/ws"));
        assert_eq!(status(&request, Setup::default()).await, expected, "{request}");
    }
}

#[tokio::test]
async fn cn5_a_token_may_come_with_the_request() {
    let mut server = Setup::default().serve();
    let _client = server.connect_with("Authorization: Bearer abc.def\r\n").await;
    assert_eq!(server.next_seen().await, Seen::Came { token: Some("abc.def".to_owned()) });
    let _client = server.connect_with("Authorization: Basic abc\r\n").await;
    assert_eq!(server.next_seen().await, Seen::Came { token: None });
}

#[tokio::test]
async fn cn_a_client_that_nobody_here_wrote_connects_and_talks() {
    let server = Setup::default().serve();
    let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("blockhub.v1"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    for len in [0, 1, 125, 126, 65_535, 65_536, 900_000] {
        let text = "x".repeat(len);
        socket.send(Message::text(&text)).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    socket.close(None).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    assert!(socket.next().await.is_none());
}

#[tokio::test]
async fn full_a_hub_without_a_place_closes_with_1013() {
    let mut server = Setup { connections_max: 1, ..Setup::default() }.serve();
    let first = server.connect().await;
    assert_eq!(server.connect().await.read_close().await, 1013);
    drop(first);
    assert_eq!(server.next_seen().await, Seen::Came { token: None });
    assert_eq!(server.next_seen().await, Seen::Gone);
    // The place is free once the task has ended.
    loop {
        let mut client = server.connect().await;
        client.text("hello").await;
        if client.read().await.0 == 0x81 {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s2_a_connection_that_does_not_ask_is_closed() {
    let server = Setup::default().serve();
    for beginning in ["", "GET /ws HTTP/1.1\r\nHost: loc"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let began = tokio::time::Instant::now();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(began.elapsed().as_secs() <= 11, "{beginning}");
    }
}

#[tokio::test]
async fn dr1_the_shutdown_ends_what_is_idle_and_leaves_sockets_to_their_time() {
    let server = Setup::default().serve();
    let mut socket = server.connect().await;
    let mut idle = RawClient::open(server.address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", &[]).await;
    server.shutdown.cancel();
    assert_eq!(idle.stream.read(&mut [0]).await.unwrap(), 0);
    socket.text("still here").await;
    assert_eq!(socket.read().await, (0x81, b"still here".to_vec()));
    socket.text("close").await;
    assert_eq!(socket.read_close().await, 1012);
    drop(socket);
    server.tracker.close();
    server.tracker.wait().await;
}
