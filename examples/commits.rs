//! How many edits a second a store takes: one task per lane, batches of a given size over 16 projects a lane, an
//! update of a 200-byte block each. `cargo run --release --example commits -- URL [BATCH] [LANES] [SECONDS]`
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use blockhub::domain::access::Access;
use blockhub::domain::block::{Block, Place};
use blockhub::domain::event::{Actor, ActorKind, Change, Event};
use blockhub::domain::ids::{BlockId, EditId, ProjectId, RequestId, UserId};
use blockhub::domain::position::Position;
use blockhub::domain::sequence::{Epoch, Seq, Timestamp, Version};
use blockhub::store::postgres::{PostgresOptions, PostgresStore};
use blockhub::store::sqlite::SqliteStore;
use blockhub::store::{BlockState, BlockWrite, Commit, Committed, NewProject, Patience, Store};
use serde_json::json;
use uuid::Uuid;

const PROJECTS: usize = 16;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| arguments.get(index).map_or(default, |text| text.parse().unwrap());
    let (batch, lanes, seconds) = (number(1, 64), number(2, 1), number(3, 5));
    let store = connect(&arguments[0]).await;
    let lanes = (0..lanes).map(|_| tokio::spawn(lane(Arc::clone(&store), batch, Duration::from_secs(seconds as u64))));
    let (mut edits, mut commits) = (0, 0);
    for lane in lanes.collect::<Vec<_>>() {
        let done = lane.await.unwrap();
        (edits, commits) = (edits + done.0, commits + done.1);
    }
    println!("{} edits/s in {} statements/s", edits / seconds, commits / seconds);
}

async fn connect(url: &str) -> Arc<dyn Store> {
    if url.starts_with("sqlite:") {
        return Arc::new(SqliteStore::connect(url).await.unwrap());
    }
    let options = PostgresOptions { url: url.to_owned(), replica_url: None, pool_min: 1, pool_max: 8 };
    Arc::new(PostgresStore::connect(&options).await.unwrap())
}

/// Commits batch after batch; how many edits and how many batches went through.
async fn lane(store: Arc<dyn Store>, batch: usize, time: Duration) -> (usize, usize) {
    let per_project = batch.div_ceil(PROJECTS).max(1);
    let mut rooms = Vec::new();
    for _ in 0..PROJECTS.min(batch) {
        rooms.push(Room::new(&*store, per_project).await);
    }
    let (started, mut commits) = (Instant::now(), 0);
    while started.elapsed() < time {
        let commit: Vec<Commit> = rooms.iter_mut().map(Room::edit_all).collect();
        let answers = store.commit(&commit, Patience::None).await.unwrap();
        assert!(answers.iter().all(|answer| matches!(answer, Committed::Done { .. })), "{answers:?}");
        commits += 1;
    }
    (commits * rooms.len() * per_project, commits)
}

struct Room {
    project: ProjectId,
    epoch: Epoch,
    blocks: Vec<Block>,
}

impl Room {
    async fn new(store: &dyn Store, blocks: usize) -> Self {
        let id = ProjectId(Uuid::now_v7());
        let blocks: Vec<Block> = (0..blocks).map(|index| block(&format!("a{index:04}"))).collect();
        let inserts = blocks.iter().map(|block| Change::Insert { block: block.clone() });
        let project = NewProject {
            id,
            title: "Load".into(),
            access: Access::None,
            owner: UserId::from("ann"),
            log: 7,
            at: Timestamp(0),
            first: Some(event(inserts.collect())),
        };
        assert!(store.create(&project).await.unwrap());
        let epoch = store.open(id).await.unwrap().unwrap().info.epoch;
        Self { project: id, epoch, blocks }
    }

    fn edit_all(&mut self) -> Commit {
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        for block in &mut self.blocks {
            let found = block.version;
            block.version = found.next();
            let patch = json!({"text": "y".repeat(100)}).as_object().unwrap().clone();
            let change = Change::Update { block: block.id, version: block.version, patch: patch.clone(), back: patch };
            writes.push(BlockWrite { id: block.id, found, left: BlockState::Lives(Arc::new(block.clone())) });
            events.push(Arc::new(event(vec![change])));
        }
        Commit { project: self.project, epoch: self.epoch, tree_seq: None, blocks: writes, events }
    }
}

fn block(position: &str) -> Block {
    Block {
        id: BlockId(Uuid::new_v4()),
        kind: "text".into(),
        place: Place { parent: None, position: Position(position.into()) },
        content: json!({"text": "x".repeat(180)}).as_object().unwrap().clone(),
        version: Version(1),
    }
}

fn event(changes: Vec<Change>) -> Event {
    Event {
        seq: Seq(1),
        edit: EditId(Uuid::new_v4()),
        request: RequestId(Uuid::new_v4()),
        group: None,
        actor: Arc::new(Actor { id: UserId::from("ann"), name: None, kind: ActorKind::Human }),
        at: Timestamp(0),
        merged: false,
        overwrote: false,
        changes,
    }
}
