//! Socket.IO's protocol 5 over Engine.IO's 4, one packet a WebSocket message: as much as a client needs.
//!
//! Promises: pure; JSON is found where it stands, and not read.
//! Must never: take a packet that a hub has no reason to send.

use memchr::memchr;

use crate::LoadError;
use crate::socket::scan;

/// Where a hub takes it.
pub const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Engine.IO is open: now one connects.
    Open,
    /// To be answered with `PONG`.
    Ping,
    /// One is connected.
    Connected,
    /// An event's object.
    Event(&'a [u8]),
    /// The answer to the event of this number: its object.
    Ack(u64, &'a [u8]),
    /// The hub has ended the connection.
    Disconnected,
}

/// The answer to a ping.
pub const PONG: &str = "3";

/// Connects: `auth` is the client's `hello`.
pub fn connect(auth: &str) -> String {
    format!("40{auth}")
}

/// An event whose answer gets this number.
pub fn event(number: u64, name: &str, object: &str) -> String {
    format!("42{number}[\"{name}\",{object}]")
}

/// An event that nobody answers.
pub fn notice(name: &str, object: &str) -> String {
    format!("42[\"{name}\",{object}]")
}

/// Reads a packet.
pub fn read(packet: &[u8]) -> Result<Packet<'_>, LoadError> {
    let read = match packet {
        [b'0', ..] => Some(Packet::Open),
        [b'2'] => Some(Packet::Ping),
        [b'4', b'0', ..] => Some(Packet::Connected),
        [b'4', b'1', ..] => Some(Packet::Disconnected),
        [b'4', b'2', array @ ..] => object(array).map(Packet::Event),
        [b'4', b'3', ack @ ..] => answer(ack),
        _ => None,
    };
    read.ok_or_else(|| LoadError::Wrong(format!("no packet to expect: {}", String::from_utf8_lossy(packet))))
}

/// Of `["name",OBJECT]`.
fn object(array: &[u8]) -> Option<&[u8]> {
    array.get(memchr(b',', array)? + 1..)?.strip_suffix(b"]")
}

/// Of `NUMBER[OBJECT]`.
fn answer(ack: &[u8]) -> Option<Packet<'_>> {
    let object = ack.get(memchr(b'[', ack)? + 1..)?.strip_suffix(b"]")?;
    Some(Packet::Ack(scan::number(ack)?, object))
}

#[cfg(test)]
mod tests {
    use super::{Packet, connect, event, notice, read};

    #[test]
    fn packets_are_as_the_protocol_has_them() {
        assert_eq!(connect("{}"), "40{}");
        assert_eq!(event(7, "ping", "{}"), "427[\"ping\",{}]");
        assert_eq!(notice("signal", "{\"a\":1}"), "42[\"signal\",{\"a\":1}]");
        assert_eq!(read(b"0{\"sid\":\"x\"}").unwrap(), Packet::Open);
        assert_eq!(read(b"2").unwrap(), Packet::Ping);
        assert_eq!(read(b"40{\"sid\":\"y\"}").unwrap(), Packet::Connected);
        assert_eq!(read(b"41").unwrap(), Packet::Disconnected);
        assert_eq!(read(b"42[\"pong\",{\"a\":[1]}]").unwrap(), Packet::Event(b"{\"a\":[1]}"));
        assert_eq!(read(b"4312[{\"a\":[1]}]").unwrap(), Packet::Ack(12, b"{\"a\":[1]}"));
        for wrong in [&b"9"[..], b"42[\"alone\"]", b"43[{}", b""] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
