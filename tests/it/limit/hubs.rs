//! S10: two hubs as processes, on one Postgres and one Redis; users who try to get more than is theirs.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};
use crate::harness::redis::{RedisServer, until};

const SECRET: &str = "a secret of more than thirty-two characters";
/// Of a user who pays nothing, in a minute, and what may come to pass at most.
const EDITS: usize = 1_000;
const EDITS_AT_MOST: usize = EDITS + EDITS / 10;

fn keyed(database: &Database, redis: &RedisServer) -> Launch {
    Launch::on(database).set("REDIS_URL", redis.url()).set("BLOCKHUB_AUTH_SECRET", SECRET)
}

async fn token(database: &Database, user: &str, args: &[&str]) -> String {
    let command = Launch::on(database).set("BLOCKHUB_AUTH_SECRET", SECRET).arg("token").arg("--user").arg(user);
    let (status, token, complaint) = args.iter().fold(command, |command, arg| command.arg(arg)).run().await;
    assert!(status.success(), "{complaint}");
    token.trim().to_owned()
}

async fn both_know(hubs: &[TestHub], admin: &str) {
    for hub in hubs {
        until("both hubs are counted", async || {
            let call = reqwest::Client::new().get(hub.url("/api/admin/rate-limits/stats")).bearer_auth(admin);
            let figures: Value = call.send().await.unwrap().json().await.unwrap();
            (figures["hubs"] == 2).then_some(())
        })
        .await;
    }
}

async fn project(hub: &TestHub, token: &str) -> String {
    let call = reqwest::Client::new().post(hub.url("/api/projects")).bearer_auth(token);
    let made: Value = call.json(&json!({"title": "Plan"})).send().await.unwrap().json().await.unwrap();
    made["id"].as_str().unwrap().to_owned()
}

fn edit() -> Value {
    json!({"editId": uuid::Uuid::new_v4(), "ops": [
        {"op": "insert", "block": uuid::Uuid::new_v4(), "kind": "text", "content": {}}]})
}

/// Sends edits over a socket, as fast as they are answered; how many were acked.
async fn flood(hub: &TestHub, token: &str, project: &str, edits: usize) -> usize {
    let mut client = Client::hello(&hub.ws(), json!({"type": "hello", "token": token})).await;
    client.join(project).await;
    let mut acks = 0;
    for _ in 0..edits {
        let mut message = edit();
        (message["type"], message["project"]) = (json!("edit"), json!(project));
        match client.try_ask(message).await {
            Ok(reply) => acks += usize::from(reply["type"] == "ack"),
            Err(_) => break,
        }
    }
    acks
}

/// The same over HTTP, from wherever the client says that it comes.
async fn flood_http(hub: &TestHub, token: &str, project: &str, edits: usize) -> usize {
    let (client, mut acks) = (reqwest::Client::new(), 0);
    for number in 0..edits {
        let call = client.post(hub.url(&format!("/api/projects/{project}/edits"))).bearer_auth(token);
        let from = format!("203.0.113.{}, 198.51.100.{}", number % 250, number % 200);
        let answer = call.header("x-forwarded-for", from).json(&edit()).send().await.unwrap();
        acks += usize::from(answer.status() == 200);
    }
    acks
}

/// All ways at once, on both hubs; how many edits passed.
async fn all_ways(hubs: &[TestHub], token: &str, project: &str) -> usize {
    let sockets = (0..6).map(|number| flood(&hubs[number % 2], token, project, 250));
    let calls = hubs.iter().map(|hub| flood_http(hub, token, project, 150));
    let (sockets, calls) = tokio::join!(join_all(sockets), join_all(calls));
    sockets.into_iter().chain(calls).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_many_connections_on_two_hubs_over_both_transports_get_one_budget() {
    let (database, redis) = (Database::postgres().await, RedisServer::start(&[]).await);
    let hubs = [keyed(&database, &redis).start().await, keyed(&database, &redis).start().await];
    let (ann, admin) = (token(&database, "ann", &[]).await, token(&database, "root", &["--admin"]).await);
    both_know(&hubs, &admin).await;
    let project = project(&hubs[0], &ann).await;
    let (begun, passed) = (tokio::time::Instant::now(), all_ways(&hubs, &ann, &project).await);
    // What a window forgets while they try is theirs again.
    let windows = 1 + usize::try_from(begun.elapsed().as_secs() / 60).unwrap();
    assert!(passed <= EDITS_AT_MOST * windows, "{passed} in {:?}", begun.elapsed());
    assert!(passed >= EDITS * 9 / 10, "{passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_with_redis_away_two_hubs_keep_to_the_budget_too() {
    let (database, mut redis) = (Database::postgres().await, RedisServer::start(&[]).await);
    let hubs = [keyed(&database, &redis).start().await, keyed(&database, &redis).start().await];
    let (ann, admin) = (token(&database, "ann", &[]).await, token(&database, "root", &["--admin"]).await);
    both_know(&hubs, &admin).await;
    let project = project(&hubs[0], &ann).await;
    redis.kill().await;
    let (begun, passed) = (tokio::time::Instant::now(), all_ways(&hubs, &ann, &project).await);
    let windows = 1 + usize::try_from(begun.elapsed().as_secs() / 60).unwrap();
    assert!(passed <= EDITS_AT_MOST * windows, "{passed} in {:?}", begun.elapsed());
    assert!(passed >= EDITS * 9 / 10, "{passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_an_address_is_counted_as_a_trusted_proxy_tells_it() {
    let (database, redis) = (Database::sqlite(), RedisServer::start(&[]).await);
    let hub = keyed(&database, &redis).set("BLOCKHUB_TRUSTED_PROXIES", "127.0.0.1").start().await;
    let client = reqwest::Client::new();
    let from = async |forwarded: String| {
        let call = client.get(hub.url("/ws")).header("x-forwarded-for", forwarded);
        call.send().await.unwrap().status().as_u16()
    };
    // No handshake, but a connection that begins all the same.
    let mut refused = 0;
    for number in 0..6_050 {
        // The client forges what stands on the left; the proxy adds where it came from.
        refused += usize::from(from(format!("203.0.113.{}, 198.51.100.7", number % 250)).await == 429);
    }
    assert!((50..=600).contains(&refused), "{refused}");
    assert_eq!(from("198.51.100.8".to_owned()).await, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_hub_limits_nobody_unless_it_is_told_to() {
    let database = Database::sqlite();
    let open = TestHub::start(&database).await;
    let limits =
        async |hub: &TestHub| -> Value { reqwest::get(hub.url("/api/me/limits")).await.unwrap().json().await.unwrap() };
    assert_eq!(limits(&open).await["limits"][0]["amount"], Value::Null);
    drop(open);
    let database = Database::sqlite();
    let told = Launch::on(&database).set("BLOCKHUB_RATE_LIMITS", "on").start().await;
    assert_eq!(limits(&told).await["limits"][0]["amount"], EDITS);
    let (status, _, complaint) = Launch::on(&database).set("BLOCKHUB_RATE_LIMITS", "maybe").run().await;
    assert!(!status.success() && complaint.contains("BLOCKHUB_RATE_LIMITS"), "{complaint}");
}
