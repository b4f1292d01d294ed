//! [MS2], [CN2] and RFC 6455 over a real socket: what is answered, and what closes it.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::socket_harness::{RawClient, Seen, Setup, ask, frame, words};

/// A message as RFC 7692 deflates it.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.flush().unwrap();
    let mut deflated = encoder.get_ref().clone();
    let end = deflated.split_off(deflated.len() - 4);
    assert_eq!(end, [0, 0, 0xFF, 0xFF]);
    deflated
}

pub fn inflate(mut payload: Vec<u8>) -> Vec<u8> {
    payload.extend_from_slice(&[0, 0, 0xFF, 0xFF, 0x01, 0, 0, 0xFF, 0xFF]);
    let mut bytes = Vec::new();
    DeflateDecoder::new(&*payload).read_to_end(&mut bytes).unwrap();
    bytes
}

fn header_only(first: u8, short: u8, len: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | short], len, &[0; 4]].concat()
}

#[tokio::test]
async fn ms2_what_breaks_the_protocol_closes_with_1002() {
    let server = Setup::default().serve();
    let unmasked = vec![0x81, 0x02, b'h', b'i'];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("not masked", unmasked),
        ("RSV2", frame(0xA1, b"x")),
        ("RSV3", frame(0x91, b"x")),
        ("RSV1 on a ping", frame(0xC9, b"x")),
        ("RSV1 on a continuation", [frame(0x41, b"x"), frame(0xC0, b"x")].concat()),
        ("opcode 3", frame(0x83, b"x")),
        ("opcode 11", frame(0x8B, b"x")),
        ("a ping in fragments", frame(0x09, b"x")),
        ("a large ping", frame(0x89, &[0; 126])),
        ("a large pong", frame(0x8A, &[0; 126])),
        ("a continuation of nothing", frame(0x80, b"x")),
        ("a text within a text", [frame(0x01, b"x"), frame(0x81, b"x")].concat()),
        ("a long way to say a short length", header_only(0x81, 126, &[0, 5])),
        ("a longer way to say a length", header_only(0x81, 127, &[0, 0, 0, 0, 0, 0, 0xFF, 0xFF])),
        ("a negative length", header_only(0x81, 127, &[0xFF; 8])),
        ("half a close code", frame(0x88, &[3])),
        ("a close code that is never sent", frame(0x88, &1005_u16.to_be_bytes())),
        ("a close code that does not exist", frame(0x88, &999_u16.to_be_bytes())),
    ];
    for (case, bytes) in cases {
        let mut client = server.connect_deflating().await;
        client.send(&bytes).await;
        assert_eq!(client.read_close().await, 1002, "{case}");
    }
    let mut client = server.connect().await;
    client.send(&frame(0xC1, &deflate(b"x"))).await;
    assert_eq!(client.read_close().await, 1002, "RSV1 that was not negotiated");
}

#[tokio::test]
async fn ms2_what_is_no_text_closes_with_1007() {
    let server = Setup::default().serve();
    for (case, bytes) in [
        ("no UTF-8", frame(0x81, b"\xFF")),
        ("a surrogate", frame(0x81, b"\xED\xA0\x80")),
        ("half a character", [frame(0x01, b"\xC3"), frame(0x80, b"")].concat()),
        ("no UTF-8, deflated", frame(0xC1, &deflate(b"\xFF"))),
        ("not deflated", frame(0xC1, &[0xFF; 20])),
        ("a reason that is no UTF-8", frame(0x88, b"\x03\xE8\xFF")),
    ] {
        let mut client = server.connect_deflating().await;
        client.send(&bytes).await;
        assert_eq!(client.read_close().await, 1007, "{case}");
    }
}

#[tokio::test]
async fn ms2_what_is_too_large_closes_with_1009() {
    const MAX: usize = 1 << 20;
    let server = Setup::default().serve();
    let half = vec![b'x'; MAX / 2];
    for (case, bytes) in [
        ("by its header", header_only(0x81, 127, &(MAX as u64 + 1).to_be_bytes())),
        ("two mebibytes", frame(0x81, &[b'x'; 2 * MAX])),
        ("in fragments", [frame(0x01, &half), frame(0x00, &half), frame(0x80, b"x")].concat()),
        ("empty fragments without end", [frame(0x01, b""), frame(0x00, b"").repeat(100)].concat()),
        ("once inflated", frame(0xC1, &deflate(&vec![0; 200 * MAX]))),
        ("binary", frame(0x82, &[0; MAX + 1])),
    ] {
        let mut client = server.connect_deflating().await;
        client.send(&bytes).await;
        assert_eq!(client.read_close().await, 1009, "{case}");
    }
}

