//! Clients that a row moves by hand, step by step: they come and go in ways in which no client of the crew would.
//!
//! Promises: what they send and are shown is written down for the judge as the crew's is.
//! Must never: come back by themselves.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use histcheck::digest::digest_of_event;
use histcheck::fold::Blocks;
use histcheck::history::{Given, Record, Seen, Since};
use histcheck::id::Id;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use super::crew::Crew;
use super::room::id_of;
use crate::LoadError;

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stranger's connection.
pub struct Stranger {
    number: u32,
    user: String,
    crew: Arc<Crew>,
    socket: WebSocketStream<TcpStream>,
    /// A `joined` or `reset` that goes on, and what its `join` said.
    loading: Option<Value>,
    asked: Option<Since>,
    /// Where it joins.
    project: Id,
    /// Messages that are none of the judge's, for whoever moves this.
    other: VecDeque<Value>,
}

/// What `joined` brought.
#[derive(Clone, Copy, Debug)]
pub enum Brought {
    /// Just the events since.
    Events,
    /// All blocks.
    Blocks,
}

impl Stranger {
    /// Opens a socket to a hub and says nothing yet. `number` must be nobody's who is there at the same time.
    pub async fn open(crew: &Arc<Crew>, number: u32, address: &str) -> Result<Self, LoadError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async(format!("ws://{address}/ws"), stream).await?;
        let (crew, user) = (crew.clone(), format!("stranger-{number}"));
        Ok(Self {
            number,
            user,
            crew,
            socket,
            loading: None,
            asked: None,
            project: Id::default(),
            other: VecDeque::new(),
        })
    }

    /// Says hello; the connection's name.
    pub async fn enter(&mut self) -> Result<String, LoadError> {
        self.hello().await?;
        let welcome = self.wait_for("welcome").await?;
        Ok(welcome["connection"].as_str().unwrap_or_default().to_owned())
    }

    /// Says hello and waits for nothing.
    pub async fn hello(&mut self) -> Result<(), LoadError> {
        let user = json!({"id": self.user});
        self.say(json!({"type": "hello", "id": "hello", "user": user})).await
    }

    /// Asks to join and waits for nothing.
    pub async fn ask(&mut self, project: Id, since: Option<Since>) -> Result<(), LoadError> {
        self.asked.clone_from(&since);
        self.project = project;
        let since = since.map(|since| json!({"epoch": since.epoch, "seq": since.seq}));
        self.say(json!({"type": "join", "id": "join", "project": project, "since": since})).await
    }

    /// Joins; none if the hub is busy.
    pub async fn join(&mut self, project: Id, since: Option<Since>) -> Result<Option<Brought>, LoadError> {
        self.ask(project, since).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let message = timeout_at(until, self.hear()).await.map_err(|_| late("joined"))??;
            match message["type"].as_str() {
                Some("error") if message["code"] == "busy" => return Ok(None),
                Some("error") => return Err(LoadError::Wrong(message.to_string())),
                _ => {}
            }
            if let Some(brought) = self.take(message) {
                return Ok(Some(brought));
            }
        }
    }

    /// Sends an edit that inserts a block, and waits for nothing.
    pub async fn insert(&mut self, project: Id, block: Uuid) -> Result<(), LoadError> {
        let edit = self.sent(project);
        self.say(insertion(project, edit, block)).await
    }

    /// Half of a message that would insert a block.
    pub async fn half(&mut self, project: Id, block: Uuid) -> Result<(), LoadError> {
        let text = insertion(project, Id(block.as_u128()), block).to_string();
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
        // A masked text frame with a mask of zeros.
        let head = [0x81, 0xfe, length[0], length[1], 0, 0, 0, 0];
        let whole = [&head, text.as_bytes()].concat();
        Ok(self.socket.get_mut().write_all(&whole[..whole.len() / 2]).await?)
    }

    /// Writes down that an edit is sent, by whatever way; its name.
    pub fn sent(&self, project: Id) -> Id {
        let edit = Id(Uuid::new_v4().as_u128());
        self.crew.write_sent(self.number, project, edit, &self.user);
        edit
    }

    /// Hears whatever comes, for this long; false if the connection is gone.
    pub async fn listen(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match timeout_at(until, self.hear()).await {
                Ok(Ok(message)) => drop(self.take(message)),
                Ok(Err(_)) => return false,
                Err(_) => return true,
            }
        }
    }

    /// What has been heard that is neither events nor blocks.
    pub fn others(&mut self) -> impl Iterator<Item = Value> {
        self.other.drain(..)
    }

    /// As whom it acts.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The port on this side.
    pub fn port(&mut self) -> Result<u16, LoadError> {
        Ok(self.socket.get_mut().local_addr()?.port())
    }

    async fn say(&mut self, message: Value) -> Result<(), LoadError> {
        let sent = timeout(PATIENCE, self.socket.send(Message::text(message.to_string()))).await;
        Ok(sent.map_err(|_| late("room to send"))??)
    }

    async fn hear(&mut self) -> Result<Value, LoadError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).map_err(|_| LoadError::Wrong(text.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(LoadError::Wrong("the connection ended".into())),
            }
        }
    }

    async fn wait_for(&mut self, kind: &'static str) -> Result<Value, LoadError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let message = timeout_at(until, self.hear()).await.map_err(|_| late(kind))??;
            if message["type"] == kind {
                return Ok(message);
            }
        }
    }

    /// Writes down what the judge must know; what it was brought, if it has just joined.
    fn take(&mut self, mut message: Value) -> Option<Brought> {
        let (client, project) = (self.number, id_of(&message["project"]));
        match message["type"].as_str() {
            Some("joined" | "reset") if message["more"] == true && message["recovered"] != true => {
                self.loading = Some(message);
            }
            Some("joined" | "reset") => return self.begun(&message),
            Some("snapshot") => {
                let begun = self.loading.as_mut()?;
                begun["blocks"].as_array_mut()?.append(message["blocks"].as_array_mut()?);
                if message["last"] == true {
                    let begun = self.loading.take()?;
                    return self.begun(&begun);
                }
            }
            Some("events") => {
                let epoch = text(&message["epoch"]);
                let events = seen(&message["events"]);
                self.crew.history.write(&Record::Shown { client, project, epoch, events });
            }
            Some("left") => self.crew.history.write(&Record::Left { client, project }),
            Some("ack") => drop(self.crew.write_acked(client, &message)),
            Some("conflict") => {
                let edit = id_of(&message["editId"]);
                self.crew.history.write(&Record::Conflicted { client, project, edit });
            }
            Some("error") => {
                let (project, edit, code) = (self.project, id_of(&message["id"]), text(&message["code"]));
                self.crew.history.write(&Record::Refused { client, project, edit, code });
            }
            _ => self.other.push_back(message),
        }
        None
    }

    fn begun(&mut self, message: &Value) -> Option<Brought> {
        let (client, project) = (self.number, id_of(&message["project"]));
        let (epoch, seq) = (text(&message["epoch"]), message["seq"].as_u64().unwrap_or_default());
        let blocks = message["blocks"].as_array().map_or(&[][..], Vec::as_slice);
        // What are no blocks have a digest that the judge will name.
        let blocks = || Blocks::of(blocks).map_or(u64::MAX, |blocks| blocks.digest());
        if message["type"] == "reset" {
            let reason = text(&message["reason"]);
            self.crew.history.write(&Record::Reset { client, project, epoch, seq, blocks: blocks(), reason });
            return None;
        }
        let recovered = message["recovered"] == true;
        let given = if recovered { Given::Recovered(seen(&message["events"])) } else { Given::Snapshot(blocks()) };
        let since = self.asked.take();
        self.crew.history.write(&Record::Joined { client, project, since, epoch, seq, given });
        self.other.push_back(message.clone());
        Some(if recovered { Brought::Events } else { Brought::Blocks })
    }
}

impl Drop for Stranger {
    /// It vanishes.
    fn drop(&mut self) {
        self.crew.history.write(&Record::Lost { client: self.number, at_ms: self.crew.now_ms() });
    }
}

/// The message that inserts a block, as a socket or HTTP takes it.
pub fn insertion(project: Id, edit: Id, block: Uuid) -> Value {
    let content = json!({"text": "from a stranger"});
    json!({"type": "edit", "id": edit, "project": project, "editId": edit, "ops": [
        {"op": "insert", "block": Id(block.as_u128()), "kind": "text", "parent": null, "after": null, "content": content}]})
}

fn seen(events: &Value) -> Vec<Seen> {
    let one = |event: &Value| {
        Seen(event["seq"].as_u64().unwrap_or_default(), id_of(&event["editId"]), digest_of_event(event))
    };
    events.as_array().into_iter().flatten().map(one).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn late(what: &str) -> LoadError {
    LoadError::Wrong(format!("no {what} came in time"))
}
