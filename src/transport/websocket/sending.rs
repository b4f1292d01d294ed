//! Frames on their way to one client.
//!
//! Promises: whatever waits goes out in as few vectored writes as the socket takes it in; shared payloads are not
//! copied; a close frame is the last.
//! Must never: mix frames: a frame that has begun is sent to its end.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;

use smallvec::SmallVec;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::protocol::frame::{Form, Frame};

/// Pieces in one vectored write; a frame has two to four.
const PIECES_MAX: usize = 64;
const CONTROL_BYTES_MAX: usize = 125;

/// Control frames (RFC 6455, section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The end.
    Close = 0x88,
    /// Are you there?
    Ping = 0x89,
    /// I am.
    Pong = 0x8A,
}

/// What is being sent.
#[derive(Debug)]
pub struct Sending {
    queue: VecDeque<Item>,
    /// Bytes of the first that are sent.
    sent: usize,
    /// When bytes were last taken by the socket, or began to wait for it.
    progress: Instant,
    flow: Flow,
    stage: Stage,
}

/// Whether the socket took less than it was given since the last pong: then a pong may be long in coming, since all of
/// that is before the ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Free,
    Clogged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The close frame is the last that is sent.
    Closing,
}

/// How far a write came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing waits.
    All,
    /// The socket takes no more now.
    Part,
    /// There is nobody to say anything to.
    Lost,
}

#[derive(Debug)]
enum Item {
    Message(Arc<Frame>, Form),
    Control(SmallVec<[u8; 16]>),
}

impl Default for Sending {
    fn default() -> Self {
        Self { queue: VecDeque::new(), sent: 0, progress: Instant::now(), flow: Flow::Free, stage: Stage::Open }
    }
}

impl Sending {
    /// Whether all is sent.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a close frame is sent, or on its way.
    pub fn is_closing(&self) -> bool {
        self.stage == Stage::Closing
    }

    /// Whether the socket took less than it was given since the last pong.
    pub fn is_clogged(&self) -> bool {
        self.flow == Flow::Clogged
    }

    /// A pong came: the client has read all that was before its ping.
    pub fn ponged(&mut self) {
        self.flow = Flow::Free;
    }

    /// When bytes were last taken by the socket, or began to wait for it.
    pub fn progress(&self) -> Instant {
        self.progress
    }

    /// Behind all else.
    pub fn push(&mut self, frame: Arc<Frame>, form: Form) {
        self.put(Item::Message(frame, form));
    }

    fn put(&mut self, item: Item) {
        if self.queue.is_empty() {
            self.progress = Instant::now();
        }
        self.queue.push_back(item);
    }

    /// A control frame, behind all else; of a payload that is too long, what fits.
    pub fn push_control(&mut self, control: Control, payload: &[u8]) {
        let payload = &payload[..payload.len().min(CONTROL_BYTES_MAX)];
        let mut bytes = SmallVec::with_capacity(2 + payload.len());
        // The cast loses nothing: a payload is at most 125 bytes long.
        #[allow(clippy::cast_possible_truncation)]
        bytes.extend_from_slice(&[control as u8, payload.len() as u8]);
        bytes.extend_from_slice(payload);
        self.put(Item::Control(bytes));
    }

    /// A close frame, behind all else; without a code, an empty one. Nothing may follow.
    pub fn push_close(&mut self, code: Option<u16>, reason: &str) {
        let mut payload: SmallVec<[u8; 64]> = code.iter().flat_map(|code| code.to_be_bytes()).collect();
        payload.extend_from_slice(reason.as_bytes());
        self.push_control(Control::Close, &payload);
        self.stage = Stage::Closing;
    }

    /// Drops all that has not begun.
    pub fn cut(&mut self) {
        self.queue.truncate(usize::from(self.sent > 0));
    }

    /// Writes as much as the socket takes now.
    pub fn write(&mut self, stream: &TcpStream) -> Sent {
        while !self.is_empty() {
            let written = stream.try_write_vectored(&self.slices());
            match written {
                Ok(0) => return Sent::Lost,
                Ok(count) => self.written(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.flow = Flow::Clogged;
                    return Sent::Part;
                }
                Err(_) => return Sent::Lost,
            }
        }
        Sent::All
    }

    fn written(&mut self, count: usize) {
        self.progress = Instant::now();
        self.sent += count;
        while let Some(first) = self.queue.front().map(Item::len).filter(|len| *len <= self.sent) {
            self.sent -= first;
            self.queue.pop_front();
        }
    }

    fn slices(&self) -> SmallVec<[IoSlice<'_>; PIECES_MAX]> {
        let mut skip = self.sent;
        let pieces = self.queue.iter().flat_map(Item::pieces);
        let unsent = pieces.filter_map(|piece| {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            Some(&piece[skipped..]).filter(|rest| !rest.is_empty())
        });
        unsent.take(PIECES_MAX).map(IoSlice::new).collect()
    }
}

impl Item {
    fn pieces(&self) -> SmallVec<[&[u8]; 4]> {
        match self {
            Self::Message(frame, form) => frame.pieces(*form).collect(),
            Self::Control(bytes) => SmallVec::from_slice(&[bytes.as_slice()]),
        }
    }

    fn len(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }
}
