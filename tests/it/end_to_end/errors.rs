//! The table of errors: each code over a real socket, on both stores, with the `op` or the `limit` it is about.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{Scene, fresh, goes_on, insert, refused};
use crate::contract::on_both;
use crate::harness::client::Client;
use crate::harness::database::Database;

on_both!(
    ms4_an_invalid_edit_names_its_op_and_applies_nothing,
    ms4_too_large_names_its_limit,
    ms4_what_was_not_joined_is_refused_and_what_is_not_there_is_not_found,
    ac1_a_viewer_is_forbidden_to_edit_and_a_stranger_finds_nothing,
    ed2_an_edit_id_of_another_user_is_forbidden,
    ed4_a_conflict_is_a_reply_on_the_socket_and_409_over_http,
    cn_the_thirty_third_project_of_a_connection_is_too_large,
);

/// A block whose text holds a surrogate pair, with a child; and a block that was deleted.
struct Blocks {
    parent: String,
    child: String,
    dead: String,
    /// In another project.
    elsewhere: String,
}

impl Blocks {
    async fn make(scene: &Scene) -> Self {
        let mut client = scene.attacker().await;
        let (parent, child, dead) = (fresh(), fresh(), fresh());
        let mut under = insert(&child, json!({}));
        under["parent"] = json!(parent);
        let ops = json!([insert(&parent, json!({"text": "a😀b", "n": 1})), under, insert(&dead, json!({}))]);
        assert_eq!(client.edit(&scene.project, ops).await["type"], "ack");
        let delete = json!([{"op": "delete", "block": dead, "baseVersion": 1}]);
        assert_eq!(client.edit(&scene.project, delete).await["type"], "ack");
        let other = scene.hub.project("another").await;
        client.join(&other).await;
        let elsewhere = client.insert(&other, "elsewhere").await;
        client.close().await;
        Self { parent, child, dead, elsewhere }
    }

    /// Ops that break a rule after one that does not.
    fn invalid(&self) -> Vec<(&'static str, Value)> {
        let Self { parent, child, dead, elsewhere } = self;
        let update = |block: &str| json!({"op": "update", "block": block, "baseVersion": 1, "patch": {"n": 2}});
        let text = |path: &str, at: u64, delete: u64| {
            let change = json!({"at": at, "delete": delete, "insert": "x"});
            json!({"op": "text", "block": parent, "baseVersion": 1, "path": path, "changes": [change]})
        };
        let place = |block: &str, under: &str| json!({"op": "move", "block": block, "baseVersion": 1, "parent": under});
        let after = |block: &str, after: &str| json!({"op": "move", "block": block, "baseVersion": 1, "after": after});
        let delete = |block: &str| json!({"op": "delete", "block": block, "baseVersion": 1});
        let within =
            |under: &str| json!({"op": "insert", "block": fresh(), "kind": "k", "parent": under, "content": {}});
        vec![
            ("an unknown block", update(&fresh())),
            ("a block of another project", update(elsewhere)),
            ("the deletion of a block of another project", delete(elsewhere)),
            ("a parent of another project", within(elsewhere)),
            ("a parent that is not there", within(&fresh())),
            ("a sibling of another project", after(parent, elsewhere)),
            ("itself as its sibling", after(parent, &fresh())),
            ("a cycle of one", place(parent, parent)),
            ("a cycle of two", place(parent, child)),
            ("an id that is there", insert(parent, json!({}))),
            ("an id that was there", insert(dead, json!({}))),
            ("a null in an array", json!({"op": "update", "block": parent, "baseVersion": 1, "patch": {"n": [null]}})),
            ("text beyond the end", text("/text", 5, 0)),
            ("a deletion beyond the end", text("/text", 3, 2)),
            ("half a surrogate pair", text("/text", 2, 0)),
            ("text in a number", text("/n", 0, 0)),
            ("text in nothing", text("/nowhere", 0, 0)),
            ("an offset of 2^60", text("/text", 1 << 60, 1 << 60)),
        ]
    }
}

