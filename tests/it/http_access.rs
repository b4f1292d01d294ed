//! Who may do what over HTTP: one table, role by call ([AC1], [AC2]).

use blockhub::domain::access::Role;
use blockhub::domain::ids::ProjectId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http_server::{Call, Server, token, uuid};

/// What each role is answered: owner, editor, viewer, somebody else.
type Row = (Method, &'static str, Value, [u16; 4]);

fn table() -> Vec<Row> {
    let edit = json!({"editId": uuid(), "ops": [
        {"op": "insert", "block": uuid(), "kind": "text", "content": {}}]});
    vec![
        (Method::GET, "", Value::Null, [200, 200, 200, 404]),
        (Method::GET, "/blocks", Value::Null, [200, 200, 200, 404]),
        (Method::GET, "/events", Value::Null, [200, 200, 200, 404]),
        (Method::GET, "/members", Value::Null, [200, 200, 200, 404]),
        (Method::POST, "/edits", edit, [200, 200, 403, 404]),
        (Method::POST, "/undo", json!({"target": uuid(), "editId": uuid()}), [404, 404, 403, 404]),
        (Method::POST, "/restore", json!({"seq": 0, "editId": uuid()}), [200, 200, 403, 404]),
        (Method::PATCH, "", json!({"title": "Other"}), [200, 403, 403, 404]),
        (Method::PUT, "/members/eve", json!({"role": "viewer"}), [200, 403, 403, 404]),
        (Method::DELETE, "/members/eve", Value::Null, [204, 403, 403, 404]),
        (Method::POST, "/recover", json!({}), [200, 403, 403, 404]),
        (Method::DELETE, "", Value::Null, [204, 403, 403, 404]),
    ]
}

const USERS: [&str; 4] = ["owner", "editor", "viewer", "stranger"];

/// A project with a member of each role, each with a name of its own.
async fn project(server: &Server) -> String {
    let path = server.project("owner", json!([])).await;
    for role in ["editor", "viewer"] {
        let member = format!("{path}/members/{role}");
        server.put(&member, &json!({"role": role})).by("owner").expect(200).await;
    }
    path
}

fn call<'a>(server: &'a Server, row: &Row, path: &str) -> Call<'a> {
    let call = server.call(row.0.clone(), &format!("{path}{}", row.1));
    if row.2.is_null() { call } else { call.json(&row.2) }
}

#[tokio::test]
async fn ac1_each_role_may_what_the_policy_says() {
    let server = Server::keyed().await;
    for (column, user) in USERS.iter().enumerate() {
        let path = project(&server).await;
        for row in table() {
            // The owner's row of removal needs somebody to remove, and an edit has its own id for each project.
            let reply = call(&server, &row, &path).by(user).reply().await;
            assert_eq!(reply.status.as_u16(), row.3[column], "{user} {} {}: {}", row.0, row.1, reply.text);
        }
    }
}

#[tokio::test]
async fn ac1_a_tokens_role_counts_as_much_as_a_membership() {
    let server = Server::keyed().await;
    let path = project(&server).await;
    let id: ProjectId = path.rsplit('/').next().unwrap().parse().unwrap();
    for (column, role) in [(0, Role::Owner), (1, Role::Editor), (2, Role::Viewer)] {
        for row in table().into_iter().filter(|row| row.0 != Method::DELETE) {
            let header = format!("Bearer {}", token("mallory", &[(id, role)]));
            let reply = call(&server, &row, &path).header("authorization", &header).reply().await;
            assert_eq!(reply.status.as_u16(), row.3[column], "{role:?} {} {}: {}", row.0, row.1, reply.text);
        }
    }
    let header = format!("Bearer {}", token("mallory", &[(id, Role::Viewer)]));
    let list = server.get("/api/projects").header("authorization", &header).expect(200).await.json();
    assert_eq!(list["projects"][0]["role"], "viewer");
}

#[tokio::test]
async fn ac1_a_projects_access_is_what_everybody_has() {
    let server = Server::keyed().await;
    let path = project(&server).await;
    server.patch(&path, &json!({"access": "editor"})).by("owner").expect(200).await;
    assert_eq!(server.get(&path).by("stranger").expect(200).await.json()["role"], "editor");
    assert_eq!(server.get(&path).by("viewer").expect(200).await.json()["role"], "editor");
    server.patch(&path, &json!({"access": "none"})).by("owner").expect(200).await;
    server.get(&path).by("stranger").problem(404, "not_found").await;
}

#[tokio::test]
async fn ac2_a_change_of_role_counts_for_the_next_call() {
    let server = Server::keyed().await;
    let path = project(&server).await;
    let insert = || {
        let op = json!({"op": "insert", "block": uuid(), "kind": "text", "content": {}});
        server.post(&format!("{path}/edits"), &json!({"editId": uuid(), "ops": [op]}))
    };
    insert().by("editor").expect(200).await;
    let member = format!("{path}/members/editor");
    server.put(&member, &json!({"role": "viewer"})).by("owner").expect(200).await;
    insert().by("editor").problem(403, "forbidden").await;
    server.delete(&member).by("owner").expect(204).await;
    insert().by("editor").problem(404, "not_found").await;
}

#[tokio::test]
async fn a_project_keeps_an_owner() {
    let server = Server::keyed().await;
    let path = project(&server).await;
    let me = format!("{path}/members/owner");
    server.delete(&me).by("owner").problem(403, "forbidden").await;
    server.put(&me, &json!({"role": "editor"})).by("owner").problem(403, "forbidden").await;
    server.put(&format!("{path}/members/editor"), &json!({"role": "owner"})).by("owner").expect(200).await;
    server.delete(&me).by("owner").expect(204).await;
    server.get(&path).by("owner").problem(404, "not_found").await;
}

#[tokio::test]
async fn members_are_listed_by_name() {
    let server = Server::keyed().await;
    let path = project(&server).await;
    let odd = format!("{path}/members/{}", "zo%C3%AB%20%2F%20x");
    let set = server.put(&odd, &json!({"role": "viewer"})).by("owner").expect(200).await;
    assert_eq!(set.json(), json!({"user": "zoë / x", "role": "viewer"}));
    let list = server.get(&format!("{path}/members")).by("viewer").expect(200).await.json();
    assert_eq!(
        list,
        json!({"members": [{"user": "editor", "role": "editor"}, {"user": "owner", "role": "owner"},
            {"user": "viewer", "role": "viewer"}, {"user": "zoë / x", "role": "viewer"}]})
    );
    server.delete(&odd).by("owner").expect(204).await;
    server.delete(&odd).by("owner").problem(404, "not_found").await;
    server
        .put(&format!("{path}/members/a%00b"), &json!({"role": "viewer"}))
        .by("owner")
        .problem(400, "malformed")
        .await;
    server.put(&odd, &json!({"role": "boss"})).by("owner").problem(400, "malformed").await;
}
