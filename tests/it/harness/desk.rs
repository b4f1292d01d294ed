//! A hub in this process, and peers that speak to it without a socket.
//!
//! Promises: what a peer says and hears is the JSON of the contract; waiting for a message ends with the message, or,
//! after a generous deadline, with a failure that shows what came instead.
//! Must never: look inside the hub.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use blockhub::bus::Bus;
use blockhub::bus::local::LocalBus;
use blockhub::domain::access::Access;
use blockhub::domain::ids::{HubId, HubRun, ProjectId, UserId};
use blockhub::domain::sequence::{Seq, Timestamp};
use blockhub::hub::connection::{Arrival, Connection};
use blockhub::hub::outbox::Taken;
use blockhub::hub::{Hub, HubParts};
use blockhub::limit::Limits;
use blockhub::protocol::code::CloseCode;
use blockhub::protocol::message::limits::WireLimits;
use blockhub::session::local::LocalSessions;
use blockhub::store::{NewProject, Store};
use blockhub::transport::auth::Keys;
use serde_json::{Value, json};
use uuid::Uuid;

use super::database::Database;

/// After this a message that has not come will not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A hub in this process.
pub struct Desk {
    pub hub: Arc<Hub>,
    pub store: Arc<dyn Store>,
}

/// A new random id, as text.
pub fn fresh() -> String {
    Uuid::new_v4().to_string()
}

/// What a hub is made of, for a test to change.
pub fn parts(store: Arc<dyn Store>, bus: Arc<dyn Bus>, keys: Keys) -> HubParts {
    HubParts {
        id: HubId::from(&*fresh()),
        run: HubRun(Uuid::new_v4()),
        store,
        bus,
        sessions: Arc::new(LocalSessions::new(10_000, Arc::default())),
        authenticator: Arc::new(keys),
        limits: WireLimits::default(),
        outbox_bytes_max: 1 << 20,
        rates: Limits::off(),
    }
}

impl Desk {
    /// A hub in open mode on this database.
    pub async fn open(database: &Database) -> Self {
        Self::of(parts(database.store().await, Arc::new(LocalBus::default()), Keys::Open))
    }

    /// A hub of these parts.
    pub fn of(parts: HubParts) -> Self {
        let store = parts.store.clone();
        Self { hub: Hub::start(parts), store }
    }

    /// A project that everybody may edit.
    pub async fn project(&self) -> String {
        self.project_of("ann", Access::Editor).await
    }

    /// A project.
    pub async fn project_of(&self, owner: &str, access: Access) -> String {
        let id = ProjectId(Uuid::new_v4());
        let project = NewProject {
            id,
            title: "A project".into(),
            access,
            owner: UserId::from(owner),
            log: 7,
            at: Timestamp(1),
            first: None,
        };
        assert!(self.store.create(&project).await.unwrap());
        id.to_string()
    }

    /// A connection that has yet to say hello.
    pub fn stranger(&self) -> Peer {
        let connection = Connection::new(self.hub.clone(), Arrival::default());
        Peer { connection, heard: VecDeque::new(), said: 0, closed: None }
    }

    /// A connection that has said hello.
    pub async fn peer(&self, user: &str) -> Peer {
        let mut peer = self.stranger();
        peer.say(json!({"type": "hello", "user": {"id": user, "name": user}})).await;
        peer.hear("welcome").await;
        peer
    }

    /// A connection that has joined.
    pub async fn joined(&self, user: &str, project: &str) -> Peer {
        let mut peer = self.peer(user).await;
        peer.say(json!({"type": "join", "project": project})).await;
        peer.hear("joined").await;
        peer
    }

    /// How many events the project's log holds.
    pub async fn head(&self, project: &str) -> Seq {
        let project = project.parse().unwrap();
        self.store.project(project, &UserId::from("")).await.unwrap().unwrap().info.seq
    }
}

/// One connection, without a socket.
pub struct Peer {
    pub connection: Connection,
    heard: VecDeque<Value>,
    said: u64,
    closed: Option<CloseCode>,
}

impl Peer {
    /// Says something; an `id` is added if there is none, and returned.
    pub async fn say(&mut self, mut message: Value) -> String {
        self.said += 1;
        if message["id"].is_null() {
            message["id"] = json!(self.said.to_string());
        }
        self.connection.text(&message.to_string()).await;
        message["id"].as_str().unwrap().to_owned()
    }

    /// Says something as it is.
    pub async fn say_raw(&mut self, text: &str) {
        self.connection.text(text).await;
    }

    /// The next message of this type; others are kept.
    pub async fn hear(&mut self, kind: &str) -> Value {
        self.hear_where(kind, |message| message["type"] == kind).await
    }

    /// The next message of which this is true; others are kept.
    pub async fn hear_where(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(at) = self.heard.iter().position(&is_it) {
                return self.heard.remove(at).unwrap();
            }
            self.take(what).await;
        }
    }

    /// The very next message.
    pub async fn next(&mut self) -> Value {
        while self.heard.is_empty() {
            self.take("any message").await;
        }
        self.heard.pop_front().unwrap()
    }

    /// The reply to a message.
    pub async fn answer(&mut self, id: &str) -> Value {
        self.hear_where(id, |message| message["id"] == id).await
    }

    /// Says something and hears the reply.
    pub async fn ask(&mut self, message: Value) -> Value {
        let id = self.say(message).await;
        self.answer(&id).await
    }

    /// An edit of these ops, and the reply.
    pub async fn edit(&mut self, project: &str, ops: Value) -> Value {
        self.ask(json!({"type": "edit", "project": project, "editId": fresh(), "ops": ops})).await
    }

    /// A new block at the top, first; its id.
    pub async fn insert(&mut self, project: &str, content: Value) -> String {
        let block = fresh();
        let op = json!([{"op": "insert", "block": block, "kind": "text", "parent": null, "after": null,
            "content": content}]);
        let ack = self.edit(project, op).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        block
    }

    /// The event of this seq, from whichever message brings it; earlier ones are passed over.
    pub async fn event(&mut self, seq: u64) -> Value {
        loop {
            let message = self.hear("events").await;
            let events = message["events"].as_array().unwrap().clone();
            if let Some(event) = events.into_iter().find(|event| event["seq"] == seq) {
                return event;
            }
        }
    }

    /// Waits until the hub closes the connection.
    pub async fn closes(&mut self) -> CloseCode {
        while self.closed.is_none() {
            self.take("a close").await;
        }
        self.closed.unwrap()
    }

    /// What the hub says without being waited for: nothing, if all is as it should be.
    pub fn silent(&mut self) -> bool {
        self.drain();
        self.heard.is_empty()
    }

    async fn take(&mut self, what: &str) {
        let filled = tokio::time::timeout(PATIENCE, self.connection.outbox.filled()).await;
        assert!(filled.is_ok(), "{what} did not come; there is {:?}", self.heard);
        assert!(self.closed.is_none(), "{what} did not come before the close {:?}; {:?}", self.closed, self.heard);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            let mut frames = Vec::new();
            match self.connection.outbox.take(64, usize::MAX, |frame| frames.push(frame)) {
                Taken::Close(code, _) => return self.closed = Some(code),
                Taken::Frames if frames.is_empty() => return,
                Taken::Frames => {
                    self.heard.extend(frames.iter().map(|frame| serde_json::from_slice(&frame.json()).unwrap()));
                }
            }
        }
    }
}
