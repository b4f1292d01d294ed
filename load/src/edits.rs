//! Durable edits in a closed loop: connections, projects, edits under way.
//!
//! Promises: every ack is checked to be one that this connection waits for, every event to be the next.
//! Must never: count an edit that was not acked.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::LoadError;
use crate::client::{Client, wrong};
use crate::hub::{Hub, cpu_seconds};
use crate::postgres::Postgres;
use crate::socket::scan::{self, Scan};

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Sockets.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Projects that they share evenly.
    #[arg(long, default_value_t = 16)]
    projects: usize,
    /// Edits that each connection keeps under way, each on a block of its own.
    #[arg(long, default_value_t = 8)]
    in_flight: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of text in each edit.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

struct Tally {
    acks: Histogram<u64>,
    events: u64,
}

/// Loads the hub and prints acks a second, their latency, and processor time.
pub async fn run(hub: &Hub, postgres: Option<&Postgres>, options: &Options) -> Result<(), LoadError> {
    let projects = create_projects(hub, options.projects).await?;
    let mut ready = Vec::new();
    for at in 0..options.connections {
        let project = projects[at % projects.len()].clone();
        ready.push(Writer::connect(hub.address(), at, project, options).await?);
    }
    let cpu = || [hub.cpu_seconds(), postgres.map_or(0.0, Postgres::cpu_seconds), cpu_seconds(std::process::id())];
    let (begun, cpu_before) = (Instant::now(), cpu());
    let until = begun + Duration::from_secs(options.seconds);
    let mut tasks = JoinSet::new();
    for writer in ready {
        tasks.spawn(writer.write_until(until));
    }
    let mut total = Tally { acks: histogram(), events: 0 };
    while let Some(done) = tasks.join_next().await {
        let tally = done.map_err(|error| LoadError::Wrong(error.to_string()))??;
        total.acks.add(&tally.acks).map_err(|error| LoadError::Wrong(error.to_string()))?;
        total.events += tally.events;
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu_after = cpu();
    report(options, &total, elapsed, std::array::from_fn(|at| cpu_after[at] - cpu_before[at]));
    Ok(())
}

fn report(options: &Options, total: &Tally, elapsed: f64, [hub, postgres, load]: [f64; 3]) {
    let acked = total.acks.len() as f64;
    let ms = |quantile| total.acks.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "{} connections, {} projects, {} in flight, {elapsed:.1} s",
        options.connections, options.projects, options.in_flight
    );
    println!("acked edits/s    {:>10.0}", acked / elapsed);
    println!("deliveries/s     {:>10.0}", total.events as f64 / elapsed);
    println!("ack p50/p99 ms   {:>10.2} {:.2}", ms(0.5), ms(0.99));
    println!(
        "CPU µs per edit  {:>10.1} hub, {:.1} Postgres, {:.1} load",
        hub / acked * 1e6,
        postgres / acked * 1e6,
        load / acked * 1e6
    );
}

fn histogram() -> Histogram<u64> {
    // Proven: three significant digits are within what the library takes.
    Histogram::new(3).expect("three digits are allowed")
}

/// Over HTTP, each with nothing in it; in open mode everybody may edit it.
async fn create_projects(hub: &Hub, count: usize) -> Result<Vec<String>, LoadError> {
    let mut ids = Vec::new();
    for at in 0..count {
        let body = json!({"title": format!("load {at}"), "access": "editor"}).to_string();
        ids.push(crate::hub::post(hub.address(), "/api/projects", &body).await?);
    }
    Ok(ids)
}

/// One connection and the blocks that it changes.
struct Writer {
    client: Client,
    project: String,
    /// Each with its version.
    blocks: Vec<(String, u64)>,
    /// The last seq that was delivered.
    seq: u64,
    scan: Scan,
    text: String,
}

impl Writer {
    async fn connect(address: &str, at: usize, project: String, options: &Options) -> Result<Self, LoadError> {
        let mut client = Client::connect(address, &format!("user-{at}")).await?;
        client.send(&json!({"type": "join", "id": "join", "project": project})).await?;
        let joined = client.expect("joined").await?;
        let seq = joined["seq"].as_u64().unwrap_or(0);
        let blocks = (0..options.in_flight).map(|_| (Uuid::new_v4().to_string(), 1)).collect();
        let text = "x".repeat(options.bytes);
        let mut writer = Self { client, project, blocks, seq, scan: Scan::default(), text };
        writer.insert_blocks().await?;
        Ok(writer)
    }

    async fn insert_blocks(&mut self) -> Result<(), LoadError> {
        let insert = |(id, _): &(String, u64)| json!({"op": "insert", "block": id, "kind": "text", "parent": null, "after": null, "content": {"text": ""}});
        let ops: Vec<_> = self.blocks.iter().map(insert).collect();
        let edit = json!({"type": "edit", "id": "insert", "project": self.project, "editId": Uuid::now_v7().to_string(), "ops": ops});
        self.client.send(&edit).await?;
        loop {
            let message = self.client.hear().await?.plain()?;
            match scan::kind(message) {
                b"ack" => return Ok(()),
                b"events" => drop(observe(&self.scan, &mut self.seq, message)?),
                _ => {}
            }
        }
    }

    /// Keeps all blocks under way until the time is over and everything is answered.
    async fn write_until(mut self, until: Instant) -> Result<Tally, LoadError> {
        let mut tally = Tally { acks: histogram(), events: 0 };
        let mut under_way: HashMap<String, (usize, Instant)> = HashMap::new();
        for at in 0..self.blocks.len() {
            self.edit(at, &mut under_way).await?;
        }
        while !under_way.is_empty() {
            let message = self.client.hear().await?.plain()?;
            match scan::kind(message) {
                b"events" => tally.events += observe(&self.scan, &mut self.seq, message)?,
                b"ack" => {
                    let id = self.scan.id(message).and_then(|id| std::str::from_utf8(id).ok());
                    let (at, sent) = id.and_then(|id| under_way.remove(id)).ok_or_else(|| wrong(message))?;
                    let micros = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
                    tally.acks.record(micros).map_err(|error| LoadError::Wrong(error.to_string()))?;
                    self.blocks[at].1 += 1;
                    if Instant::now() < until {
                        self.edit(at, &mut under_way).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(tally)
    }

    async fn edit(&mut self, at: usize, under_way: &mut HashMap<String, (usize, Instant)>) -> Result<(), LoadError> {
        let (block, version) = &self.blocks[at];
        let edit_id = Uuid::now_v7().to_string();
        let edit = json!({"type": "edit", "id": edit_id, "project": self.project, "editId": edit_id, "ops": [
            {"op": "update", "block": block, "baseVersion": version, "patch": {"text": self.text, "n": version}}]});
        under_way.insert(edit_id, (at, Instant::now()));
        self.client.send(&edit).await
    }
}

/// Every event must be the next.
fn observe(scan: &Scan, last: &mut u64, message: &[u8]) -> Result<u64, LoadError> {
    let mut count = 0;
    for seq in scan.seqs(message) {
        if seq != *last + 1 {
            return Err(LoadError::Wrong(format!("seq {seq} came after {last}")));
        }
        (*last, count) = (seq, count + 1);
    }
    Ok(count)
}
