//! One project of one test, and short words for what is done to it.

use std::sync::Arc;

use blockhub::domain::access::Access;
use blockhub::domain::block::{Block, Content, Grave, Place};
use blockhub::domain::event::{Actor, ActorKind, Change, Event};
use blockhub::domain::ids::{BlockId, EditId, ProjectId, RequestId, UserId};
use blockhub::domain::position::Position;
use blockhub::domain::sequence::{Epoch, Seq, Timestamp, Version};
use blockhub::store::{BlockState, BlockWrite, Commit, Committed, NewProject, Patience, Store};
use serde_json::json;
use uuid::Uuid;

use crate::harness::database::Database;

/// The time at which everything happens that does not say otherwise.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// A project in a store.
pub struct Scene {
    pub store: Arc<dyn Store>,
    pub project: ProjectId,
    pub epoch: Epoch,
}

impl Scene {
    /// A new project without blocks.
    pub async fn new(database: &Database) -> Self {
        Self::on(database.store().await).await
    }

    /// A new project in a store that is there.
    pub async fn on(store: Arc<dyn Store>) -> Self {
        let project = new_project("ann");
        assert!(store.create(&project).await.unwrap());
        let epoch = store.open(project.id).await.unwrap().unwrap().info.epoch;
        Self { store, project: project.id, epoch }
    }

    /// The same project, seen by another hub.
    pub async fn elsewhere(&self, database: &Database) -> Self {
        Self { store: database.store().await, project: self.project, epoch: self.epoch }
    }

    /// A commit of these changes as one event.
    pub fn commit(&self, tree_seq: Option<u64>, blocks: Vec<BlockWrite>, changes: Vec<Change>) -> Commit {
        Commit {
            project: self.project,
            epoch: self.epoch,
            tree_seq: tree_seq.map(Seq),
            blocks,
            events: vec![Arc::new(event(changes))],
        }
    }

    /// A new block, decided on this `tree_seq`.
    pub fn insert(&self, tree_seq: u64, block: &Block) -> Commit {
        self.commit(Some(tree_seq), vec![lives(0, block)], vec![Change::Insert { block: block.clone() }])
    }

    /// The block's next version.
    pub fn update(&self, block: &Block) -> Commit {
        let after = Block { version: block.version.next(), ..block.clone() };
        let change =
            Change::Update { block: block.id, version: after.version, patch: Content::new(), back: Content::new() };
        self.commit(None, vec![lives(block.version.0, &after)], vec![change])
    }

    /// The block's end.
    pub fn delete(&self, tree_seq: u64, block: &Block) -> Commit {
        let write = BlockWrite { id: block.id, found: block.version, left: BlockState::Dead(grave_of(block)) };
        self.commit(Some(tree_seq), vec![write], vec![Change::Delete { blocks: vec![block.clone()] }])
    }

    /// Commits one, without patience.
    pub async fn try_commit(&self, commit: Commit) -> Committed {
        self.store.commit(&[commit], Patience::None).await.unwrap()[0]
    }

    /// Commits one, which must go through; its seq.
    pub async fn must_commit(&self, commit: Commit) -> Seq {
        match self.try_commit(commit).await {
            Committed::Done { first } => first,
            other => panic!("not committed: {other:?}"),
        }
    }

    /// A block that is in the store, and the `tree_seq` after it.
    pub async fn with_block(&self) -> (Block, u64) {
        let tree_seq = self.store.open(self.project).await.unwrap().unwrap().project.tree_seq;
        let block = block(&format!("a{}", tree_seq.0 % 10));
        let seq = self.must_commit(self.insert(tree_seq.0, &block)).await;
        (block, seq.0)
    }

    /// The head.
    pub async fn head(&self) -> Seq {
        self.store.heads(&[self.project]).await.unwrap()[0].seq
    }
}

/// A project without blocks.
pub fn new_project(owner: &str) -> NewProject {
    NewProject {
        id: ProjectId(Uuid::now_v7()),
        title: "Plans".into(),
        access: Access::None,
        owner: UserId::from(owner),
        log: 0xfeed_face_dead_beef,
        at: NOW,
        first: None,
    }
}

/// An event that ann made of these changes.
pub fn event(changes: Vec<Change>) -> Event {
    Event {
        seq: Seq(1),
        edit: EditId(Uuid::new_v4()),
        request: RequestId(Uuid::new_v4()),
        group: None,
        actor: Arc::new(Actor { id: UserId::from("ann"), name: Some("Ann".into()), kind: ActorKind::Human }),
        at: NOW,
        merged: false,
        overwrote: false,
        changes,
    }
}

/// A block at version 1 at the top.
pub fn block(position: &str) -> Block {
    Block {
        id: BlockId(Uuid::new_v4()),
        kind: "text".into(),
        place: Place { parent: None, position: Position(position.into()) },
        content: json!({"text": "Hello"}).as_object().unwrap().clone(),
        version: Version(1),
    }
}

/// What is left of a block that is deleted next.
pub fn grave_of(block: &Block) -> Grave {
    Grave { version: block.version.next(), place: block.place.clone() }
}

/// A write of a block that lives on.
pub fn lives(found: u64, block: &Block) -> BlockWrite {
    BlockWrite { id: block.id, found: Version(found), left: BlockState::Lives(Arc::new(block.clone())) }
}
