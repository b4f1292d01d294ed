//! Hints as bytes, for a bus between processes.
//!
//! Promises: what is read equals what was written; bytes that are no hint of this version are `None`, never a panic and
//! never a large allocation. Numbers are big-endian; texts and bytes stand behind their length (four bytes).
//! Must never: know where the bytes go. A change of the form is a new `VERSION`: hubs of two versions then pass over
//! each other's hints, and compare heads.

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Carried, Hint, Moved, News};
use crate::domain::event::{Actor, ActorKind};
use crate::domain::ids::{ConnectionId, HubRun, ProjectId, UserId};
use crate::domain::presence::{Basis, Present, Told, Update};
use crate::domain::sequence::{Epoch, Seq};
use crate::protocol::frame::Frame;

const VERSION: u8 = 1;

/// Which news follow.
const MOVED: u8 = 0;
const MOVED_CARRYING: u8 = 1;
const CHANGED: u8 = 2;
const ASIDE: u8 = 3;
const PRESENCE: u8 = 4;
const WHO_IS_HERE: u8 = 5;
const FORGET: u8 = 6;

/// Writes a hint.
pub fn write(hint: &Hint) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + weight(&hint.news));
    out.push(VERSION);
    out.extend_from_slice(hint.from.0.as_bytes());
    out.extend_from_slice(hint.project.0.as_bytes());
    match &hint.news {
        News::Moved(moved) => write_moved(&mut out, moved),
        News::Changed => out.push(CHANGED),
        News::Aside { frame, from } => {
            out.push(ASIDE);
            out.extend_from_slice(from.0.as_bytes());
            write_frame(&mut out, frame);
        }
        News::Presence(told) => write_told(&mut out, told),
        News::WhoIsHere => out.push(WHO_IS_HERE),
        News::Forget(what) => {
            out.push(FORGET);
            write_bytes(&mut out, what.as_bytes());
        }
    }
    out
}

/// About how many bytes the news come to; what is small does not count.
pub fn weight(news: &News) -> usize {
    match news {
        News::Moved(moved) => moved.weight(),
        News::Aside { frame, .. } => frame.len(),
        News::Presence(told) => told.updates.iter().map(update_weight).sum(),
        News::Changed | News::WhoIsHere | News::Forget(_) => 0,
    }
}

fn update_weight(update: &Update) -> usize {
    match update {
        Update::Here(_, present) => 128 + present.state.as_ref().map_or(0, |state| state.get().len()),
        Update::Left(_) => 32,
    }
}

/// Who wrote the bytes, if they are a hint of this version: the rest need not be read of one's own.
pub fn writer(bytes: &[u8]) -> Option<HubRun> {
    let mut reader = Reader { rest: bytes };
    (reader.byte()? == VERSION).then_some(())?;
    Some(HubRun(reader.uuid()?))
}

/// Reads a hint.
pub fn read(bytes: &[u8]) -> Option<Hint> {
    let mut reader = Reader { rest: bytes };
    (reader.byte()? == VERSION).then_some(())?;
    let (from, project) = (HubRun(reader.uuid()?), ProjectId(reader.uuid()?));
    let news = match reader.byte()? {
        MOVED => News::Moved(reader.moved()?),
        MOVED_CARRYING => {
            let moved = reader.moved()?;
            let carried = Carried { frame: reader.frame()?, events: reader.bytes()?.into() };
            News::Moved(Moved { carried: Some(carried), ..moved })
        }
        CHANGED => News::Changed,
        ASIDE => News::Aside { from: ConnectionId(reader.uuid()?), frame: reader.frame()? },
        PRESENCE => News::Presence(reader.told()?),
        WHO_IS_HERE => News::WhoIsHere,
        FORGET => News::Forget(reader.text()?.into()),
        _ => return None,
    };
    reader.rest.is_empty().then_some(Hint { from, project, news })
}

