//! Blocks, edits and the log over HTTP: the same as on a socket.

use serde_json::{Value, json};

use crate::http_server::{Reply, Server, uuid};

/// A project with one block; its path and the block's id.
async fn page(server: &Server) -> (String, String) {
    let block = uuid();
    let blocks = json!([{"id": block, "kind": "text", "content": {"text": "Hello", "color": "blue"}}]);
    (server.project("ann", blocks).await, block)
}

fn patch(block: &str, base: u64, patch: Value) -> Value {
    json!({"editId": uuid(), "ops": [{"op": "update", "block": block, "baseVersion": base, "patch": patch}]})
}

async fn edit(server: &Server, path: &str, body: &Value) -> Reply {
    server.post(&format!("{path}/edits"), body).by("ann").expect(200).await
}

#[tokio::test]
async fn a_snapshot_names_its_epoch_and_seq_and_is_not_sent_twice() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    let blocks = format!("{path}/blocks");
    let first = server.get(&blocks).expect(200).await;
    let snapshot = first.json();
    let etag = first.headers["etag"].clone();
    assert_eq!(etag, format!("\"{}.{}\"", snapshot["epoch"].as_str().unwrap(), snapshot["seq"]));
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    for tags in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let again = server.get(&blocks).header("if-none-match", &tags).expect(304).await;
        assert!(again.text.is_empty());
        assert_eq!((&again.headers["etag"], again.headers["cache-control"].as_str()), (&etag, "private, no-cache"));
    }
    server.get(&blocks).header("if-none-match", "\"other\"").expect(200).await;
    edit(&server, &path, &patch(&block, 1, json!({"color": "red"}))).await;
    let changed = server.get(&blocks).header("if-none-match", &etag).expect(200).await;
    assert_ne!(changed.headers["etag"], etag);
    assert_eq!(changed.json()["blocks"][0]["content"], json!({"text": "Hello", "color": "red"}));
}

#[tokio::test]
async fn hi1_at_gives_the_blocks_as_they_were() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    edit(&server, &path, &patch(&block, 1, json!({"color": "red"}))).await;
    let then = server.get(&format!("{path}/blocks?at=1")).expect(200).await;
    assert_eq!(then.json()["blocks"][0]["content"]["color"], "blue");
    assert_eq!(then.json()["seq"], 1);
    assert_eq!(server.get(&format!("{path}/blocks?at=0")).expect(200).await.json()["blocks"], json!([]));
    server.get(&format!("{path}/blocks?at=3")).problem(404, "not_found").await;
    server.get(&format!("{path}/blocks?at=-1")).problem(400, "malformed").await;
}

#[tokio::test]
async fn a_snapshot_is_never_older_than_min_seq() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    let ack = edit(&server, &path, &patch(&block, 1, json!({"color": "red"}))).await.json();
    let before = server.get(&format!("{path}/blocks?at=0&minSeq={}", ack["seq"])).expect(400).await.json();
    assert_eq!(before["code"], "malformed", "a snapshot is never older than minSeq");
    let snapshot = server.get(&format!("{path}/blocks?minSeq={}", ack["seq"])).expect(200).await.json();
    assert_eq!(snapshot["seq"], ack["seq"]);
}

#[tokio::test]
async fn ed2_an_edit_is_acked_once_however_often_it_is_sent() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    let body = patch(&block, 1, json!({"color": "red"}));
    let first = edit(&server, &path, &body).await.json();
    assert_eq!(first["versions"], json!({&block: 2}));
    assert_eq!((&first["type"], &first["seq"], &first["duplicate"]), (&json!("ack"), &json!(2), &json!(false)));
    let again = edit(&server, &path, &body).await.json();
    assert_eq!(
        (&again["seq"], &again["versions"], &again["duplicate"]),
        (&first["seq"], &first["versions"], &json!(true))
    );
    server.post(&format!("{path}/edits"), &body).by("bob").problem(403, "forbidden").await;
}

