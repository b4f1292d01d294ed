//! [CN5], [CN6], [CN7]: whose tokens the real binary takes, from the command that makes them to the edit they allow.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::scene::{fresh, goes_on, insert, launch};
use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::TestHub;

const SECRET: &str = "a secret of more than thirty-two characters";

async fn keyed(database: &Database) -> TestHub {
    launch(database).set("BLOCKHUB_AUTH_SECRET", SECRET).start().await
}

/// What `blockhub token` prints.
async fn printed(database: &Database, secret: &str, args: &[&str]) -> String {
    let command = launch(database).set("BLOCKHUB_AUTH_SECRET", secret).arg("token");
    let (status, token, complaint) = args.iter().fold(command, |command, arg| command.arg(arg)).run().await;
    assert!(status.success(), "{complaint}");
    token.trim().to_owned()
}

fn claims(expires_in_secs: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({"sub": "mallory", "exp": i64::try_from(now).unwrap() + expires_in_secs})
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

async fn hello(hub: &TestHub, token: &str) -> Client {
    Client::hello(&hub.ws(), json!({"type": "hello", "token": token})).await
}

/// A project of this user.
async fn project(hub: &TestHub, token: &str) -> String {
    let call = reqwest::Client::new().post(hub.url("/api/projects")).bearer_auth(token);
    let made = call.json(&json!({"title": "mine"})).send().await.unwrap();
    assert_eq!(made.status(), 201);
    made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

async fn turned_away(hub: &TestHub, hello: Value, case: &str) {
    let mut client = Client::connect(hub.ws()).await.unwrap();
    client.send(hello).await;
    let error = client.expect("error").await;
    assert_eq!(error["code"], "unauthenticated", "{case}: {error}");
    assert_eq!(client.closed().await, Some(4401), "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn6_forged_and_expired_tokens_close_with_4401_and_get_401_over_http() {
    let database = Database::sqlite();
    let hub = keyed(&database).await;
    let good = printed(&database, SECRET, &["--user", "ann"]).await;
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let other = signed(Algorithm::HS256, &key, &claims(60));
    let other_body = other.split('.').nth(1).unwrap();
    let tokens = [
        ("another secret", printed(&database, "another secret of thirty-two characters", &["--user", "ann"]).await),
        ("expired", signed(Algorithm::HS256, &key, &claims(-1))),
        ("no exp", signed(Algorithm::HS256, &key, &json!({"sub": "mallory"}))),
        ("another algorithm", signed(Algorithm::HS512, &key, &claims(60))),
        ("another body", format!("{head}.{other_body}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("alg none", format!("eyJhbGciOiJub25lIn0.{body}.")),
        ("no token at all", "nonsense".to_owned()),
        ("empty", String::new()),
    ];
    let mut ann = hello(&hub, &good).await;
    for (case, token) in tokens {
        turned_away(&hub, json!({"type": "hello", "token": token, "user": {"id": "ann"}}), case).await;
        let answer = reqwest::Client::new().get(hub.url("/api/projects")).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{case}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], "unauthenticated", "{case}");
    }
    turned_away(&hub, json!({"type": "hello", "user": {"id": "ann"}}), "a name without a token").await;
    let mut by_url = Client::connect(format!("{}?token={good}", hub.ws())).await.unwrap();
    by_url.send(json!({"type": "hello"})).await;
    assert_eq!(by_url.expect("error").await["code"], "unauthenticated", "a token in the URL");
    goes_on(&mut ann).await;
    assert!(!hub.log().contains(signature), "tokens are not for logs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn5_a_printed_token_is_worth_what_it_says_in_hello_and_in_the_header() {
    let database = Database::sqlite();
    let hub = keyed(&database).await;
    let owner = printed(&database, SECRET, &["--user", "owner"]).await;
    let project = project(&hub, &owner).await;
    let op = || json!([insert(&fresh(), json!({}))]);
    for (role, reply) in [("viewer", "forbidden"), ("editor", "ack")] {
        let grant = format!("{project}={role}");
        let token = printed(&database, SECRET, &["--user", role, "--tier", "pro", "--project", &grant]).await;
        let mut request = hub.ws().into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let mut by_header = Client::connect(request).await.unwrap();
        by_header.send(json!({"type": "hello"})).await;
        assert_eq!(by_header.expect("welcome").await["user"]["tier"], "pro");
        for client in [&mut by_header, &mut hello(&hub, &token).await] {
            assert_eq!(client.join(&project).await["role"], role);
            let told = client.edit(&project, op()).await;
            assert!(told["type"] == reply || told["code"] == reply, "{told}");
        }
    }
    let mut stranger = hello(&hub, &printed(&database, SECRET, &["--user", "eve"]).await).await;
    assert_eq!(stranger.ask(json!({"type": "join", "project": project})).await["code"], "not_found");
    goes_on(&mut stranger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn7_on_a_live_socket_nothing_is_acked_after_the_token_has_expired() {
    let database = Database::sqlite();
    let hub = keyed(&database).await;
    let owner = printed(&database, SECRET, &["--user", "ann"]).await;
    let project = project(&hub, &owner).await;
    let mut bystander = hello(&hub, &owner).await;
    bystander.join(&project).await;
    let mut ann = hello(&hub, &printed(&database, SECRET, &["--user", "ann", "--ttl", "2s"]).await).await;
    ann.expect("tokenExpiring").await;
    ann.join(&project).await;
    let mut acked = 0;
    let told = loop {
        let told = ann.edit(&project, json!([insert(&fresh(), json!({}))])).await;
        if told["type"] != "ack" {
            break told;
        }
        acked += 1;
    };
    assert_eq!(told["code"], "unauthenticated", "{told}");
    assert_eq!(ann.closed().await, Some(4401));
    let ack = bystander.edit(&project, json!([insert(&fresh(), json!({}))])).await;
    assert_eq!(ack["seq"], acked + 1, "{acked} edits were acked, and no other was applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn7_a_refresh_that_fails_changes_nothing_and_one_that_does_not_prolongs() {
    let database = Database::sqlite();
    let hub = keyed(&database).await;
    let token = printed(&database, SECRET, &["--user", "ann", "--ttl", "50s"]).await;
    let mut ann = hello(&hub, &token).await;
    let expiring = ann.expect("tokenExpiring").await;
    let bob = printed(&database, SECRET, &["--user", "bob"]).await;
    let forged = printed(&database, "another secret of thirty-two characters", &["--user", "ann"]).await;
    for bad in [bob.as_str(), &forged, "nonsense", ""] {
        let error = ann.ask(json!({"type": "refresh", "token": bad})).await;
        assert_eq!(error["code"], "unauthenticated", "{error}");
        goes_on(&mut ann).await;
    }
    let longer = printed(&database, SECRET, &["--user", "ann", "--ttl", "1h"]).await;
    let refreshed = ann.ask(json!({"type": "refresh", "token": longer})).await;
    assert_eq!(refreshed["type"], "refreshed", "{refreshed}");
    assert!(refreshed["expiresAt"].as_str() > expiring["expiresAt"].as_str(), "{refreshed}");
    goes_on(&mut ann).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cn5_public_keys_take_rs256_es256_and_eddsa_and_nothing_else() {
    let rsa = EncodingKey::from_rsa_pem(include_bytes!("../keys/rsa.pem")).unwrap();
    let ec = EncodingKey::from_ec_pem(include_bytes!("../keys/ec.pem")).unwrap();
    let ed = EncodingKey::from_ed_pem(include_bytes!("../keys/ed.pem")).unwrap();
    let kinds = [
        (Algorithm::RS256, include_str!("../keys/rsa.pub.pem"), &rsa),
        (Algorithm::ES256, include_str!("../keys/ec.pub.pem"), &ec),
        (Algorithm::EdDSA, include_str!("../keys/ed.pub.pem"), &ed),
    ];
    for (algorithm, public, private) in kinds {
        let database = Database::sqlite();
        let hub = launch(&database).set("BLOCKHUB_AUTH_PUBLIC_KEY", public).start().await;
        let token = signed(algorithm, private, &claims(60));
        let mut client = hello(&hub, &token).await;
        assert_eq!(client.welcome["user"]["id"], "mallory", "{algorithm:?}");
        let project = project(&hub, &token).await;
        client.join(&project).await;
        client.insert(&project, "signed elsewhere").await;
        let expired = signed(algorithm, private, &claims(-1));
        turned_away(&hub, json!({"type": "hello", "token": expired}), "expired").await;
        let confused = signed(Algorithm::HS256, &EncodingKey::from_secret(public.as_bytes()), &claims(60));
        turned_away(&hub, json!({"type": "hello", "token": confused}), "the public key as a secret").await;
        for (other, _, key) in kinds.iter().filter(|(other, _, _)| *other != algorithm) {
            let token = signed(*other, key, &claims(60));
            turned_away(&hub, json!({"type": "hello", "token": token}), "another key").await;
        }
    }
}
