//! What one connection does while a crowd performs: it listens, and perhaps edits, moves a cursor, signals.
//!
//! Promises: every event that it hears is the next of its project; an error or a conflict ends the run.
//! Must never: wait for an answer before it sends what is due.

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep_until};

use super::author::Author;
use super::ledger::Ledger;
use super::memo::Memo;
use super::schedule::Schedule;
use super::seat::{Heard, Seat};
use crate::LoadError;
use crate::client::wrong;
use crate::socket::scan::{self, Scan};
use crate::socket::{Form, Message};

/// How somebody edits.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Not at all.
    Silent,
    /// Each block again as soon as it is acked, until then.
    Closed {
        /// Of the run's clock.
        until: u64,
    },
    /// At fixed times.
    Open(Schedule),
}

/// What somebody does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How they edit.
    pub edits: Pace,
    /// When their cursor moves.
    pub cursors: Option<Schedule>,
    /// When they signal.
    pub signals: Option<Schedule>,
}

impl Plan {
    /// Who listens.
    pub const LISTEN: Self = Self { edits: Pace::Silent, cursors: None, signals: None };

    /// Who edits.
    pub fn edit(edits: Pace) -> Self {
        Self { edits, ..Self::LISTEN }
    }

    fn is_silent(&self) -> bool {
        matches!(self.edits, Pace::Silent) && self.cursors.is_none() && self.signals.is_none()
    }
}

/// What all of a crowd use.
#[derive(Clone)]
pub struct Tools {
    /// Where they note what they hear.
    pub ledger: Arc<Ledger>,
    /// How they look into messages.
    pub scan: Arc<Scan>,
    /// How they read what is deflated.
    pub memo: Arc<Mutex<Memo>>,
}

/// A connection at work.
pub struct Part {
    seat: Seat,
    plan: Plan,
    tools: Tools,
    message: Vec<u8>,
}

impl Part {
    /// Ready to begin.
    pub fn new(seat: Seat, plan: Plan, tools: Tools) -> Self {
        Self { seat, plan, tools, message: Vec::new() }
    }

    /// Works until told to stop, and until all its edits are answered; its seat again.
    pub async fn play(mut self, mut stop: watch::Receiver<bool>) -> Result<Seat, LoadError> {
        let mut stopped = Box::pin(async move { stop.wait_for(|stop| *stop).await.is_ok() });
        let mut alarm: Option<(u64, Pin<Box<Sleep>>)> = None;
        let mut stopping = false;
        loop {
            self.send().await?;
            if stopping && self.is_answered() {
                return Ok(self.seat);
            }
            self.set(&mut alarm);
            tokio::select! {
                biased;
                () = ring(&mut alarm) => {}
                message = self.seat.socket.next() => {
                    let message = message?;
                    hear(&mut self.seat.rooms, &mut self.seat.author, &self.tools, message)?;
                }
                _ = &mut stopped, if !stopping => stopping = true,
            }
        }
    }

    fn is_answered(&self) -> bool {
        self.seat.author.as_ref().is_none_or(Author::is_idle)
    }

    /// Sends all that is due, in one write.
    async fn send(&mut self) -> Result<(), LoadError> {
        if self.plan.is_silent() {
            return Ok(());
        }
        let now = self.tools.ledger.clock.micros();
        self.put_edits(now);
        self.put_cursor(now);
        self.put_signals(now);
        // Answers that have come together are followed by edits that go together.
        if self.seat.socket.has_more() { Ok(()) } else { self.seat.socket.flush().await }
    }

    fn put_edits(&mut self, now: u64) {
        let Seat { socket, author: Some(author), .. } = &mut self.seat else { return };
        match &mut self.plan.edits {
            Pace::Silent => {}
            Pace::Closed { until } => {
                while now < *until && author.is_free() {
                    author.put(socket, now);
                }
            }
            Pace::Open(schedule) => {
                while let Some(due) = schedule.due().filter(|due| *due <= now && author.is_free()) {
                    author.put(socket, due);
                    self.tools.ledger.note(|tally| tally.late.add_micros(now - due));
                    schedule.advance();
                }
            }
        }
    }

