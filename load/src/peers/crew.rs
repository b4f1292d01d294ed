//! Connections that edit together for a while, and what they saw.
//!
//! Promises: a run goes through a warm-up, a window that is measured, and a drain in which everybody sees what was acked;
//! what somebody has not seen by its end is counted. Processor time runs from the window's begin to the drain's end, and
//! so do the deliveries that it is divided by.
//! Must never: count an edit that was not acked, or a delivery twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::ledger::Flaws;
use super::member::Member;
use super::subject::Stage;
use super::tongue::{Place, Speaker};
use super::worker::Worker;
use crate::LoadError;
use crate::watch::Cpu;

/// How long everybody may take to see the last edits.
const DRAIN: Duration = Duration::from_secs(20);

/// Who edits, what, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Sockets.
    pub connections: usize,
    /// Projects that they share evenly.
    pub projects: usize,
    /// So many of them write, the first ones.
    pub writers: usize,
    /// Blocks of each that writes.
    pub blocks: usize,
    /// How fast.
    pub pace: Pace,
    /// Bytes of text in each edit.
    pub bytes: usize,
    /// Before anything is measured.
    pub warm_up: Duration,
    /// What is measured.
    pub window: Duration,
}

/// How fast somebody writes.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Every block's next edit follows its ack.
    Closed,
    /// So often, whatever is acked; an edit whose block is still under way is left out, and counted.
    Every(Duration),
}

/// Times of a run.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Stamps count from here.
    pub begun: Instant,
    /// The window's begin.
    pub from: Instant,
    /// The window's end, and that of writing.
    pub until: Instant,
}

/// A project and how much has been acked in it.
#[derive(Debug)]
pub struct Room {
    /// What is edited.
    pub place: Arc<Place>,
    /// Edits, from the first block on.
    pub acked: AtomicU64,
}

/// What everybody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Writers write.
    Writing,
    /// All is acked; who has seen all of it is done.
    Draining,
    /// Who is not done is done now.
    Over,
}

/// What one connection, or all, counted.
#[derive(Debug)]
pub struct Tally {
    /// Microseconds, of acks within the window.
    pub acks: Histogram<u64>,
    /// Microseconds, of deliveries within the window.
    pub deliveries: Histogram<u64>,
    /// Acks from the window's begin to the end.
    pub acked: u64,
    /// Deliveries from the window's begin to the end.
    pub delivered: u64,
    /// Edits that were due while their block was still under way.
    pub left_out: u64,
    /// Acked edits that somebody had not seen at the end.
    pub unseen: u64,
    /// What was missing, came twice, or late.
    pub flaws: Flaws,
}

/// What a run gave.
pub struct Run {
    /// All connections' counts.
    pub tally: Tally,
    /// From the window's begin to the drain's end.
    pub cpu: Cpu,
}

/// Connects everybody, joins, makes the blocks, and runs.
pub async fn run(stage: &Stage, plan: &Plan) -> Result<Run, LoadError> {
    let rooms = open_rooms(stage, plan).await?;
    let mut members = Vec::with_capacity(plan.connections);
    for number in 0..plan.connections {
        let mut member = Member::connect(stage, speaker(plan, &rooms, number)).await?;
        member.join().await?;
        members.push(member);
    }
    for (number, member) in members.iter_mut().take(plan.writers).enumerate() {
        let made = member.insert_own().await?;
        rooms[number % rooms.len()].acked.fetch_add(made, Ordering::Relaxed);
    }
    let begun = Instant::now();
    let from = begun + plan.warm_up;
    let times = Times { begun, from, until: from + plan.window };
    let (phase, watched) = watch::channel(Phase::Writing);
    let (acked_all, all_acked) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for (number, member) in members.into_iter().enumerate() {
        let told = (number < plan.writers).then(|| acked_all.clone());
        let room = rooms[number % rooms.len()].clone();
        tasks.spawn(Worker::new(member, room, *plan, times, number).work(watched.clone(), told));
    }
    drop(acked_all);
    sleep_until(times.from).await;
    let (staff, before) = (stage.staff(), stage.staff().cpu());
    let tally = gather(tasks, phase, all_acked, plan).await?;
    Ok(Run { tally, cpu: staff.cpu().since(&before) })
}

async fn open_rooms(stage: &Stage, plan: &Plan) -> Result<Vec<Arc<Room>>, LoadError> {
    let mut rooms = Vec::new();
    for _ in 0..plan.projects {
        let writers = plan.writers.div_ceil(plan.projects);
        let place = stage.place(writers * plan.blocks).await?;
        rooms.push(Arc::new(Room { place, acked: AtomicU64::new(0) }));
    }
    Ok(rooms)
}

fn speaker(plan: &Plan, rooms: &[Arc<Room>], number: usize) -> Speaker {
    let first = number / rooms.len() * plan.blocks;
    let own = if number < plan.writers { first..first + plan.blocks } else { 0..0 };
    Speaker { place: rooms[number % rooms.len()].place.clone(), number, own }
}

/// Waits until the writers have their acks, then until everybody has seen everything, or time is over.
async fn gather(
    mut tasks: JoinSet<Result<Tally, LoadError>>,
    phase: watch::Sender<Phase>,
    mut all_acked: mpsc::UnboundedReceiver<()>,
    plan: &Plan,
) -> Result<Tally, LoadError> {
    let mut total = Tally::new()?;
    // A writer that fails ends without a word, and its task tells why. One that gets no acks is waited for in vain.
    let acking = async { while all_acked.recv().await.is_some() {} };
    let _ = timeout(plan.window + DRAIN, acking).await;
    phase.send_replace(Phase::Draining);
    let deadline = Instant::now() + DRAIN;
    loop {
        match timeout_at(deadline, tasks.join_next()).await {
            Ok(None) => break,
            Ok(Some(done)) => total.add(&done.map_err(|error| LoadError::Wrong(error.to_string()))??)?,
            // From here on nobody waits for anything.
            Err(_) => {
                phase.send_replace(Phase::Over);
                break;
            }
        }
    }
    while let Some(done) = tasks.join_next().await {
        total.add(&done.map_err(|error| LoadError::Wrong(error.to_string()))??)?;
    }
    Ok(total)
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Result<Self, LoadError> {
        let histogram = || Histogram::new(3).map_err(|error| LoadError::Wrong(error.to_string()));
        let (acks, deliveries, flaws) = (histogram()?, histogram()?, Flaws::default());
        Ok(Self { acks, deliveries, acked: 0, delivered: 0, left_out: 0, unseen: 0, flaws })
    }

    fn add(&mut self, other: &Self) -> Result<(), LoadError> {
        let failed = |error: hdrhistogram::errors::AdditionError| LoadError::Wrong(error.to_string());
        self.acks.add(&other.acks).map_err(failed)?;
        self.deliveries.add(&other.deliveries).map_err(failed)?;
        self.acked += other.acked;
        self.delivered += other.delivered;
        self.left_out += other.left_out;
        self.unseen += other.unseen;
        self.flaws.missing += other.flaws.missing;
        self.flaws.repeated += other.flaws.repeated;
        self.flaws.late += other.flaws.late;
        Ok(())
    }
}