#[tokio::test]
async fn ed6_a_conflict_is_a_problem_document_with_all_it_takes_to_settle_it() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    edit(&server, &path, &patch(&block, 1, json!({"color": "red"}))).await;
    let stale = patch(&block, 1, json!({"color": "green"}));
    let problem = server.post(&format!("{path}/edits"), &stale).by("bob").problem(409, "conflict").await;
    assert_eq!((&problem["editId"], &problem["seq"]), (&stale["editId"], &json!(2)));
    let conflict = &problem["conflicts"][0];
    assert_eq!(
        (&conflict["op"], &conflict["block"], &conflict["paths"]),
        (&json!(0), &json!(block), &json!(["/color"]))
    );
    assert_eq!((&conflict["baseVersion"], &conflict["currentVersion"]), (&json!(1), &json!(2)));
    assert_eq!(conflict["current"]["content"]["color"], "red");
    assert_eq!(conflict["base"]["color"], "blue");
    assert_eq!(conflict["changedBy"]["id"], "ann");
}

#[tokio::test]
async fn hi1_the_log_is_read_from_both_ends_in_pages() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    for version in 1..=4 {
        edit(&server, &path, &patch(&block, version, json!({"n": version}))).await;
    }
    let seqs = async |query: &str| {
        let list = server.get(&format!("{path}/events?{query}")).expect(200).await.json();
        let seqs = list["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap());
        (seqs.collect::<Vec<_>>(), list["more"].as_bool().unwrap())
    };
    assert_eq!(seqs("").await, (vec![5, 4, 3, 2, 1], false));
    assert_eq!(seqs("limit=2").await, (vec![5, 4], true));
    assert_eq!(seqs("before=4&limit=2").await, (vec![3, 2], true));
    assert_eq!(seqs("before=2&limit=2").await, (vec![1], false));
    assert_eq!(seqs("since=1&limit=2").await, (vec![2, 3], true));
    assert_eq!(seqs("since=3").await, (vec![4, 5], false));
    assert_eq!(seqs("since=5").await, (vec![], false));
    assert_eq!(seqs("since=99").await, (vec![], false));
    assert_eq!(seqs("limit=0").await.0.len(), 1);
    server.get(&format!("{path}/events?since=1&before=3")).problem(400, "malformed").await;
}

#[tokio::test]
async fn ed2_where_is_my_edit() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    let body = patch(&block, 1, json!({"color": "red"}));
    let find = format!("{path}/edits/{}", body["editId"].as_str().unwrap());
    server.get(&find).problem(404, "not_found").await;
    edit(&server, &path, &body).await;
    let event = server.get(&find).expect(200).await.json();
    assert_eq!((&event["seq"], &event["editId"], &event["actor"]["id"]), (&json!(2), &body["editId"], &json!("ann")));
    assert_eq!(event["ops"], json!([{"op": "update", "block": block, "version": 2, "patch": {"color": "red"}}]));
    assert_eq!(
        server
            .get(&find.to_uppercase().replace("/API/PROJECTS", "/api/projects").replace("/EDITS", "/edits"))
            .expect(200)
            .await
            .json(),
        event
    );
}

#[tokio::test]
async fn hi2_undo_and_restore_are_edits_of_their_own() {
    let server = Server::open().await;
    let (path, block) = page(&server).await;
    let body = patch(&block, 1, json!({"color": "red"}));
    edit(&server, &path, &body).await;
    let undo = json!({"target": body["editId"], "editId": uuid()});
    let ack = server.post(&format!("{path}/undo"), &undo).by("ann").expect(200).await.json();
    assert_eq!((&ack["seq"], &ack["editId"]), (&json!(3), &undo["editId"]));
    let color = async || {
        let snapshot = server.get(&format!("{path}/blocks")).expect(200).await.json();
        snapshot["blocks"][0]["content"]["color"].clone()
    };
    assert_eq!(color().await, "blue");
    let restore = json!({"seq": 2, "editId": uuid()});
    let ack = server.post(&format!("{path}/restore"), &restore).by("ann").expect(200).await.json();
    assert_eq!(ack["seq"], 4);
    assert_eq!(color().await, "red");
    let never = json!({"target": uuid(), "editId": uuid()});
    server.post(&format!("{path}/undo"), &never).by("ann").problem(404, "not_found").await;
}
