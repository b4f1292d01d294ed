//! The writing half of a connection: sends what the outbox holds, answers pings, pings, and judges whether the client
//! is still there ([CN8]).
//!
//! Promises: ends when the socket is lost, when the close was sent, or when the client is held for gone; then at the
//! latest.
//! Must never: wait for the reading half.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::pulse::{Listening, Pong};
use super::sending::{Control, Sent};
use super::wire::Wire;
use crate::protocol::code::CloseCode;
use crate::protocol::message::limits::WireLimits;

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
    wire: &'a Wire,
    patience: Patience,
    next_ping: Instant,
    /// When the ping was sent whose pong has not come.
    pinged: Option<Instant>,
}

impl<'a> Writer<'a> {
    /// The writing half of a connection that begins.
    pub fn new(wire: &'a Wire, patience: Patience) -> Self {
        Self { wire, patience, next_ping: Instant::now() + patience.ping_interval, pinged: None }
    }

    /// Runs until the connection ends.
    pub async fn run(mut self) -> End {
        let mut alarm = std::pin::pin!(sleep_until(self.next_ping));
        loop {
            if let Some(end) = self.look_after_client() {
                return end;
            }
            match self.wire.send() {
                Sent::All if self.wire.sending.lock().is_closing() => return End::Closed,
                Sent::All => self.wait_for_work(alarm.as_mut()).await,
                Sent::Part => self.wait_for_socket(alarm.as_mut()).await,
                Sent::Lost => return End::Lost,
            }
        }
    }

    /// Pings if it is time, and ends what shows no life.
    fn look_after_client(&mut self) -> Option<End> {
        let now = Instant::now();
        if self.wire.pulse.take_pong() == Pong::Came {
            self.pinged = None;
            self.wire.sending.lock().ponged();
        }
        if self.gone_at().is_some_and(|gone_at| gone_at <= now) {
            return Some(self.give_up());
        }
        let mut sending = self.wire.sending.lock();
        if self.pinged.is_none() && self.next_ping <= now && !sending.is_closing() {
            sending.push_control(Control::Ping, &[]);
            (self.pinged, self.next_ping) = (Some(now), now + self.patience.ping_interval);
        }
        None
    }

    /// When the client is to be held for gone, if nothing more is heard.
    fn gone_at(&self) -> Option<Instant> {
        let sending = self.wire.sending.lock();
        if !sending.is_empty() || (self.pinged.is_some() && sending.is_clogged()) {
            return Some(sending.progress() + self.patience.progress);
        }
        drop(sending);
        let pinged = self.pinged?;
        match self.wire.pulse.listening() {
            Listening::Since(since) => Some(pinged.max(since) + self.patience.pong),
            Listening::HeldUp => None,
        }
    }

    /// Says why, if it can be said at once between two frames.
    fn give_up(&self) -> End {
        let mut sending = self.wire.sending.lock();
        sending.cut();
        sending.push_close(Some(CloseCode::TimedOut.number()), "no sign of life");
        match sending.write(&self.wire.stream) {
            Sent::All => End::Closed,
            Sent::Part | Sent::Lost => End::Lost,
        }
    }

    async fn wait_for_work(&mut self, alarm: Pin<&mut Sleep>) {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            () = self.wire.outbox.filled() => {}
            () = self.wire.pulse.stirred() => {}
            () = ring(alarm, deadline) => return,
        }
        tokio::task::consume_budget().await;
    }

    async fn wait_for_socket(&mut self, alarm: Pin<&mut Sleep>) {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            // An error shows when it is written to.
            _ = self.wire.stream.writable() => {}
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

/// Waits until the deadline, or returns earlier. An alarm that is set for earlier is left so: setting it anew for every
/// message would cost more than to look again once.
async fn ring(mut alarm: Pin<&mut Sleep>, deadline: Instant) {
    if alarm.is_elapsed() || alarm.deadline() > deadline {
        alarm.as_mut().reset(deadline);
    }
    alarm.await;
}
