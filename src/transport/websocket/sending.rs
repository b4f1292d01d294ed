//! Frames on their way to one client.
//!
//! Promises: whatever waits goes out in as few vectored writes as the socket takes it in; shared payloads are not
//! copied.
//! Must never: mix frames: a frame that has begun is sent to its end.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use smallvec::SmallVec;
use tokio::net::TcpStream;

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
#[derive(Debug, Default)]
pub struct Sending {
    queue: VecDeque<Item>,
    /// Bytes of the first that are sent.
    sent: usize,
}

#[derive(Debug)]
enum Item {
    Message(Arc<Frame>, Form),
    Control(SmallVec<[u8; 16]>),
}

impl Sending {
    /// Whether all is sent.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Behind all else.
    pub fn push(&mut self, frame: Arc<Frame>, form: Form) {
        self.queue.push_back(Item::Message(frame, form));
    }

    /// A control frame, behind all else; of a payload that is too long, what fits.
    pub fn push_control(&mut self, control: Control, payload: &[u8]) {
        let payload = &payload[..payload.len().min(CONTROL_BYTES_MAX)];
        let mut bytes = SmallVec::with_capacity(2 + payload.len());
        // The cast loses nothing: a payload is at most 125 bytes long.
        #[allow(clippy::cast_possible_truncation)]
        bytes.extend_from_slice(&[control as u8, payload.len() as u8]);
        bytes.extend_from_slice(payload);
        self.queue.push_back(Item::Control(bytes));
    }

    /// A close frame, behind all else; without a code, an empty one.
    pub fn push_close(&mut self, code: Option<u16>, reason: &str) {
        let mut payload: SmallVec<[u8; 64]> = code.iter().flat_map(|code| code.to_be_bytes()).collect();
        payload.extend_from_slice(reason.as_bytes());
        self.push_control(Control::Close, &payload);
    }

    /// Drops all that has not begun.
    pub fn cut(&mut self) {
        self.queue.truncate(usize::from(self.sent > 0));
    }

    /// Writes as much as the socket takes at once; how many bytes that was.
    pub fn write(&mut self, stream: &TcpStream) -> io::Result<usize> {
        let mut written = stream.try_write_vectored(&self.slices())?;
        let whole = written;
        written += self.sent;
        while let Some(first) = self.queue.front().map(Item::len).filter(|len| *len <= written) {
            written -= first;
            self.queue.pop_front();
        }
        self.sent = written;
        Ok(whole)
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