    /// The latest is enough.
    fn put_cursor(&mut self, now: u64) {
        let Some(schedule) = &mut self.plan.cursors else { return };
        while let Some(due) = schedule.take_due(now) {
            self.message.clear();
            let project = &self.seat.rooms[0].project;
            // Writing to memory does not fail.
            let _ = write!(
                self.message,
                r#"{{"type":"presence","project":"{project}","state":{{"cursor":{{"block":"{project}","offset":{due}}}}}}}"#
            );
            self.seat.socket.put_text(&self.message);
            self.tools.ledger.note(|tally| tally.cursors_sent += 1);
        }
    }

    fn put_signals(&mut self, now: u64) {
        let Some(schedule) = &mut self.plan.signals else { return };
        while let Some(due) = schedule.take_due(now) {
            self.message.clear();
            let project = &self.seat.rooms[0].project;
            // Writing to memory does not fail.
            let _ = write!(
                self.message,
                r#"{{"type":"signal","project":"{project}","event":"wave","data":{{"due":{due}}}}}"#
            );
            self.seat.socket.put_text(&self.message);
            self.tools.ledger.note(|tally| tally.signals_sent += 1);
        }
    }

    /// Sets the alarm to the next thing that is due.
    fn set(&self, alarm: &mut Option<(u64, Pin<Box<Sleep>>)>) {
        let can_edit = self.seat.author.as_ref().is_some_and(Author::is_free);
        let edit = match &self.plan.edits {
            Pace::Open(schedule) if can_edit => schedule.due(),
            _ => None,
        };
        let others = [&self.plan.cursors, &self.plan.signals].into_iter().flatten().filter_map(Schedule::due);
        let next = edit.into_iter().chain(others).min();
        let clock = self.tools.ledger.clock;
        let Some(next) = next else {
            *alarm = None;
            return;
        };
        match alarm {
            Some((set, _)) if *set == next => {}
            Some((set, sleep)) => {
                *set = next;
                sleep.as_mut().reset(clock.instant(next));
            }
            None => *alarm = Some((next, Box::pin(sleep_until(clock.instant(next))))),
        }
    }
}

async fn ring(alarm: &mut Option<(u64, Pin<Box<Sleep>>)>) {
    match alarm {
        Some((_, sleep)) => sleep.as_mut().await,
        None => std::future::pending().await,
    }
}

/// Takes in one message, however it is written.
pub fn hear(
    rooms: &mut [Heard],
    author: &mut Option<Author>,
    tools: &Tools,
    message: Message<'_>,
) -> Result<(), LoadError> {
    match message.form {
        Form::Plain => take_in(rooms, author, tools, message.payload),
        Form::Deflated => take_in(rooms, author, tools, tools.memo.lock().read(message)?),
    }
}

fn take_in(rooms: &mut [Heard], author: &mut Option<Author>, tools: &Tools, message: &[u8]) -> Result<(), LoadError> {
    let Tools { ledger, scan, .. } = tools;
    match scan::kind(message) {
        b"events" => {
            let room = Seat::room(rooms, message)?;
            let before = rooms[room].seq;
            for seq in scan.seqs(message) {
                if seq != rooms[room].seq + 1 {
                    return Err(LoadError::Wrong(format!("seq {seq} came after {}", rooms[room].seq)));
                }
                rooms[room].seq = seq;
            }
            ledger.delivered(rooms[room].seq - before, scan.dues(message));
        }
        b"ack" => {
            let author = author.as_mut().ok_or_else(|| wrong(message))?;
            let acked = author.acked(message, scan)?;
            let room = Seat::room(rooms, message)?;
            rooms[room].acked = rooms[room].acked.max(scan.last_seq(message).unwrap_or(0));
            ledger.acked(acked.due);
        }
        b"presence" => ledger.note(|tally| tally.presence += 1),
        b"signal" => ledger.signalled(scan.dues(message).next()),
        b"reset" => {
            let room = Seat::room(rooms, message)?;
            rooms[room].seq = scan.seqs(message).next().ok_or_else(|| wrong(message))?;
            ledger.note(|tally| tally.resets += 1);
        }
        b"snapshot" | b"conflicted" => {}
        _ => return Err(wrong(message)),
    }
    Ok(())
}
