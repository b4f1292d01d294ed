//! The real hub leaves, while others still ask how it is.

use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::hub::Launch;

on_both!(dr1_while_it_drains_a_hub_says_that_it_is_not_ready_and_takes_no_socket,);

async fn dr1_while_it_drains_a_hub_says_that_it_is_not_ready_and_takes_no_socket(database: &Database) {
    let hub = Launch::on(database).set("BLOCKHUB_DRAIN_SECS", "40").start().await;
    let project = hub.project("Plans").await;
    let (mut ann, mut bob) = (hub.client("ann").await, hub.client("bob").await);
    ann.join(&project).await;
    bob.join(&project).await;
    hub.terminate().await;
    let moment = |message: Value| message["reconnectInMs"].as_u64().unwrap();
    let moments = [moment(ann.expect("draining").await), moment(bob.expect("draining").await)];
    assert_eq!(moments.iter().sum::<u64>(), 20_000, "{moments:?}");
    let (mut leaves, mut stays) = if moments[0] == 0 { (ann, bob) } else { (bob, ann) };
    assert_eq!(leaves.closed().await, Some(1012));
    // Probes and proxies come over a connection of their own.
    let ready = reqwest::get(hub.url("/api/health/ready")).await.unwrap();
    assert_eq!(
        (ready.status().as_u16(), ready.json::<Value>().await.unwrap()["status"].clone()),
        (503, json!("draining"))
    );
    let upgrade = reqwest::Client::new().get(hub.url("/ws")).header("upgrade", "websocket").send().await.unwrap();
    assert_eq!((upgrade.status().as_u16(), upgrade.headers().contains_key("retry-after")), (503, true));
    assert_eq!(upgrade.json::<Value>().await.unwrap()["code"], "draining");
    let block = stays.insert(&project, "still served").await;
    assert!(!block.is_empty());
    stays.close().await;
    assert!(hub.ended().await.success());
}
