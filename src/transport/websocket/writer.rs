//! The writing half of a connection: sends what the outbox holds, answers pings, pings, and judges whether the client
//! is still there ([CN8]).
//!
//! Promises: ends when the socket is lost, when the close was sent, or when the client is held for gone; then at the
//! latest.
//! Must never: wait for the reading half.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::pulse::{Listening, Pong, Pulse};
use super::sending::{Control, Sending};
use crate::hub::outbox::{Outbox, Taken};
use crate::protocol::code::CloseCode;
use crate::protocol::frame::{Compressing, Frame};
use crate::protocol::message::limits::WireLimits;

/// What is taken from the outbox at once: the rest can still be shed while the client does not read.
const BATCH_FRAMES: usize = 32;
const BATCH_BYTES: usize = 64 << 10;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The close frame is sent.
    Closed,
    /// There is nobody to say anything to.
    Lost,
}

/// When a client is held for gone.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two pings.
    pub ping_interval: Duration,
    /// For a pong, while nothing else is unsent.
    pub pong: Duration,
    /// Without progress, while something is unsent.
    pub progress: Duration,
}

impl From<&WireLimits> for Patience {
    fn from(limits: &WireLimits) -> Self {
        let (ping_interval, pong) =
            (Duration::from_millis(limits.ping_interval_ms), Duration::from_millis(limits.pong_timeout_ms));
        Self { ping_interval, pong, progress: ping_interval + pong }
    }
}

/// The writing half.
pub struct Writer<'a> {
    stream: &'a TcpStream,
    outbox: &'a Outbox,
    pulse: &'a Pulse,
    compressing: Compressing,
    patience: Patience,
    sending: Sending,
    stage: Stage,
    next_ping: Instant,
    /// When the ping was sent whose pong has not come.
    pinged: Option<Instant>,
    /// When bytes were last taken by the socket, or began to wait for it.
    progress: Instant,
    /// Whether the socket took less than it was given since the last pong: then a pong may be long in coming, since
    /// all of that is before the ping.
    flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The close frame is the last that is sent.
    Closing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Free,
    Clogged,
}

impl<'a> Writer<'a> {
    /// The writing half of a connection that begins.
    pub fn new(
        stream: &'a TcpStream,
        outbox: &'a Outbox,
        pulse: &'a Pulse,
        compressing: Compressing,
        patience: Patience,
    ) -> Self {
        let now = Instant::now();
        Self {
            stream,
            outbox,
            pulse,
            compressing,
            patience,
            sending: Sending::default(),
            stage: Stage::Open,
            next_ping: now + patience.ping_interval,
            pinged: None,
            progress: now,
            flow: Flow::Free,
        }
    }

    /// Runs until the connection ends.
    pub async fn run(mut self) -> End {
        let mut alarm = std::pin::pin!(sleep_until(self.next_ping));
        loop {
            if let Some(end) = self.look_after_client() {
                return end;
            }
            self.fill();
            match self.send() {
                Sent::All if self.stage == Stage::Closing => return End::Closed,
                Sent::All => self.wait_for_work(alarm.as_mut()).await,
                Sent::Part => self.wait_for_socket(alarm.as_mut()).await,
                Sent::Lost => return End::Lost,
            }
        }
    }

    /// Pings if it is time, and ends what shows no life.
    fn look_after_client(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.pulse.take_pong() == Pong::Came {
            (self.pinged, self.flow) = (None, Flow::Free);
        }
        if self.gone_at().is_some_and(|gone_at| gone_at <= now) {
            return Some(self.give_up());
        }
        if self.pinged.is_none() && self.next_ping <= now && self.stage == Stage::Open {
            self.begin_sending(now);
            self.sending.push_control(Control::Ping, &[]);
            (self.pinged, self.next_ping) = (Some(now), now + self.patience.ping_interval);
        }
        None
    }

