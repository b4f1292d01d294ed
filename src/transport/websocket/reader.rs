//! Reads WebSocket frames from bytes: RFC 6455, section 5; RFC 7692.
//!
//! Our own, since the crates at hand either know no compression, inflate without a bound, or let endless empty
//! fragments and misplaced RSV1 pass. It keeps no buffer while it waits for a message to begin.
//!
//! Promises: never holds more than `message_bytes_max` of a message and one read besides; what breaks the RFC is named.
//! Must never: wait, or know what a message means.

use super::handshake::Deflate;
use super::inflate::{InflateError, inflate};
use crate::protocol::code::CloseCode;

/// How much is read at once.
const READ_BYTES: usize = 8 << 10;
/// Fragments that bring nothing, in one message; without a bound a message of them would never end nor grow.
const EMPTY_FRAGMENTS_MAX: usize = 64;
const CONTROL_BYTES_MAX: u64 = 125;

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A text message, whole.
    Text(String),
    /// A binary message.
    Binary,
    /// To be answered with a pong of the same bytes.
    Ping(Vec<u8>),
    /// An answer to a ping.
    Pong,
    /// The client closes, with a code or none.
    Close(Option<u16>),
}

/// How a client broke the rules of the socket: it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// With which code.
    pub code: CloseCode,
    /// For people.
    pub reason: &'static str,
}

/// Whether the reader stands between messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing has begun.
    Between,
    /// A message has begun and is not whole.
    Midway,
}

/// Reads one client's frames.
#[derive(Debug)]
pub struct Reader {
    message_bytes_max: usize,
    deflate: Deflate,
    /// Read and not yet looked at, from `at` on.
    buffer: Vec<u8>,
    at: usize,
    frame: Option<Frame>,
    message: Option<Message>,
}

/// A data frame whose payload is being read.
#[derive(Debug)]
struct Frame {
    rest: usize,
    mask: [u8; 4],
    fin: Fin,
}

/// A message whose fragments are being gathered.
#[derive(Debug)]
struct Message {
    kind: Kind,
    deflated: bool,
    bytes: Vec<u8>,
    empty_fragments: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    Last,
    More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opcode {
    Continuation,
    Data(Kind),
    Close,
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    fin: Fin,
    rsv1: bool,
    opcode: Opcode,
    mask: [u8; 4],
    payload_len: u64,
    /// Its own length.
    len: usize,
}

const fn protocol(reason: &'static str) -> Violation {
    Violation { code: CloseCode::Protocol, reason }
}

const TOO_BIG: Violation = Violation { code: CloseCode::TooBig, reason: "the message is too large" };

impl Reader {
    /// A reader that has `first` already, which came behind the handshake.
    pub fn new(message_bytes_max: usize, deflate: Deflate, first: &[u8]) -> Self {
        Self { message_bytes_max, deflate, buffer: first.to_vec(), at: 0, frame: None, message: None }
    }

    /// Where more bytes are to be appended.
    pub fn space(&mut self) -> &mut Vec<u8> {
        self.buffer.reserve(READ_BYTES);
        &mut self.buffer
    }

    /// Whether the client is in the middle of a message.
    pub fn standing(&self) -> Standing {
        let is_between = self.message.is_none() && self.buffer.len() == self.at;
        if is_between { Standing::Between } else { Standing::Midway }
    }

    /// The next thing that is whole; `None`: more bytes are needed.
    pub fn read(&mut self) -> Result<Option<Input>, Violation> {
        loop {
            let input = if self.frame.is_some() { self.payload()? } else { self.begin()? };
            match input {
                Step::Whole(input) => return Ok(Some(input)),
                Step::On => {}
                Step::Starved => {
                    self.tidy();
                    return Ok(None);
                }
            }
        }
    }

    /// Gives the memory of what was looked at back.
    pub fn tidy(&mut self) {
        if self.at == self.buffer.len() {
            self.buffer = Vec::new();
        } else {
            self.buffer.drain(..self.at);
        }
        self.at = 0;
    }

    /// Looks at a header, and at the whole of a control frame.
    fn begin(&mut self) -> Result<Step, Violation> {
        let bytes = &self.buffer[self.at..];
        let Some(header) = Header::read(bytes)? else { return Ok(Step::Starved) };
        match header.opcode {
            Opcode::Continuation | Opcode::Data(_) => {
                self.at += header.len;
                self.begin_data(header)?;
                Ok(Step::On)
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                let end = header.len + usize::try_from(header.payload_len).unwrap_or(usize::MAX);
                let Some(payload) = bytes.get(header.len..end) else { return Ok(Step::Starved) };
                let mut payload = payload.to_vec();
                unmask(&mut payload, header.mask);
                self.at += end;
                control(header.opcode, payload).map(Step::Whole)
            }
        }
    }

    fn begin_data(&mut self, header: Header) -> Result<(), Violation> {
        let message = match (header.opcode, self.message.take()) {
            (Opcode::Data(_), Some(_)) => return Err(protocol("a message within a message")),
            (Opcode::Data(kind), None) => self.message_of(kind, header.rsv1)?,
            (_, None) => return Err(protocol("a continuation of nothing")),
            (_, Some(_)) if header.rsv1 => return Err(protocol("RSV1 on a continuation")),
            (_, Some(message)) => message,
        };
        let room = self.message_bytes_max - message.bytes.len();
        let rest = usize::try_from(header.payload_len).ok().filter(|len| *len <= room).ok_or(TOO_BIG)?;
        let empty_fragments = message.empty_fragments + usize::from(rest == 0);
        if empty_fragments > EMPTY_FRAGMENTS_MAX {
            return Err(Violation { reason: "too many empty fragments", ..TOO_BIG });
        }
        self.message = Some(Message { empty_fragments, ..message });
        self.frame = Some(Frame { rest, mask: header.mask, fin: header.fin });
        Ok(())
    }

