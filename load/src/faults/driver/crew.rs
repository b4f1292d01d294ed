//! What all clients of a run share.
//!
//! Promises: one clock, one history, one phase for all.
//! Must never: be changed by one client so that another would notice, except through the hubs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use histcheck::file::Writer;
use histcheck::history::{Record, Told, Touched};
use histcheck::id::Id;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::database::Heads;
use super::figures::Figures;
use super::room::id_of;
use super::sightings::Sightings;

/// What clients do now.
#[derive(Clone)]
pub enum Phase {
    /// They join.
    Gather,
    /// They edit.
    Work,
    /// They make up nothing new, and wait for all answers.
    Quiet,
    /// They wait until they have everything up to these heads, write down their copies, and go.
    Rest(Arc<Heads>),
}

impl Phase {
    /// Which phase it is.
    pub fn number(&self) -> u32 {
        match self {
            Self::Gather => 0,
            Self::Work => 1,
            Self::Quiet => 2,
            Self::Rest(_) => 3,
        }
    }
}

/// Something to be looked up apart from the clients, after an ack.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Of this project.
    pub project: Id,
    /// The edit that was acked.
    pub edit: Id,
    /// With this seq.
    pub seq: u64,
    /// The hub that is asked, over HTTP.
    pub hub: usize,
}

/// What all clients share.
pub struct Crew {
    /// Where the hubs are, by number.
    pub addresses: Vec<String>,
    /// What the judge will read.
    pub history: Writer,
    /// What is measured.
    pub figures: Figures,
    /// Who saw what when.
    pub sightings: Sightings,
    /// Set by the run; clients watch it.
    pub phase: watch::Sender<Phase>,
    /// Between two edits of one client.
    pub pace: Duration,
    /// Of so many acks, one is looked up.
    pub ask_one_in: usize,
    begun: Instant,
    sends: AtomicU64,
    seated: watch::Sender<u32>,
    /// Clients that are done with a phase. The run reads it; nobody waits for room.
    reports: mpsc::Sender<(u32, u32)>,
    /// The inspector reads it; what does not fit is not asked.
    asks: mpsc::Sender<Ask>,
    next_acks: Mutex<Vec<(usize, oneshot::Sender<Instant>)>>,
}

/// Held by a client that is where it likes to be.
pub struct Seat(Arc<Crew>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.seated.send_modify(|seated| *seated -= 1);
    }
}

/// What a crew is made of.
pub struct CrewParts {
    /// Where the hubs are, by number.
    pub addresses: Vec<String>,
    /// What the judge will read.
    pub history: Writer,
    /// Between two edits of one client.
    pub pace: Duration,
    /// Of so many acks, one is looked up.
    pub ask_one_in: usize,
    /// Where reports go: room for all clients, in all phases.
    pub reports: mpsc::Sender<(u32, u32)>,
    /// Where the inspector gets its work.
    pub asks: mpsc::Sender<Ask>,
}

impl Crew {
    /// Before anything has happened.
    pub fn new(parts: CrewParts) -> Self {
        let CrewParts { addresses, history, pace, ask_one_in, reports, asks } = parts;
        Self {
            sightings: Sightings::new(addresses.len()),
            addresses,
            history,
            figures: Figures::default(),
            phase: watch::Sender::new(Phase::Gather),
            pace,
            ask_one_in,
            begun: Instant::now(),
            sends: AtomicU64::new(0),
            seated: watch::Sender::new(0),
            reports,
            asks,
            next_acks: Mutex::default(),
        }
    }

    /// Milliseconds of the run's clock.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Writes down that an edit is about to be sent.
    pub fn write_sent(&self, client: u32, project: Id, edit: Id, user: &str) {
        self.sends.fetch_add(1, Ordering::Relaxed);
        self.history.write(&Record::Sent { client, project, edit, user: user.to_owned(), at_ms: self.now_ms() });
    }

    /// Writes an ack down; what it says of itself.
    pub fn write_acked(&self, client: u32, message: &Value) -> Told {
        let (project, edit) = (id_of(&message["project"]), id_of(&message["editId"]));
        let seq = message["seq"].as_u64().unwrap_or_default();
        let touched = |(block, version): (&String, &Value)| {
            Touched(block.parse().unwrap_or_default(), version.as_u64().unwrap_or_default())
        };
        let versions = message["versions"].as_object().into_iter().flatten().map(touched).collect();
        let says = |what: &str| message[what] == true;
        let told = Told { merged: says("merged"), overwrote: says("overwrote"), duplicate: says("duplicate") };
        let at_ms = self.now_ms();
        self.history.write(&Record::Acked { client, project, edit, seq, versions, told, at_ms });
        told
    }

    /// How often an edit was sent, by anybody.
    pub fn sends(&self) -> u64 {
        self.sends.load(Ordering::Relaxed)
    }

    /// A client is where it likes to be, and has joined everything, for as long as it holds this.
    pub fn sit(self: &Arc<Self>) -> Seat {
        self.seated.send_modify(|seated| *seated += 1);
        Seat(self.clone())
    }

    /// Waits until so many sit at once.
    pub async fn seated(&self, all: u32) {
        // Proven: the sender lives as long as `self`.
        let _ = self.seated.subscribe().wait_for(|seated| *seated == all).await;
    }

    /// A client is done with a phase.
    pub fn report(&self, client: u32, phase: &Phase) {
        // Proven: there is room for all reports of a run, unless the run has stopped waiting.
        let _ = self.reports.try_send((client, phase.number()));
    }

    /// Has something looked up, if there is time.
    pub fn ask(&self, ask: Ask) {
        let _ = self.asks.try_send(ask);
    }

    /// When the next ack of this hub comes.
    pub fn next_ack(&self, hub: usize) -> oneshot::Receiver<Instant> {
        let (sender, receiver) = oneshot::channel();
        self.next_acks.lock().push((hub, sender));
        receiver
    }

    /// A hub has acked an edit.
    pub fn acked_by(&self, hub: usize, at: Instant) {
        let mut waiting = self.next_acks.lock();
        while let Some(position) = waiting.iter().position(|(of, _)| *of == hub) {
            // The row may have stopped waiting.
            let _ = waiting.swap_remove(position).1.send(at);
        }
    }

    /// Measures events that came to a client of this hub.
    pub fn note_events(&self, message: &Value, hub: usize) {
        let (at, events) = (Instant::now(), message["events"].as_array().map_or(&[][..], Vec::as_slice));
        let lags: Vec<_> =
            events.iter().filter_map(|event| self.sightings.seen(id_of(&event["editId"]), hub, at)).collect();
        self.figures.note(|stretch| {
            stretch.events += events.len() as u64;
            lags.into_iter().for_each(|lag| stretch.lag.add(lag));
        });
    }

    /// Counts how somebody who had been there before was let in.
    pub fn note_joined(&self, came_back: bool, message: &Value) {
        if came_back {
            self.figures.note(|stretch| match message["recovered"] == true {
                true => stretch.recovered += 1,
                false => stretch.snapshots += 1,
            });
        }
    }
}
