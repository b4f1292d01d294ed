//! What a connection says and hears, in the protocol of each server: one file per protocol.
//!
//! Promises: pure: bytes in, bytes out; every ack is matched with the edit that it answers, every event noted by its
//! number; what a server should not say is an error.
//! Must never: understand more of a message than that: the load would become what is measured.

mod blockhub;
mod hocuspocus;
mod sharedb;
mod socketio;
mod yjs;

use std::sync::Arc;

use super::ledger::Ledger;
use crate::LoadError;

pub use self::blockhub::BlockHub;
pub use self::hocuspocus::Hocuspocus;
pub use self::sharedb::ShareDb;
pub use self::socketio::SocketIo;

/// What people edit together.
#[derive(Debug)]
pub struct Place {
    /// A project's id, a UUID.
    pub project: String,
    /// Its blocks' ids, UUIDs. A block is changed by one connection alone.
    pub blocks: Vec<String>,
}

/// Who speaks.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// Where.
    pub place: Arc<Place>,
    /// The connection's number in the run.
    pub number: usize,
    /// Which of the place's blocks are its own.
    pub own: std::ops::Range<usize>,
}

/// How messages are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// As texts.
    Text,
    /// As bytes.
    Binary,
}

/// How a connection begins.
#[derive(Debug)]
pub enum Opening {
    /// With this, which the server answers.
    Say(Vec<u8>),
    /// The server speaks first.
    Listen,
    /// It stands as soon as the socket does.
    Done,
}

/// What a message told.
#[derive(Debug, Default)]
pub struct Told {
    /// The connection stands.
    pub greeted: bool,
    /// The project has been joined.
    pub joined: bool,
    /// Blocks whose edit is acked.
    pub acks: Vec<usize>,
    /// Events of others, or of oneself where the server sends those too.
    pub delivered: u64,
    /// What is to be said at once.
    pub answers: Vec<Vec<u8>>,
}

impl Told {
    /// For the next message.
    pub fn clear(&mut self) {
        (self.greeted, self.joined, self.delivered) = (false, false, 0);
        self.acks.clear();
        self.answers.clear();
    }
}

/// One connection's side of a protocol.
pub trait Tongue: Send {
    /// How it frames its messages.
    fn framing(&self) -> Framing {
        Framing::Text
    }

    /// How a connection begins.
    fn open(&mut self) -> Opening;

    /// Asks for the project and what happens in it.
    fn join(&mut self) -> Vec<u8>;

    /// Makes a block that is not there yet.
    fn insert(&mut self, block: usize) -> Vec<u8>;

    /// Changes a block whose last edit has been acked.
    fn update(&mut self, block: usize, text: &str) -> Vec<u8>;

    /// Takes a message in.
    fn hear(&mut self, message: &[u8], told: &mut Told) -> Result<(), LoadError>;

    /// What has been seen so far.
    fn ledger(&self) -> &Ledger;
}

