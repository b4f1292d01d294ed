//! Many rooms' commits in one database round trip.
//!
//! Promises: while a commit is under way the next batch gathers, so load makes batches larger and an idle hub answers
//! at once; nobody waits for time to pass. Rooms that wait for their turn decide when the batch gathers, and not before,
//! so that it has everything that came until then. A project that another transaction holds does not hold up the others:
//! it goes alone.
//! Must never: be cancelled by a client that disconnects; what it starts, it finishes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::domain::ids::ProjectId;
use crate::store::{Commit, Committed, Patience, Store, StoreError};

/// Rooms in one round trip.
const ROOMS_PER_BATCH_MAX: usize = 256;
/// Commits and rooms that wait for a lane; each room waits at most once.
const LANE_QUEUE_MAX: usize = 4096;
/// How long a batch waits for the rooms whose turn it is. Deciding takes far less, unless something is to be read first.
const TURN_MAX: Duration = Duration::from_millis(5);
/// How long a commit waits for a project that another transaction holds, before it ends as `busy`.
const LOCK_WAIT_MS: u32 = 2_000;
/// How long a lane waits for the database's answer: a connection may die without a word.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Commits that wait so at once, each on a database connection of its own; each room has at most one.
const LOCK_WAITERS_MAX: usize = 4;
/// How often a commit that finds its project locked goes with the next batch, before it waits alone.
const LOCKED_TURNS_MAX: u32 = 3;

/// What a room hears of its commit.
pub type Settled = Result<Committed, StoreError>;

struct Request {
    commit: Commit,
    /// How often it found its project locked.
    turns: u32,
    /// Held by the room; if it is gone, nobody is told, and the commit counts all the same.
    reply: oneshot::Sender<Settled>,
}

/// What a lane is asked.
enum Ask {
    /// Take this along.
    Commit(Request),
    /// Say when the next batch gathers.
    Turn(oneshot::Sender<Turn>),
}

/// A room's place in the batch that gathers now, which waits until this is dropped, at most `TURN_MAX`.
#[derive(Debug)]
pub struct Turn {
    /// The lane holds the other end.
    _gathering: mpsc::Sender<Infallible>,
}

/// Hands commits to the lanes; a project always goes by the same one, so its commits never wait for each other's lock.
#[derive(Debug)]
pub struct Committer {
    lanes: Vec<Entry>,
}

/// Where a lane is asked.
#[derive(Debug)]
struct Entry {
    /// The lane's task holds the other end, and ends when the committer is dropped.
    asks: mpsc::Sender<Ask>,
    /// Whether a batch is under way; the lane's task says so.
    busy: Arc<AtomicBool>,
}

/// A lane's own end.
struct Lane {
    store: Arc<dyn Store>,
    /// Shared by all lanes.
    waiters: Arc<Semaphore>,
    asks: mpsc::Receiver<Ask>,
    busy: Arc<AtomicBool>,
    /// The next batch.
    batch: Vec<Request>,
    /// Rooms that wait for their turn, each at most once.
    turns: VecDeque<oneshot::Sender<Turn>>,
}

impl Committer {
    /// Starts as many lanes as the store is worth.
    pub fn new(store: &Arc<dyn Store>) -> Self {
        let waiters = Arc::new(Semaphore::new(LOCK_WAITERS_MAX));
        let lane = |_| {
            let (entry, asks) = mpsc::channel(LANE_QUEUE_MAX);
            let (store, waiters, busy) = (store.clone(), waiters.clone(), Arc::new(AtomicBool::new(false)));
            let lane = Lane { store, waiters, asks, busy: busy.clone(), batch: Vec::new(), turns: VecDeque::new() };
            tokio::spawn(lane.run());
            Entry { asks: entry, busy }
        };
        Self { lanes: (0..store.lanes().max(1)).map(lane).collect() }
    }

    /// Commits; the answer comes when it is durable. A lane that is full is a database that does not keep up: the
    /// commit was not tried then.
    pub fn commit(&self, commit: Commit) -> oneshot::Receiver<Settled> {
        let (reply, settled) = oneshot::channel();
        let lane = self.lane(commit.project);
        let asked = lane.asks.try_send(Ask::Commit(Request { commit, turns: 0, reply }));
        if let Err(refused) = asked
            && let Ask::Commit(request) = refused.into_inner()
        {
            let _ = request.reply.send(Err(StoreError::Unavailable("too many commits wait".into())));
        }
        settled
    }

    /// Tells when to decide for the next batch; `None`: now, nothing is under way.
    pub fn turn(&self, project: ProjectId) -> Option<oneshot::Receiver<Turn>> {
        let lane = self.lane(project);
        if !lane.busy.load(Ordering::Relaxed) {
            return None;
        }
        let (turn, told) = oneshot::channel();
        lane.asks.try_send(Ask::Turn(turn)).is_ok().then_some(told)
    }

