//! What a client hears, and what it makes of it.
//!
//! Promises: every answer and every event is written down before anything is done about it.
//! Must never: speak; what is due is said by `client`.

use std::time::Duration;

use histcheck::history::Record;
use histcheck::id::Id;
use serde_json::Value;
use tokio::time::Instant;

use super::client::Client;
use super::crew::Ask;
use super::order::{Answer, Habit};
use super::room::{Standing, State, id_of};

/// After `internal`, which names no time.
const AFTER_INTERNAL_MS: u64 = 200;
/// Of so many acks, one counts as not seen, for those who insist.
const UNSEEN_ONE_IN: usize = 5;

impl Client {
    /// One message.
    pub(super) fn hear(&mut self, text: &str) {
        let Ok(mut message) = serde_json::from_str::<Value>(text) else {
            return self.crew.figures.error(format!("not JSON: {text}"));
        };
        let kind = message["type"].as_str().unwrap_or_default().to_owned();
        let project = id_of(&message["project"]);
        let Some(at) = self.rooms.iter().position(|room| room.project == project) else {
            return if kind == "error" {
                self.refused(&message)
            };
        };
        let (crew, room) = (self.crew.clone(), &mut self.rooms[at]);
        match kind.as_str() {
            "events" => {
                crew.note_events(&message, self.hub);
                room.events(&message, &crew.history);
            }
            "ack" => self.acked(at, &message),
            "conflict" => {
                let edit = id_of(&message["editId"]);
                crew.history.write(&Record::Conflicted { client: self.number, project, edit });
                crew.figures.note(|stretch| stretch.conflicts += 1);
                room.forget(edit);
                self.answer(edit, Answer::Conflicted);
            }
            "joined" => {
                crew.note_joined(room.copy.is_some(), &message);
                room.begins(message, &crew.history);
            }
            "reset" => {
                crew.figures.note(|stretch| stretch.resets += 1);
                room.begins(message, &crew.history);
            }
            "snapshot" => room.goes_on(&mut message, &crew.history),
            "left" => {
                crew.history.write(&Record::Left { client: self.number, project });
                room.lost();
            }
            _ => {}
        }
        if self.is_in() && self.hub == self.home && self.seat.is_none() {
            self.seat = Some(self.crew.sit());
        }
        if self.is_in()
            && let Some(lost) = self.lost.take()
        {
            self.crew.figures.note(|stretch| stretch.resume.add(lost.elapsed()));
        }
    }

    fn acked(&mut self, room: usize, message: &Value) {
        let (room, crew, at) = (&mut self.rooms[room], &self.crew, Instant::now());
        let (edit, seq) = (id_of(&message["editId"]), message["seq"].as_u64().unwrap_or_default());
        let (project, told) = (room.project, crew.write_acked(self.number, message));
        crew.sightings.acked(edit, self.hub, at);
        let insists = matches!(self.habit, Habit::Insists { .. });
        if insists && room.edit(edit).is_some_and(|edit| edit.sends == 1) && self.chance.one_in(UNSEEN_ONE_IN) {
            return room.edit(edit).into_iter().for_each(|edit| edit.state = State::Due(at));
        }
        if let Some(begun) = room.edit(edit).map(|edit| edit.begun) {
            crew.figures.note(|stretch| {
                stretch.acks += 1;
                stretch.ack.add(at - begun);
            });
            crew.acked_by(self.hub, at);
        }
        room.acked(edit, seq);
        self.answer(edit, Answer::Acked { seq, duplicate: told.duplicate });
        let crew = &self.crew;
        if self.chance.one_in(crew.ask_one_in) {
            crew.ask(Ask { project, edit, seq, hub: self.chance.below(crew.addresses.len()) });
        }
    }

    /// Tells the row that ordered the edit, if one did.
    fn answer(&mut self, edit: Id, answer: Answer) {
        if let Some(awaited) = self.awaited.remove(&edit) {
            // The row may have stopped waiting.
            let _ = awaited.send(answer);
        }
    }

    /// `error`, of an edit or of a join.
    fn refused(&mut self, message: &Value) {
        let (id, code) = (message["id"].as_str().unwrap_or_default(), message["code"].as_str().unwrap_or_default());
        let wait = message["retryAfterMs"].as_u64().unwrap_or(AFTER_INTERNAL_MS);
        let again = Instant::now() + Duration::from_millis(wait);
        match code {
            "busy" | "rate_limited" | "draining" => self.crew.figures.note(|stretch| stretch.busy += 1),
            _ => self.crew.figures.error(message.to_string()),
        }
        if let Some(project) = id.strip_prefix("join ") {
            let room = self.rooms.iter_mut().find(|room| room.project.to_string() == project);
            return room.into_iter().for_each(|room| room.standing = Standing::Out(again));
        }
        let edit = id.parse().unwrap_or_default();
        let Some(room) = self.rooms.iter_mut().find(|room| room.edits.iter().any(|known| known.id == edit)) else {
            return;
        };
        let (client, project) = (self.number, room.project);
        self.crew.history.write(&Record::Refused { client, project, edit, code: code.to_owned() });
        match code {
            "busy" | "rate_limited" | "draining" | "internal" => {
                room.edit(edit).into_iter().for_each(|edit| edit.state = State::Due(again));
            }
            "not_joined" => {
                room.edit(edit).into_iter().for_each(|edit| edit.state = State::Due(again));
                room.standing = Standing::Out(again);
            }
            _ => room.forget(edit),
        }
    }
}
