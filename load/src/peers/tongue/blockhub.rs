//! BlockHub's own protocol.
//!
//! Promises: an ack must be for an edit under way; every event is noted by its `seq`, one's own too.
//! Must never: send a second edit of a block before the first is acked.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Opening, Speaker, Told, Tongue, wrong};
use crate::LoadError;
use crate::peers::ledger::Ledger;
use crate::socket::scan::{self, Scan};

/// One connection's side.
pub struct BlockHub {
    speaker: Speaker,
    /// By block.
    versions: HashMap<usize, u64>,
    scan: Scan,
    ledger: Ledger,
}

impl BlockHub {
    /// For one connection.
    pub fn new(speaker: Speaker) -> Self {
        Self { speaker, versions: HashMap::new(), scan: Scan::default(), ledger: Ledger::default() }
    }

    /// The message's id is the block's number.
    fn edit(&self, block: usize, op: &str) -> Vec<u8> {
        let (project, edit) = (&self.speaker.place.project, Uuid::now_v7());
        format!(r#"{{"type":"edit","id":"{block}","project":"{project}","editId":"{edit}","ops":[{op}]}}"#).into_bytes()
    }

    fn hear_ack(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError> {
        let block = self.scan.id(message).and_then(scan::number).and_then(|id| usize::try_from(id).ok());
        let block = block.filter(|block| self.speaker.own.contains(block)).ok_or_else(|| wrong(message))?;
        *self.versions.entry(block).or_default() += 1;
        told.acks.push(block);
        Ok(())
    }
}

impl Tongue for BlockHub {
    fn open(&mut self) -> Opening {
        let user = self.speaker.number;
        Opening::Say(format!(r#"{{"type":"hello","id":"hello","user":{{"id":"user-{user}"}}}}"#).into_bytes())
    }

    fn join(&mut self) -> Vec<u8> {
        let project = &self.speaker.place.project;
        format!(r#"{{"type":"join","id":"join","project":"{project}"}}"#).into_bytes()
    }

    fn insert(&mut self, block: usize) -> Vec<u8> {
        let id = &self.speaker.place.blocks[block];
        let of = r#""kind":"text","parent":null,"after":null,"content":{"text":"","n":0}"#;
        self.edit(block, &format!(r#"{{"op":"insert","block":"{id}",{of}}}"#))
    }

    fn update(&mut self, block: usize, text: &str) -> Vec<u8> {
        let (id, version) = (&self.speaker.place.blocks[block], self.versions.get(&block).copied().unwrap_or(0));
        let patch = format!(r#"{{"text":"{text}","n":{version}}}"#);
        self.edit(block, &format!(r#"{{"op":"update","block":"{id}","baseVersion":{version},"patch":{patch}}}"#))
    }

    fn hear(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError> {
        match scan::kind(message) {
            b"events" => {
                for seq in self.scan.seqs(message) {
                    self.ledger.note(0, seq);
                    told.delivered += 1;
                }
            }
            b"ack" => self.hear_ack(message, told)?,
            b"welcome" => told.greeted = true,
            b"joined" => {
                self.ledger.begin(0, self.scan.seqs(message).next().ok_or_else(|| wrong(message))? + 1);
                told.joined = true;
            }
            b"presence" => {}
            _ => return Err(wrong(message)),
        }
        Ok(())
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
