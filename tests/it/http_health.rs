//! Health, figures, and the description of it all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http_server::Server;

#[tokio::test]
async fn health_has_the_contracts_shape_and_needs_no_token() {
    let server = Server::keyed().await;
    for path in ["/api/health", "/api/health/ready"] {
        let health = server.get(path).expect(200).await.json();
        let keys: BTreeSet<_> = health.as_object().unwrap().keys().map(String::as_str).collect();
        let shape =
            ["status", "hub", "version", "now", "uptimeMs", "database", "bus", "connections", "rooms", "sessions"];
        assert_eq!(keys, shape.into_iter().collect());
        assert_eq!(
            (&health["status"], &health["hub"], &health["database"]),
            (&json!("ok"), &json!("hub-1"), &json!("ok"))
        );
    }
    assert_eq!(server.get("/api/health/live").expect(200).await.json()["status"], "ok");
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let server = Server::keyed().await;
    let reply = server.get("/metrics").expect(200).await;
    assert!(reply.headers["content-type"].starts_with("text/plain"), "{reply:?}");
}

#[tokio::test]
async fn every_call_of_the_contract_is_described() {
    let server = Server::open().await;
    let description = server.get("/api/openapi.json").expect(200).await.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"), "{}", description["openapi"]);
    let calls: BTreeSet<String> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    let contract = [
        "delete /api/admin/rate-limits/users/{user}",
        "delete /api/projects/{id}",
        "delete /api/projects/{id}/members/{user}",
        "delete /api/sessions/{id}",
        "get /api/admin/rate-limits/stats",
        "get /api/admin/rate-limits/users/{user}",
        "get /api/health",
        "get /api/health/live",
        "get /api/health/ready",
        "get /api/me/limits",
        "get /api/projects",
        "get /api/projects/{id}",
        "get /api/projects/{id}/blocks",
        "get /api/projects/{id}/edits/{editId}",
        "get /api/projects/{id}/events",
        "get /api/projects/{id}/members",
        "get /api/sessions/{id}",
        "get /api/themes/{id}",
        "get /metrics",
        "patch /api/projects/{id}",
        "patch /api/sessions/{id}",
        "post /api/projects",
        "post /api/projects/{id}/edits",
        "post /api/projects/{id}/recover",
        "post /api/projects/{id}/restore",
        "post /api/projects/{id}/undo",
        "post /api/sessions",
        "put /api/projects/{id}/members/{user}",
        "put /api/themes/{id}",
    ];
    assert_eq!(calls, contract.map(str::to_owned).into_iter().collect());
}

/// Every `$ref` of the description leads somewhere.
#[tokio::test]
async fn the_description_hangs_together() {
    let server = Server::open().await;
    let description = server.get("/api/openapi.json").expect(200).await.json();
    let mut open = vec![&description];
    while let Some(value) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let place = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(place).is_some(), "{reference}");
        }
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_page_that_shows_the_description_needs_nothing_from_elsewhere() {
    let server = Server::open().await;
    let page = server.get("/api/docs/").expect(200).await;
    assert!(page.headers["content-type"].starts_with("text/html"), "{page:?}");
    assert!(!page.text.contains("https://"), "{}", page.text);
    let settings = server.get("/api/docs/swagger-initializer.js").expect(200).await.text;
    assert!(settings.contains("/api/openapi.json") && settings.contains("\"validatorUrl\": \"none\""), "{settings}");
    server.get("/api/docs/swagger-ui-bundle.js").expect(200).await;
    server.get("/api/docs/nothing.js").problem(404, "not_found").await;
}
