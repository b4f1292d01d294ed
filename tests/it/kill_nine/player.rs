//! One client who edits for as long as the hub lives, and goes on when it is back.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::harness::chance::Chance;
use crate::harness::client::{Client, Followed};
use crate::harness::replica::Replica;
use crate::harness::whim;

/// Edits of one client that may wait for their answers at once, each on a block of its own ([ED3]).
const PENDING_MAX: usize = 4;

/// An edit that was sent, and whose event was not taken in.
struct Pending {
    project: String,
    block: String,
    message: Value,
    acked: Option<u64>,
}

/// What the hub promised.
#[derive(Clone, Debug)]
pub struct Acked {
    pub project: String,
    pub edit: String,
    pub user: String,
    pub seq: u64,
    pub duplicate: bool,
}

/// How a client that was here before was received.
#[derive(Clone, Debug)]
pub struct Comeback {
    pub project: String,
    pub since: u64,
    pub seq: u64,
    pub recovered: bool,
    /// Of the snapshot, if it got one.
    pub snapshot_bytes: usize,
}

/// One client, over all its connections. Where a function returns `None`, the socket is gone.
pub struct Player {
    pub user: String,
    pub replicas: BTreeMap<String, Replica>,
    pub acked: Vec<Acked>,
    /// Edits that conflicted or were invalid.
    pub refused: Vec<String>,
    pub sent: Vec<String>,
    pub comebacks: Vec<Comeback>,
    projects: Vec<String>,
    epochs: BTreeMap<String, String>,
    pending: Vec<Pending>,
    client: Option<Client>,
    joining: usize,
    chance: Chance,
    tally: watch::Sender<u64>,
}

impl Player {
    /// Somebody who edits these projects; each ack is counted in `tally`.
    pub fn new(user: String, projects: Vec<String>, chance: Chance, tally: watch::Sender<u64>) -> Self {
        Self {
            user,
            replicas: BTreeMap::new(),
            acked: Vec::new(),
            refused: Vec::new(),
            sent: Vec::new(),
            comebacks: Vec::new(),
            projects,
            epochs: BTreeMap::new(),
            pending: Vec::new(),
            client: None,
            joining: 0,
            chance,
            tally,
        }
    }

    /// Edits until the hub is gone.
    pub async fn plays_until_the_end(mut self, ws: String) -> Self {
        if self.connect(&ws).await.is_some() {
            while self.step().await.is_some() {}
        }
        self.client = None;
        self
    }

    /// Makes so many more edits, and waits for all answers. The hub must live.
    pub async fn finishes(mut self, ws: String, edits: usize) -> Self {
        self.connect(&ws).await.expect("the hub lives");
        let end = self.sent.len() + edits;
        while self.sent.len() < end {
            self.step().await.expect("the hub lives");
        }
        while !self.pending.is_empty() {
            self.read().await.expect("the hub lives");
        }
        self
    }

    /// Takes in what is still to come, up to these heads.
    pub async fn reaches(&mut self, heads: &BTreeMap<String, u64>) {
        while self.replicas.iter().any(|(project, replica)| replica.seq < heads[project]) {
            self.read().await.expect("the hub lives");
        }
    }

    async fn connect(&mut self, ws: &str) -> Option<()> {
        let mut client = Client::connect(ws).await.ok()?;
        client.offer(json!({ "type": "hello", "user": { "id": self.user } })).await?;
        for project in &self.projects {
            let mut join = json!({ "type": "join", "id": project, "project": project });
            if let Some(replica) = self.replicas.get(project) {
                let epoch = &self.epochs[project];
                join["since"] = json!({ "epoch": epoch, "seq": replica.seq });
                client.remember(project, Followed { epoch: epoch.clone(), seq: replica.seq, events: Vec::new() });
            }
            client.offer(join).await?;
        }
        self.client = Some(client);
        self.joining = self.projects.len();
        while self.joining > 0 {
            self.read().await?;
        }
        self.send_again().await
    }

    /// What has no answer goes out once more, unchanged and in order ([ED13]).
    async fn send_again(&mut self) -> Option<()> {
        let client = self.client.as_mut()?;
        for pending in self.pending.iter().filter(|pending| pending.acked.is_none()) {
            client.offer(pending.message.clone()).await?;
        }
        Some(())
    }

    async fn step(&mut self) -> Option<()> {
        if self.pending.len() < PENDING_MAX && (self.pending.is_empty() || self.chance.once_in(3)) {
            return self.edit().await;
        }
        self.read().await
    }