/// What a server said and should not have, as an error.
fn wrong(message: &[u8]) -> LoadError {
    LoadError::Wrong(String::from_utf8_lossy(&message[..message.len().min(1_000)]).into_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{BlockHub, Hocuspocus, Place, ShareDb, SocketIo, Speaker, Told, Tongue};
    use crate::LoadError;
    use crate::peers::ledger::Flaws;

    /// Connection 6, whose own block is the second of two.
    fn speaker() -> Speaker {
        let place = Place { project: "p1".into(), blocks: vec!["b0".into(), "b1".into()] };
        Speaker { place: Arc::new(place), number: 6, own: 1..2 }
    }

    fn hear(tongue: &mut dyn Tongue, message: &[u8]) -> Result<Told, LoadError> {
        let mut told = Told::default();
        tongue.hear(message, &mut told).map(|()| told)
    }

    /// Joins with these messages, edits block 1 twice, and hears one event of somebody else between the acks.
    fn check(tongue: &mut dyn Tongue, joining: &[&[u8]], acks: [&[u8]; 2], event: &[u8]) {
        let told: Vec<Told> = joining.iter().map(|message| hear(tongue, message).unwrap()).collect();
        assert!(told.last().unwrap().joined);
        tongue.insert(1);
        assert_eq!(hear(tongue, acks[0]).unwrap().acks, [1]);
        assert_eq!(hear(tongue, event).unwrap().delivered, 1);
        tongue.update(1, "hello");
        assert_eq!(hear(tongue, acks[1]).unwrap().acks, [1]);
        assert_eq!(tongue.ledger().flaws(), Flaws::default());
    }

    #[test]
    fn blockhub_is_understood() {
        let mut tongue = BlockHub::new(speaker());
        let joined: &[u8] = br#"{"type":"joined","id":"join","seq":4,"blocks":[]}"#;
        let ack: &[u8] = br#"{"type":"ack","id":"1","requestId":"r","seq":5}"#;
        let event = br#"{"type":"events","project":"p1","events":[{"seq":5,"editId":"e"}]}"#;
        check(&mut tongue, &[br#"{"type":"welcome","id":"hello"}"#, joined], [ack, ack], event);
        assert!(hear(&mut tongue, br#"{"type":"ack","id":"0","seq":6}"#).is_err());
        assert!(hear(&mut tongue, br#"{"type":"conflict","id":"1"}"#).is_err());
    }

    #[test]
    fn socketio_is_understood() {
        let mut tongue = SocketIo::new(speaker());
        let joining: [&[u8]; 3] = [br#"0{"sid":"s"}"#, br#"40{"sid":"t"}"#, br#"431000000[{"seq":4,"blocks":[]}]"#];
        let event = br#"42["edited",{"project":"p1","seq":6,"edit":"e","actor":"ann","ops":[]}]"#;
        check(&mut tongue, &joining, [br#"431[{"seq":5}]"#, br#"431[{"seq":7}]"#], event);
        assert_eq!(hear(&mut tongue, b"2").unwrap().answers, [b"3"]);
        assert!(hear(&mut tongue, br#"431[{"error":"conflict"}]"#).is_err());
        assert!(hear(&mut tongue, br#"430[{"seq":8}]"#).is_err());
    }

    #[test]
    fn sharedb_is_understood() {
        let mut tongue = ShareDb::new(speaker());
        let joining: [&[u8]; 3] = [
            br#"{"a":"init","protocol":1,"protocolMinor":2,"id":"s"}"#,
            br#"{"a":"hs","protocol":1,"protocolMinor":2,"id":"s"}"#,
            br#"{"data":{"b1":{"v":0,"type":null},"b0":{"v":0,"type":null}},"a":"bs","c":"p1"}"#,
        ];
        let ack: [&[u8]; 2] = [
            br#"{"src":"s","seq":1,"v":0,"a":"op","c":"p1","d":"b1"}"#,
            br#"{"src":"s","seq":2,"v":1,"a":"op","c":"p1","d":"b1"}"#,
        ];
        let event = br#"{"a":"op","c":"p1","d":"b0","v":0,"src":"t","seq":1,"create":{}}"#;
        check(&mut tongue, &joining, ack, event);
        assert!(hear(&mut tongue, ack[1]).is_err());
        assert!(hear(&mut tongue, br#"{"a":"op","c":"p1","d":"b1","v":2,"seq":3,"error":{}}"#).is_err());
    }

    /// As Hocuspocus 4.7.0 sends them.
    #[test]
    fn hocuspocus_is_understood() {
        let mut tongue = Hocuspocus::new(speaker());
        let joining: [&[u8]; 4] =
            [b"\x02p1\x02\x02\x0aread-write", b"\x02p1\0\0\x01\0", b"\x02p1\x08\x01", b"\x02p1\0\x01\x02\0\0"];
        let ack: &[u8] = b"\x02p1\x08\x01";
        let event = b"\x02p1\0\x02\x24\x01\x01\x08\0\x28\x01\x06blocks\x02b0\x01v\x02\x04textw\x05hello\x01n}\x01\0";
        check(&mut tongue, &joining, [ack, ack], event);
        assert!(hear(&mut tongue, ack).is_err());
        assert!(hear(&mut tongue, b"\x02p2\x08\x01").is_err());
    }
}
