//! What cannot be done is a problem document (RFC 9457), whatever it is.

use blockhub::transport::auth::{Keys, TokenKey};
use reqwest::Method;
use serde_json::json;

use crate::http_server::{SECRET, Server, uuid};

#[tokio::test]
async fn ms1_every_answer_carries_its_request_id() {
    let server = Server::open().await;
    let (first, second) = (server.get("/api/health").reply().await, server.get("/nowhere").reply().await);
    assert_ne!(first.headers["x-request-id"], second.headers["x-request-id"]);
    for reply in [first, second] {
        assert!(reply.headers["x-request-id"].parse::<uuid::Uuid>().is_ok());
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn ms1_the_event_carries_the_id_of_the_request_that_made_it() {
    let server = Server::open().await;
    let path = server.project("ann", json!([])).await;
    let edit = uuid();
    let body = json!({"editId": edit, "ops": [
        {"op": "insert", "block": uuid(), "kind": "text", "parent": null, "after": null, "content": {}}]});
    let reply = server.post(&format!("{path}/edits"), &body).expect(200).await;
    assert_eq!(reply.json()["requestId"], reply.headers["x-request-id"].as_str());
    let event = server.get(&format!("{path}/edits/{edit}")).expect(200).await.json();
    assert_eq!(event["requestId"], reply.headers["x-request-id"].as_str());
}

#[tokio::test]
async fn a_path_a_method_or_a_name_that_is_not_there_is_a_problem_document() {
    let server = Server::open().await;
    server.get("/nothing").problem(404, "not_found").await;
    server.get("/api/nothing").problem(404, "not_found").await;
    server.get("/api/projects/no-uuid").problem(404, "not_found").await;
    server.get(&format!("/api/projects/{}", uuid())).problem(404, "not_found").await;
    server.get(&format!("/api/projects/{}/edits/{}", uuid(), uuid())).problem(404, "not_found").await;
    let reply = server.delete("/api/projects").reply().await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (405, &json!("unsupported")));
    assert!(reply.headers["allow"].contains("GET") && reply.headers["allow"].contains("POST"), "{reply:?}");
}

#[tokio::test]
async fn ms2_a_body_that_cannot_be_understood_is_a_problem_document() {
    let server = Server::open().await;
    let send = |kind: &'static str, body: &str| {
        server.call(Method::POST, "/api/projects").header("content-type", kind).body(body.to_owned())
    };
    let json = "application/json";
    let deep = format!(r#"{{"title":"Plan","more":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "[]",
        "{}",
        "null",
        r#"{"title":7}"#,
        r#"{"title":"a\u0000b"}"#,
        r#"{"title":"\ud800"}"#,
        r#"{"title":"Plan","more":1e400}"#,
        r#"{"title":"Plan","blocks":{}}"#,
        r#"{"title":"Plan","access":"boss"}"#,
        "{\"title\":\"a\u{0}b\"}",
        &deep,
    ] {
        let problem = send(json, body).problem(400, "malformed").await;
        assert!(problem["detail"].as_str().unwrap().len() < 500, "{problem}");
    }
    assert!(send(json, r#"{"title":7}"#).problem(400, "malformed").await["detail"].as_str().unwrap().contains("title"));
    server
        .call(Method::POST, "/api/projects")
        .header("content-type", json)
        .body(vec![0xff])
        .problem(400, "malformed")
        .await;
    send("text/plain", r#"{"title":"Plan"}"#).problem(415, "unsupported").await;
    server.call(Method::POST, "/api/projects").body("{}").problem(415, "unsupported").await;
    send("Application/JSON; charset=utf-8", r#"{"title":"Plan"}"#).expect(201).await;
}

#[tokio::test]
async fn a_body_over_1_mib_is_too_large() {
    let server = Server::open().await;
    let body = json!({"title": "a".repeat(2 << 20)});
    let problem = server.post("/api/projects", &body).problem(413, "too_large").await;
    assert_eq!(problem["limit"], "maxMessageBytes");
    let chunks = futures_util::stream::iter((0..64).map(|_| Ok::<_, std::io::Error>(vec![b' '; 32 << 10])));
    let call = server.call(Method::POST, "/api/projects").header("content-type", "application/json");
    call.body(reqwest::Body::wrap_stream(chunks)).problem(413, "too_large").await;
}

#[tokio::test]
async fn ms2_an_edit_that_cannot_be_understood_is_a_problem_document() {
    let server = Server::open().await;
    let path = format!("{}/edits", server.project("ann", json!([])).await);
    let edit = |ops| server.post(&path, &json!({"editId": uuid(), "ops": ops}));
    edit(json!([{"op": "dance"}])).problem(400, "malformed").await;
    edit(json!([{"op": "delete", "block": uuid()}])).problem(400, "malformed").await;
    edit(json!([{"op": "delete", "block": uuid(), "baseVersion": 1}])).problem(422, "invalid_edit").await;
    let insert = json!({"op": "insert", "block": uuid(), "kind": "text", "content": {"text": "a".repeat(300 << 10)}});
    assert_eq!(edit(json!([insert])).problem(413, "too_large").await["limit"], "maxEditBytes");
    server.post(&format!("{path}/../undo"), &json!({"target": 7})).problem(400, "malformed").await;
    server.post(&format!("{path}/../restore"), &json!({"seq": -1, "editId": uuid()})).problem(400, "malformed").await;
}

#[tokio::test]
async fn cn6_a_token_that_is_missing_or_bad_is_401() {
    let server = Server::keyed().await;
    for value in ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", "bearer  "] {
        let reply = server.get("/api/projects").header("authorization", value).reply().await;
        assert_eq!(reply.status, 401, "{value}");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
        assert_eq!(reply.json()["code"], "unauthenticated");
    }
    server.get("/api/projects").problem(401, "unauthenticated").await;
    let named = server.get("/api/projects").header("x-blockhub-user", "ann");
    named.problem(401, "unauthenticated").await;
    // Who asks comes before what they say.
    server.post("/api/projects", &json!(7)).problem(401, "unauthenticated").await;
}

#[tokio::test]
async fn cn5_the_schemes_case_does_not_matter() {
    let server = Server::keyed().await;
    let token = crate::http_server::token("ann", &[]);
    server.get("/api/projects").header("authorization", &format!("bearer {token}")).expect(200).await;
}

#[tokio::test]
async fn cn6_an_open_hub_takes_the_name_of_the_header() {
    let server = Server::open().await;
    let of = async |call: crate::http_server::Call<'_>| {
        let session = call.expect(201).await.json();
        session["user"].as_str().unwrap().to_owned()
    };
    assert_eq!(of(server.post("/api/sessions", &json!({})).by("ann")).await, "ann");
    assert_eq!(of(server.post("/api/sessions", &json!({}))).await, "guest");
    let long = "a".repeat(257);
    server.post("/api/sessions", &json!({})).by(&long).problem(400, "malformed").await;
}

#[tokio::test]
async fn cn6_an_open_hub_is_called_by_a_loopback_name_only() {
    let server = Server::open().await;
    for host in ["blockhub.example", "127.0.0.1.example", "10.0.0.1", "localhost.example:8080", "0.0.0.0"] {
        server.get("/api/health").header("host", host).problem(403, "forbidden").await;
    }
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8080", "[::1]"] {
        server.get("/api/health").header("host", host).expect(200).await;
    }
    let keyed = Server::keyed().await;
    keyed.get("/api/health").header("host", "blockhub.example").expect(200).await;
}

#[tokio::test]
async fn cn3_what_changes_something_must_come_from_the_hubs_own_pages() {
    let server = Server::open().await;
    let create = |origin: &str| server.post("/api/projects", &json!({"title": "Plan"})).header("origin", origin);
    let own = format!("http://{}", server.address);
    create(&own).expect(201).await;
    for other in ["https://evil.example", "null", "http://127.0.0.1", &format!("{own}.evil.example")] {
        create(other).problem(403, "forbidden").await;
    }
    let read = server.get("/api/projects").header("origin", "https://evil.example").expect(200).await;
    assert!(!read.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn cn3_exactly_the_allowed_origins_get_cors_answers() {
    let keys = Keys::Token(TokenKey::secret(SECRET));
    let server = Server::start(keys, &["https://app.example"]).await;
    let preflight = |origin: &str| {
        let call = server.call(Method::OPTIONS, "/api/projects").header("origin", origin);
        call.header("access-control-request-method", "POST")
    };
    let reply = preflight("https://app.example").expect(204).await;
    assert_eq!(reply.headers["access-control-allow-origin"], "https://app.example");
    assert!(reply.headers["access-control-allow-methods"].contains("PATCH"));
    assert!(reply.headers["access-control-allow-headers"].contains("authorization"));
    let other = preflight("https://app.example.evil").reply().await;
    assert!(!other.headers.contains_key("access-control-allow-origin"), "{other:?}");
    let create =
        |origin: &str| server.post("/api/projects", &json!({"title": "Plan"})).by("ann").header("origin", origin);
    let created = create("https://app.example").expect(201).await;
    assert_eq!(created.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(created.headers["vary"], "origin");
    let own = format!("http://{}", server.address);
    for other in ["https://app.example:444", "http://app.example", &own] {
        create(other).problem(403, "forbidden").await;
    }
}

#[tokio::test]
async fn dr1_a_draining_hub_takes_no_changes_and_is_not_ready() {
    let server = Server::open().await;
    let path = server.project("ann", json!([])).await;
    server.get("/api/health/ready").expect(200).await;
    server.hub.roll.drain(std::time::Duration::from_secs(20));
    let problem = server.post("/api/projects", &json!({"title": "late"})).problem(503, "draining").await;
    assert_eq!(problem["retryAfterMs"], 1_000);
    let reply = server.patch(&path, &json!({"title": "late"})).reply().await;
    assert_eq!((reply.status.as_u16(), reply.headers["retry-after"].as_str()), (503, "1"));
    server.get(&path).expect(200).await;
    assert_eq!(server.get("/api/health/ready").expect(503).await.json()["status"], "draining");
    server.get("/api/health/live").expect(200).await;
}
