//! Projects to work in, made over HTTP as anybody would.
//!
//! Promises: each has the blocks that it was asked for, all at version 1.
//! Must never: go past the hub to its database.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::LoadError;
use crate::chance::Chance;
use crate::http::Http;

/// Connections that make projects at once.
const AT_ONCE: usize = 16;
/// Bytes of blocks that a project can begin with, well below what a request may have.
const SEED_BYTES_MAX: usize = 512 << 10;
/// What a block is in JSON beside its text.
const BLOCK_BYTES: usize = 120;
/// Ops of one edit.
const OPS_MAX: usize = 100;

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its blocks' ids.
    pub blocks: Vec<String>,
}

/// What each project has.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// So many blocks.
    pub blocks: usize,
    /// With so much text in each.
    pub bytes: usize,
}

/// Makes so many.
pub async fn create(address: &str, count: usize, shape: Shape, chance: &mut Chance) -> Result<Vec<Project>, LoadError> {
    let workers = AT_ONCE.min(count);
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let share = count / workers + usize::from(worker < count % workers);
        let (address, chance) = (address.to_owned(), chance.fork());
        tasks.spawn(create_share(address, share, shape, chance));
    }
    let mut projects = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        projects.extend(done.map_err(|error| LoadError::Wrong(error.to_string()))??);
    }
    Ok(projects)
}

async fn create_share(
    address: String,
    count: usize,
    shape: Shape,
    mut chance: Chance,
) -> Result<Vec<Project>, LoadError> {
    let mut http = Http::connect(&address, "builder").await?;
    let mut projects = Vec::with_capacity(count);
    for _ in 0..count {
        projects.push(create_one(&mut http, shape, &mut chance).await?);
    }
    Ok(projects)
}

async fn create_one(http: &mut Http, shape: Shape, chance: &mut Chance) -> Result<Project, LoadError> {
    let blocks: Vec<String> = (0..shape.blocks).map(|_| chance.uuid().to_string()).collect();
    let content = json!({"text": "x".repeat(shape.bytes)});
    let (seeded, inserted) = blocks.split_at(blocks.len().min(SEED_BYTES_MAX / (BLOCK_BYTES + shape.bytes)));
    let seeds: Vec<Value> = seeded.iter().map(|id| json!({"id": id, "kind": "text", "content": content})).collect();
    let body = json!({"title": "load", "access": "editor", "blocks": seeds}).to_string();
    let made = http.must("POST", "/api/projects", body.as_bytes()).await?;
    let made: Value = serde_json::from_slice(made).map_err(|error| LoadError::Wrong(error.to_string()))?;
    let id = made["id"].as_str().ok_or_else(|| LoadError::Wrong(made.to_string()))?.to_owned();
    for some in inserted.chunks(OPS_MAX) {
        let insert = |block: &String| json!({"op": "insert", "block": block, "kind": "text", "parent": null, "after": null, "content": content});
        let ops: Vec<Value> = some.iter().map(insert).collect();
        let body = json!({"editId": chance.uuid().to_string(), "ops": ops}).to_string();
        http.must("POST", &format!("/api/projects/{id}/edits"), body.as_bytes()).await?;
    }
    Ok(Project { id, blocks })
}
