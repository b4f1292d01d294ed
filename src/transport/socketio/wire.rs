//! How what waits in the outbox gets to a client of Socket.IO.
//!
//! Promises: frames go out in the outbox's order, one batch at a time: the next when the client's side has taken the
//! last, so that what Socket.IO holds for a client is bounded by a batch, and its buffer never fills. Whoever has put
//! something into the outbox may carry it, as may the connection's task: one at a time.
//! Must never: wait.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::{FromMessageParts, Value};
use socketioxide::socket::Socket;
use socketioxide::{SendError, SocketError, TransportType};
use tokio::time::Instant;

use super::way::{Stage, Way};
use crate::hub::line::Line;
use crate::hub::outbox::{Outbox, Taken};
use crate::protocol::code::CloseCode;
use crate::protocol::frame::Frame;
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::Callback;
use crate::protocol::message::server::ServerMessage;

/// What is taken from the outbox at once: the rest can still be shed while the client does not read.
const BATCH_FRAMES: usize = 32;
const BATCH_BYTES: usize = 64 << 10;
/// Packets that Socket.IO holds for one client: a batch, and pings and the like.
pub const PACKETS_MAX: usize = 2 * BATCH_FRAMES;

/// One connection's way out. Shared by the connection's task, which owns it, and by those who fill its outbox, as long
/// as they carry.
pub struct Wire {
    /// Socket.IO's half.
    pub socket: Arc<Socket<LocalAdapter>>,
    /// What waits for the client.
    pub outbox: Arc<Outbox>,
    /// What the client's side tells.
    pub way: Arc<Way>,
    sending: Mutex<Sending>,
}

struct Sending {
    /// Taken from the outbox, and not yet given to Socket.IO.
    held: VecDeque<Arc<Frame>>,
    /// All that was given is with the client's side when it has taken so many bytes.
    until: u64,
    /// When something was given last.
    given: Instant,
    /// The outbox's last word.
    closing: Option<CloseCode>,
}

/// How far sending came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing waits.
    All,
    /// The client's side takes no more now; the way stirs when it does.
    Part,
    /// All was said, and taken.
    Closed(CloseCode),
    /// There is nobody to say anything to.
    Lost,
}

impl Wire {
    /// Of a connection that begins: from now on its outbox can be carried from.
    pub fn new(socket: Arc<Socket<LocalAdapter>>, outbox: Arc<Outbox>, way: Arc<Way>) -> Arc<Self> {
        let sending = Sending { held: VecDeque::new(), until: 0, given: Instant::now(), closing: None };
        let wire = Arc::new(Self { socket, outbox, way, sending: Mutex::new(sending) });
        wire.outbox.connect(&wire);
        wire
    }

    /// Sends what is to be sent next.
    pub fn send(&self) -> Sent {
        self.go_on(&mut self.sending.lock())
    }

    /// If something was given that the client's side has not taken: since when it has taken nothing.
    pub fn unsent_since(&self) -> Option<Instant> {
        let sending = self.sending.lock();
        (self.way.taken() < sending.until).then(|| sending.given.max(self.way.progress()))
    }

    fn go_on(&self, sending: &mut Sending) -> Sent {
        loop {
            if self.way.stage() != Stage::Open {
                return Sent::Lost;
            }
            if !self.way.has_taken(sending.until) {
                return Sent::Part;
            }
            if sending.held.is_empty() {
                if let Some(code) = sending.closing {
                    return Sent::Closed(code);
                }
                self.take_batch(sending);
            }
            if sending.held.is_empty() && sending.closing.is_none() {
                return Sent::All;
            }
            if !self.give(sending) {
                return Sent::Lost;
            }
            // Nobody needs to know when the last is taken: the next that is put in finds that out.
            if sending.held.is_empty() && sending.closing.is_none() && !self.outbox.is_something_there() {
                return Sent::All;
            }
        }
    }

    fn take_batch(&self, sending: &mut Sending) {
        let held = &mut sending.held;
        if let Taken::Close(code, reason) = self.outbox.take(BATCH_FRAMES, BATCH_BYTES, |frame| held.push_back(frame)) {
            sending.closing = Some(code);
            held.extend(
                code.as_error().map(|error| encode(&ServerMessage::Farewell { close: code, code: error, reason })),
            );
        }
    }

    /// Gives Socket.IO what is held; whether there is somebody to give to.
    fn give(&self, sending: &mut Sending) -> bool {
        // Before anything is given: what the client's side takes from now on may be that.
        let before = self.way.taken();
        let mut bytes = 0;
        while let Some(frame) = sending.held.front() {
            match self.emit(frame) {
                Ok(()) => bytes += self.weight(frame),
                Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                    // Whatever is taken next makes room.
                    bytes = bytes.max(1);
                    break;
                }
                Err(SendError::Socket(SocketError::Closed)) => return false,
                Err(SendError::Serialize(error)) => tracing::error!(%error, "a message could not be sent"),
            }
            sending.held.pop_front();
        }
        (sending.until, sending.given) = (before + bytes, Instant::now());
        true
    }

    fn emit(&self, frame: &Frame) -> Result<(), SendError> {
        let Some(message) = frame.raw() else { return Ok(()) };
        match frame.callback() {
            Some(Callback(number)) => {
                let Ok(callback) = AckSender::from_message_parts(&self.socket, &mut nothing(), &Some(number));
                callback.send(message)
            }
            None => self.socket.emit(frame.kind(), message),
        }
    }

    /// Bytes that the client's side takes for a frame, at least.
    fn weight(&self, frame: &Frame) -> u64 {
        let (len, digits) = (frame.len(), |number: i64| number.checked_ilog10().unwrap_or(0) as usize + 1);
        let packet = match frame.callback() {
            Some(Callback(number)) => "43[]".len() + digits(number) + len,
            None => "42[\"\",]".len() + frame.kind().len() + len,
        };
        let header = match self.socket.transport_type() {
            TransportType::Websocket => websocket_header_len(packet),
            TransportType::Polling => 0,
        };
        (header + packet) as u64
    }
}

/// RFC 6455, section 5.2, without a mask.
fn websocket_header_len(payload_len: usize) -> usize {
    match payload_len {
        0..126 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    }
}

fn nothing() -> Value {
    Value::Bytes(Default::default())
}

impl Line for Wire {
    fn carry(&self) {
        // Who holds it looks into the outbox again before it waits.
        let Some(mut sending) = self.sending.try_lock() else { return self.outbox.wake() };
        match self.go_on(&mut sending) {
            Sent::All | Sent::Part => {}
            Sent::Closed(_) | Sent::Lost => self.way.stir(),
        }
    }
}
