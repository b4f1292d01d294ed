//! R23: thousands ask for a project that no hub has at hand, at once, and those who asked first go away.
//!
//! Promises: each round is about a project of its own, which nobody has opened before; loads are counted by the hubs,
//! and nobody else is at work there who could cause one.
//! Must never: take an answer's status for an answer: it must be the project, with all of its blocks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::LoadError;
use crate::bar::Bar;
use crate::chance::Chance;
use crate::crowd::projects::{Shape, create};
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::faults::rig::{Plan, Rig};
use crate::http::Http;

/// Who is not answered by then is stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections that are opened at once; more than that a hub's backlog would turn away.
const CONNECTING_MAX: usize = 500;
/// Who ask first on each hub, and hang up at once.
const LEADERS: usize = 20;
const SHAPE: Shape = Shape { blocks: 200, bytes: 200 };

/// How a round's callers ask.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// `GET …/blocks`.
    Reads,
    /// `join` on a socket.
    Joins,
}

/// What rounds of one way find out.
#[derive(Default)]
struct Tally {
    answered: u64,
    stuck: u64,
    wrong: u64,
    /// Of one hub, in one round.
    rooms_max: u64,
    snapshots_max: u64,
    snapshots: u64,
    longest_ms: f64,
}

/// Stampedes, one after the other, on fresh projects.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (rounds, callers) = (run.times(20, 2), run.pick(5_000, 300));
    let planted = [("BLOCKHUB_CACHE", "off".to_owned())];
    let (mut chance, settings) = (Chance::new(run.seed), if run.planted { &planted[..] } else { &[] });
    let rig = Rig::start_with(&plan, settings, &mut chance, &run.folder).await?;
    let hubs = rig.addresses();
    let [mut reads, mut joins] = [Tally::default(), Tally::default()];
    for round in 1..=rounds {
        stampede(&hubs, Way::Reads, callers, &mut chance, &mut reads).await?;
        stampede(&hubs, Way::Joins, callers, &mut chance, &mut joins).await?;
        run.say(&format!("{round} of {rounds}"));
    }
    let mut findings = Findings::default();
    reads.tell("reads", (rounds * callers) as u64, &mut findings);
    joins.tell("joins", (rounds * callers) as u64, &mut findings);
    let (bars, each_round) = (&mut findings.bars, reads.snapshots as f64 / rounds as f64);
    bars.push(Bar::count_at_most("reads: snapshots a hub made in a round, at most", reads.snapshots_max, 1));
    bars.push(Bar::ratio_at_most("reads: snapshots all hubs made, each round", each_round, 1.0));
    findings.figure("callers of each round", callers as f64);
    Ok(findings)
}

impl Tally {
    fn tell(&self, way: &str, asked: u64, findings: &mut Findings) {
        let bars = &mut findings.bars;
        bars.push(Bar::count_at_least(format!("{way}: callers answered"), self.answered, asked));
        bars.push(Bar::count_at_most(format!("{way}: callers stuck"), self.stuck, 0));
        bars.push(Bar::count_at_most(format!("{way}: callers answered wrongly"), self.wrong, 0));
        bars.push(Bar::count_at_most(
            format!("{way}: times a hub loaded a room in a round, at most"),
            self.rooms_max,
            1,
        ));
        findings.figure(&format!("{way}: until all of a round were answered, max, ms"), self.longest_ms);
    }
}

