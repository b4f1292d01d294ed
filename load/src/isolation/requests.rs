//! What a user asks, one request after the other, over all three transports.
//!
//! Promises: an answer is checked to be the one to what was asked: of the right project, edit, session, user and role;
//! what is another's is asked for, too, and must not be there.
//! Must never: go on after an answer that belongs to something else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::desk::{DEADLINE, Got};
use super::person::{Person, Room};
use super::tally::{Tally, Transport};
use crate::LoadError;
use crate::line::Line;

/// Where somebody else's things are.
#[derive(Clone, Debug)]
pub struct Others {
    /// A project and a session of each user, by number.
    pub things: Arc<Vec<(String, String)>>,
    /// How many users share a project: the things of the next group are another's.
    pub group: usize,
}

/// How a request ended.
enum Outcome {
    /// Answered, after so many refusals.
    Served(u64),
    /// No answer in time.
    Late,
}

type Done = Result<Outcome, LoadError>;

/// Asks over a line, again if told so; the reply and how often one was told. None if there was none in time.
pub async fn converse(
    line: &mut Line,
    kind: &str,
    object: &Value,
    tally: &Tally,
) -> Result<Option<(Value, u64)>, LoadError> {
    let (until, mut refusals) = (Instant::now() + DEADLINE, 0);
    while Instant::now() < until {
        let reply = line.ask(kind, object.clone()).await?;
        tally.request_id(reply["requestId"].as_str(), kind)?;
        match reply["code"].as_str() {
            Some("busy" | "draining" | "rate_limited" | "internal") => {
                refusals += 1;
                tally.refused(&reply.to_string());
                sleep(Duration::from_millis(reply["retryAfterMs"].as_u64().unwrap_or(200))).await;
            }
            _ => return Ok(Some((reply, refusals))),
        }
    }
    Ok(None)
}

impl Person {
    /// So many requests, each of a kind that chance picks.
    pub async fn work(mut self, requests: usize, others: Others) -> Result<Self, LoadError> {
        for number in 0..requests {
            let begun = Instant::now();
            let transport = Transport::ALL[self.chance.below(Transport::ALL.len())];
            let outcome = match transport {
                Transport::WebSocket => self.over_line(0, &others).await?,
                Transport::SocketIo => self.over_line(1, &others).await?,
                Transport::Http => self.over_http(&others).await?,
            };
            let Outcome::Served(refusals) = outcome else {
                // What became of it is not known: they cannot go on.
                self.place.tally.unserved((requests - number) as u64);
                return Ok(self);
            };
            let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.place.tally.served(transport, micros, refusals);
        }
        Ok(self)
    }

    async fn over_line(&mut self, line: usize, others: &Others) -> Done {
        let room = self.chance.below(2);
        match self.chance.below(8) {
            0 | 1 => self.edit(line, room).await,
            2 => self.clash(line, room).await,
            3 => self.wave(line, room).await,
            4 => self.history(line, room).await,
            5 => self.join_again(line, room).await,
            6 => self.trespass(line, others).await,
            _ => self.ping(line).await,
        }
    }

    async fn over_http(&mut self, others: &Others) -> Done {
        let room = self.chance.below(2);
        match self.chance.below(16) {
            0 | 1 => self.edit_over_http(room).await,
            2 | 3 => self.read_blocks(room).await,
            4 => self.read_project(room).await,
            5 => self.read_projects().await,
            6 => self.read_events(room).await,
            7 => self.find_edit(room).await,
            8 => self.read_members(room).await,
            9 => self.rename().await,
            10 => self.write_session().await,
            11 | 12 => self.read_session().await,
            13 => self.read_theme().await,
            14 => self.clash_over_http(room).await,
            _ => self.trespass_over_http(others).await,
        }
    }

    /// A new edit of one's block, which will have the next version, and its mark.
    fn next_edit(&mut self, room: usize) -> (Value, String) {
        let (number, edit) = (self.number, self.chance.uuid().to_string());
        let Room { project, readers, block, version, .. } = &self.rooms[room];
        let mark = self.place.marks.make(number, "a block", readers);
        let op = json!({"op": "update", "block": block, "baseVersion": version, "patch": {"text": mark}});
        (json!({"project": project, "editId": edit, "ops": [op]}), mark)
    }

    fn take_ack(&mut self, room: usize, edit: &Value, mark: String, ack: &Value) -> Result<(), LoadError> {
        let room = &mut self.rooms[room];
        let own = ack["editId"] == edit["editId"] && ack["project"] == *room.project;
        let seq = ack["seq"].as_u64().filter(|seq| *seq > room.seq);
        match seq {
            Some(seq) if own && ack["versions"][&room.block] == room.version + 1 => {
                (room.version, room.seq, room.mark) = (room.version + 1, seq, mark);
                room.edit = edit["editId"].as_str().unwrap_or_default().to_owned();
                Ok(())
            }
            _ => Err(mixed(ack)),
        }
    }

    async fn say(&mut self, line: usize, kind: &str, object: &Value) -> Result<Option<(Value, u64)>, LoadError> {
        converse(&mut self.lines[line], kind, object, &self.place.tally).await
    }

