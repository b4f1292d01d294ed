//! Many rooms' commits in one database round trip.
//!
//! Promises: while a commit is under way the next batch gathers, so load makes batches larger and an idle hub answers
//! at once; there is no timer. A project that another transaction holds does not hold up the others: it goes alone.
//! Must never: be cancelled by a client that disconnects; what it starts, it finishes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::domain::ids::ProjectId;
use crate::store::{Commit, Committed, Patience, Store, StoreError};

/// Rooms in one round trip.
const ROOMS_PER_BATCH_MAX: usize = 256;
/// Commits that wait for a lane; each room has at most one.
const LANE_QUEUE_MAX: usize = 4096;
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

/// Hands commits to the lanes; a project always goes by the same one, so its commits never wait for each other's lock.
#[derive(Debug)]
pub struct Committer {
    /// Each lane's task holds the other end, and ends when the committer is dropped.
    lanes: Vec<mpsc::Sender<Request>>,
}

impl Committer {
    /// Starts as many lanes as the store is worth.
    pub fn new(store: &Arc<dyn Store>) -> Self {
        let waiters = Arc::new(Semaphore::new(LOCK_WAITERS_MAX));
        let lane = |_| {
            let (sender, requests) = mpsc::channel(LANE_QUEUE_MAX);
            tokio::spawn(run_lane(store.clone(), waiters.clone(), requests));
            sender
        };
        Self { lanes: (0..store.lanes().max(1)).map(lane).collect() }
    }

    /// Commits; the answer comes when it is durable. A lane that is full is a database that does not keep up: the
    /// commit was not tried then.
    pub fn commit(&self, commit: Commit) -> oneshot::Receiver<Settled> {
        let (reply, settled) = oneshot::channel();
        let lane = &self.lanes[lane_of(commit.project, self.lanes.len())];
        if let Err(refused) = lane.try_send(Request { commit, turns: 0, reply }) {
            let request = refused.into_inner();
            let _ = request.reply.send(Err(StoreError::Unavailable("too many commits wait".into())));
        }
        settled
    }
}

fn lane_of(project: ProjectId, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    project.hash(&mut hasher);
    usize::try_from(hasher.finish() % lanes as u64).unwrap_or(0)
}

async fn run_lane(store: Arc<dyn Store>, waiters: Arc<Semaphore>, mut requests: mpsc::Receiver<Request>) {
    let mut batch = Vec::new();
    // Those that found their project locked stand first in the next batch.
    let mut again = Vec::new();
    loop {
        batch.append(&mut again);
        if batch.is_empty() && requests.recv_many(&mut batch, ROOMS_PER_BATCH_MAX).await == 0 {
            return;
        }
        while batch.len() < ROOMS_PER_BATCH_MAX
            && let Ok(request) = requests.try_recv()
        {
            batch.push(request);
        }
        again = run_batch(&store, &waiters, batch.drain(..)).await;
    }
}

/// Which of them are to be tried again at once: another hub's commit takes a few milliseconds.
async fn run_batch(
    store: &Arc<dyn Store>,
    waiters: &Arc<Semaphore>,
    batch: impl Iterator<Item = Request>,
) -> Vec<Request> {
    let (commits, replies): (Vec<_>, Vec<_>) =
        batch.map(|request| (request.commit, (request.turns, request.reply))).unzip();
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