async fn stampede(
    hubs: &[String],
    way: Way,
    callers: usize,
    chance: &mut Chance,
    tally: &mut Tally,
) -> Result<(), LoadError> {
    let project = create(&hubs[0], 1, SHAPE, chance).await?.remove(0).id;
    let mut before = Vec::new();
    for hub in hubs {
        before.push(Counts::of(hub).await?);
    }
    let began = Instant::now();
    for hub in hubs.iter().cycle().take(LEADERS * hubs.len()) {
        match way {
            Way::Reads => vanish_reading(hub, &project).await?,
            Way::Joins => drop(joining(hub, &project, "leader").await?),
        }
    }
    let (mut tasks, gate) = (JoinSet::new(), Arc::new(Semaphore::new(CONNECTING_MAX)));
    for number in 0..callers {
        let (hub, project, gate) = (hubs[number % hubs.len()].clone(), project.clone(), gate.clone());
        tasks.spawn(async move { timeout(PATIENCE, ask(way, &hub, &project, number, &gate)).await });
    }
    while let Some(done) = tasks.join_next().await {
        match done.map_err(|error| LoadError::Wrong(error.to_string()))? {
            Ok(Ok(())) => tally.answered += 1,
            Ok(Err(_)) => tally.wrong += 1,
            Err(_) => tally.stuck += 1,
        }
    }
    tally.longest_ms = tally.longest_ms.max(began.elapsed().as_secs_f64() * 1_000.0);
    for (hub, before) in hubs.iter().zip(before) {
        let now = Counts::of(hub).await?;
        tally.rooms_max = tally.rooms_max.max(now.rooms - before.rooms);
        tally.snapshots_max = tally.snapshots_max.max(now.snapshots - before.snapshots);
        tally.snapshots += now.snapshots - before.snapshots;
    }
    Ok(())
}

/// Asks, and hangs up before an answer can come.
async fn vanish_reading(hub: &str, project: &str) -> Result<(), LoadError> {
    let mut stream = TcpStream::connect(hub).await?;
    let head = format!("GET /api/projects/{project}/blocks HTTP/1.1\r\nHost: localhost\r\n\r\n");
    Ok(stream.write_all(head.as_bytes()).await?)
}

async fn ask(way: Way, hub: &str, project: &str, number: usize, gate: &Semaphore) -> Result<(), LoadError> {
    match way {
        Way::Reads => read(hub, project, number, gate).await,
        Way::Joins => join(hub, project, number, gate).await,
    }
}

async fn read(hub: &str, project: &str, number: usize, gate: &Semaphore) -> Result<(), LoadError> {
    let mut http = {
        let _turn = gate.acquire().await;
        Http::connect(hub, &format!("caller-{number}")).await?
    };
    let answer = http.must("GET", &format!("/api/projects/{project}/blocks"), b"").await?;
    let snapshot: Value = serde_json::from_slice(answer).map_err(|error| LoadError::Wrong(error.to_string()))?;
    whole(&snapshot, project)
}

async fn join(hub: &str, project: &str, number: usize, gate: &Semaphore) -> Result<(), LoadError> {
    let mut socket = {
        let _turn = gate.acquire().await;
        joining(hub, project, &format!("caller-{number}")).await?
    };
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let message: Value = serde_json::from_str(&text).map_err(|error| LoadError::Wrong(error.to_string()))?;
        match message["type"].as_str() {
            Some("joined") => return whole(&message, project),
            Some("error") => return Err(LoadError::Wrong(text.to_string())),
            _ => {}
        }
    }
    Err(LoadError::Wrong("the connection ended before it had joined".into()))
}

/// A socket that has asked to join, and has not been answered.
async fn joining(hub: &str, project: &str, user: &str) -> Result<WebSocketStream<TcpStream>, LoadError> {
    let mut socket = client_async(format!("ws://{hub}/ws"), TcpStream::connect(hub).await?).await?.0;
    socket.send(Message::text(json!({"type": "hello", "user": {"id": user}}).to_string())).await?;
    socket.send(Message::text(json!({"type": "join", "id": "join", "project": project}).to_string())).await?;
    Ok(socket)
}

/// Whether it is this project, with all of its blocks.
fn whole(message: &Value, project: &str) -> Result<(), LoadError> {
    let blocks = message["blocks"].as_array().map_or(0, Vec::len);
    match message["project"] == project && blocks == SHAPE.blocks {
        true => Ok(()),
        false => Err(LoadError::Wrong(format!("{blocks} blocks of {}", message["project"]))),
    }
}

/// What a hub counts of loads.
struct Counts {
    rooms: u64,
    snapshots: u64,
}

impl Counts {
    async fn of(hub: &str) -> Result<Self, LoadError> {
        let mut http = Http::connect(hub, "counter").await?;
        let text = String::from_utf8_lossy(http.must("GET", "/metrics", b"").await?).into_owned();
        let count = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
        };
        Ok(Self {
            rooms: count("blockhub_rooms_opened_total"),
            snapshots: count("blockhub_cache_total{kind=\"snapshots\",what=\"load\"}"),
        })
    }
}