    async fn edit(&mut self, line: usize, room: usize) -> Done {
        let (edit, mark) = self.next_edit(room);
        let Some((ack, refusals)) = self.say(line, "edit", &edit).await? else { return Ok(Outcome::Late) };
        self.take_ack(room, &edit, mark, &ack)?;
        Ok(Outcome::Served(refusals))
    }

    async fn edit_over_http(&mut self, room: usize) -> Done {
        let (edit, mark) = self.next_edit(room);
        let path = format!("/api/projects/{}/edits", self.rooms[room].project);
        let Some(got) = self.desk.call("POST", &path, &edit).await? else { return Ok(Outcome::Late) };
        self.take_ack(room, &edit, mark, &got.body)?;
        Ok(Outcome::Served(got.refusals))
    }

    /// An edit on a version that has passed: the answer is a conflict, which shows what is there.
    fn next_clash(&mut self, room: usize) -> Value {
        let edit = self.chance.uuid().to_string();
        let Room { project, board, readers, .. } = &self.rooms[room];
        let mark = self.place.marks.make(self.number, "an edit that clashed", readers);
        let op = json!({"op": "update", "block": board, "baseVersion": 1, "patch": {"text": mark}});
        json!({"project": project, "editId": edit, "onConflict": "reject", "ops": [op]})
    }

    async fn clash(&mut self, line: usize, room: usize) -> Done {
        let edit = self.next_clash(room);
        let said = self.say(line, "edit", &edit).await?;
        judged(said, |reply| {
            let shown = &reply["conflicts"][0]["current"]["id"];
            reply["type"] == "conflict" && reply["editId"] == edit["editId"] && *shown == edit["ops"][0]["block"]
        })
    }

    async fn clash_over_http(&mut self, room: usize) -> Done {
        let edit = self.next_clash(room);
        let path = format!("/api/projects/{}/edits", self.rooms[room].project);
        let got = self.desk.call("POST", &path, &edit).await?;
        judged_call(got, 409, |body| body["editId"] == edit["editId"])
    }

    /// Presence and a signal, which nobody answers; and a ping, which somebody does.
    async fn wave(&mut self, line: usize, room: usize) -> Done {
        let Room { project, readers, .. } = &self.rooms[room];
        let mark = |what| self.place.marks.make(self.number, what, readers);
        let (state, event, data) = (mark("presence"), mark("a signal"), mark("a signal"));
        self.lines[line].say("presence", json!({"project": project, "state": {"at": state}}));
        self.lines[line].say("signal", json!({"project": project, "event": event, "data": {"wave": data}}));
        self.ping(line).await
    }

    async fn ping(&mut self, line: usize) -> Done {
        let said = self.say(line, "ping", &json!({})).await?;
        judged(said, |reply| reply["type"] == "pong")
    }

    async fn history(&mut self, line: usize, room: usize) -> Done {
        let project = self.rooms[room].project.clone();
        let said = self.say(line, "history", &json!({"project": project, "limit": 3})).await?;
        judged(said, |reply| reply["type"] == "history" && reply["project"] == *project)
    }

    async fn join_again(&mut self, line: usize, room: usize) -> Done {
        let project = self.rooms[room].project.clone();
        let said = self.say(line, "join", &json!({"project": project})).await?;
        judged(said, |reply| reply["type"] == "joined" && reply["project"] == *project)
    }

    /// Somebody else's things: they are not to be seen.
    fn strange(&mut self, others: &Others) -> (String, String) {
        let (count, own) = (others.things.len(), self.number as usize);
        let step = others.group + self.chance.below(count.saturating_sub(2 * others.group).max(1));
        // With one group only, there is nobody else: what nobody has is as strange.
        let strange = others.things.get((own + step) % count).filter(|_| count >= 2 * others.group);
        strange.cloned().unwrap_or_else(|| (self.chance.uuid().to_string(), self.chance.uuid().to_string()))
    }

    async fn trespass(&mut self, line: usize, others: &Others) -> Done {
        let (project, _) = self.strange(others);
        let (kind, object) = match self.chance.below(2) {
            0 => ("join", json!({"project": project})),
            _ => ("history", json!({"project": project, "limit": 3})),
        };
        let said = self.say(line, kind, &object).await?;
        judged(said, |reply| matches!(reply["code"].as_str(), Some("not_found" | "not_joined")))
    }

    async fn trespass_over_http(&mut self, others: &Others) -> Done {
        let (project, session) = self.strange(others);
        let path = match self.chance.below(4) {
            0 => format!("/api/projects/{project}"),
            1 => format!("/api/projects/{project}/blocks"),
            2 => format!("/api/projects/{project}/events"),
            _ => format!("/api/sessions/{session}"),
        };
        let got = self.desk.call("GET", &path, &Value::Null).await?;
        judged_call(got, 404, |_| true)
    }

    async fn read(&mut self, path: &str) -> Result<Option<Got>, LoadError> {
        self.desk.call("GET", path, &Value::Null).await
    }