async fn ms4_an_invalid_edit_names_its_op_and_applies_nothing(database: &Database) {
    let scene = Scene::open(database).await;
    let blocks = Blocks::make(&scene).await;
    let mut scene = scene.caught_up().await;
    let mut attacker = scene.attacker().await;
    for (case, op) in blocks.invalid() {
        let edit = scene.edit(json!([insert(&fresh(), json!({})), op]));
        let error = refused(&mut attacker, &edit.to_string()).await;
        assert_eq!((&error["code"], &error["op"]), (&json!("invalid_edit"), &json!(1)), "{case}: {error}");
        assert_eq!(error["id"], "bad", "{case}");
        goes_on(&mut attacker).await;
        scene.unharmed(case).await;
    }
    let twin = fresh();
    let twice = scene.edit(json!([insert(&twin, json!({})), insert(&twin, json!({}))]));
    let error = refused(&mut attacker, &twice.to_string()).await;
    assert_eq!((&error["code"], &error["op"]), (&json!("invalid_edit"), &json!(1)), "one id twice: {error}");
    scene.unharmed("one id twice").await;
    scene.kept().await;
}

async fn ms4_too_large_names_its_limit(database: &Database) {
    let scene = Scene::open(database).await;
    let block = scene.block.clone();
    let grow = |name: &str, bytes: usize, base: u64| {
        let patch = json!({name: "x".repeat(bytes)});
        json!([{"op": "update", "block": block, "baseVersion": base, "patch": patch}])
    };
    let mut ann = scene.attacker().await;
    assert_eq!(ann.edit(&scene.project, grow("a", 200_000, 1)).await["type"], "ack");
    let mut scene = scene.caught_up().await;
    let presence = json!({"type": "presence", "project": scene.project, "state": "x".repeat(4_096)});
    let cases = [
        ("maxEditBytes", scene.edit(grow("b", 262_144, 2))),
        ("maxOps", scene.edit((0..101).map(|_| insert(&fresh(), json!({}))).collect())),
        ("maxPresenceBytes", presence),
        ("maxBlockBytes", scene.edit(grow("b", 100_000, 2))),
    ];
    for (limit, message) in cases {
        let mut attacker = scene.attacker().await;
        let error = refused(&mut attacker, &message.to_string()).await;
        assert_eq!((&error["code"], &error["limit"]), (&json!("too_large"), &json!(limit)), "{error}");
        goes_on(&mut attacker).await;
        scene.unharmed(limit).await;
    }
    scene.kept().await;
}

async fn cn_the_thirty_third_project_of_a_connection_is_too_large(database: &Database) {
    let mut scene = Scene::open(database).await;
    let mut attacker = scene.attacker().await;
    for n in 1..32 {
        let project = scene.hub.project(&n.to_string()).await;
        attacker.join(&project).await;
    }
    let one_more = scene.hub.project("one more").await;
    let error = attacker.ask(json!({"type": "join", "project": one_more})).await;
    assert_eq!((&error["code"], &error["limit"]), (&json!("too_large"), &json!("maxProjectsPerConnection")), "{error}");
    // What was joined may be joined again; what was left makes room.
    attacker.join(&scene.project).await;
    attacker.ask(json!({"type": "leave", "project": scene.project})).await;
    attacker.join(&one_more).await;
    scene.unharmed("many projects").await;
}

/// Everything that can be asked of a project.
fn questions(project: &str) -> Vec<Value> {
    let edit = json!({"type": "edit", "project": project, "editId": fresh(), "ops": [insert(&fresh(), json!({}))]});
    vec![
        edit,
        json!({"type": "presence", "project": project, "state": 1}),
        json!({"type": "signal", "project": project, "event": "wave"}),
        json!({"type": "history", "project": project}),
        json!({"type": "undo", "project": project, "target": fresh(), "editId": fresh()}),
        json!({"type": "restore", "project": project, "seq": 1, "editId": fresh()}),
    ]
}

async fn codes(client: &mut Client, questions: Vec<Value>) -> Vec<String> {
    let mut codes = Vec::new();
    for question in questions {
        codes.push(client.ask(question).await["code"].as_str().unwrap_or("none").to_owned());
    }
    codes
}

