//! `/api/projects`: create, list, read, change, delete, recover.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http_server::{Server, uuid};

fn titles(list: &Value) -> Vec<&str> {
    list["projects"].as_array().unwrap().iter().map(|project| project["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_new_project_has_the_contracts_shape() {
    let server = Server::keyed().await;
    let reply = server.post("/api/projects", &json!({"title": "Plan"})).by("ann").expect(201).await;
    let project = reply.json();
    let keys: BTreeSet<_> = project.as_object().unwrap().keys().map(String::as_str).collect();
    let shape = ["id", "title", "access", "theme", "role", "epoch", "seq", "createdAt", "updatedAt"];
    assert_eq!(keys, shape.into_iter().collect());
    assert_eq!(project["title"], "Plan");
    assert_eq!((&project["access"], &project["role"], &project["seq"]), (&json!("none"), &json!("owner"), &json!(0)));
    assert_eq!(project["theme"], Value::Null);
    assert_eq!(reply.headers["location"], format!("/api/projects/{}", project["id"].as_str().unwrap()));
    let read = server.get(&reply.headers["location"]).by("ann").expect(200).await.json();
    assert_eq!(read, project);
}

#[tokio::test]
async fn what_everybody_has_is_nothing_or_on_an_open_hub_editing() {
    let body = json!({"title": "Plan"});
    let keyed = Server::keyed().await;
    assert_eq!(keyed.post("/api/projects", &body).by("ann").expect(201).await.json()["access"], "none");
    let open = Server::open().await;
    assert_eq!(open.post("/api/projects", &body).expect(201).await.json()["access"], "editor");
    let viewed = json!({"title": "Plan", "access": "viewer", "blocks": null});
    assert_eq!(open.post("/api/projects", &viewed).expect(201).await.json()["access"], "viewer");
}

#[tokio::test]
async fn the_first_blocks_are_the_first_event_in_order() {
    let server = Server::open().await;
    let (parent, child) = (uuid(), uuid());
    let path = server
        .project(
            "ann",
            json!([
                {"id": parent, "kind": "list", "content": {"title": "List"}},
                {"kind": "text", "content": {"text": "second"}},
                {"id": child, "kind": "item", "parent": parent, "content": {"text": "inner", "gone": null}},
            ]),
        )
        .await;
    let snapshot = server.get(&format!("{path}/blocks")).expect(200).await.json();
    assert_eq!(snapshot["seq"], 1);
    let blocks = snapshot["blocks"].as_array().unwrap();
    let kinds: Vec<_> = blocks.iter().map(|block| block["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["list", "item", "text"]);
    assert_eq!(
        blocks[1],
        json!({"id": child, "kind": "item", "parent": parent, "position": "a0",
        "content": {"text": "inner"}, "version": 1})
    );
    let events = server.get(&format!("{path}/events?since=0")).expect(200).await.json();
    assert_eq!(events["events"][0]["seq"], 1);
    assert_eq!(events["events"][0]["actor"], json!({"id": "ann", "kind": "human"}));
    assert_eq!(events["events"][0]["ops"].as_array().unwrap().len(), 3);
    assert_eq!(events["more"], false);
}

#[tokio::test]
async fn first_blocks_that_break_a_rule_are_refused_and_nothing_is_created() {
    let server = Server::open().await;
    let id = uuid();
    let text = |block: Value| json!({"title": "Plan", "blocks": [{"id": id, "kind": "text", "content": {}}, block]});
    for (block, status, code) in [
        (json!({"id": id, "kind": "text", "content": {}}), 422, "invalid_edit"),
        (json!({"kind": "text", "parent": uuid(), "content": {}}), 422, "invalid_edit"),
        (json!({"kind": "", "content": {}}), 422, "invalid_edit"),
        (json!({"kind": "text", "content": {"text": "a".repeat(300_000)}}), 413, "too_large"),
    ] {
        let problem = server.post("/api/projects", &text(block)).problem(status, code).await;
        assert_eq!(problem["op"], 1, "{problem}");
    }
    for block in
        [json!({"kind": "text", "content": []}), json!({"content": {}}), json!([null, "text", null, {}]), json!(7)]
    {
        server.post("/api/projects", &text(block)).problem(400, "malformed").await;
    }
    assert_eq!(server.get("/api/projects").expect(200).await.json(), json!({"projects": [], "next": null}));
}

#[tokio::test]
async fn titles_have_1_to_256_characters() {
    let server = Server::open().await;
    let create = |title: String| server.post("/api/projects", &json!({"title": title}));
    create("é".repeat(256)).expect(201).await;
    create(String::new()).problem(400, "malformed").await;
    let problem = create("a".repeat(257)).problem(413, "too_large").await;
    assert_eq!(problem["limit"], "maxTitleChars");
}

#[tokio::test]
async fn the_list_is_newest_change_first_and_goes_on_at_next() {
    let server = Server::keyed().await;
    for title in ["one", "two", "three"] {
        server.post("/api/projects", &json!({"title": title})).by("ann").expect(201).await;
    }
    server.post("/api/projects", &json!({"title": "bob's"})).by("bob").expect(201).await;
    let mut seen = Vec::new();
    let mut path = "/api/projects?limit=2".to_owned();
    loop {
        let list = server.get(&path).by("ann").expect(200).await.json();
        seen.extend(titles(&list).into_iter().map(str::to_owned));
        match list["next"].as_str() {
            Some(next) => path = format!("/api/projects?limit=2&cursor={next}"),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["one", "three", "two"]);
    server.get("/api/projects?cursor=elsewhere").by("ann").problem(400, "malformed").await;
    server.get("/api/projects?limit=many").by("ann").problem(400, "malformed").await;
}

#[tokio::test]
async fn an_open_hub_lists_what_is_shared() {
    let server = Server::open().await;
    server.post("/api/projects", &json!({"title": "shared"})).by("ann").expect(201).await;
    let own = json!({"title": "ann's own", "access": "none"});
    server.post("/api/projects", &own).by("ann").expect(201).await;
    assert_eq!(titles(&server.get("/api/projects").by("bob").expect(200).await.json()), ["shared"]);
}

#[tokio::test]
async fn a_project_is_renamed_and_shared() {
    let server = Server::keyed().await;
    let path = server.project("ann", json!([])).await;
    let change = json!({"title": "Better plan", "access": "viewer"});
    let project = server.patch(&path, &change).by("ann").expect(200).await.json();
    assert_eq!((&project["title"], &project["access"]), (&json!("Better plan"), &json!("viewer")));
    assert_eq!(server.get(&path).by("bob").expect(200).await.json()["role"], "viewer");
    let same = server.patch(&path, &json!({"title": null})).by("ann").expect(200).await.json();
    assert_eq!(same["title"], "Better plan");
    server.patch(&path, &json!({"access": "owner"})).by("ann").problem(400, "malformed").await;
}

#[tokio::test]
async fn a_deleted_project_is_gone_until_it_is_recovered() {
    let server = Server::keyed().await;
    let path = server.project("ann", json!([{"kind": "text", "content": {"text": "kept"}}])).await;
    server.patch(&path, &json!({"access": "editor"})).by("ann").expect(200).await;
    server.delete(&path).by("ann").expect(204).await;
    for call in [server.get(&path), server.get(&format!("{path}/blocks")), server.delete(&path)] {
        call.by("ann").problem(404, "not_found").await;
    }
    assert!(titles(&server.get("/api/projects").by("ann").expect(200).await.json()).is_empty());
    let recover = format!("{path}/recover");
    server.post(&recover, &json!({})).by("bob").problem(404, "not_found").await;
    server.post(&recover, &json!({})).by("ann").expect(200).await;
    server.post(&recover, &json!({})).by("ann").expect(200).await;
    let snapshot = server.get(&format!("{path}/blocks")).by("ann").expect(200).await.json();
    assert_eq!(snapshot["blocks"][0]["content"]["text"], "kept");
}