    /// Half of the time not older than what one was acked, and then it must be just that.
    async fn read_blocks(&mut self, room: usize) -> Done {
        let is_new = self.chance.one_in(2);
        let Room { project, block, mark, seq, .. } = self.rooms[room].clone();
        let query = if is_new { format!("?minSeq={seq}") } else { String::new() };
        let got = self.read(&format!("/api/projects/{project}/blocks{query}")).await?;
        judged_call(got, 200, |body| {
            let blocks = body["blocks"].as_array().map_or(&[][..], Vec::as_slice);
            let own = blocks.iter().find(|found| found["id"] == *block);
            body["project"] == *project && (!is_new || own.is_some_and(|own| own["content"]["text"] == *mark))
        })
    }

    async fn read_project(&mut self, room: usize) -> Done {
        let Room { project, role, .. } = self.rooms[room].clone();
        let got = self.read(&format!("/api/projects/{project}")).await?;
        judged_call(got, 200, |body| body["id"] == *project && body["role"] == role)
    }

    async fn read_projects(&mut self) -> Done {
        let mut own: Vec<_> = self.rooms.iter().map(|room| json!(room.project)).collect();
        let got = self.read("/api/projects").await?;
        own.sort_by_key(Value::to_string);
        judged_call(got, 200, |body| {
            let projects = body["projects"].as_array().map_or(&[][..], Vec::as_slice);
            let mut found: Vec<_> = projects.iter().map(|project| project["id"].clone()).collect();
            found.sort_by_key(Value::to_string);
            found == own
        })
    }

    async fn read_events(&mut self, room: usize) -> Done {
        let before = self.rooms[room].seq + 1;
        let got =
            self.read(&format!("/api/projects/{}/events?before={before}&limit=2", self.rooms[room].project)).await?;
        let edit = &self.rooms[room].edit;
        judged_call(got, 200, |body| body["events"][0]["editId"] == **edit)
    }

    async fn find_edit(&mut self, room: usize) -> Done {
        let Room { project, edit, seq, .. } = self.rooms[room].clone();
        let got = self.read(&format!("/api/projects/{project}/edits/{edit}")).await?;
        let actor = json!(self.name);
        judged_call(got, 200, |body| body["editId"] == *edit && body["seq"] == seq && body["actor"]["id"] == actor)
    }

    async fn read_members(&mut self, room: usize) -> Done {
        let Room { project, readers, .. } = self.rooms[room].clone();
        let got = self.read(&format!("/api/projects/{project}/members")).await?;
        judged_call(got, 200, |body| body["members"].as_array().is_some_and(|all| all.len() == readers.len()))
    }

    async fn rename(&mut self) -> Done {
        let project = self.rooms[0].project.clone();
        let title = self.place.marks.make(self.number, "a title", &self.alone);
        let got = self.desk.call("PATCH", &format!("/api/projects/{project}"), &json!({"title": title})).await?;
        judged_call(got, 200, |body| body["id"] == *project && body["title"] == *title)
    }

    async fn write_session(&mut self) -> Done {
        let kept = self.place.marks.make(self.number, "a session", &self.alone);
        let path = format!("/api/sessions/{}", self.session);
        let got = self.desk.call("PATCH", &path, &json!({"metadata": {"kept": kept}})).await?;
        let (session, name) = (self.session.clone(), self.name.clone());
        self.kept.clone_from(&kept);
        judged_call(got, 200, |body| {
            body["id"] == *session && body["user"] == *name && body["metadata"]["kept"] == *kept
        })
    }

    async fn read_session(&mut self) -> Done {
        let got = self.read(&format!("/api/sessions/{}", self.session)).await?;
        if got.as_ref().is_some_and(|got| got.body["metadata"]["kept"] != *self.kept) {
            self.place.tally.stale();
        }
        judged_call(got, 200, |body| body["id"] == *self.session && body["user"] == *self.name)
    }

    async fn read_theme(&mut self) -> Done {
        let got = self.read(&format!("/api/themes/{}", self.theme)).await?;
        judged_call(got, 200, |body| body["id"] == *self.theme && body["owner"] == *self.name)
    }

    /// Waits until all that was sent before has come, and been looked through.
    pub async fn hear_out(&mut self) -> Result<(), LoadError> {
        for line in [0, 1] {
            self.ping(line).await?;
        }
        Ok(())
    }
}

fn judged(said: Option<(Value, u64)>, is_own: impl Fn(&Value) -> bool) -> Done {
    match said {
        None => Ok(Outcome::Late),
        Some((reply, refusals)) if is_own(&reply) => Ok(Outcome::Served(refusals)),
        Some((reply, _)) => Err(mixed(&reply)),
    }
}

fn judged_call(got: Option<Got>, status: u16, is_own: impl Fn(&Value) -> bool) -> Done {
    match got {
        None => Ok(Outcome::Late),
        Some(got) if got.status == status && is_own(&got.body) => Ok(Outcome::Served(got.refusals)),
        Some(got) => Err(mixed(&json!({"status": got.status, "body": got.body}))),
    }
}

fn mixed(answer: &Value) -> LoadError {
    LoadError::Wrong(format!("this is not the answer to what was asked: {answer}"))
}
