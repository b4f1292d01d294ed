//! What the compose file would start, started: three hubs with its very environment, behind nginx with its very file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::compose::{compose, environment};
use crate::harness::balancer::{Balancer, Front, Kind};
use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};

const SECRET: &str = "a secret of more than thirty-two characters";

/// A hub with the environment that the compose file gives it, but for where things are on this machine.
fn as_composed(database: &Database) -> Launch {
    let given = BTreeMap::from([("POSTGRES_PASSWORD", "word"), ("BLOCKHUB_AUTH_SECRET", SECRET)]);
    let mut settings = environment(&compose()["services"]["hub"], &given).unwrap();
    assert_eq!(settings.remove("DATABASE_URL").unwrap(), "postgres://blockhub:word@postgres/blockhub");
    assert_eq!(settings.remove("REDIS_URL").unwrap(), "redis://redis");
    assert_eq!(settings.insert("BLOCKHUB_LISTEN".into(), "0.0.0.0:0".into()).unwrap(), "0.0.0.0:8080");
    let redis = std::env::var("BLOCKHUB_TEST_REDIS").expect("run ./test, which starts a Redis");
    let launch = Launch::on(database).set("REDIS_URL", redis);
    settings.into_iter().fold(launch, |launch, (name, value)| launch.set(&name, value))
}

fn port(hub: &TestHub) -> &str {
    hub.address().rsplit(':').next().unwrap()
}

async fn token(database: &Database, user: &str) -> String {
    let (status, token, complaint) = as_composed(database).arg("token").arg("--user").arg(user).run().await;
    assert!(status.success(), "{complaint}");
    token.trim().to_owned()
}

async fn hello(balancer: &Balancer, token: &str) -> Client {
    Client::hello(&balancer.ws(), json!({"type": "hello", "token": token})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_compose_file_starts_serves_clients_on_all_hubs() {
    let database = Database::postgres().await;
    let mut hubs = Vec::new();
    for _ in 0..3 {
        hubs.push(as_composed(&database).start().await);
    }
    let addresses: Vec<_> = hubs.iter().map(|hub| format!("127.0.0.1:{}", port(hub))).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let balancer = Balancer::start(Kind::Nginx, Front::Plain, &addresses).await;

    let ann = token(&database, "ann").await;
    let call = reqwest::Client::new().post(balancer.url("/api/projects")).bearer_auth(&ann);
    let made = call.json(&json!({"title": "Composed"})).send().await.unwrap();
    let project = made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = hello(&balancer, &ann).await;
        client.join(&project).await;
        clients.push(client);
    }
    for (n, seq) in (1..=3).enumerate() {
        clients[n].insert(&project, "seen by all").await;
        for client in &mut clients {
            client.reach(&project, seq).await;
        }
    }
    let names: BTreeSet<_> = clients.iter().map(|client| client.welcome["hub"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 1, "on one machine, all have its name");
    for hub in &hubs {
        let health = reqwest::get(format!("http://127.0.0.1:{}/api/health", port(hub))).await.unwrap();
        assert_eq!(health.json::<Value>().await.unwrap()["connections"], 1);
        assert!(!hub.log().contains("no such setting"), "{}", hub.log());
    }
    drop(hubs);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_images_check_tells_a_ready_hub_from_one_that_is_not() {
    let database = Database::postgres().await;
    let hub = as_composed(&database).start().await;
    let listens = format!("0.0.0.0:{}", port(&hub));
    let check = || as_composed(&database).set("BLOCKHUB_LISTEN", &*listens).arg("health");
    let (status, said, complaint) = check().run().await;
    assert!(status.success() && said == "ready\n", "{said}{complaint}");

    let mut client = Client::connect(format!("ws://127.0.0.1:{}/ws", port(&hub))).await.unwrap();
    hub.terminate().await;
    client.expect("draining").await;
    let (status, _, complaint) = check().run().await;
    assert!(!status.success() && complaint.contains("not ready: HTTP/1.1 503"), "{complaint}");
    hub.kill().await;
    let (status, _, complaint) = check().run().await;
    assert!(!status.success() && complaint.contains("no hub answers"), "{complaint}");
    database.drop().await;
}
