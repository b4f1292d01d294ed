//! A WebSocket client that trusts nothing: an implementation that is not the hub's, without compression.
//!
//! Promises: every event of a project comes once and in order, or the test fails here ([JN5]).
//! Must never: wait for time to pass; only for a message, or for the end of the socket.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use uuid::Uuid;

/// Longer than anything takes: it only turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client knows of one project.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// Which log.
    pub epoch: String,
    /// The last event it has.
    pub seq: u64,
    /// The events since it joined, in order.
    pub events: Vec<Value>,
}

/// One connection.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What `welcome` said; null before.
    pub welcome: Value,
    /// Everything that came, in order.
    pub received: Vec<Value>,
    /// Which of it nobody has asked for.
    waiting: Vec<usize>,
    followed: HashMap<String, Followed>,
    asked: u64,
}

impl Client {
    /// A socket that has said nothing yet. Takes a URL, or a request with headers.
    ///
    /// # Errors
    /// The hub refuses the upgrade.
    pub async fn connect(to: impl IntoClientRequest + Unpin) -> Result<Self, Error> {
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, _) = connect_async_with_config(to, Some(config), true).await?;
        Ok(Self {
            socket,
            welcome: Value::Null,
            received: Vec::new(),
            waiting: Vec::new(),
            followed: HashMap::new(),
            asked: 0,
        })
    }

    /// A connection that has been welcomed.
    pub async fn hello(url: &str, hello: Value) -> Self {
        let mut client = Self::connect(url).await.unwrap();
        client.send(hello).await;
        client.welcome = client.expect("welcome").await;
        client
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Sends a frame, whatever is in it.
    pub async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Sends a message under a new `id`, and waits for its reply.
    pub async fn ask(&mut self, message: Value) -> Value {
        let id = self.begin(message).await;
        self.reply(&id).await
    }

    /// Like `ask`, of a hub that may close the socket instead of answering: the close code.
    ///
    /// # Errors
    /// The socket was closed first.
    pub async fn try_ask(&mut self, mut message: Value) -> Result<Value, Option<u16>> {
        self.asked += 1;
        let id = format!("q{}", self.asked);
        message["id"] = json!(id);
        // If it cannot be sent any more, what came before the end still says why.
        let _ = self.socket.send(Message::text(message.to_string())).await;
        self.try_find("a reply or the end", |message| message["id"] == id).await
    }

    /// Sends a message under a new `id`, which is returned.
    pub async fn begin(&mut self, mut message: Value) -> String {
        self.asked += 1;
        let id = format!("q{}", self.asked);
        message["id"] = json!(id);
        self.send(message).await;
        id
    }

    /// Waits for the reply to what was sent under `id`.
    pub async fn reply(&mut self, id: &str) -> Value {
        self.find(&format!("a reply to {id}"), |message| message["id"] == id).await
    }

    /// Waits for the next message of this type that nobody has asked for.
    pub async fn expect(&mut self, kind: &str) -> Value {
        self.find(&format!("`{kind}`"), |message| message["type"] == kind).await
    }

    /// The next message that nobody has asked for, whatever it is.
    pub async fn next(&mut self) -> Value {
        self.find("any message", |_| true).await
    }

    /// The same, from a hub that may be killed: `None` when the socket has ended.
    pub async fn next_or_end(&mut self) -> Option<Value> {
        while self.waiting.is_empty() {
            self.receive("any message").await.ok()?;
        }
        Some(self.received[self.waiting.remove(0)].clone())
    }

    /// Sends to a hub that may be killed: `None` when the socket has ended.
    pub async fn offer(&mut self, message: Value) -> Option<()> {
        self.socket.send(Message::text(message.to_string())).await.ok()
    }

    /// Goes on from `before` in a project that will be joined with `since`.
    pub fn remember(&mut self, project: &str, before: Followed) {
        self.followed.insert(project.to_owned(), before);
    }

    /// Joins a project, from nothing.
    pub async fn join(&mut self, project: &str) -> Value {
        let joined = self.ask(json!({ "type": "join", "project": project })).await;
        assert_eq!(joined["type"], "joined", "{joined}");
        joined
    }

    /// Joins a project again, from where `before` was.
    pub async fn resume(&mut self, project: &str, before: &Followed) -> Value {
        self.followed.insert(project.to_owned(), before.clone());
        let since = json!({ "epoch": before.epoch, "seq": before.seq });
        let joined = self.ask(json!({ "type": "join", "project": project, "since": since })).await;
        assert_eq!(joined["type"], "joined", "{joined}");
        joined
    }

    /// Sends an edit of these ops under a new `editId`, and waits for what becomes of it.
    pub async fn edit(&mut self, project: &str, ops: Value) -> Value {
        self.ask(json!({ "type": "edit", "project": project, "editId": Uuid::new_v4(), "ops": ops })).await
    }

    /// Inserts a block with this text at the top, and returns its id.
    pub async fn insert(&mut self, project: &str, text: &str) -> String {
        let block = Uuid::new_v4().to_string();
        let op = json!({ "op": "insert", "block": block, "kind": "text", "parent": null, "after": null,
                         "content": { "text": text } });
        let ack = self.edit(project, json!([op])).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        block
    }

    /// What is known of a project by now.
    pub fn followed(&self, project: &str) -> &Followed {
        self.followed.get(project).expect("the project was joined")
    }

    /// Waits until the project's event of this number is here.
    pub async fn reach(&mut self, project: &str, seq: u64) {
        while self.followed(project).seq < seq {
            self.receive(&format!("event {seq}")).await.expect("the socket is open");
        }
    }

    /// Waits for the end of the socket: the code it was closed with; `None` if it just ended.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.receive("the end").await {
                return code;
            }
        }
    }

    /// Closes in good order, and waits until the hub has too.
    pub async fn close(mut self) {
        self.socket.close(None).await.unwrap();
        self.closed().await;
    }

    async fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        match self.try_find(what, fits).await {
            Ok(message) => message,
            Err(code) => panic!("the socket closed ({code:?}) instead of {what}; {}", self.told()),
        }
    }

    async fn try_find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value, Option<u16>> {
        loop {
            if let Some(place) = self.waiting.iter().position(|at| fits(&self.received[*at])) {
                return Ok(self.received[self.waiting.remove(place)].clone());
            }
            self.receive(what).await?;
        }
    }

    /// Takes the next message; the close code if there is none.
    async fn receive(&mut self, what: &str) -> Result<(), Option<u16>> {
        let Ok(message) = timeout(PATIENCE, self.next_frame()).await else {
            panic!("waited in vain for {what}; {}", self.told());
        };
        match message {
            Some(Ok(Message::Text(text))) => self.take(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
            Some(Ok(other)) => panic!("the hub sent {other:?}"),
            Some(Err(_)) | None => return Err(None),
        }
        Ok(())
    }

    /// The next frame that says something: pings do not prolong a wait.
    async fn next_frame(&mut self) -> Option<Result<Message, Error>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                frame => return frame,
            }
        }
    }

    fn take(&mut self, message: Value) {
        self.follow(&message);
        self.waiting.push(self.received.len());
        self.received.push(message);
    }

    /// Keeps the place in each log, and checks that nothing is missing and nothing comes twice.
    fn follow(&mut self, message: &Value) {
        let Some(project) = message["project"].as_str() else { return };
        let kind = message["type"].as_str().unwrap_or_default();
        let followed = self.followed.entry(project.to_owned()).or_default();
        match kind {
            "joined" | "reset" if message["recovered"] != true => {
                followed.epoch = message["epoch"].as_str().unwrap().to_owned();
                followed.seq = message["seq"].as_u64().unwrap();
            }
            "joined" | "events" => {
                for event in message["events"].as_array().unwrap() {
                    assert_eq!(event["seq"], followed.seq + 1, "an event out of its place: {event}");
                    followed.seq += 1;
                    followed.events.push(event.clone());
                }
            }
            _ => {}
        }
    }

    fn told(&self) -> String {
        let last: Vec<_> = self.received.iter().rev().take(20).rev().map(Value::to_string).collect();
        format!("received {} messages, the last of them:\n{}", self.received.len(), last.join("\n"))
    }
}
