//! One user's connection to a room's hub, over WebSocket or Socket.IO: requests one at a time, pushes as they come.
//!
//! Promises: a task of its own reads whatever comes, so that pings are answered and nothing piles up while its user is
//! busy elsewhere; every byte is looked through for marks; a reply must carry the `id` of the one request under way.
//! Must never: come back by itself after an end.

pub mod socketio;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use self::socketio::Packet;
use crate::LoadError;
use crate::marks::{Marks, Sight};
use crate::socket::{Form, Socket, scan};
use crate::way::Way;

/// For a reply: longer than a hub may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// Where a hub takes WebSockets.
const PATH: &str = "/ws";

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// One message a text frame.
    WebSocket,
    /// One event a message.
    SocketIo,
}

impl Tongue {
    /// Both.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::SocketIo];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::SocketIo => "Socket.IO",
        }
    }
}

/// Who listens.
#[derive(Clone)]
pub struct Ear {
    /// What is looked for.
    pub marks: Arc<Marks>,
    /// The user's number.
    pub user: u32,
    /// Where what is no reply goes; if nowhere, it is looked through and dropped.
    pub pushes: Option<UnboundedSender<Push>>,
}

/// Something that came unasked.
#[derive(Debug)]
pub struct Push {
    /// When.
    pub at: Instant,
    /// What.
    pub message: Value,
}

/// A connection that has said hello.
pub struct Line {
    tongue: Tongue,
    /// What the hub said to the hello.
    pub welcome: Value,
    says: UnboundedSender<String>,
    replies: UnboundedReceiver<Result<Value, LoadError>>,
    last: u64,
    task: JoinHandle<()>,
}

/// What is said first.
pub fn hello(token: &str) -> Value {
    json!({"type": "hello", "id": "0", "token": token})
}

impl Line {
    /// Connects and says hello; an error in answer to that is an error.
    pub async fn open(way: &Way, tongue: Tongue, hello: &Value, ear: Ear) -> Result<Self, LoadError> {
        let path = match tongue {
            Tongue::WebSocket => PATH,
            Tongue::SocketIo => socketio::PATH,
        };
        let socket = Socket::connect_by(way, path, Form::Plain).await?;
        let ((says, said), (reply, replies)) = (unbounded_channel(), unbounded_channel());
        let mut wire = Wire { socket, tongue, ear, hello: hello.to_string(), reply };
        if tongue == Tongue::WebSocket {
            wire.socket.send_text(wire.hello.as_bytes()).await?;
        }
        let task = tokio::spawn(async move {
            if let Err(error) = wire.run(said).await {
                // Nobody may be waiting any more.
                let _ = wire.reply.send(Err(error));
            }
        });
        let mut line = Self { tongue, welcome: Value::Null, says, replies, last: 0, task };
        line.welcome = line.reply("welcome").await?;
        match line.welcome["type"] == "welcome" {
            true => Ok(line),
            false => Err(LoadError::Wrong(line.welcome.to_string())),
        }
    }

    /// Asks, and waits for the reply, whatever it says.
    pub async fn ask(&mut self, kind: &str, mut object: Value) -> Result<Value, LoadError> {
        self.last += 1;
        let id = self.last.to_string();
        object["id"] = json!(id);
        self.put(kind, object, Some(self.last));
        let reply = self.reply(kind).await?;
        if reply["id"] == *id { Ok(reply) } else { Err(LoadError::Wrong(format!("no reply to {kind} {id}: {reply}"))) }
    }

    /// Says something that has no reply.
    pub fn say(&self, kind: &str, object: Value) {
        self.put(kind, object, None);
    }

    fn put(&self, kind: &str, mut object: Value, number: Option<u64>) {
        let text = match (self.tongue, number) {
            (Tongue::WebSocket, _) => {
                object["type"] = json!(kind);
                object.to_string()
            }
            (Tongue::SocketIo, Some(number)) => socketio::event(number, kind, &object.to_string()),
            (Tongue::SocketIo, None) => socketio::notice(kind, &object.to_string()),
        };
        // If the connection is gone, the next reply says so.
        let _ = self.says.send(text);
    }

    async fn reply(&mut self, to: &str) -> Result<Value, LoadError> {
        let late = |_| LoadError::Wrong(format!("no reply to {to} over {}", self.tongue.name()));
        let reply = timeout(PATIENCE, self.replies.recv()).await.map_err(late)?;
        reply.unwrap_or_else(|| Err(LoadError::Closed { code: 0, reason: "it has ended before".into() }))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The half that reads and writes.
struct Wire {
    socket: Socket,
    tongue: Tongue,
    ear: Ear,
    hello: String,
    reply: UnboundedSender<Result<Value, LoadError>>,
}

impl Wire {
    /// Until the connection ends, or its user lets go of it.
    async fn run(&mut self, mut said: UnboundedReceiver<String>) -> Result<(), LoadError> {
        loop {
            let answer = tokio::select! {
                text = said.recv() => match text {
                    Some(text) => Some(text),
                    None => return Ok(()),
                },
                message = self.socket.next() => {
                    let bytes = message?.plain()?;
                    let place = self.tongue.place();
                    self.ear.marks.check(Sight { reader: self.ear.user, place }, bytes)?;
                    match self.tongue {
                        Tongue::WebSocket => take(bytes, &self.ear, &self.reply)?,
                        Tongue::SocketIo => match socketio::read(bytes)? {
                            Packet::Open => Some(socketio::connect(&self.hello)),
                            Packet::Ping => Some(socketio::PONG.to_owned()),
                            Packet::Connected => None,
                            Packet::Event(object) | Packet::Ack(_, object) => take(object, &self.ear, &self.reply)?,
                            Packet::Disconnected => {
                                return Err(LoadError::Closed { code: 0, reason: "Socket.IO: disconnected".into() });
                            }
                        },
                    }
                }
            };
            if let Some(text) = answer {
                self.socket.send_text(text.as_bytes()).await?;
            }
        }
    }
}

impl Tongue {
    fn place(self) -> &'static str {
        match self {
            Self::WebSocket => "a WebSocket message",
            Self::SocketIo => "a Socket.IO packet",
        }
    }
}

/// Hands on a message of the hub. It has no answer.
fn take(
    message: &[u8],
    ear: &Ear,
    reply: &UnboundedSender<Result<Value, LoadError>>,
) -> Result<Option<String>, LoadError> {
    let may_reply = !matches!(scan::kind(message), b"events" | b"presence" | b"signal" | b"snapshot");
    if !may_reply && ear.pushes.is_none() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(message).map_err(|error| LoadError::Wrong(error.to_string()))?;
    if may_reply && value["id"].is_string() {
        // Nobody may be waiting any more.
        let _ = reply.send(Ok(value));
    } else if let Some(pushes) = &ear.pushes {
        let _ = pushes.send(Push { at: Instant::now(), message: value });
    }
    Ok(None)
}
