//! One client's socket, and how what waits in the outbox gets onto it.
//!
//! Promises: the connection's task and whoever has put something into the outbox may both carry: one at a time, in the
//! outbox's order. What the socket does not take at once is left to the connection's task, which waits for it.
//! Must never: wait.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::pulse::Pulse;
use super::sending::{Control, Sending, Sent};
use crate::hub::line::Line;
use crate::hub::outbox::{Outbox, Taken};
use crate::protocol::frame::{Compressing, Frame};

/// What is taken from the outbox at once: the rest can still be shed while the client does not read.
const BATCH_FRAMES: usize = 32;
const BATCH_BYTES: usize = 64 << 10;
/// What the system may hold that is not on its way yet. It would take megabytes: then a slow client's ping waited behind
/// all of that, and nothing of it could be dropped for something newer.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 64 << 10;

/// Shared by the connection's task, which owns it, and by those who fill its outbox, as long as they carry.
pub struct Wire {
    /// The socket.
    pub stream: TcpStream,
    /// What waits for the client.
    pub outbox: Arc<Outbox>,
    /// What the two halves of the task tell each other.
    pub pulse: Pulse,
    /// What is on its way.
    pub sending: Mutex<Sending>,
    compressing: Compressing,
}

impl Wire {
    /// Of a connection that begins: from now on its outbox can be carried from.
    pub fn new(stream: TcpStream, outbox: Arc<Outbox>, compressing: Compressing) -> Arc<Self> {
        // Without it nothing is wrong, only later.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
        let (pulse, sending) = (Pulse::new(Instant::now()), Mutex::default());
        let wire = Arc::new(Self { stream, outbox, pulse, sending, compressing });
        wire.outbox.connect(&wire);
        wire
    }

    /// Sends what is to be sent next, and what is left of what was.
    pub fn send(&self) -> Sent {
        let mut sending = self.sending.lock();
        if !sending.is_empty() && sending.write(&self.stream) == Sent::Lost {
            return Sent::Lost;
        }
        self.fill(&mut sending);
        sending.write(&self.stream)
    }

    fn fill(&self, sending: &mut Sending) {
        if sending.is_closing() {
            return;
        }
        if let Some(code) = self.pulse.close() {
            sending.cut();
            return sending.push_close(code, "");
        }
        if let Some(payload) = self.pulse.take_ping() {
            sending.push_control(Control::Pong, &payload);
        }
        // Once all before it is sent.
        if sending.is_empty()
            && let Taken::Close(code, reason) = self.take_batch(sending)
        {
            sending.push_close(Some(code.number()), reason);
        }
    }

    fn take_batch(&self, sending: &mut Sending) -> Taken {
        let mut batch: SmallVec<[Arc<Frame>; BATCH_FRAMES]> = SmallVec::new();
        let taken = self.outbox.take(BATCH_FRAMES, BATCH_BYTES, |frame| batch.push(frame));
        for frame in batch {
            let form = frame.form(self.compressing);
            sending.push(frame, form);
        }
        taken
    }
}

impl Line for Wire {
    fn carry(&self) {
        // Who holds it looks into the outbox again before it waits.
        let Some(mut sending) = self.sending.try_lock() else { return self.outbox.wake() };
        if sending.is_closing() || !sending.is_empty() {
            return;
        }
        let taken = self.take_batch(&mut sending);
        let sent = sending.write(&self.stream);
        drop(sending);
        match (taken, sent) {
            (Taken::Frames, Sent::All) if !self.outbox.is_something_there() => {}
            (_, Sent::All) => self.outbox.wake(),
            (_, Sent::Part | Sent::Lost) => self.pulse.stir(),
        }
    }
}
