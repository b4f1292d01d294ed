//! Somebody who edits: blocks of their own, one unanswered edit on each ([ED13]).
//!
//! Promises: every ack is checked to be of this author's edit: its id, its editId, the version it gave the block.
//! Must never: send what conflicts.

use std::collections::VecDeque;
use std::io::Write;

use uuid::Uuid;

use super::projects::Project;
use crate::LoadError;
use crate::chance::Chance;
use crate::client::wrong;
use crate::socket::Socket;
use crate::socket::scan::{Scan, number};

/// An author.
pub struct Author {
    slots: Vec<Slot>,
    /// Slots with nothing under way, oldest first.
    free: VecDeque<usize>,
    text: Text,
    chance: Chance,
    count: u64,
    message: Vec<u8>,
}

struct Slot {
    project: String,
    block: String,
    version: u64,
    sent: Option<Sent>,
}

struct Sent {
    number: u64,
    edit: Uuid,
    due: u64,
}

/// What became of an edit.
#[derive(Clone, Copy, Debug)]
pub struct Acked {
    /// When it was due.
    pub due: u64,
}

/// Texts to write: each another part of a longer one.
#[derive(Clone, Debug)]
pub struct Text {
    long: std::sync::Arc<str>,
    bytes: usize,
}

const WORDS: [&str; 32] = [
    "the", "of", "a", "block", "garden", "river", "to", "and", "in", "seven", "paper", "light", "was", "morning",
    "write", "with", "stone", "that", "over", "window", "is", "question", "hand", "for", "music", "on", "shared", "it",
    "north", "winter", "as", "answer",
];

impl Text {
    /// Words, so that it can be compressed about as well as what people write.
    pub fn of(bytes: usize, chance: &mut Chance) -> Self {
        let mut long = String::with_capacity(2 * bytes + 16);
        while long.len() < 2 * bytes + 1 {
            long.push_str(WORDS[chance.below(WORDS.len())]);
            let glue = if chance.one_in(12) { format!(" {} ", chance.below(10_000)) } else { " ".into() };
            long.push_str(&glue);
        }
        Self { long: long.into(), bytes }
    }

    fn part(&self, chance: &mut Chance) -> &str {
        let start = chance.below(self.long.len() - self.bytes);
        // Proven: it is ASCII.
        &self.long[start..start + self.bytes]
    }
}

impl Author {
    /// Who owns these blocks, each with its project.
    pub fn of<'a>(blocks: impl Iterator<Item = (&'a Project, &'a str)>, text: Text, chance: Chance) -> Self {
        let slot = |(project, block): (&Project, &str)| Slot {
            project: project.id.clone(),
            block: block.to_owned(),
            version: 1,
            sent: None,
        };
        let slots: Vec<Slot> = blocks.map(slot).collect();
        let free = (0..slots.len()).collect();
        Self { slots, free, text, chance, count: 0, message: Vec::new() }
    }

    /// Whether a block is free.
    pub fn is_free(&self) -> bool {
        !self.free.is_empty()
    }

    /// Whether every edit is answered.
    pub fn is_idle(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    /// Puts an edit that was due then, on the block that has rested longest; not if none is free.
    pub fn put(&mut self, socket: &mut Socket, due: u64) {
        let Some(at) = self.free.pop_front() else { return };
        self.count += 1;
        let (slot, edit, number) = (&mut self.slots[at], self.chance.uuid(), self.count);
        let Slot { project, block, version, .. } = slot;
        let text = self.text.part(&mut self.chance);
        self.message.clear();
        // Writing to memory does not fail.
        let _ = write!(
            self.message,
            r#"{{"type":"edit","id":"{at}.{number}","project":"{project}","editId":"{edit}","ops":[{{"op":"update","block":"{block}","baseVersion":{version},"patch":{{"due":{due},"text":"{text}"}}}}]}}"#
        );
        socket.put_text(&self.message);
        slot.sent = Some(Sent { number, edit, due });
    }

    /// Takes an ack in; it must be one of these.
    pub fn acked(&mut self, message: &[u8], scan: &Scan) -> Result<Acked, LoadError> {
        let strange = || wrong(message);
        let (at, count) = scan.id(message).and_then(parts).ok_or_else(strange)?;
        let slot = self.slots.get_mut(at).ok_or_else(strange)?;
        let sent = slot.sent.take().filter(|sent| sent.number == count).ok_or_else(strange)?;
        let mut edit = Uuid::encode_buffer();
        let is_own = scan.edit_id(message) == Some(sent.edit.hyphenated().encode_lower(&mut edit).as_bytes());
        if !is_own || scan.version_of(message, &slot.block) != Some(slot.version + 1) {
            return Err(strange());
        }
        slot.version += 1;
        self.free.push_back(at);
        Ok(Acked { due: sent.due })
    }
}

/// `SLOT.NUMBER`
fn parts(id: &[u8]) -> Option<(usize, u64)> {
    let dot = memchr::memchr(b'.', id)?;
    Some((usize::try_from(number(&id[..dot])?).ok()?, number(&id[dot + 1..])?))
}
