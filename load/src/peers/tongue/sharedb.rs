//! ShareDB's protocol 1: a block is a json0 document of the collection that is its project.
//!
//! Promises: an ack must be for an op under way; every op is noted by its document's version, one's own by the ack.
//! Must never: send a second op of a document before the first is acked.

use memchr::memmem::Finder;

use super::{Opening, Speaker, Told, Tongue, wrong};
use crate::LoadError;
use crate::peers::ledger::Ledger;
use crate::socket::scan;

const HANDSHAKE: &[u8] = br#"{"a":"hs","id":null,"protocol":1,"protocolMinor":2}"#;
const JSON0: &str = "http://sharejs.org/types/JSONv0";

/// One connection's side. Documents are named by their number: `b7`.
pub struct ShareDb {
    speaker: Speaker,
    /// Of the last op that was sent; the server wants them to rise.
    seq: u64,
    /// By own block: its document's version, and the `seq` under way.
    documents: Vec<(u64, u64)>,
    find: Find,
    ledger: Ledger,
}

/// What it looks for in a message.
struct Find {
    document: Finder<'static>,
    version: Finder<'static>,
    seq: Finder<'static>,
    error: Finder<'static>,
}

impl ShareDb {
    /// For one connection.
    pub fn new(speaker: Speaker) -> Self {
        let find = Find {
            document: Finder::new(r#""d":"b"#),
            version: Finder::new(r#""v":"#),
            seq: Finder::new(r#""seq":"#),
            error: Finder::new(r#""error":"#),
        };
        Self { seq: 0, documents: vec![(0, 0); speaker.own.len()], find, ledger: Ledger::default(), speaker }
    }

    fn op(&mut self, block: usize, what: &str) -> Vec<u8> {
        self.seq += 1;
        let (version, seq) = &mut self.documents[block - self.speaker.own.start];
        *seq = self.seq;
        let project = &self.speaker.place.project;
        format!(r#"{{"a":"op","c":"{project}","d":"b{block}","v":{version},"seq":{seq},"x":{{}},{what}}}"#).into_bytes()
    }

    /// An op of somebody else, or the answer to one's own, which comes without what it did.
    fn hear_op(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError> {
        let field = |finder: &Finder<'_>| {
            let at = finder.find(message)? + finder.needle().len();
            scan::number(&message[at..])
        };
        let block = field(&self.find.document).and_then(|block| usize::try_from(block).ok());
        let (block, version) = block.zip(field(&self.find.version)).ok_or_else(|| wrong(message))?;
        if !message.starts_with(br#"{"src":"#) {
            self.ledger.note(block, version);
            told.delivered += 1;
            return Ok(());
        }
        let own = self.speaker.own.contains(&block).then(|| block - self.speaker.own.start);
        let under_way = own.and_then(|own| self.documents.get_mut(own)).ok_or_else(|| wrong(message))?;
        if Some(under_way.1) != field(&self.find.seq) {
            return Err(wrong(message));
        }
        *under_way = (version + 1, 0);
        self.ledger.note(block, version);
        told.acks.push(block);
        Ok(())
    }
}

impl Tongue for ShareDb {
    fn open(&mut self) -> Opening {
        Opening::Say(HANDSHAKE.to_vec())
    }

    fn join(&mut self) -> Vec<u8> {
        let place = &self.speaker.place;
        let documents: Vec<String> = (0..place.blocks.len()).map(|block| format!(r#""b{block}""#)).collect();
        format!(r#"{{"a":"bs","c":"{}","b":[{}]}}"#, place.project, documents.join(",")).into_bytes()
    }

    fn insert(&mut self, block: usize) -> Vec<u8> {
        self.op(block, &format!(r#""create":{{"type":"{JSON0}","data":{{"text":"","n":0}}}}"#))
    }

    fn update(&mut self, block: usize, text: &str) -> Vec<u8> {
        let n = self.documents[block - self.speaker.own.start].0;
        self.op(block, &format!(r#""op":[{{"p":["text"],"oi":"{text}"}},{{"p":["n"],"oi":{n}}}]"#))
    }

    fn hear(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError> {
        if message.starts_with(br#"{"a":"op""#) || message.starts_with(br#"{"src":"#) {
            if self.find.error.find(message).is_some() {
                return Err(wrong(message));
            }
            return self.hear_op(message, told);
        }
        told.greeted = message.starts_with(br#"{"a":"hs""#);
        told.joined = message.starts_with(br#"{"data":{"#);
        let is_known = told.greeted || told.joined || message.starts_with(br#"{"a":"init""#);
        if is_known { Ok(()) } else { Err(wrong(message)) }
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