    /// When the client is to be held for gone, if nothing more is heard.
    fn gone_at(&self) -> Option<Instant> {
        let is_something_unsent = !self.sending.is_empty();
        if is_something_unsent || (self.pinged.is_some() && self.flow == Flow::Clogged) {
            return Some(self.progress + self.patience.progress);
        }
        let pinged = self.pinged?;
        match self.pulse.listening() {
            Listening::Since(since) => Some(pinged.max(since) + self.patience.pong),
            Listening::HeldUp => None,
        }
    }

    /// Says why, if it can be said at once between two frames.
    fn give_up(&mut self) -> End {
        self.sending.cut();
        self.sending.push_close(Some(CloseCode::TimedOut.number()), "no sign of life");
        match self.send() {
            Sent::All => End::Closed,
            Sent::Part | Sent::Lost => End::Lost,
        }
    }

    /// Takes what is to be sent next, once all before it is sent.
    fn fill(&mut self) {
        if self.stage == Stage::Closing {
            return;
        }
        if let Some(code) = self.pulse.close() {
            self.sending.cut();
            return self.close(code, "");
        }
        if let Some(payload) = self.pulse.take_ping() {
            self.begin_sending(Instant::now());
            self.sending.push_control(Control::Pong, &payload);
        }
        if self.sending.is_empty() {
            self.take_batch();
        }
    }

    fn take_batch(&mut self) {
        let mut batch: SmallVec<[Arc<Frame>; BATCH_FRAMES]> = SmallVec::new();
        let taken = self.outbox.take(BATCH_FRAMES, BATCH_BYTES, |frame| batch.push(frame));
        for frame in batch {
            let form = frame.form(self.compressing);
            self.sending.push(frame, form);
        }
        match taken {
            Taken::Close(code, reason) => self.close(Some(code.number()), reason),
            Taken::Frames if self.sending.is_empty() => {}
            Taken::Frames => self.progress = Instant::now(),
        }
    }

    fn close(&mut self, code: Option<u16>, reason: &str) {
        self.begin_sending(Instant::now());
        self.sending.push_close(code, reason);
        self.stage = Stage::Closing;
    }

    fn begin_sending(&mut self, now: Instant) {
        if self.sending.is_empty() {
            self.progress = now;
        }
    }

    fn send(&mut self) -> Sent {
        while !self.sending.is_empty() {
            match self.sending.write(self.stream) {
                Ok(0) => return Sent::Lost,
                Ok(_) => self.progress = Instant::now(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.flow = Flow::Clogged;
                    return Sent::Part;
                }
                Err(_) => return Sent::Lost,
            }
        }
        Sent::All
    }

    async fn wait_for_work(&mut self, alarm: Pin<&mut Sleep>) {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            () = self.outbox.filled() => {}
            () = self.pulse.stirred() => {}
            () = ring(alarm, deadline) => return,
        }
        tokio::task::consume_budget().await;
    }

    async fn wait_for_socket(&mut self, alarm: Pin<&mut Sleep>) {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            // An error shows when it is written to.
            _ = self.stream.writable() => {}
            () = ring(alarm, deadline) => return,
        }
        tokio::task::consume_budget().await;
    }

    /// When something is to be done though nothing happens.
    fn deadline(&self) -> Instant {
        let held_up = || Instant::now() + self.patience.pong;
        match self.pinged {
            None => self.gone_at().map_or(self.next_ping, |gone_at| gone_at.min(self.next_ping)),
            Some(_) => self.gone_at().unwrap_or_else(held_up),
        }
    }
}

enum Sent {
    All,
    Part,
    Lost,
}

/// Waits until the deadline, or returns earlier. An alarm that is set for earlier is left so: setting it anew for every
/// message would cost more than to look again once.
async fn ring(mut alarm: Pin<&mut Sleep>, deadline: Instant) {
    if alarm.is_elapsed() || alarm.deadline() > deadline {
        alarm.as_mut().reset(deadline);
    }
    alarm.await;
}