    fn message_of(&self, kind: Kind, deflated: bool) -> Result<Message, Violation> {
        if deflated && self.deflate == Deflate::Declined {
            return Err(protocol("RSV1 without an extension"));
        }
        Ok(Message { kind, deflated, bytes: Vec::new(), empty_fragments: 0 })
    }

    /// Takes what is there of a data frame's payload.
    fn payload(&mut self) -> Result<Step, Violation> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else { return Ok(Step::Starved) };
        let taken = frame.rest.min(self.buffer.len() - self.at);
        let start = message.bytes.len();
        message.bytes.extend_from_slice(&self.buffer[self.at..self.at + taken]);
        unmask(&mut message.bytes[start..], frame.mask);
        frame.mask.rotate_left(taken % 4);
        frame.rest -= taken;
        self.at += taken;
        if frame.rest > 0 {
            return Ok(Step::Starved);
        }
        let fin = frame.fin;
        self.frame = None;
        match self.message.take_if(|_| fin == Fin::Last) {
            Some(message) => message.whole(self.message_bytes_max).map(Step::Whole),
            None => Ok(Step::On),
        }
    }
}

/// How reading goes on.
enum Step {
    /// Something is whole.
    Whole(Input),
    /// Look at what comes next.
    On,
    /// More bytes are needed.
    Starved,
}

impl Message {
    fn whole(self, bytes_max: usize) -> Result<Input, Violation> {
        let bytes = if self.deflated {
            inflate(self.bytes, bytes_max).map_err(|error| match error {
                InflateError::TooBig => TOO_BIG,
                InflateError::Corrupt => Violation { code: CloseCode::NotText, reason: "not deflated as agreed" },
            })?
        } else {
            self.bytes
        };
        match self.kind {
            Kind::Binary => Ok(Input::Binary),
            Kind::Text => String::from_utf8(bytes).map(Input::Text).map_err(|_| NOT_UTF8),
        }
    }
}

const NOT_UTF8: Violation = Violation { code: CloseCode::NotText, reason: "not UTF-8" };

impl Header {
    fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0x30 != 0 {
            return Err(protocol("RSV2 or RSV3"));
        }
        if second & 0x80 == 0 {
            return Err(protocol("not masked"));
        }
        let Some((payload_len, extra)) = payload_len(second & 0x7F, rest)? else { return Ok(None) };
        let Some(&mask) = rest.get(extra..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
        let fin = if first & 0x80 == 0 { Fin::More } else { Fin::Last };
        let header =
            Self { fin, rsv1: first & 0x40 != 0, opcode: opcode(first)?, mask, payload_len, len: 2 + extra + 4 };
        header.checked().map(Some)
    }

    fn checked(self) -> Result<Self, Violation> {
        let is_control = !matches!(self.opcode, Opcode::Continuation | Opcode::Data(_));
        match self {
            Self { rsv1: true, .. } if is_control => Err(protocol("RSV1 on a control frame")),
            Self { fin: Fin::More, .. } if is_control => Err(protocol("a control frame in fragments")),
            Self { payload_len, .. } if is_control && payload_len > CONTROL_BYTES_MAX => {
                Err(protocol("a control frame too large"))
            }
            header => Ok(header),
        }
    }
}

fn opcode(first: u8) -> Result<Opcode, Violation> {
    match first & 0x0F {
        0x0 => Ok(Opcode::Continuation),
        0x1 => Ok(Opcode::Data(Kind::Text)),
        0x2 => Ok(Opcode::Data(Kind::Binary)),
        0x8 => Ok(Opcode::Close),
        0x9 => Ok(Opcode::Ping),
        0xA => Ok(Opcode::Pong),
        _ => Err(protocol("an unknown opcode")),
    }
}

/// The payload's length, and how many bytes it took to say it beyond the first; the shortest way must be taken.
fn payload_len(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let (len, extra, at_least) = match short {
        126 => (rest.first_chunk().map(|bytes| u64::from(u16::from_be_bytes(*bytes))), 2, 126),
        127 => (rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)), 8, 1 << 16),
        short => (Some(u64::from(short)), 0, 0),
    };
    match len {
        Some(len) if len < at_least || len >> 63 == 1 => Err(protocol("a length not as it should be")),
        len => Ok(len.map(|len| (len, extra))),
    }
}

fn control(opcode: Opcode, payload: Vec<u8>) -> Result<Input, Violation> {
    match opcode {
        Opcode::Ping => Ok(Input::Ping(payload)),
        Opcode::Close => close(&payload).map(Input::Close),
        _ => Ok(Input::Pong),
    }
}

/// RFC 6455, section 7.4: which codes may be sent.
fn close(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(protocol("half a close code")) };
    };
    let code = u16::from_be_bytes(*code);
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(protocol("a close code that must not be sent"));
    }
    std::str::from_utf8(reason).map(|_| Some(code)).map_err(|_| NOT_UTF8)
}

fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    let whole = u32::from_ne_bytes(mask);
    let (words, rest) = bytes.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ whole).to_ne_bytes();
    }
    rest.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}
