//! Hubs that start, refuse to start, and end: [DR1], and what an operator sees.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::scene::{Scene, closes, fresh, insert, launch, upgraded};
use crate::contract::on_both;
use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::TestHub;
use crate::socket_harness::frame;

on_both!(dr1_sigterm_serves_everybody_until_their_time_and_closes_with_1012);

#[tokio::test]
async fn the_first_lines_say_where_on_what_and_for_whom() {
    let database = Database::sqlite();
    let hub = TestHub::start(&database).await;
    hub.says("open to this machine only").await;
    // The log goes its own way, beside what is printed.
    let log = hub.log();
    let lines: Vec<_> = log.lines().filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!(lines[0], format!("BlockHub {} listening on http://{}", env!("CARGO_PKG_VERSION"), hub.address()));
    assert!(lines[1].starts_with("stores in sqlite "), "{}", lines[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hub_on_a_sqlite_file_is_refused_and_the_first_goes_on() {
    let database = Database::sqlite();
    let mut scene = Scene::open(&database).await;
    let (status, _, complaint) = launch(&database).run().await;
    assert!(!status.success());
    assert!(complaint.contains("another hub serves") && complaint.contains("blockhub.db"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    scene.unharmed("a second hub").await;
    // A hub that was killed does not stand in the way of the next.
    scene.kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_named_with_the_setting_that_changes_it() {
    let (database, other) = (Database::sqlite(), Database::sqlite());
    let mut scene = Scene::open(&database).await;
    let (status, said, complaint) = launch(&other).set("BLOCKHUB_LISTEN", scene.hub.address()).run().await;
    assert!(!status.success());
    assert!(complaint.contains(scene.hub.address()) && complaint.contains("BLOCKHUB_LISTEN"), "{complaint}");
    assert!(!said.contains("listening"), "{said}");
    scene.unharmed("another hub on its port").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn6_an_open_hub_on_all_addresses_is_refused_and_one_with_a_key_is_not() {
    let database = Database::sqlite();
    let everywhere = || launch(&database).set("BLOCKHUB_LISTEN", "0.0.0.0:0");
    let (status, said, complaint) = everywhere().run().await;
    assert!(!status.success() && complaint.contains("BLOCKHUB_AUTH_SECRET"), "{complaint}");
    assert!(!said.contains("listening"), "{said}");
    everywhere().set("BLOCKHUB_AUTH_SECRET", "a secret of more than thirty-two characters").start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn help_names_the_commands_and_a_wrong_one_is_refused() {
    let database = Database::sqlite();
    let (status, said, _) = launch(&database).arg("--help").run().await;
    assert!(status.success());
    for command in ["serve", "migrate", "token", "import", "export"] {
        assert!(said.contains(command), "{said}");
    }
    let (status, _, complaint) = launch(&database).arg("--no-such-flag").run().await;
    assert_eq!(status.code(), Some(2), "{complaint}");
    let (status, _, complaint) = launch(&database).set("DATABASE_URL", "mysql://root:hunter2@db").run().await;
    assert!(!status.success() && complaint.contains("DATABASE_URL") && !complaint.contains("hunter2"), "{complaint}");
}

/// Edits until the hub closes the connection: how many were acked, and the close code.
async fn edits_to_the_end(client: &mut Client, project: &str) -> (usize, Option<u16>) {
    let edit = || {
        let ops = json!([insert(&fresh(), json!({}))]);
        json!({"type": "edit", "project": project, "editId": fresh(), "ops": ops})
    };
    let mut acked = 0;
    loop {
        match client.try_ask(edit()).await {
            Ok(ack) => acked += usize::from(ack["type"] == "ack"),
            Err(code) => return (acked, code),
        }
    }
}

async fn dr1_sigterm_serves_everybody_until_their_time_and_closes_with_1012(database: &Database) {
    let hub = launch(database).set("BLOCKHUB_DRAIN_SECS", "1").start().await;
    let project = hub.project("drained").await;
    let mut clients = Vec::new();
    for n in 0..4 {
        let mut client = hub.client(&format!("user-{n}")).await;
        client.join(&project).await;
        client.insert(&project, "before").await;
        clients.push(client);
    }
    hub.terminate().await;
    let ends = join_all(clients.iter_mut().map(|client| edits_to_the_end(client, &project))).await;
    assert!(ends.iter().all(|(_, code)| *code == Some(1012)), "{ends:?}");
    let mut moments = Vec::new();
    for client in &mut clients {
        moments.push(client.expect("draining").await["reconnectInMs"].as_u64().unwrap());
    }
    moments.sort_unstable();
    assert_eq!(moments, [0, 250, 500, 750]);
    assert!(hub.ended().await.success());
    let acked = 4 + ends.iter().map(|(acked, _)| acked).sum::<usize>();
    let again = launch(database).start().await;
    let snapshot = reqwest::get(again.url(&format!("/api/projects/{project}/blocks"))).await.unwrap();
    let snapshot: Value = snapshot.json().await.unwrap();
    let kept = snapshot["blocks"].as_array().unwrap().len();
    // Each client may have had one edit under way that was never read.
    assert!((acked..=acked + 4).contains(&kept), "{acked} were acked, {kept} are there");
    assert_eq!(snapshot["seq"], kept, "none twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dr1_a_hello_during_the_drain_is_told_to_come_again() {
    let database = Database::sqlite();
    let hub = launch(&database).set("BLOCKHUB_DRAIN_SECS", "600").start().await;
    let mut greeters = [upgraded(&hub, "").await, upgraded(&hub, "").await];
    let mut codes = Vec::new();
    for greeter in &mut greeters {
        // A pong shows that the hub counts it among its connections; before that it would have to go at once.
        greeter.send(&frame(0x89, b"")).await;
        assert_eq!(greeter.read().await.0, 0x8A);
    }
    hub.terminate().await;
    for greeter in &mut greeters {
        let told: Value = serde_json::from_slice(&greeter.read().await.1).unwrap();
        assert_eq!(told["type"], "draining", "{told}");
        greeter.text(r#"{"type":"hello","id":"late"}"#).await;
        loop {
            let (first, payload) = greeter.read().await;
            if first == 0x88 {
                assert_eq!(payload[..2], 1012_u16.to_be_bytes());
                break;
            }
            let told: Value = serde_json::from_slice(&payload).unwrap();
            if told["type"] == "error" {
                assert!(told["retryAfterMs"].is_u64() && told["id"] == "late", "{told}");
                codes.push(told["code"].clone());
            }
        }
    }
    // One of the two may have had its moment before it spoke.
    assert!(matches!(&*codes, [code] | [code, _] if *code == "draining"), "{codes:?}");
    assert!(upgrade_is_refused(hub.address()).await);
    drop(greeters);
    assert!(hub.ended().await.success());
}

async fn upgrade_is_refused(address: &str) -> bool {
    Client::connect(format!("ws://{address}/ws")).await.is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dr1_sigterm_twice_stops_at_once_and_loses_nothing() {
    let database = Database::sqlite();
    let hub = launch(&database).set("BLOCKHUB_DRAIN_SECS", "600").start().await;
    let project = hub.project("stopped").await;
    let mut clients = [hub.client("ann").await, hub.client("bob").await];
    let mut acked = 0;
    for client in &mut clients {
        client.join(&project).await;
        client.insert(&project, "acked").await;
        acked += 1;
    }
    hub.terminate().await;
    for client in &mut clients {
        client.expect("draining").await;
    }
    let began = Instant::now();
    hub.terminate().await;
    hub.says("stopping at once").await;
    assert!(hub.ended().await.success());
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
    let again = launch(&database).start().await;
    let snapshot = reqwest::get(again.url(&format!("/api/projects/{project}/blocks"))).await.unwrap();
    assert_eq!(snapshot.json::<Value>().await.unwrap()["seq"], acked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dr1_a_hub_that_has_said_where_it_listens_drains_when_it_is_told_to() {
    let database = Database::sqlite();
    for _ in 0..5 {
        let hub = launch(&database).set("BLOCKHUB_DRAIN_SECS", "0").start().await;
        hub.terminate().await;
        let status = hub.ended().await;
        assert!(status.success(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dr1_whoever_is_connected_without_a_word_is_closed_too() {
    let database = Database::sqlite();
    let hub = launch(&database).set("BLOCKHUB_DRAIN_SECS", "0").start().await;
    let mut silent = upgraded(&hub, "").await;
    hub.terminate().await;
    assert_eq!(closes(&mut silent).await, 1012);
    drop(silent);
    assert!(hub.ended().await.success());
}
