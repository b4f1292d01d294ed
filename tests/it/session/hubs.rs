//! Sessions of real hubs: two processes, one Redis, one Postgres.

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};
use crate::harness::redis::{RedisServer, link, until};

/// Two hubs that share a Redis and a database.
struct Pair {
    database: Database,
    redis: RedisServer,
    hubs: [TestHub; 2],
}

impl Pair {
    async fn start() -> Self {
        let (database, redis) = (Database::postgres().await, RedisServer::start(&[]).await);
        let first = launch(&database, &redis.url()).start().await;
        let second = launch(&database, &redis.url()).start().await;
        Self { database, redis, hubs: [first, second] }
    }

    async fn end(self) {
        drop(self.hubs);
        self.database.drop().await;
    }
}

fn launch(database: &Database, redis: &str) -> Launch {
    Launch::on(database).set("REDIS_URL", redis).set("BLOCKHUB_DB_POOL_MIN", "1").set("BLOCKHUB_DB_POOL_MAX", "8")
}

/// Status and body of a call by this user.
async fn call(hub: &TestHub, user: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let method = method.parse::<reqwest::Method>().unwrap();
    let call = reqwest::Client::new().request(method, hub.url(path)).header("x-blockhub-user", user).json(&body);
    let reply = call.send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap_or(Value::Null))
}

async fn created(hub: &TestHub, user: &str) -> String {
    let (status, session) = call(hub, user, "POST", "/api/sessions", json!({"metadata": {"tab": "a"}})).await;
    assert_eq!(status, 201, "{session}\n{}", hub.log());
    format!("/api/sessions/{}", session["id"].as_str().unwrap())
}

/// The session that `hello` with this one leads to.
async fn resumed(hub: &TestHub, user: &str, session: &str) -> String {
    let hello = json!({"type": "hello", "user": {"id": user}, "session": session});
    Client::hello(&hub.ws(), hello).await.welcome["session"].as_str().unwrap().to_owned()
}

async fn metrics(hub: &TestHub) -> String {
    reqwest::get(hub.url("/metrics")).await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_the_same_on_every_hub_and_outlives_them() {
    let pair = Pair::start().await;
    let [first, second] = &pair.hubs;
    let path = created(first, "ann").await;
    let (status, read) = call(second, "ann", "GET", &path, json!({})).await;
    assert_eq!((status, &read["metadata"], &read["requestCount"]), (200, &json!({"tab": "a"}), &json!(2)));
    let (status, _) = call(second, "ann", "PATCH", &path, json!({"metadata": {"zoom": 2}})).await;
    assert_eq!(status, 200);
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(resumed(first, "ann", id).await, id);
    assert_eq!(call(second, "bob", "GET", &path, json!({})).await.0, 404);
    assert_ne!(resumed(second, "bob", id).await, id);
    assert!(metrics(second).await.contains("blockhub_sessions_not_resumed_total 1"));
    let Pair { database, redis, hubs: [first, second] } = pair;
    let (first, second) = (first.restart().await, second.restart().await);
    let (status, read) = call(&first, "ann", "GET", &path, json!({})).await;
    assert_eq!((status, &read["metadata"]), (200, &json!({"tab": "a", "zoom": 2})));
    assert_eq!(read["requestCount"], 5);
    assert_eq!(resumed(&second, "ann", id).await, id);
    assert_eq!(call(&second, "ann", "DELETE", &path, json!({})).await.0, 204);
    assert_eq!(call(&first, "ann", "GET", &path, json!({})).await.0, 404);
    Pair { database, redis, hubs: [first, second] }.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_session_is_dropped_and_counted() {
    let pair = Pair::start().await;
    let hub = &pair.hubs[0];
    let (path, other) = (created(hub, "ann").await, created(hub, "ann").await);
    let place = format!("blockhub:{{session:{}}}:session", path.rsplit('/').next().unwrap());
    let redis = link(&pair.redis.url());
    redis.run::<i64>(redis::cmd("SETRANGE").arg(&place).arg(60).arg("?")).await.unwrap();
    assert_eq!(call(hub, "ann", "GET", &path, json!({})).await.0, 404);
    assert!(!redis.run::<bool>(redis::cmd("EXISTS").arg(&place)).await.unwrap());
    assert!(metrics(hub).await.contains("blockhub_sessions_dropped_total 1"));
    assert_eq!(call(hub, "ann", "GET", &other, json!({})).await.0, 200);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_welcomes_people_while_redis_is_away_even_at_its_start() {
    let mut pair = Pair::start().await;
    let path = created(&pair.hubs[0], "ann").await;
    pair.redis.kill().await;
    let third = launch(&pair.database, &pair.redis.url()).start().await;
    for hub in pair.hubs.iter().chain([&third]) {
        let (status, problem) = call(hub, "ann", "GET", &path, json!({})).await;
        assert_eq!((status, &problem["code"]), (503, &json!("busy")), "{problem}");
        assert!(problem["retryAfterMs"].is_u64(), "{problem}");
        assert_eq!(call(hub, "ann", "POST", "/api/sessions", json!({})).await.0, 503);
        let id = path.rsplit('/').next().unwrap();
        assert_ne!(resumed(hub, "ann", id).await, id);
        let (status, health) = call(hub, "ann", "GET", "/api/health/ready", json!({})).await;
        assert_eq!((status, &health["sessions"]), (200, &Value::Null), "{health}");
        hub.says("Redis is away").await;
    }
    pair.redis.again().await;
    for hub in pair.hubs.iter().chain([&third]) {
        until("sessions are back", async || {
            let (status, _) = call(hub, "ann", "POST", "/api/sessions", json!({})).await;
            (status == 201).then_some(())
        })
        .await;
        hub.says("Redis is back").await;
    }
    drop(third);
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_without_redis_says_what_that_means_and_one_with_a_wrong_address_does_not_start() {
    let database = Database::sqlite();
    let hub = TestHub::start(&database).await;
    hub.says("REDIS_URL is not set").await;
    assert!(!hub.log().contains("WARN"), "{}", hub.log());
    drop(hub);
    let postgres = Database::postgres().await;
    let hub = TestHub::start(&postgres).await;
    hub.says("WARN").await;
    drop(hub);
    postgres.drop().await;
    let (status, said, complaint) = launch(&database, "redis://ann:s3cret@one,two").run().await;
    assert!(!status.success() && !said.contains("listening"), "{said}");
    assert!(complaint.contains("REDIS_URL") && complaint.contains("redis+cluster://"), "{complaint}");
    assert!(!complaint.contains("s3cret") && complaint.lines().count() == 1, "{complaint}");
}
