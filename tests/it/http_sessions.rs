//! `/api/sessions` and `/api/themes`: what is a user's own.

use serde_json::json;

use crate::http_server::{Server, uuid};

#[tokio::test]
async fn a_session_is_made_read_changed_and_ended_by_its_user_only() {
    let server = Server::keyed().await;
    let body = json!({"metadata": {"view": {"zoom": 2}}});
    let reply = server.post("/api/sessions", &body).by("ann").expect(201).await;
    let session = reply.json();
    assert_eq!((&session["user"], &session["metadata"]), (&json!("ann"), &body["metadata"]));
    assert_eq!(session["requestCount"], 1);
    for time in ["createdAt", "lastSeenAt", "expiresAt"] {
        assert!(session[time].as_str().unwrap().ends_with('Z'), "{session}");
    }
    let path = reply.headers["location"].clone();
    for call in [server.get(&path), server.patch(&path, &json!({})), server.delete(&path)] {
        call.by("bob").problem(404, "not_found").await;
    }
    assert_eq!(server.get(&path).by("ann").expect(200).await.json()["requestCount"], 2);
    let patch = json!({"metadata": {"view": null, "tab": "b"}});
    let patched = server.patch(&path, &patch).by("ann").expect(200).await.json();
    assert_eq!((&patched["metadata"], &patched["requestCount"]), (&json!({"tab": "b"}), &json!(3)));
    server.delete(&path).by("ann").expect(204).await;
    server.get(&path).by("ann").problem(404, "not_found").await;
}

#[tokio::test]
async fn a_sessions_metadata_is_bounded() {
    let server = Server::open().await;
    let huge = json!({"metadata": {"text": "a".repeat(17 << 10)}});
    let problem = server.post("/api/sessions", &huge).problem(413, "too_large").await;
    assert_eq!(problem["limit"], "maxMetadataBytes");
    server.post("/api/sessions", &json!({"metadata": []})).problem(400, "malformed").await;
    server.get(&format!("/api/sessions/{}", uuid())).problem(404, "not_found").await;
}

#[tokio::test]
async fn a_theme_belongs_to_who_writes_it_first() {
    let server = Server::keyed().await;
    let theme =
        json!({"colors": {"accent": "#3366ff"}, "fonts": {"body": "Inter, sans-serif"}, "spacing": {"gap": 8.0}});
    server.get("/api/themes/night").by("ann").problem(404, "not_found").await;
    let written = server.put("/api/themes/night", &theme).by("ann").expect(200).await.json();
    assert_eq!((&written["id"], &written["owner"]), (&json!("night"), &json!("ann")));
    let read = server.get("/api/themes/night").by("bob").expect(200).await.json();
    assert_eq!(read, written);
    assert_eq!((&read["colors"], &read["spacing"]), (&theme["colors"], &theme["spacing"]));
    server.put("/api/themes/night", &theme).by("bob").problem(403, "forbidden").await;
    let path = server.project("ann", json!([])).await;
    let themed = server.patch(&path, &json!({"theme": "night"})).by("ann").expect(200).await.json();
    assert_eq!(themed["theme"], "night");
    server.patch(&path, &json!({"theme": "day"})).by("ann").problem(404, "not_found").await;
    let bare = server.patch(&path, &json!({"theme": ""})).by("ann").expect(200).await.json();
    assert_eq!(bare["theme"], json!(null));
}

#[tokio::test]
async fn what_is_no_theme_is_refused() {
    let server = Server::open().await;
    let write = |id: &str, theme| server.put(&format!("/api/themes/{id}"), &theme);
    for theme in [
        json!({"colors": {"accent": "red; background: url(//evil)"}}),
        json!({"colors": {"accent": 7}}),
        json!({"fonts": {"body": "a}b{"}}),
        json!({"spacing": {"gap": "8px"}}),
        json!({"spacing": {"gap": 1e9}}),
        json!({"colors": {"a b": "red"}}),
        json!([]),
    ] {
        write("x", theme).problem(400, "malformed").await;
    }
    write("a%20b", json!({})).problem(400, "malformed").await;
    server.get("/api/themes/a%00b").problem(404, "not_found").await;
    let many: serde_json::Map<_, _> = (0..3_000).map(|n| (format!("color-{n:04}"), json!("#112233"))).collect();
    assert_eq!(write("x", json!({"colors": many})).problem(413, "too_large").await["limit"], "maxThemeBytes");
    write("x", json!({})).expect(200).await;
}
