//! Starting, being told what is going on, and ending in good order.

use serde_json::json;

use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};

#[tokio::test]
async fn the_first_lines_say_where_on_what_and_for_whom() {
    let database = Database::sqlite();
    let hub = TestHub::start(&database).await;
    hub.says("open to this machine only").await;
    let lines: Vec<_> = hub.log().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], format!("BlockHub {} listening on http://{}", env!("CARGO_PKG_VERSION"), hub.address()));
    assert!(lines[1].starts_with("stores in sqlite "), "{}", lines[1]);
}

#[tokio::test]
async fn cn6_an_open_hub_refuses_to_listen_where_others_could_reach_it() {
    let database = Database::sqlite();
    let (status, _, error) = Launch::on(&database).set("BLOCKHUB_LISTEN", "0.0.0.0:0").run().await;
    assert!(!status.success());
    assert!(error.contains("BLOCKHUB_AUTH_SECRET"), "{error}");
}

#[tokio::test]
async fn a_second_hub_on_the_same_file_is_refused() {
    let database = Database::sqlite();
    let hub = TestHub::start(&database).await;
    let (status, _, error) = Launch::on(&database).run().await;
    assert!(!status.success(), "{error}");
    let mut client = hub.client("ann").await;
    assert_eq!(client.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn cn5_a_printed_token_opens_a_hub_with_the_same_secret() {
    let database = Database::sqlite();
    let launch = Launch::on(&database).set("BLOCKHUB_AUTH_SECRET", "0123456789abcdef0123456789abcdef");
    let (status, token, error) = launch.clone().arg("token").arg("--user").arg("ann").run().await;
    assert!(status.success(), "{error}");
    let hub = launch.start().await;
    let client = Client::hello(&hub.ws(), json!({ "type": "hello", "token": token.trim() })).await;
    assert_eq!(client.welcome["user"]["id"], "ann");
    let mut stranger = Client::connect(hub.ws()).await.unwrap();
    stranger.send(json!({ "type": "hello", "user": { "id": "ann" } })).await;
    assert_eq!(stranger.expect("error").await["code"], "unauthenticated");
    assert_eq!(stranger.closed().await, Some(4401));
}

#[tokio::test]
async fn dr1_a_hub_that_is_told_to_stop_tells_its_clients_and_closes_with_1012() {
    let database = Database::sqlite();
    let hub = Launch::on(&database).set("BLOCKHUB_DRAIN_SECS", "1").start().await;
    let project = hub.project("To be continued").await;
    let mut ann = hub.client("ann").await;
    ann.join(&project).await;
    hub.terminate().await;
    let told = ann.expect("draining").await;
    assert!(told["reconnectInMs"].as_u64().unwrap() <= 1_000, "{told}");
    assert_eq!(ann.closed().await, Some(1012));
    assert!(hub.ended().await.success());
}
