//! A hub with a project, and a bystander in its room.
//!
//! Promises: `unharmed` fails if the bystander was told anything but that people come and go, is not acked, is acked with
//! a seq that says somebody else got an edit in, or finds blocks that are not as they were.
//! Must never: let an attack use the bystander's connection.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::harness::client::Client;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};
use crate::socket_frames::inflate;
use crate::socket_harness::{RawClient, ask, frame};

/// A hub under attack.
pub struct Scene {
    pub hub: TestHub,
    pub project: String,
    /// A block that is there, with the text "Hello", a 😀 and a list; of version 1.
    pub block: String,
    bystander: Client,
    /// The block that only the bystander changes.
    own: String,
    blocks: Value,
    seq: u64,
    /// How many of the bystander's messages were looked at.
    seen: usize,
}

impl Scene {
    /// An open hub.
    pub async fn open(database: &Database) -> Self {
        Self::of(launch(database).start().await).await
    }

    /// With this hub, which is open.
    pub async fn of(hub: TestHub) -> Self {
        let project = hub.project("attacked").await;
        let mut bystander = hub.client("bystander").await;
        bystander.join(&project).await;
        let (block, own) = (fresh(), fresh());
        let ops = json!([insert(&block, json!({"text": "Hello 😀", "list": [1]})), insert(&own, json!({"n": 0}))]);
        let ack = bystander.edit(&project, ops).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        let seq = ack["seq"].as_u64().unwrap();
        bystander.reach(&project, seq).await;
        let seen = bystander.received.len();
        let blocks = snapshot(&hub, &project).await;
        Self { hub, project, block, bystander, own, blocks, seq, seen }
    }

    /// Somebody in the same room.
    pub async fn attacker(&self) -> Client {
        let mut attacker = self.hub.client("mallory").await;
        attacker.join(&self.project).await;
        attacker
    }

    /// Somebody in the same room who writes bytes of their own, and may deflate.
    pub async fn raw_attacker(&self) -> RawClient {
        let mut attacker = upgraded(&self.hub, "Sec-WebSocket-Extensions: permessage-deflate\r\n").await;
        attacker.text(r#"{"type":"hello","id":"h","user":{"id":"mallory"}}"#).await;
        attacker.text(&json!({"type": "join", "id": "j", "project": self.project}).to_string()).await;
        while !read_until_text(&mut attacker).await.contains(r#""joined""#) {}
        attacker
    }

    /// An edit of the project with these ops.
    pub fn edit(&self, ops: Value) -> Value {
        json!({"type": "edit", "id": "bad", "project": self.project, "editId": fresh(), "ops": ops})
    }

    /// Nobody but the attacker is touched by what just happened.
    pub async fn unharmed(&mut self, after: &str) {
        let block = self.blocks.as_array_mut().unwrap().iter_mut().find(|block| block["id"] == *self.own).unwrap();
        let base = block["version"].as_u64().unwrap();
        block["version"] = json!(base + 1);
        block["content"]["n"] = json!(base);
        let op = json!({"op": "update", "block": self.own, "baseVersion": base, "patch": {"n": base}});
        let ack = self.bystander.edit(&self.project, json!([op])).await;
        self.seq += 1;
        assert_eq!(
            (&ack["type"], &ack["seq"], &ack["merged"]),
            (&json!("ack"), &json!(self.seq), &json!(false)),
            "{after}"
        );
        self.bystander.reach(&self.project, self.seq).await;
        for told in &self.bystander.received[self.seen..] {
            let kind = told["type"].as_str().unwrap();
            assert!(matches!(kind, "ack" | "events" | "presence"), "after {after}, the bystander was told {told}");
        }
        self.seen = self.bystander.received.len();
        assert_eq!(snapshot(&self.hub, &self.project).await, self.blocks, "{after}");
    }

    /// Takes in what others were right to change, and watches from there.
    pub async fn caught_up(mut self) -> Self {
        self.blocks = snapshot(&self.hub, &self.project).await;
        let url = self.hub.url(&format!("/api/projects/{}", self.project));
        let project: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        self.seq = project["seq"].as_u64().unwrap();
        self.bystander.reach(&self.project, self.seq).await;
        self.seen = self.bystander.received.len();
        self
    }

    /// The bystander is told this, as it should be.
    pub async fn hears(&mut self, kind: &str) -> Value {
        self.bystander.expect(kind).await
    }

    /// What the bystander saw is what another process finds in the database; the hub said nothing of a panic.
    pub async fn kept(self) {
        let log = self.hub.log();
        assert!(!log.contains("panic"), "{log}");
        let hub = self.hub.restart().await;
        assert_eq!(snapshot(&hub, &self.project).await, self.blocks);
    }
}

/// An open hub on this database, with no more connections to it than it needs.
pub fn launch(database: &Database) -> Launch {
    Launch::on(database).set("BLOCKHUB_DB_POOL_MIN", "0").set("BLOCKHUB_DB_POOL_MAX", "8")
}

/// A new name.
pub fn fresh() -> String {
    Uuid::new_v4().to_string()
}

/// An op that inserts a block at the top.
pub fn insert(block: &str, content: Value) -> Value {
    json!({"op": "insert", "block": block, "kind": "text", "parent": null, "after": null, "content": content})
}

/// The project's blocks over HTTP.
async fn snapshot(hub: &TestHub, project: &str) -> Value {
    let url = hub.url(&format!("/api/projects/{project}/blocks"));
    let mut snapshot: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    snapshot["blocks"].take()
}

/// Sends a text, whatever is in it, and takes the error that answers it, which holds nothing of the hub's insides.
pub async fn refused(client: &mut Client, text: &str) -> Value {
    client.send_raw(Message::text(text)).await;
    let error = client.expect("error").await;
    assert!(Uuid::parse_str(error["requestId"].as_str().unwrap()).is_ok(), "{error}");
    let message = error["message"].as_str().unwrap();
    for inside in ["src/", ".rs", "sql", "serde", "panick", "line 1", "column"] {
        assert!(!message.to_lowercase().contains(inside), "{message}");
    }
    error
}

/// The connection answers.
pub async fn goes_on(client: &mut Client) {
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "pong");
}

/// Where the hub listens.
pub fn address(hub: &TestHub) -> SocketAddr {
    hub.address().parse().unwrap()
}

/// A socket that has said nothing yet, asked for with these headers besides.
pub async fn upgraded(hub: &TestHub, headers: &str) -> RawClient {
    let client = RawClient::open(address(hub), &ask(headers), &[]).await;
    assert!(client.head.starts_with("HTTP/1.1 101 "), "{}", client.head);
    client
}

/// The next text; whatever else comes before is let pass.
async fn read_until_text(client: &mut RawClient) -> String {
    loop {
        match client.read().await {
            (0x81, payload) => return String::from_utf8(payload).unwrap(),
            (0xC1, payload) => return String::from_utf8(inflate(payload)).unwrap(),
            (0x88, payload) => panic!("closed: {payload:?}"),
            (0x89, payload) => client.send(&frame(0x8A, &payload)).await,
            _ => {}
        }
    }
}

/// The code that the socket is closed with, after whatever was under way; nothing comes after it.
pub async fn closes(client: &mut RawClient) -> u16 {
    loop {
        let (first, payload) = client.read().await;
        if first == 0x88 {
            assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0, "the end");
            return u16::from_be_bytes(payload[..2].try_into().unwrap());
        }
    }
}