async fn ms4_what_was_not_joined_is_refused_and_what_is_not_there_is_not_found(database: &Database) {
    let mut scene = Scene::open(database).await;
    let mut attacker = scene.hub.client("mallory").await;
    for project in [scene.project.clone(), fresh()] {
        let codes = codes(&mut attacker, questions(&project)).await;
        assert!(codes.iter().all(|code| code == "not_joined"), "{codes:?}");
    }
    for _ in 0..40 {
        let error = attacker.ask(json!({"type": "join", "project": fresh()})).await;
        assert_eq!(error["code"], "not_found", "{error}");
    }
    assert_eq!(attacker.ask(json!({"type": "leave", "project": fresh()})).await["type"], "left");
    attacker.join(&scene.project).await;
    let nothing = [
        json!({"type": "undo", "project": scene.project, "target": fresh(), "editId": fresh()}),
        json!({"type": "restore", "project": scene.project, "seq": 1_000_000, "editId": fresh()}),
    ];
    assert_eq!(codes(&mut attacker, nothing.to_vec()).await, ["not_found", "not_found"]);
    let answer = reqwest::get(scene.hub.url(&format!("/api/projects/{}", fresh()))).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    goes_on(&mut attacker).await;
    scene.unharmed("what is not there").await;
}

async fn ac1_a_viewer_is_forbidden_to_edit_and_a_stranger_finds_nothing(database: &Database) {
    let mut scene = Scene::open(database).await;
    let seen =
        scene.hub.project_with(json!({"title": "seen", "access": "viewer", "blocks": [{"kind": "k", "content": {}}]}));
    let (seen, hidden) = (seen.await, scene.hub.project_with(json!({"title": "hidden", "access": "none"})).await);
    let mut viewer = scene.hub.client("viewer").await;
    assert_eq!(viewer.join(&seen).await["role"], "viewer");
    let writes = questions(&seen).into_iter().filter(|question| question["editId"].is_string());
    let codes = codes(&mut viewer, writes.collect()).await;
    assert_eq!(codes, ["forbidden", "forbidden", "forbidden"]);
    let error = viewer.ask(json!({"type": "join", "project": hidden})).await;
    assert_eq!(error["code"], "not_found", "{error}");
    let url = scene.hub.url(&format!("/api/projects/{seen}/blocks"));
    let snapshot: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!((&snapshot["seq"], snapshot["blocks"].as_array().unwrap().len()), (&json!(1), 1));
    scene.unharmed("a viewer").await;
}

async fn ed2_an_edit_id_of_another_user_is_forbidden(database: &Database) {
    let scene = Scene::open(database).await;
    let (mut ann, mut mallory) = (scene.hub.client("ann").await, scene.attacker().await);
    ann.join(&scene.project).await;
    let edit = scene.edit(json!([insert(&fresh(), json!({"secret": "of ann"}))]));
    assert_eq!(ann.ask(edit.clone()).await["type"], "ack");
    let error = mallory.ask(edit).await;
    assert_eq!(error["code"], "forbidden", "{error}");
    goes_on(&mut mallory).await;
    let mut scene = scene.caught_up().await;
    scene.unharmed("an edit id of another").await;
}

async fn ed4_a_conflict_is_a_reply_on_the_socket_and_409_over_http(database: &Database) {
    let mut scene = Scene::open(database).await;
    let mut ann = scene.attacker().await;
    let update = |n: u64| json!([{"op": "update", "block": scene.block, "baseVersion": 1, "patch": {"n": n}}]);
    assert_eq!(ann.edit(&scene.project, update(1)).await["type"], "ack");
    let conflict = ann.edit(&scene.project, update(2)).await;
    assert_eq!((&conflict["type"], &conflict["conflicts"][0]["paths"]), (&json!("conflict"), &json!(["/n"])));
    let url = scene.hub.url(&format!("/api/projects/{}/edits", scene.project));
    let body = json!({"editId": fresh(), "ops": update(3)});
    let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CONFLICT);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["conflicts"][0]["paths"]), (&json!("conflict"), &json!(["/n"])));
    // [ED7]: the others are told of both, and of nothing else.
    scene.hears("conflicted").await;
    scene.hears("conflicted").await;
    let mut scene = scene.caught_up().await;
    scene.unharmed("conflicts").await;
}