#[tokio::test]
async fn ms2_a_message_of_exactly_the_limit_is_taken() {
    const MAX: usize = 1 << 20;
    let mut server = Setup::default().serve();
    let text = vec![b'x'; MAX];
    for bytes in [
        frame(0x81, &text),
        [frame(0x01, &text[..5]), frame(0x00, b""), frame(0x80, &text[5..])].concat(),
        frame(0xC1, &deflate(&text)),
    ] {
        let mut client = server.connect_deflating().await;
        assert!(matches!(server.next_seen().await, Seen::Came { .. }));
        client.send(&bytes).await;
        assert_eq!(server.next_seen().await, Seen::Text(MAX));
        client.send(&frame(0x88, b"")).await;
        while server.next_seen().await != Seen::Gone {}
    }
}

#[tokio::test]
async fn ms2_a_binary_message_is_told_and_the_connection_goes_on() {
    let mut server = Setup::default().serve();
    let mut client = server.connect().await;
    client.send(&frame(0x82, b"\xFF\x00")).await;
    client.text("and on").await;
    assert_eq!(client.read().await, (0x81, b"and on".to_vec()));
    assert!(matches!(server.next_seen().await, Seen::Came { .. }));
    assert_eq!(server.next_seen().await, Seen::Binary);
}

#[tokio::test]
async fn cn2_large_messages_are_deflated_for_those_who_can_inflate_them() {
    let server = Setup::default().serve();
    let (mut deflating, mut plain) = (server.connect_deflating().await, server.connect().await);
    for (len, first) in [(1023, 0x81), (1024, 0xC1), (300_000, 0xC1)] {
        deflating.text(&format!("say {len}")).await;
        let (got_first, payload) = deflating.read().await;
        assert_eq!(got_first, first);
        let text = if first == 0xC1 { inflate(payload) } else { payload };
        assert_eq!(text, words(len).json());
        plain.text(&format!("say {len}")).await;
        assert_eq!(plain.read().await, (0x81, words(len).json()));
    }
}

#[tokio::test]
async fn cn2_what_clients_deflate_is_inflated() {
    let server = Setup::default().serve();
    let mut client = server.connect_deflating().await;
    let deflated = deflate("héllo".as_bytes());
    client.send(&frame(0xC1, &deflated)).await;
    assert_eq!(client.read().await, (0x81, "héllo".into()));
    client.send(&[frame(0x41, &deflated[..2]), frame(0x89, b"between"), frame(0x80, &deflated[2..])].concat()).await;
    assert_eq!(client.read().await, (0x8A, b"between".to_vec()));
    assert_eq!(client.read().await, (0x81, "héllo".into()));
    // An empty message, and one whose stream the sender ended.
    client.send(&frame(0xC1, &[0x00])).await;
    assert_eq!(client.read().await, (0x81, vec![]));
    client.send(&frame(0xC1, &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00])).await;
    assert_eq!(client.read().await, (0x81, b"Hello".to_vec()));
}

#[tokio::test]
async fn rfc6455_a_close_is_answered_with_its_code() {
    let server = Setup::default().serve();
    for code in [1000, 1001, 3000, 4999] {
        let mut client = server.connect().await;
        client.send(&frame(0x88, &u16::to_be_bytes(code))).await;
        assert_eq!(client.read_close().await, code);
    }
    let mut client = server.connect().await;
    client.send(&frame(0x88, b"")).await;
    assert_eq!(client.read().await, (0x88, vec![]));
}

#[tokio::test]
async fn rfc6455_a_ping_is_answered_with_its_payload() {
    let server = Setup::default().serve();
    let mut client = server.connect().await;
    for payload in [&b""[..], b"x", &[7; 125]] {
        client.send(&frame(0x89, payload)).await;
        assert_eq!(client.read().await, (0x8A, payload.to_vec()));
    }
}

#[tokio::test]
async fn s11_a_flood_of_pings_costs_one_pong_at_a_time() {
    let server = Setup::default().serve();
    let mut client = server.connect().await;
    client.send(&frame(0x89, b"again").repeat(10_000)).await;
    client.text("done").await;
    let mut pongs = 0;
    while client.read().await.0 == 0x8A {
        pongs += 1;
    }
    assert!((1..=10_000).contains(&pongs));
}

#[tokio::test]
async fn cn1_what_comes_right_behind_the_handshake_is_not_lost() {
    let server = Setup::default().serve();
    let mut client = RawClient::open(server.address, &ask(""), &frame(0x81, b"at once")).await;
    assert_eq!(client.read().await, (0x81, b"at once".to_vec()));
}
