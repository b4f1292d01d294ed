//! Hubs that ask for tokens, and users who knock: what the security rows begin with.
//!
//! Promises: two hubs on one Postgres and one Redis; whoever is let in comes with a token that the row has signed.
//! Must never: decide what is right; rows do.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Run;
use super::rig::{Plan, Rig};
use crate::LoadError;
use crate::chance::Chance;
use crate::hub::Setting;
use crate::isolation::desk::Desk;
use crate::isolation::person::text;
use crate::isolation::tally::Tally;
use crate::line::{Ear, Line, Push, Tongue, hello};
use crate::marks::Marks;
use crate::token::{LONG, Signer};
use crate::way::Way;

/// Processes, and who signs.
pub struct Gate {
    /// Hubs, Redis, Postgres.
    pub rig: Rig,
    /// Signs tokens that the hubs take.
    pub signer: Signer,
    /// Looked for in all that anybody is sent.
    pub marks: Arc<Marks>,
    /// Counts refusals; rows do not look at it.
    pub tally: Arc<Tally>,
}

impl Gate {
    /// Starts everything.
    pub async fn open(run: &Run) -> Result<Self, LoadError> {
        Self::open_with(run, Vec::new()).await
    }

    /// The same, with further settings for each hub.
    pub async fn open_with(run: &Run, more: Vec<Setting>) -> Result<Self, LoadError> {
        let (signer, plan) = (Signer::default(), Plan { hubs: 2, drain_secs: 20, behind: &[] });
        let settings = [vec![signer.setting()], more].concat();
        let rig = Rig::start_with(&plan, &settings, &mut Chance::new(run.seed), &run.folder).await?;
        Ok(Self { rig, signer, marks: Arc::default(), tally: Arc::default() })
    }

    /// A token for a user, as long as anybody needs it.
    pub fn token(&self, user: &str) -> Result<String, LoadError> {
        self.signer.user(user, user, LONG)
    }

    /// HTTP to a hub.
    pub fn desk(&self, hub: usize, token: &str) -> Desk {
        let way = Way::to(self.rig.hubs[hub].address());
        Desk::new(way, token, 0, self.marks.clone(), self.tally.clone())
    }

    /// A socket to a hub. `pushes`: where to what is no reply goes.
    pub async fn line(
        &self,
        hub: usize,
        tongue: Tongue,
        token: &str,
        pushes: Option<UnboundedSender<Push>>,
    ) -> Result<Line, LoadError> {
        let way = Way::to(self.rig.hubs[hub].address());
        Line::open(&way, tongue, &hello(token), Ear { marks: self.marks.clone(), user: 0, pushes }).await
    }

    /// A project of whoever sits at the desk, with so many blocks and these editors; it, and the blocks.
    pub async fn project(
        &self,
        desk: &mut Desk,
        blocks: usize,
        editors: &[&str],
    ) -> Result<(String, Vec<String>), LoadError> {
        let ids: Vec<String> = (0..blocks).map(|_| Uuid::new_v4().to_string()).collect();
        let listed: Vec<Value> =
            ids.iter().map(|id| json!({"id": id, "kind": "text", "content": {"text": ""}})).collect();
        let body = json!({"title": "T", "access": "none", "blocks": listed});
        let project = text(&desk.must("POST", "/api/projects", &body).await?, "/id")?;
        for editor in editors {
            let path = format!("/api/projects/{project}/members/{editor}");
            desk.must("PUT", &path, &json!({"role": "editor"})).await?;
        }
        Ok((project, ids))
    }
}

/// Joins, which must succeed.
pub async fn join(line: &mut Line, project: &str) -> Result<Value, LoadError> {
    let joined = line.ask("join", json!({"project": project})).await?;
    if joined["type"] == "joined" { Ok(joined) } else { Err(LoadError::Wrong(joined.to_string())) }
}

/// An edit of a block that always applies.
pub fn overwrite(project: &str, block: &str, words: &str) -> Value {
    let op = json!({"op": "update", "block": block, "baseVersion": 1, "patch": {"text": words}});
    json!({"project": project, "editId": Uuid::new_v4().to_string(), "onConflict": "overwrite", "ops": [op]})
}

/// By what somebody floods.
pub enum Mouth {
    /// A socket.
    Line(Line),
    /// Calls.
    Desk(Desk),
}

/// How a flood ended.
#[derive(Debug, Default)]
pub struct Flood {
    /// Good answers.
    pub good: u64,
    /// When the last one came.
    pub last: Option<Instant>,
    /// What ended it; empty if only time did.
    pub end: String,
}

impl Mouth {
    /// Sends one edit; whether it was acked, or what was said instead.
    pub async fn edit(&mut self, edit: &Value) -> Result<(), String> {
        let words = |error: LoadError| error.to_string();
        let answer = match self {
            Self::Line(line) => line.ask("edit", edit.clone()).await.map_err(words)?,
            Self::Desk(desk) => {
                let path = format!("/api/projects/{}/edits", edit["project"].as_str().unwrap_or_default());
                let got = desk.call("POST", &path, edit).await.map_err(words)?;
                got.map(|got| got.body).unwrap_or_default()
            }
        };
        if answer["seq"].is_u64() { Ok(()) } else { Err(answer.to_string()) }
    }

    /// Edits a block as fast as it is answered, until it is refused for good or time is up.
    pub async fn flood(&mut self, project: &str, block: &str, until: Instant) -> Flood {
        let mut flood = Flood::default();
        while Instant::now() < until {
            match self.edit(&overwrite(project, block, "flood")).await {
                Ok(()) => (flood.good, flood.last) = (flood.good + 1, Some(Instant::now())),
                Err(words) if words.contains("\"busy\"") => sleep(std::time::Duration::from_millis(50)).await,
                Err(words) => {
                    flood.end = words;
                    break;
                }
            }
        }
        flood
    }
}
