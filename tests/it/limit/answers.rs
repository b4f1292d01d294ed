//! What those are told who ask too much, over HTTP and over a socket.

use std::sync::Arc;

use blockhub::bus::local::LocalBus;
use blockhub::domain::access::{Principal, Tier};
use blockhub::domain::ids::UserId;
use blockhub::hub::{HubParts, clock};
use blockhub::limit::Limits;
use blockhub::protocol::code::CloseCode;
use blockhub::transport::auth::{Keys, TokenKey, sign};
use serde_json::{Value, json};

use super::ON_ITS_WAY;
use crate::harness::clock::forward;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh, parts};
use crate::http_server::{SECRET, Server, uuid};

/// Of a user who pays nothing, in a minute.
const CALLS: usize = 3_000;
const EDITS: usize = 1_000;

async fn limited() -> Server {
    Server::with(Keys::Token(TokenKey::secret(SECRET)), &[], Limits::alone()).await
}

fn bearer(user: &str, tier: Tier, admin: Admin) -> String {
    let now = clock::now();
    let admin = admin == Admin::Yes;
    let named = Principal::named(UserId::from(user), None);
    let principal = Principal { admin, tier, expires: Some(now.plus_ms(3_600_000)), ..named };
    format!("Bearer {}", sign(&principal, now, SECRET).unwrap())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Admin {
    Yes,
    No,
}

fn limit<'a>(quotas: &'a Value, name: &str) -> &'a Value {
    quotas["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == name).unwrap()
}