fn write_moved(out: &mut Vec<u8>, moved: &Moved) {
    out.push(if moved.carried.is_some() { MOVED_CARRYING } else { MOVED });
    out.extend_from_slice(&moved.epoch.log.to_be_bytes());
    out.extend_from_slice(&moved.epoch.timeline.to_be_bytes());
    out.extend_from_slice(&moved.first.0.to_be_bytes());
    out.extend_from_slice(&moved.last.0.to_be_bytes());
    if let Some(carried) = &moved.carried {
        write_frame(out, &carried.frame);
        write_bytes(out, &carried.events);
    }
}

/// The plain form, and the deflated one if it was made.
fn write_frame(out: &mut Vec<u8>, frame: &Frame) {
    write_bytes(out, &frame.json());
    write_bytes(out, &frame.deflated_if_made().unwrap_or_default());
}

fn write_told(out: &mut Vec<u8>, told: &Told) {
    out.push(PRESENCE);
    match told.basis {
        Basis::Whole => out.push(0),
        Basis::Revision(revision) => {
            out.push(1);
            out.extend_from_slice(&revision.to_be_bytes());
        }
    }
    out.extend_from_slice(&told.revision.to_be_bytes());
    for update in &told.updates {
        write_update(out, update);
    }
}

fn write_update(out: &mut Vec<u8>, update: &Update) {
    out.extend_from_slice(update.connection().0.as_bytes());
    match update {
        Update::Left(_) => out.push(0),
        Update::Here(_, present) => {
            out.push(1);
            write_bytes(out, present.actor.id.as_str().as_bytes());
            out.push(if present.actor.kind == ActorKind::Agent { 1 } else { 0 });
            write_optional(out, present.actor.name.as_deref());
            write_optional(out, present.state.as_deref().map(RawValue::get));
        }
    }
}

fn write_optional(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        write_bytes(out, text.as_bytes());
    }
}

/// What is longer than a length can say (4 GiB) is written as nothing: such a hint cannot be read, and is lost.
fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let Ok(len) = u32::try_from(bytes.len()) else { return };
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_be_bytes)
    }

    fn uuid(&mut self) -> Option<Uuid> {
        Uuid::from_slice(self.take(16)?).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        self.take(len)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn optional(&mut self) -> Option<Option<&'a str>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(self.text()?)),
            _ => None,
        }
    }

    fn frame(&mut self) -> Option<Arc<Frame>> {
        let (json, deflated) = (self.bytes()?, self.bytes()?);
        Some(Frame::received(json.to_vec(), (!deflated.is_empty()).then_some(deflated)))
    }

    fn moved(&mut self) -> Option<Moved> {
        let epoch = Epoch { log: self.u64()?, timeline: self.u32()? };
        Some(Moved { epoch, first: Seq(self.u64()?), last: Seq(self.u64()?), carried: None })
    }

    fn told(&mut self) -> Option<Told> {
        let basis = match self.byte()? {
            0 => Basis::Whole,
            1 => Basis::Revision(self.u64()?),
            _ => return None,
        };
        let revision = self.u64()?;
        let mut updates = Vec::new();
        while !self.rest.is_empty() {
            updates.push(self.update()?);
        }
        Some(Told { basis, revision, updates })
    }

    fn update(&mut self) -> Option<Update> {
        let connection = ConnectionId(self.uuid()?);
        match self.byte()? {
            0 => Some(Update::Left(connection)),
            1 => Some(Update::Here(connection, self.present()?)),
            _ => None,
        }
    }

    fn present(&mut self) -> Option<Present> {
        let id = UserId::from(self.text()?);
        let kind = match self.byte()? {
            0 => ActorKind::Human,
            1 => ActorKind::Agent,
            _ => return None,
        };
        let name = self.optional()?.map(Arc::from);
        let state = match self.optional()? {
            Some(json) => Some(Arc::from(RawValue::from_string(json.to_owned()).ok()?)),
            None => None,
        };
        Some(Present { actor: Arc::new(Actor { id, name, kind }), state })
    }
}
