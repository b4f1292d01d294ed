//! RFC 6455 and [MS2] against the real binary: frames that break the protocol, are too large, or blow up.

use std::fs;

use serde_json::json;

use super::scene::{Scene, closes, upgraded};
use crate::contract::on_both;
use crate::harness::database::Database;
use crate::socket_frames::deflate;
use crate::socket_harness::{RawClient, frame};

on_both!(ms2_broken_frames_close_that_socket_alone);

const MIB: usize = 1 << 20;

/// Names, bytes, and the code that answers them.
fn broken() -> Vec<(&'static str, Vec<u8>, u16)> {
    let unmasked = [&[0x81, 15][..], br#"{"type":"ping"}"#].concat();
    vec![
        ("an unmasked frame", unmasked, 1002),
        ("RSV2", frame(0xA1, b"x"), 1002),
        ("RSV3", frame(0x91, b"x"), 1002),
        ("an opcode that is not there", frame(0x83, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a length of 2^63", [&[0x81, 0xFF, 0x80][..], &[0; 11]].concat(), 1002),
        ("no UTF-8", frame(0x81, b"{\"type\":\"\xFF\"}"), 1007),
        ("a surrogate in UTF-8", frame(0x81, b"{\"type\":\"\xED\xA0\x80\"}"), 1007),
        ("an overlong NUL", frame(0x81, b"{\"type\":\"\xC0\x80\"}"), 1007),
        ("not deflated, but said to be", frame(0xC1, &[0xFF; 20]), 1007),
        ("two mebibytes", frame(0x81, &vec![b' '; 2 * MIB]), 1009),
        ("two mebibytes of binary", frame(0x82, &vec![0; 2 * MIB]), 1009),
        ("fragments without end", [frame(0x01, b"{"), frame(0x00, &[b' '; 16_384]).repeat(200)].concat(), 1009),
        ("fragments of a byte without end", [frame(0x01, b"{"), frame(0x00, b" ").repeat(MIB + 1)].concat(), 1009),
        ("empty fragments without end", [frame(0x01, b""), frame(0x00, b"").repeat(20_000)].concat(), 1009),
        ("a bomb of 100 MiB", frame(0xC1, &deflate(&vec![b' '; 100 * MIB])), 1009),
    ]
}

async fn ms2_broken_frames_close_that_socket_alone(database: &Database) {
    let mut scene = Scene::open(database).await;
    for (case, bytes, code) in broken() {
        let mut attacker = scene.raw_attacker().await;
        attacker.send(&bytes).await;
        assert_eq!(closes(&mut attacker).await, code, "{case}");
        scene.unharmed(case).await;
    }
    scene.kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn2_rsv1_that_was_not_negotiated_closes_with_1002() {
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let mut attacker = upgraded(&scene.hub, "").await;
    attacker.text(r#"{"type":"hello","user":{"id":"mallory"}}"#).await;
    attacker.send(&frame(0xC1, &deflate(br#"{"type":"ping"}"#))).await;
    assert_eq!(closes(&mut attacker).await, 1002);
    scene.unharmed("RSV1").await;
}

/// The most memory that the process ever held, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ms2_bombs_and_endless_messages_do_not_fill_the_memory() {
    const ATTACKERS: usize = 32;
    /// A mebibyte for what each gathers, one for what it is copied to while it grows; all bombs together say 3 GiB.
    const GROWTH_MAX_KIB: u64 = 96 << 10;
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let bomb = frame(0xC1, &deflate(&vec![b'['; 100 * MIB]));
    let endless = [frame(0x41, b"x"), frame(0x00, &vec![b'x'; 16_384]).repeat(1_000)].concat();
    let before = peak_kib(scene.hub.pid());
    for bytes in [bomb, endless] {
        let mut attackers: Vec<RawClient> = Vec::new();
        for _ in 0..ATTACKERS {
            attackers.push(scene.raw_attacker().await);
        }
        futures_util::future::join_all(attackers.iter_mut().map(|attacker| attacker.send(&bytes))).await;
        let codes = futures_util::future::join_all(attackers.iter_mut().map(closes)).await;
        assert!(codes.iter().all(|code| *code == 1009), "{codes:?}");
    }
    let growth = peak_kib(scene.hub.pid()).saturating_sub(before);
    println!("peak memory grew by {growth} KiB under {ATTACKERS} bombs at once");
    assert!(growth < GROWTH_MAX_KIB, "{growth} KiB");
    scene.unharmed("bombs").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ms2_a_message_in_many_fragments_with_pings_between_is_taken_whole() {
    let database = Database::sqlite();
    let scene = Scene::open(&database).await;
    let mut client = scene.raw_attacker().await;
    let text = json!({"type": "ping", "id": "whole", "x": "y".repeat(500)}).to_string();
    let mut bytes = frame(0x01, b"");
    for byte in text.as_bytes() {
        bytes.extend([frame(0x00, &[*byte]), frame(0x89, b"p")].concat());
    }
    bytes.extend(frame(0x80, b""));
    client.send(&bytes).await;
    loop {
        let (first, payload) = client.read().await;
        let text = String::from_utf8_lossy(&payload);
        match first {
            0x81 if text.contains("\"pong\"") => return assert!(text.contains("\"whole\""), "{text}"),
            0x81 | 0x8A | 0x89 => {}
            other => panic!("{other:#x} {text}"),
        }
    }
}
