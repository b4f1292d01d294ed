//! Socket.IO's protocol 5 over Engine.IO's 4, as `load/peers/socketio.mjs` uses it.
//!
//! Promises: an ack must be for an edit under way; every event is noted by the project's number: of the others by what
//! they are told, one's own by the ack.
//! Must never: send a second edit of a block before the first is acked.

use std::collections::HashMap;

use memchr::memmem;
use uuid::Uuid;

use super::{Opening, Speaker, Told, Tongue, wrong};
use crate::LoadError;
use crate::peers::ledger::Ledger;
use crate::socket::scan;

/// The ack's number of a join; those of edits are their blocks'.
const JOIN: u64 = 1_000_000;

/// One connection's side.
pub struct SocketIo {
    speaker: Speaker,
    /// By block.
    versions: HashMap<usize, u64>,
    ledger: Ledger,
}

impl SocketIo {
    /// For one connection.
    pub fn new(speaker: Speaker) -> Self {
        Self { speaker, versions: HashMap::new(), ledger: Ledger::default() }
    }

    fn edit(&self, block: usize, op: &str) -> Vec<u8> {
        let (project, edit) = (&self.speaker.place.project, Uuid::now_v7());
        format!(r#"42{block}["edit",{{"project":"{project}","edit":"{edit}","ops":[{op}]}}]"#).into_bytes()
    }

    /// `NUMBER[{"seq":SEQ…}]`
    fn hear_ack(&mut self, ack: &[u8], told: &mut Told) -> Result<(), LoadError> {
        let (id, seq) = scan::number(ack).zip(seq(ack)).ok_or_else(|| wrong(ack))?;
        if id == JOIN {
            self.ledger.begin(0, seq + 1);
            told.joined = true;
            return Ok(());
        }
        let block = usize::try_from(id).ok().filter(|block| self.speaker.own.contains(block));
        let block = block.ok_or_else(|| wrong(ack))?;
        *self.versions.entry(block).or_default() += 1;
        self.ledger.note(0, seq);
        told.acks.push(block);
        Ok(())
    }
}

impl Tongue for SocketIo {
    fn open(&mut self) -> Opening {
        Opening::Listen
    }

    fn join(&mut self) -> Vec<u8> {
        format!(r#"42{JOIN}["join",{{"project":"{}"}}]"#, self.speaker.place.project).into_bytes()
    }

    fn insert(&mut self, block: usize) -> Vec<u8> {
        let id = &self.speaker.place.blocks[block];
        self.edit(block, &format!(r#"{{"op":"insert","block":"{id}","patch":{{"text":"","n":0}}}}"#))
    }

    fn update(&mut self, block: usize, text: &str) -> Vec<u8> {
        let (id, version) = (&self.speaker.place.blocks[block], self.versions.get(&block).copied().unwrap_or(0));
        let patch = format!(r#"{{"text":"{text}","n":{version}}}"#);
        self.edit(block, &format!(r#"{{"op":"update","block":"{id}","version":{version},"patch":{patch}}}"#))
    }

    fn hear(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError> {
        match message {
            [b'4', b'2', event @ ..] => {
                self.ledger.note(0, seq(event).ok_or_else(|| wrong(message))?);
                told.delivered += 1;
            }
            [b'4', b'3', ack @ ..] => self.hear_ack(ack, told)?,
            [b'2', ..] => told.answers.push(b"3".to_vec()),
            [b'0', ..] => {
                told.answers.push(format!(r#"40{{"user":"user-{}"}}"#, self.speaker.number).into_bytes());
            }
            [b'4', b'0', ..] => told.greeted = true,
            _ => return Err(wrong(message)),
        }
        Ok(())
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// The first.
fn seq(message: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"seq\":";
    scan::number(&message[memmem::find(message, KEY)? + KEY.len()..])
}
