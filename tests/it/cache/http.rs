//! What HTTP says about being kept, and who may look into the caches.

use std::time::Duration;

use blockhub::cache::{Options, Using};
use blockhub::hub::cached::{CacheParts, Company};
use blockhub::transport::auth::{Keys, TokenKey};
use serde_json::{Value, json};

use crate::harness::clock::forward;
use crate::http_server::{Reply, SECRET, Server, uuid};

/// A project with blocks of about 4 KiB; its path.
async fn page(server: &Server) -> String {
    let block = |n: usize| json!({"id": uuid(), "kind": "text", "content": {"text": format!("{n} ").repeat(400)}});
    server.project("ann", (0..4).map(block).collect()).await
}

async fn edit(server: &Server, path: &str) -> Value {
    let op = json!({"op": "insert", "block": uuid(), "kind": "text", "content": {}});
    let body = json!({"editId": uuid(), "ops": [op]});
    server.post(&format!("{path}/edits"), &body).by("ann").expect(200).await.json()
}

#[tokio::test]
async fn a_snapshot_is_compressed_for_who_takes_it_and_has_another_tag_then() {
    let server = Server::open().await;
    let blocks = format!("{}/blocks", page(&server).await);
    let plain = server.get(&blocks).expect(200).await;
    assert!(!plain.headers.contains_key("content-encoding"));
    for taken in ["gzip", "br;q=1.0, gzip;q=0.5", "*"] {
        let raw = raw(&server, &blocks, &[("accept-encoding", taken)]).await;
        assert_eq!(raw.headers["content-encoding"], "gzip", "{taken}");
        assert_eq!(raw.headers["vary"], "authorization, x-blockhub-user, accept-encoding");
        assert_ne!(raw.headers["etag"], plain.headers["etag"]);
        let tags = [("accept-encoding", taken), ("if-none-match", &raw.headers["etag"])];
        assert_eq!(self::raw(&server, &blocks, &tags).await.status, 304);
    }
    for refused in ["gzip;q=0", "identity", "*;q=0", "gzip;q=0.0, *"] {
        let same = server.get(&blocks).header("accept-encoding", refused).expect(200).await;
        assert_eq!((&same.headers["etag"], same.text), (&plain.headers["etag"], plain.text.clone()), "{refused}");
    }
    // Who takes no gzip does not have what the tag of gzip names.
    let gzip = raw(&server, &blocks, &[("accept-encoding", "gzip")]).await.headers["etag"].clone();
    server.get(&blocks).header("if-none-match", &gzip).expect(200).await;
}

/// An answer whose body need not be text.
async fn raw(server: &Server, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut call = reqwest::Client::new().get(format!("http://{}{path}", server.address));
    for (name, value) in headers {
        call = call.header(*name, *value);
    }
    let answer = call.send().await.unwrap();
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    Reply { status: answer.status(), headers, text: String::new() }
}

#[tokio::test]
async fn a_snapshot_is_made_once_however_many_read_it() {
    let server = Server::open().await;
    let (path, mut loads) = (page(&server).await, 0);
    for _ in 0..3 {
        let ack = edit(&server, &path).await;
        for _ in 0..10 {
            let snapshot = server.get(&format!("{path}/blocks")).by("bob").expect(200).await.json();
            assert_eq!(snapshot["seq"], ack["seq"], "older than what was acknowledged");
        }
        loads += 1;
        let stats = server.get("/api/admin/cache/stats").expect(200).await.json();
        assert_eq!(stats["kinds"]["snapshots"]["loads"], loads, "{stats}");
    }
}

/// A room that nobody is in closes ten seconds after it was opened, whoever reads and writes through it.
#[tokio::test]
async fn what_was_acknowledged_is_read_after_its_room_has_closed() {
    let server = Server::open().await;
    let path = page(&server).await;
    let read =
        async |tag: &str| server.get(&format!("{path}/blocks")).by("bob").header("if-none-match", tag).reply().await;
    let opened = read("").await;
    forward(Duration::from_millis(9_700)).await;
    assert_eq!(read(&opened.headers["etag"]).await.status, 304);
    let ack = edit(&server, &path).await;
    forward(Duration::from_millis(400)).await;
    let after = read(&opened.headers["etag"]).await;
    assert_eq!((after.status.as_u16(), &after.json()["seq"]), (200, &ack["seq"]));
    let info = server.get(&path).by("bob").expect(200).await.json();
    assert_eq!(info["seq"], ack["seq"]);
}