    fn lane(&self, project: ProjectId) -> &Entry {
        &self.lanes[lane_of(project, self.lanes.len())]
    }
}

fn lane_of(project: ProjectId, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    project.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or(0)
}

impl Lane {
    async fn run(mut self) {
        loop {
            if self.batch.is_empty() && self.turns.is_empty() {
                self.busy.store(false, Ordering::Relaxed);
                match self.asks.recv().await {
                    Some(ask) => self.take(ask),
                    None => return,
                }
                self.busy.store(true, Ordering::Relaxed);
            }
            self.gather().await;
            // Those that found their project locked stand first in the next batch.
            let batch = std::mem::take(&mut self.batch);
            self.batch = run_batch(&self.store, &self.waiters, batch).await;
        }
    }

    fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Commit(request) => self.batch.push(request),
            Ask::Turn(turn) => self.turns.push_back(turn),
        }
    }

    /// What has come so far.
    fn drain(&mut self) {
        while self.batch.len() < ROOMS_PER_BATCH_MAX
            && let Ok(ask) = self.asks.try_recv()
        {
            self.take(ask);
        }
    }

    /// Gives those who waited their turn, and takes what they commit.
    async fn gather(&mut self) {
        self.drain();
        let places = ROOMS_PER_BATCH_MAX.saturating_sub(self.batch.len()).min(self.turns.len());
        if places == 0 {
            return;
        }
        let (gathering, mut gathered) = mpsc::channel(1);
        for turn in self.turns.drain(..places) {
            // A room that is gone has no turn.
            let _ = turn.send(Turn { _gathering: gathering.clone() });
        }
        drop(gathering);
        let all_here = timeout(TURN_MAX, gathered.recv()).await;
        if all_here.is_err() {
            metrics::counter!("blockhub_turns_missed_total").increment(1);
        }
        self.drain();
    }
}

/// Which of them are to be tried again at once: another hub's commit takes a few milliseconds.
async fn run_batch(store: &Arc<dyn Store>, waiters: &Arc<Semaphore>, batch: Vec<Request>) -> Vec<Request> {
    if batch.is_empty() {
        return batch;
    }
    let (commits, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|request| (request.commit, (request.turns, request.reply))).unzip();
    let (commits, settled) = write(store.clone(), commits, Patience::None).await;
    let mut again = Vec::new();
    for ((commit, (turns, reply)), settled) in commits.into_iter().zip(replies).zip(settled) {
        match settled {
            Ok(Committed::Locked) if turns < LOCKED_TURNS_MAX => {
                again.push(Request { commit, turns: turns + 1, reply });
            }
            Ok(Committed::Locked) => wait_alone(store.clone(), waiters.clone(), commit, reply),
            settled => drop(reply.send(settled)),
        }
    }
    again
}

/// A locked project goes by itself, so that its lane goes on.
fn wait_alone(store: Arc<dyn Store>, waiters: Arc<Semaphore>, commit: Commit, reply: oneshot::Sender<Settled>) {
    tokio::spawn(async move {
        let patience = Duration::from_millis(LOCK_WAIT_MS.into());
        let Ok(Ok(permit)) = timeout(patience, waiters.acquire_owned()).await else {
            return drop(reply.send(Ok(Committed::Locked)));
        };
        let (_, mut settled) = write(store, vec![commit], Patience::Ms(LOCK_WAIT_MS)).await;
        drop(permit);
        let _ = reply.send(settled.pop().unwrap_or(Ok(Committed::Locked)));
    });
}

/// One round trip, in a task of its own: a panic in a store is an error of this batch, not the lane's end.
async fn write(store: Arc<dyn Store>, commits: Vec<Commit>, patience: Patience) -> (Vec<Commit>, Vec<Settled>) {
    let commits = Arc::new(commits);
    let begun = Instant::now();
    let written = tokio::spawn({
        let commits = commits.clone();
        async move { store.commit(&commits, patience).await }
    });
    let result = match timeout(ANSWER_WITHIN, written).await {
        Ok(ended) => ended.unwrap_or_else(|panic| Err(StoreError::Broken(panic.to_string()))),
        // It goes on by itself; what became of it is found by the catch-up and by those who send again.
        Err(_) => Err(StoreError::Unavailable("a commit was not answered in time".into())),
    };
    metrics::histogram!("blockhub_commit_seconds").record(begun.elapsed().as_secs_f64());
    metrics::histogram!("blockhub_commit_rooms").record(commits.len() as f64);
    let settled = match result {
        Ok(settled) => settled.into_iter().map(Ok).collect(),
        Err(error) => {
            tracing::error!(%error, rooms = commits.len(), "a commit failed");
            commits.iter().map(|_| Err(error.clone())).collect()
        }
    };
    (Arc::try_unwrap(commits).unwrap_or_else(|shared| shared.to_vec()), settled)
}