    async fn edit(&mut self) -> Option<()> {
        let project = self.chance.one_of(&self.projects).clone();
        let pending = &self.pending;
        let busy = |block: &str| pending.iter().any(|pending| pending.block == block);
        let Some(whim) = whim::op(&mut self.chance, &self.replicas[&project], busy) else { return Some(()) };
        let edit = self.chance.uuid();
        let mode = *self.chance.one_of(&["merge", "merge", "merge", "overwrite", "reject"]);
        let message = json!({ "type": "edit", "id": edit, "project": project, "editId": edit,
                              "epoch": self.epochs[&project], "onConflict": mode, "ops": [whim.op] });
        self.sent.push(edit);
        self.pending.push(Pending { project, block: whim.block, message: message.clone(), acked: None });
        self.client.as_mut()?.offer(message).await
    }

    async fn read(&mut self) -> Option<()> {
        let message = self.client.as_mut()?.next_or_end().await?;
        match message["type"].as_str().unwrap() {
            "joined" => self.take_joined(&message),
            "reset" => self.take_snapshot(&message),
            "events" => self.take_events(&message),
            "ack" => self.take_ack(&message),
            "conflict" => self.refuse(&message),
            "error" if message["code"] == "invalid_edit" => self.refuse(&message),
            "error" => self.try_again(&message).await?,
            "welcome" | "presence" | "conflicted" => {}
            _ => panic!("editing must not come to this: {message}"),
        }
        Some(())
    }

    fn take_joined(&mut self, joined: &Value) {
        self.joining -= 1;
        let project = joined["project"].as_str().unwrap().to_owned();
        let since = self.replicas.get(&project).map(|replica| replica.seq);
        let recovered = joined["recovered"] == true;
        if recovered {
            self.take_events(joined);
        } else {
            self.take_snapshot(joined);
        }
        let seq = self.replicas[&project].seq;
        assert_eq!(joined["seq"], seq, "the answer ends elsewhere than it says");
        if let Some(since) = since {
            let snapshot_bytes = if recovered { 0 } else { joined["blocks"].to_string().len() };
            self.comebacks.push(Comeback { project, since, seq, recovered, snapshot_bytes });
        }
    }

    fn take_snapshot(&mut self, message: &Value) {
        assert_eq!(message["more"], false, "these projects are small");
        let project = message["project"].as_str().unwrap().to_owned();
        let replica = Replica::of(message);
        let before = self.replicas.get(&project).map_or(0, |before| before.seq);
        assert!(replica.seq >= before, "{} was sent back in time, from {before}: {message}", self.user);
        let epoch = message["epoch"].as_str().unwrap().to_owned();
        let known = self.epochs.entry(project.clone()).or_insert(epoch.clone());
        assert_eq!(*known, epoch, "no history was lost, and yet the log is another");
        self.replicas.insert(project, replica);
        self.let_go();
    }

    fn take_events(&mut self, message: &Value) {
        let replica = self.replicas.get_mut(message["project"].as_str().unwrap()).unwrap();
        message["events"].as_array().unwrap().iter().for_each(|event| replica.apply(event));
        self.let_go();
    }

    fn take_ack(&mut self, ack: &Value) {
        let edit = ack["editId"].as_str().unwrap().to_owned();
        let seq = ack["seq"].as_u64().unwrap();
        let pending = self.pending.iter_mut().find(|pending| pending.message["editId"] == edit);
        let pending = pending.unwrap_or_else(|| panic!("nobody waits for {ack}"));
        assert_eq!(pending.acked.replace(seq), None, "acked twice on one connection: {ack}");
        let project = pending.project.clone();
        let duplicate = ack["duplicate"] == true;
        self.acked.push(Acked { project, edit, user: self.user.clone(), seq, duplicate });
        self.tally.send_modify(|acks| *acks += 1);
        self.let_go();
    }

    fn refuse(&mut self, message: &Value) {
        let edit = message["id"].as_str().unwrap();
        self.pending.retain(|pending| pending.message["id"] != edit);
        self.refused.push(edit.to_owned());
    }

    async fn try_again(&mut self, error: &Value) -> Option<()> {
        assert!(["busy", "internal"].contains(&error["code"].as_str().unwrap()), "{error}");
        let pending = self.pending.iter().find(|pending| pending.message["id"] == error["id"]);
        let message = pending.unwrap_or_else(|| panic!("nobody asked for {error}")).message.clone();
        self.client.as_mut()?.offer(message).await
    }

    /// A block is free when its edit is acked and its event taken in.
    fn let_go(&mut self) {
        let replicas = &self.replicas;
        self.pending.retain(|pending| pending.acked.is_none_or(|seq| replicas[&pending.project].seq < seq));
    }
}
