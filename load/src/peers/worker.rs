//! One connection at work: writes at its pace, reads everything, and keeps count.
//!
//! Promises: an ack must be for an edit that it waits for; it goes on reading until it has seen every edit that was acked
//! in its project.
//! Must never: stop reading while others write.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::crew::{Pace, Phase, Plan, Room, Tally, Times};
use super::member::{Heard, Member};
use crate::LoadError;

/// A connection and what it has under way.
pub struct Worker {
    member: Member,
    room: Arc<Room>,
    plan: Plan,
    times: Times,
    /// By block: when its edit was written.
    under_way: HashMap<usize, Instant>,
    /// The next edit's time, at an open pace.
    due: Option<Instant>,
    /// How many edits were due.
    turn: usize,
}

impl Worker {
    /// Begins with nothing under way; writers at an open pace are spread over one interval.
    pub fn new(member: Member, room: Arc<Room>, plan: Plan, times: Times, number: usize) -> Self {
        let due = match plan.pace {
            Pace::Every(every) if !member.own().is_empty() => {
                let part = number as f64 / plan.writers as f64;
                Some(times.begun + every.mul_f64(part))
            }
            _ => None,
        };
        Self { member, room, plan, times, under_way: HashMap::new(), due, turn: 0 }
    }

    /// Works until the run is over. `all_acked` is dropped when nothing is under way any more.
    pub async fn work(
        mut self,
        mut phase: watch::Receiver<Phase>,
        mut all_acked: Option<mpsc::UnboundedSender<()>>,
    ) -> Result<Tally, LoadError> {
        let mut tally = Tally::new()?;
        self.begin().await?;
        loop {
            if all_acked.is_some() && self.has_written() {
                all_acked = None;
            }
            if self.is_over(*phase.borrow_and_update()) {
                return Ok(self.finish(tally));
            }
            tokio::select! {
                heard = self.member.step() => {
                    let acked = take(heard?, &mut self.under_way, &self.times, &mut tally)?;
                    self.go_on(&acked).await?;
                }
                () = at(self.due) => self.write_due(&mut tally).await?,
                _ = phase.changed() => {}
            }
        }
    }

    /// At a closed pace, everything at once.
    async fn begin(&mut self) -> Result<(), LoadError> {
        if matches!(self.plan.pace, Pace::Closed) {
            let all: Vec<usize> = self.member.own().collect();
            self.write(&all).await?;
        }
        Ok(())
    }

    async fn go_on(&mut self, acked: &[usize]) -> Result<(), LoadError> {
        self.room.acked.fetch_add(acked.len() as u64, Ordering::Relaxed);
        if matches!(self.plan.pace, Pace::Closed) && !acked.is_empty() && Instant::now() < self.times.until {
            self.write(acked).await?;
        }
        Ok(())
    }

    /// At an open pace: the next block's turn.
    async fn write_due(&mut self, tally: &mut Tally) -> Result<(), LoadError> {
        let (Some(due), Pace::Every(every)) = (self.due, self.plan.pace) else { return Ok(()) };
        self.due = Some(due + every).filter(|next| *next < self.times.until);
        let block = self.member.own().start + self.turn % self.plan.blocks;
        self.turn += 1;
        if self.under_way.contains_key(&block) {
            tally.left_out += u64::from(due >= self.times.from);
            return Ok(());
        }
        self.write(&[block]).await
    }

    async fn write(&mut self, blocks: &[usize]) -> Result<(), LoadError> {
        let now = Instant::now();
        for block in blocks {
            self.under_way.insert(*block, now);
            self.member.put_update(*block, micros(now - self.times.begun), self.plan.bytes);
        }
        self.member.flush().await
    }

    fn has_written(&self) -> bool {
        self.due.is_none() && self.under_way.is_empty() && Instant::now() >= self.times.from
    }

    fn is_over(&self, phase: Phase) -> bool {
        match phase {
            Phase::Writing => false,
            Phase::Draining => self.member.ledger().seen() >= self.room.acked.load(Ordering::Relaxed),
            Phase::Over => true,
        }
    }

    fn finish(self, mut tally: Tally) -> Tally {
        let ledger = self.member.ledger();
        tally.unseen = self.room.acked.load(Ordering::Relaxed).saturating_sub(ledger.seen());
        tally.flaws = ledger.flaws();
        tally
    }
}

/// Counts what was heard; which blocks' edits are acked.
fn take(
    heard: &Heard,
    under_way: &mut HashMap<usize, Instant>,
    times: &Times,
    tally: &mut Tally,
) -> Result<Vec<usize>, LoadError> {
    let now = Instant::now();
    let in_window = now >= times.from && now < times.until;
    if now >= times.from {
        tally.delivered += heard.told.delivered;
        tally.acked += heard.told.acks.len() as u64;
    }
    if in_window {
        for stamp in &heard.stamps {
            record(&mut tally.deliveries, micros(now - times.begun).saturating_sub(*stamp))?;
        }
    }
    for block in &heard.told.acks {
        let nobody = || LoadError::Wrong(format!("an ack for block {block}, of which nothing is under way"));
        let written = under_way.remove(block).ok_or_else(nobody)?;
        if in_window {
            record(&mut tally.acks, micros(now - written))?;
        }
    }
    Ok(heard.told.acks.clone())
}

fn record(histogram: &mut hdrhistogram::Histogram<u64>, micros: u64) -> Result<(), LoadError> {
    histogram.record(micros).map_err(|error| LoadError::Wrong(error.to_string()))
}

fn micros(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
