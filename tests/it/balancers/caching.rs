//! A cache that people share, in front of a hub: it never shows one user what another was answered.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::launch;
use crate::harness::balancer::{Balancer, Front, Kind};
use crate::harness::database::Database;
use crate::http_server::{SECRET, token, uuid};

/// nginx keeps whatever it is not told to leave, errors too, and says what it did.
fn keeping(text: &str, folder: &str) -> String {
    let zone = format!("http {{\n    proxy_cache_path {folder} keys_zone=blocks:1m;\n");
    let rules = "        location / {\n            proxy_cache blocks;\n            proxy_cache_valid any 10m;\n            \
                 add_header X-Kept $upstream_cache_status always;\n";
    let text = text.replacen("http {\n", &zone, 1);
    assert!(text.contains("        location / {\n"));
    text.replace("        location / {\n", rules)
}

struct Answer {
    status: StatusCode,
    kept: String,
    body: Value,
}

async fn get(balancer: &Balancer, user: &str, path: &str) -> Answer {
    let call = reqwest::Client::new().get(balancer.url(path)).bearer_auth(token(user, &[]));
    let answer = call.send().await.unwrap();
    let kept = answer.headers().get("x-kept").map_or(String::new(), |kept| kept.to_str().unwrap().to_owned());
    Answer { status: answer.status(), kept, body: answer.json().await.unwrap_or_default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_cache_in_front_never_mixes_users() {
    let (database, folder) = (Database::postgres().await, tempfile::tempdir().unwrap());
    let hub = launch(&database, "hub-1").set("BLOCKHUB_AUTH_SECRET", SECRET).start().await;
    let kept_in = folder.path().join("kept").display().to_string();
    let change = |text: String| keeping(&text, &kept_in);
    let balancer = Balancer::start_with(Kind::Nginx, Front::Plain, &[hub.address()], change).await;
    let block = json!({"id": uuid(), "kind": "text", "content": {"text": "ann's own"}});
    let plan = json!({"title": "Private", "access": "none", "blocks": [block]});
    let made = reqwest::Client::new().post(hub.url("/api/projects")).bearer_auth(token("ann", &[])).json(&plan);
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let project = format!("/api/projects/{}", made["id"].as_str().unwrap());
    for read in ["", "/blocks", "/events", "/members"].map(|rest| format!("{project}{rest}")) {
        // A stranger first, so that a refusal could be kept, then the owner, so that an answer could.
        for (user, status) in [("eve", 404), ("ann", 200), ("eve", 404), ("ann", 200)] {
            let answer = get(&balancer, user, &read).await;
            assert_eq!(answer.status.as_u16(), status, "{user} {read}: {}", answer.body);
            assert_ne!(answer.kept, "HIT", "{user} {read}");
        }
    }
    for user in ["eve", "ann"] {
        let list = get(&balancer, user, "/api/projects").await.body;
        let count = if user == "ann" { 1 } else { 0 };
        assert_eq!(list["projects"].as_array().unwrap().len(), count, "{list}");
    }
    // The cache is one: it keeps what is everybody's.
    let page = reqwest::get(hub.url("/")).await.unwrap().text().await.unwrap();
    let script = page.split('"').find(|text| text.starts_with("/assets/")).unwrap();
    get(&balancer, "eve", script).await;
    assert_eq!(get(&balancer, "ann", script).await.kept, "HIT");
    drop(hub);
    database.drop().await;
}