#[tokio::test]
async fn every_counted_answer_says_what_is_left() {
    let server = limited().await;
    let first = server.get("/api/projects").by("ann").expect(200).await;
    assert_eq!(first.headers["ratelimit-policy"], "\"call\";q=3000;w=60");
    assert!(first.headers["ratelimit"].starts_with("\"call\";r=2999;t="), "{:?}", first.headers);
    let second = server.get("/api/projects").by("ann").expect(200).await;
    assert!(second.headers["ratelimit"].starts_with("\"call\";r=2998;t="), "{:?}", second.headers);
    let others = server.get("/api/projects").by("bob").expect(200).await;
    assert!(others.headers["ratelimit"].starts_with("\"call\";r=2999;t="), "{:?}", others.headers);
    let op = json!({"op": "insert", "block": uuid(), "kind": "text", "content": {}});
    let (path, body) = (server.project("ann", json!([])).await, json!({"editId": uuid(), "ops": [op]}));
    let edited = server.post(&format!("{path}/edits"), &body).by("ann").expect(200).await;
    let said: Vec<_> = edited.headers["ratelimit"].split(", ").collect();
    assert!(said[0].starts_with("\"call\";r=") && said[1].starts_with("\"edit\";r=999;t="), "{said:?}");
    let health = server.get("/api/health").expect(200).await;
    assert!(!health.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn too_many_calls_get_429_with_the_time_to_wait() {
    let server = limited().await;
    for _ in 0..CALLS {
        server.get("/api/themes/none").by("ann").expect(404).await;
    }
    let reply = server.get("/api/themes/none").by("ann").reply().await;
    let problem = reply.json();
    assert_eq!((reply.status.as_u16(), &problem["code"]), (429, &json!("rate_limited")));
    assert_eq!(problem["limit"], "call");
    let wait_ms = problem["retryAfterMs"].as_u64().unwrap();
    assert!((1..=62_000).contains(&wait_ms), "{problem}");
    let wait_secs: u64 = reply.headers["retry-after"].parse().unwrap();
    assert_eq!(wait_secs, wait_ms.div_ceil(1_000));
    assert!(reply.headers["ratelimit"].starts_with("\"call\";r=0;t="), "{:?}", reply.headers);
    server.get("/api/themes/none").by("bob").expect(404).await;
    server.get("/api/themes/none").header("authorization", &bearer("eve", Tier::Pro, Admin::No)).expect(404).await;
}

#[tokio::test]
async fn everybody_sees_what_they_have_left_and_what_is_theirs_without_limit() {
    let server = limited().await;
    let path = server.project("ann", json!([])).await;
    let edit = json!({"editId": uuid::Uuid::new_v4(), "ops": []});
    server.post(&format!("{path}/edits"), &edit).by("ann").reply().await;
    let reply = server.get("/api/me/limits").by("ann").expect(200).await;
    assert_eq!(reply.headers["cache-control"], "no-store");
    let quotas = reply.json();
    assert_eq!((&quotas["user"], &quotas["tier"], &quotas["blockedMs"]), (&json!("ann"), &json!("free"), &Value::Null));
    assert_eq!(limit(&quotas, "call")["left"], CALLS - 3);
    assert_eq!(
        limit(&quotas, "edit"),
        &json!({"name": "edit", "amount": 1000, "windowMs": 60000, "left": 1000, "easesInMs": 0})
    );
    assert_eq!(limit(&quotas, "export")["amount"], 20);
    let pro = server.get("/api/me/limits").header("authorization", &bearer("eve", Tier::Pro, Admin::No));
    let pro = pro.expect(200).await.json();
    assert_eq!(limit(&pro, "edit")["amount"], Value::Null);
    assert_eq!(limit(&pro, "image")["amount"], 25);
}

#[tokio::test]
async fn s16_an_admin_sees_figures_and_begins_a_users_quotas_anew_and_nobody_else_does() {
    let server = limited().await;
    let (admin, ann) = (bearer("root", Tier::Free, Admin::Yes), bearer("ann", Tier::Free, Admin::No));
    for path in ["/api/admin/rate-limits/stats", "/api/admin/rate-limits/users/ann"] {
        server.get(path).header("authorization", &ann).problem(403, "forbidden").await;
        server.get(path).problem(401, "unauthenticated").await;
    }
    server.delete("/api/admin/rate-limits/users/ann").header("authorization", &ann).problem(403, "forbidden").await;
    let of_ann = async || {
        let path = "/api/admin/rate-limits/users/ann?tier=free";
        server.get(path).header("authorization", &admin).expect(200).await.json()
    };
    let before = limit(&of_ann().await, "call")["left"].as_u64().unwrap();
    assert!(before < CALLS as u64, "{before}");
    server.delete("/api/admin/rate-limits/users/ann").header("authorization", &admin).expect(204).await;
    assert_eq!(limit(&of_ann().await, "call")["left"], CALLS);
    let figures = server.get("/api/admin/rate-limits/stats").header("authorization", &admin).expect(200).await.json();
    assert_eq!((&figures["kept"], &figures["hubs"], &figures["blocks"]), (&json!("alone"), &json!(1), &json!([])));
    let calls = figures["resources"].as_array().unwrap().iter().find(|one| one["name"] == "call").unwrap();
    assert!(calls["passed"].as_u64().unwrap() > 5, "{figures}");
}

/// A hub in this process that keeps limits.
async fn desk(database: &Database) -> Desk {
    let parts = parts(database.store().await, Arc::new(LocalBus::default()), Keys::Open);
    Desk::of(HubParts { rates: Limits::alone(), ..parts })
}

#[tokio::test]
async fn too_many_edits_of_a_user_are_refused_on_every_connection() {
    let database = Database::sqlite();
    let desk = desk(&database).await;
    let project = desk.project().await;
    let (mut one, mut other) = (desk.joined("ann", &project).await, desk.joined("ann", &project).await);
    let mut bob = desk.joined("bob", &project).await;
    let insert = || json!([{"op": "insert", "block": fresh(), "kind": "text", "content": {}}]);
    let mut acks = 0;
    for number in 0..EDITS + 20 {
        let peer = if number % 2 == 0 { &mut one } else { &mut other };
        let reply = peer.edit(&project, insert()).await;
        if reply["type"] == "ack" {
            acks += 1;
            continue;
        }
        assert_eq!((&reply["code"], &reply["limit"]), (&json!("rate_limited"), &json!("edit")), "{reply}");
        assert!(reply["retryAfterMs"].as_u64().unwrap() > 0, "{reply}");
    }
    assert_eq!(acks, EDITS);
    assert_eq!(bob.edit(&project, insert()).await["type"], "ack");
    // Leaving is free, whatever else is not.
    assert_eq!(one.ask(json!({"type": "leave", "project": project})).await["type"], "left");
}

#[tokio::test]
async fn who_ignores_the_limits_loses_the_connection_with_4429_and_is_not_let_in_again() {
    let database = Database::sqlite();
    let desk = desk(&database).await;
    let mut ann = desk.peer("ann").await;
    let mut ask = async || ann.ask(json!({"type": "history", "project": fresh(), "limit": 1})).await;
    while ask().await["code"] != "rate_limited" {}
    forward(ON_ITS_WAY).await;
    let refused = loop {
        let reply = ask().await;
        if reply["retryAfterMs"] == 60_000 {
            break reply;
        }
    };
    assert_eq!((&refused["code"], &refused["limit"]), (&json!("rate_limited"), &json!("call")), "{refused}");
    assert_eq!(ann.closes().await, CloseCode::Flooded);
    let mut again = desk.stranger();
    let reply = again.ask(json!({"type": "hello", "user": {"id": "ann"}})).await;
    assert_eq!(reply["code"], "rate_limited", "{reply}");
    assert_eq!(again.closes().await, CloseCode::Flooded);
    assert_eq!(desk.peer("bob").await.ask(json!({"type": "ping"})).await["type"], "pong");
}
