//! A user, what is theirs, and how they come to it.
//!
//! Promises: whatever a user writes holds a mark: titles, blocks, sessions, themes, presence, signals, their own name;
//! the marks of a project are for its members, the others for the user alone.
//! Must never: tell anybody a mark; what others see, the hub has shown them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::Desk;
use super::tally::Tally;
use crate::LoadError;
use crate::chance::Chance;
use crate::line::{Ear, Line, Tongue, hello};
use crate::marks::{Marks, Readers};
use crate::token::{LONG, Signer};
use crate::way::Way;

/// Where everybody connects, and what all share.
#[derive(Clone)]
pub struct Place {
    /// Where sockets go.
    pub sockets: String,
    /// Where calls go.
    pub calls: String,
    /// Signs tokens.
    pub signer: Arc<Signer>,
    /// All marks.
    pub marks: Arc<Marks>,
    /// All counts.
    pub tally: Arc<Tally>,
}

/// A project, as one of its members knows it.
#[derive(Clone)]
pub struct Room {
    /// Its id.
    pub project: String,
    /// Who may see its marks.
    pub readers: Readers,
    /// A block that has changed since its first version.
    pub board: String,
    /// The block that this member alone changes, its version, and the seq at which it had it.
    pub block: String,
    /// Of the block.
    pub version: u64,
    /// Of the last edit that was acked.
    pub seq: u64,
    /// The block's mark.
    pub mark: String,
    /// This member's.
    pub role: &'static str,
    /// The last edit that was acked.
    pub edit: String,
}

/// A user.
pub struct Person {
    /// Their number, and their id.
    pub number: u32,
    /// `person-NUMBER`.
    pub name: String,
    /// Their own project, and the one that they share.
    pub rooms: [Room; 2],
    /// Their session.
    pub session: String,
    /// What stands in it.
    pub kept: String,
    /// Their theme.
    pub theme: String,
    /// Over WebSocket and over Socket.IO.
    pub lines: [Line; 2],
    /// Over HTTP.
    pub desk: Desk,
    /// What they do next.
    pub chance: Chance,
    /// Who may see what is theirs alone.
    pub alone: Readers,
    /// What all share.
    pub place: Place,
}

/// A user who has no lines yet.
pub struct Newcomer {
    number: u32,
    name: String,
    token: String,
    desk: Desk,
    chance: Chance,
    alone: Readers,
    place: Place,
}

impl Newcomer {
    /// Somebody with a token. `group`: who may see their name.
    pub fn new(place: &Place, number: u32, group: &Readers, chance: Chance) -> Result<Self, LoadError> {
        let name = format!("person-{number}");
        let token = place.signer.user(&name, &place.marks.make(number, "their name", group), LONG)?;
        let way = Way::of_user(&place.calls, number);
        let desk = Desk::new(way, &token, number, place.marks.clone(), place.tally.clone());
        Ok(Self { number, name, token, desk, chance, alone: [number].into(), place: place.clone() })
    }

    /// Makes a project for these readers: the other members are let in.
    pub async fn found(&mut self, readers: &Readers) -> Result<Room, LoadError> {
        let [board, block] = [(); 2].map(|()| self.chance.uuid().to_string());
        let mark = |what| self.place.marks.make(self.number, what, readers);
        let (title, old, new, own) = (mark("a title"), mark("a board"), mark("a board"), mark("a block"));
        let blocks = json!([
            {"id": board, "kind": "text", "content": {"text": old}},
            {"id": block, "kind": "text", "content": {"text": own}},
        ]);
        let body = json!({"title": title, "access": "none", "blocks": blocks});
        let project = text(&self.desk.must("POST", "/api/projects", &body).await?, "/id")?;
        let edit = self.chance.uuid().to_string();
        let ops = json!([{"op": "update", "block": board, "baseVersion": 1, "patch": {"text": new}}]);
        let path = format!("/api/projects/{project}/edits");
        let ack = self.desk.must("POST", &path, &json!({"editId": edit, "ops": ops})).await?;
        for member in readers.iter().filter(|member| **member != self.number) {
            let path = format!("/api/projects/{project}/members/person-{member}");
            self.desk.must("PUT", &path, &json!({"role": "editor"})).await?;
        }
        let (readers, seq) = (readers.clone(), ack["seq"].as_u64().unwrap_or(0));
        Ok(Room { project, readers, board, block, version: 1, seq, mark: own, role: "owner", edit })
    }

    /// Makes a block of one's own in somebody else's project.
    pub async fn enter(&mut self, room: &Room) -> Result<Room, LoadError> {
        let [block, edit] = [(); 2].map(|()| self.chance.uuid().to_string());
        let mark = self.place.marks.make(self.number, "a block", &room.readers);
        let op = json!({"op": "insert", "block": block, "kind": "text", "parent": null, "after": null,
            "content": {"text": mark}});
        let path = format!("/api/projects/{}/edits", room.project);
        let ack = self.desk.must("POST", &path, &json!({"editId": edit, "ops": [op]})).await?;
        let seq = ack["seq"].as_u64().unwrap_or(0);
        Ok(Room { block, version: 1, seq, mark, role: "editor", edit, ..room.clone() })
    }

    /// Begins a session, writes a theme, connects both lines, and joins both projects with them.
    pub async fn settle(mut self, rooms: [Room; 2]) -> Result<Person, LoadError> {
        let kept = self.place.marks.make(self.number, "a session", &self.alone);
        let made = self.desk.must("POST", "/api/sessions", &json!({"metadata": {"kept": kept}})).await?;
        let (session, theme) = (text(&made, "/id")?, format!("theme-{}", self.number));
        let fonts = json!({"fonts": {self.place.marks.make(self.number, "a theme", &self.alone): "serif"}});
        self.desk.must("PUT", &format!("/api/themes/{theme}"), &fonts).await?;
        let lines = [self.line(Tongue::WebSocket, &rooms).await?, self.line(Tongue::SocketIo, &rooms).await?];
        let Self { number, name, desk, chance, alone, place, .. } = self;
        Ok(Person { number, name, rooms, session, kept, theme, lines, desk, chance, alone, place })
    }

    async fn line(&self, tongue: Tongue, rooms: &[Room; 2]) -> Result<Line, LoadError> {
        let ear = Ear { marks: self.place.marks.clone(), user: self.number, pushes: None };
        let way = Way::of_user(&self.place.sockets, self.number);
        let mut line = Line::open(&way, tongue, &hello(&self.token), ear).await?;
        for room in rooms {
            let state = json!({"at": self.place.marks.make(self.number, "presence", &room.readers)});
            let joined = line.ask("join", json!({"project": room.project, "presence": state})).await?;
            if joined["type"] != "joined" {
                return Err(LoadError::Wrong(joined.to_string()));
            }
        }
        Ok(line)
    }
}

/// A text in an answer, which must be there.
pub fn text(value: &Value, pointer: &str) -> Result<String, LoadError> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| LoadError::Wrong(value.to_string()))
}
