//! Hocuspocus' protocol: Yjs' sync messages, each with the document's name before it.
//!
//! Promises: every update is noted by its author's clock, one's own too, which the server sends back. An ack names no
//! edit: acks are counted off against the updates in the order in which these were sent.
//! Must never: take an ack for more than it is: the update is in the server's memory.

use std::collections::{HashMap, VecDeque};

use super::yjs::{self, Added, Reader, Setting};
use super::{Framing, Opening, Speaker, Told, Tongue, wrong};
use crate::LoadError;
use crate::peers::ledger::Ledger;

/// What a message is about.
const SYNC: u64 = 0;
const AUTH: u64 = 2;
const SYNC_STATUS: u64 = 8;
/// What a message about syncing brings.
const STEP_1: u64 = 0;
const STEP_2: u64 = 1;
const UPDATE: u64 = 2;
/// A state vector, and an update, of nothing.
const KNOWS_NOTHING: [u8; 1] = [0];
const NOTHING: [u8; 2] = [0, 0];
/// Like the provider's.
const VERSION: &str = "4.7.0";

/// One connection's side.
pub struct Hocuspocus {
    speaker: Speaker,
    /// How many updates were sent.
    clock: u64,
    /// By block: the clock of its last update.
    settings: HashMap<usize, u64>,
    /// What was sent and not acked: a block's update, or what was asked for on joining.
    under_way: VecDeque<Option<usize>>,
    ledger: Ledger,
}

impl Hocuspocus {
    /// For one connection.
    pub fn new(speaker: Speaker) -> Self {
        let (settings, under_way) = (HashMap::new(), VecDeque::new());
        Self { speaker, clock: 0, settings, under_way, ledger: Ledger::default() }
    }

    fn message(&self, about: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(300);
        yjs::put_text(&mut out, &self.speaker.place.project);
        yjs::put_number(&mut out, about);
        out
    }

    fn sync(&self, step: u64, bytes: &[u8]) -> Vec<u8> {
        let mut out = self.message(SYNC);
        yjs::put_number(&mut out, step);
        yjs::put_bytes(&mut out, bytes);
        out
    }

    fn set(&mut self, block: usize, text: &str) -> Vec<u8> {
        let replaces = self.settings.insert(block, self.clock);
        let (client, n) = (self.speaker.number as u64 + 1, self.clock);
        let key = &self.speaker.place.blocks[block];
        let update = yjs::update(&Setting { client, clock: self.clock, replaces, key, text, n });
        self.clock += 1;
        self.under_way.push_back(Some(block));
        self.sync(UPDATE, &update)
    }

    fn hear_sync(&mut self, reader: &mut Reader<'_>, told: &mut Told) -> Option<Result<(), LoadError>> {
        let step = reader.number()?;
        let bytes = reader.bytes()?;
        match step {
            STEP_1 => {
                self.under_way.push_back(None);
                told.answers.push(self.sync(STEP_2, &NOTHING));
            }
            STEP_2 => {
                told.joined = true;
                return Some(yjs::added(bytes, |of| self.ledger.begin(stream(of), of.clock + of.count)));
            }
            UPDATE => return Some(self.hear_update(bytes, told)),
            _ => return None,
        }
        Some(Ok(()))
    }

    fn hear_update(&mut self, update: &[u8], told: &mut Told) -> Result<(), LoadError> {
        yjs::added(update, |of| {
            (of.clock..of.clock + of.count).for_each(|clock| self.ledger.note(stream(of), clock));
            told.delivered += of.count;
        })
    }

    fn hear_status(&mut self, saved: u64, told: &mut Told) -> Option<()> {
        let acked = self.under_way.pop_front().filter(|_| saved == 1)?;
        told.acks.extend(acked);
        Some(())
    }
}

impl Tongue for Hocuspocus {
    fn framing(&self) -> Framing {
        Framing::Binary
    }

    /// Everything else is said of a document.
    fn open(&mut self) -> Opening {
        Opening::Done
    }

    fn join(&mut self) -> Vec<u8> {
        let mut out = self.message(AUTH);
        yjs::put_number(&mut out, 0);
        yjs::put_text(&mut out, "");
        yjs::put_text(&mut out, VERSION);
        out
    }

    fn insert(&mut self, block: usize) -> Vec<u8> {
        self.set(block, "")
    }

    fn update(&mut self, block: usize, text: &str) -> Vec<u8> {
        self.set(block, text)
    }

    fn hear(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError> {
        let mut reader = Reader(message);
        let name = reader.bytes();
        let about = reader.number().filter(|_| name == Some(self.speaker.place.project.as_bytes()));
        let heard = match about {
            Some(SYNC) => self.hear_sync(&mut reader, told).transpose()?,
            Some(SYNC_STATUS) => reader.number().and_then(|saved| self.hear_status(saved, told)),
            // Let in: 2, and what may be done.
            Some(AUTH) if reader.number() == Some(2) => {
                told.answers.push(self.sync(STEP_1, &KNOWS_NOTHING));
                Some(())
            }
            _ => None,
        };
        heard.ok_or_else(|| wrong(message))
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// An author's clock is a stream of its own.
fn stream(of: Added) -> usize {
    usize::try_from(of.client).unwrap_or(usize::MAX)
}