#[tokio::test]
async fn every_read_is_its_readers_own_and_is_not_sent_twice() {
    let server = Server::keyed().await;
    let path = page(&server).await;
    server.put("/api/themes/dark", &json!({"colors": {"ink": "#111"}})).by("ann").expect(200).await;
    let reads = ["", "/blocks", "/events", "/members"].map(|rest| format!("{path}{rest}"));
    for read in reads.iter().map(String::as_str).chain(["/api/projects", "/api/themes/dark"]) {
        let first = server.get(read).by("ann").expect(200).await;
        assert_eq!(first.headers["cache-control"], "private, no-cache", "{read}");
        assert!(first.headers["vary"].contains("authorization"), "{read}");
        assert_eq!(first.headers["content-type"], "application/json", "{read}");
        let etag = &first.headers["etag"];
        assert!(etag.starts_with('"'), "{read}: {etag}");
        let again = server.get(read).by("ann").header("if-none-match", etag).expect(304).await;
        assert_eq!((again.text.as_str(), &again.headers["etag"]), ("", etag), "{read}");
        server.get(read).by("ann").header("if-none-match", "\"another\"").expect(200).await;
    }
    let refused = server.get(&path).by("eve").header("if-none-match", "*").expect(404).await;
    assert_eq!(refused.headers["cache-control"], "no-store");
    let session = server.post("/api/sessions", &json!({})).by("ann").expect(201).await;
    assert_eq!(session.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn ac1_the_caches_are_an_administrators_to_see_and_to_empty() {
    let server = Server::keyed().await;
    let path = page(&server).await;
    for user in ["ann", "eve"] {
        server.get("/api/admin/cache/stats").by(user).problem(403, "forbidden").await;
        server.delete("/api/admin/cache/projects").by(user).problem(403, "forbidden").await;
    }
    server.get("/api/admin/cache/stats").problem(401, "unauthenticated").await;
    let open = Server::open().await;
    let path = { page(&open).await + &path[..0] };
    open.get(&path).expect(200).await;
    open.get(&path).expect(200).await;
    let stats = open.get("/api/admin/cache/stats").expect(200).await.json();
    let projects = &stats["kinds"]["projects"];
    assert!(projects["hits"].as_u64() > Some(0) && projects["entries"].as_u64() > Some(0), "{stats}");
    assert!(projects["bytes"].as_u64() > Some(0) && projects["oldestMs"].is_u64(), "{stats}");
    let (hits, ratio) = (projects["hits"].as_f64().unwrap(), projects["hitRatio"].as_f64().unwrap());
    let all = hits + projects["confirmed"].as_f64().unwrap() + projects["misses"].as_f64().unwrap();
    assert!((ratio - hits / all).abs() < 1e-9, "{stats}");
    for group in ["projects", "snapshots", "themes", "theme:dark", &path.replace("/api/projects/", "project:")] {
        open.delete(&format!("/api/admin/cache/{group}")).expect(204).await;
    }
    let emptied = open.get("/api/admin/cache/stats").expect(200).await.json();
    assert_eq!(emptied["kinds"]["projects"]["entries"], 0, "{emptied}");
    open.delete("/api/admin/cache/users").problem(404, "not_found").await;
}

/// What a short life of a project looks like from outside, without what chance and the clock make of it.
async fn life(cache: CacheParts) -> Vec<String> {
    let server = Server::with_cache(Keys::Token(TokenKey::secret(SECRET)), &[], cache).await;
    let path = page(&server).await;
    let (mut seen, blocks, member) = (Vec::new(), format!("{path}/blocks"), format!("{path}/members/bob"));
    let mut look = async |step: &str| {
        for (user, read) in [("ann", &path), ("bob", &path), ("ann", &blocks), ("bob", &blocks)] {
            let reply = server.get(read).by(user).reply().await;
            let body: Value = serde_json::from_str(&reply.text).unwrap_or_default();
            let count = body["blocks"].as_array().map(Vec::len);
            let line = format!("{step} {user} {} {} {} {count:?}", reply.status, body["seq"], body["role"]);
            seen.push(format!("{line} {} {:?}", body["title"], reply.headers.get("cache-control")));
        }
    };
    look("created").await;
    server.put(&member, &json!({"role": "viewer"})).by("ann").expect(200).await;
    look("shared").await;
    edit(&server, &path).await;
    look("edited").await;
    server.patch(&path, &json!({"title": "Another"})).by("ann").expect(200).await;
    look("renamed").await;
    server.delete(&member).by("ann").expect(204).await;
    look("taken back").await;
    server.delete(&path).by("ann").expect(204).await;
    look("deleted").await;
    server.post(&format!("{path}/recover"), &json!({})).by("ann").expect(200).await;
    look("recovered").await;
    seen
}

#[tokio::test]
async fn without_caches_the_answers_are_the_same() {
    let off = CacheParts { options: Options { using: Using::Off, ..Options::default() }, company: Company::Alone };
    let (with, without) = (life(CacheParts::default()).await, life(off).await);
    assert_eq!(with, without);
}
