//! S5: a member loses their role in the middle of a flood of edits and reads: by another hub, with Redis and without.
//!
//! Promises: time counts from the answer to the change; over WebSocket, Socket.IO and HTTP, on both hubs, at once.
//! Must never: take silence for an end: whoever edits and reads was answered until the change.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::gate::{Flood, Gate, Mouth, join};
use crate::faults::report::Findings;
use crate::isolation::desk::Desk;
use crate::line::{Line, Push, Tongue};

/// Until the change, everybody is at work.
const BEFORE: Duration = Duration::from_secs(1);
/// After the change, how long it is watched who goes on.
const AFTER: Duration = Duration::from_secs(4);
/// Who edits: each transport on each hub.
const WRITERS: usize = 6;
/// How often somebody reads.
const READ_EVERY: Duration = Duration::from_millis(5);
/// How often there is something new to be shown.
const NEWS_EVERY: Duration = Duration::from_millis(20);

/// How a member loses what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// They are no member any more: writes and reads end.
    Membership,
    /// They are a viewer now: writes end, reads go on.
    Pen,
}

/// Whether there is a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bus {
    Up,
    Down,
}

/// What rounds of one kind found.
#[derive(Default)]
struct Found {
    acks: u64,
    reads: u64,
    /// Who was never told that it is over.
    endless: u64,
    /// Viewers that were not shown anything any more.
    blind: u64,
    /// Milliseconds after the answer to the change, at most.
    ack_ms: f64,
    read_ms: f64,
    event_ms: f64,
}

/// Rounds of each kind, with Redis first.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let (mut gate, each, mut findings) = (Gate::open(run).await?, run.times(20, 1), Findings::default());
    for bus in [Bus::Up, Bus::Down] {
        if bus == Bus::Down {
            gate.rig.redis.kill().await?;
            // Until both hubs know.
            sleep(Duration::from_secs(3)).await;
        }
        for loss in [Loss::Membership, Loss::Pen] {
            let mut found = Found::default();
            for round in 0..each {
                withdraw(run, &gate, &format!("{loss:?}-{bus:?}-{round}"), loss, &mut found).await?;
            }
            found.tell(loss, bus, each as u64, &mut findings);
            run.say(&format!("{each} times {loss:?} withdrawn, Redis {bus:?}"));
        }
    }
    Ok(findings)
}

async fn withdraw(run: &Run, gate: &Gate, user: &str, loss: Loss, found: &mut Found) -> Result<(), LoadError> {
    let (token, owners) = (gate.token(user)?, gate.token("owner")?);
    // The change is made by one hub; the member is at both.
    let mut owner = gate.desk(0, &owners);
    let (project, blocks) = gate.project(&mut owner, WRITERS + 1, &[user]).await?;
    let (begun, mut writers, mut readers, mut listeners) =
        (Instant::now(), JoinSet::new(), JoinSet::new(), JoinSet::new());
    let until = begun + BEFORE + AFTER;
    for hub in 0..2 {
        for tongue in Tongue::ALL {
            let (push, pushes) = unbounded_channel();
            let mut line = gate.line(hub, tongue, &token, Some(push)).await?;
            join(&mut line, &project).await?;
            let block = blocks[writers.len()].clone();
            write(&mut writers, Mouth::Line(line), &project, block, until);
            let mut silent: Line = gate.line(hub, tongue, &token, None).await?;
            join(&mut silent, &project).await?;
            listeners.spawn(listen(silent, pushes, until));
        }
        let block = blocks[writers.len()].clone();
        write(&mut writers, Mouth::Desk(gate.desk(hub, &token)), &project, block, until);
        readers.spawn(read(gate.desk(hub, &token), project.clone(), until));
    }
    let mut news = Mouth::Desk(gate.desk(1, &owners));
    let (told, block) = (project.clone(), blocks[WRITERS].clone());
    let newsman = tokio::spawn(async move {
        while Instant::now() < until {
            news.flood(&told, &block, Instant::now() + Duration::from_millis(1)).await;
            sleep(NEWS_EVERY).await;
        }
    });
    sleep_until(begun + BEFORE).await;
    if !run.planted {
        change(&mut owner, &project, user, loss).await?;
    }
    let changed = Instant::now();
    found.writers(writers.join_all().await, changed);
    found.readers(readers.join_all().await, loss, changed);
    found.listeners(&listeners.join_all().await, loss, changed);
    newsman.abort();
    Ok(())
}

fn write(writers: &mut JoinSet<Flood>, mut mouth: Mouth, project: &str, block: String, until: Instant) {
    let project = project.to_owned();
    writers.spawn(async move {
        let flood = mouth.flood(&project, &block, until).await;
        // Its connection goes on hearing, as the listener beside it wants.
        sleep_until(until).await;
        flood
    });
}

async fn change(owner: &mut Desk, project: &str, user: &str, loss: Loss) -> Result<(), LoadError> {
    let path = format!("/api/projects/{project}/members/{user}");
    match loss {
        Loss::Membership => owner.must("DELETE", &path, &Value::Null).await.map(drop),
        Loss::Pen => owner.must("PUT", &path, &json!({"role": "viewer"})).await.map(drop),
    }
}

/// Reads over HTTP until that is refused.
async fn read(mut desk: Desk, project: String, until: Instant) -> Flood {
    let mut flood = Flood::default();
    while Instant::now() < until {
        match desk.call("GET", &format!("/api/projects/{project}/blocks"), &Value::Null).await {
            Ok(Some(got)) if got.status == 200 => (flood.good, flood.last) = (flood.good + 1, Some(Instant::now())),
            Ok(got) => {
                flood.end = format!("{got:?}");
                break;
            }
            Err(error) => {
                flood.end = error.to_string();
                break;
            }
        }
        sleep(READ_EVERY).await;
    }
    flood
}

/// Hears events until time is up; when the last one came.
async fn listen(_silent: Line, mut pushes: UnboundedReceiver<Push>, until: Instant) -> Flood {
    let mut flood = Flood::default();
    while let Ok(Some(push)) = timeout_at(until, pushes.recv()).await {
        match push.message["type"].as_str() {
            Some("events") => (flood.good, flood.last) = (flood.good + 1, Some(push.at)),
            Some("left") => flood.end = push.message.to_string(),
            _ => {}
        }
    }
    flood
}

fn ms_after(flood: &Flood, changed: Instant) -> f64 {
    flood.last.map_or(0.0, |last| last.saturating_duration_since(changed).as_secs_f64() * 1_000.0)
}

impl Found {
    fn writers(&mut self, floods: Vec<Flood>, changed: Instant) {
        for flood in floods {
            self.acks += flood.good;
            self.endless += u64::from(flood.end.is_empty());
            self.ack_ms = self.ack_ms.max(ms_after(&flood, changed));
        }
    }

    fn readers(&mut self, floods: Vec<Flood>, loss: Loss, changed: Instant) {
        for flood in floods {
            self.reads += flood.good;
            match loss {
                Loss::Membership => {
                    self.endless += u64::from(flood.end.is_empty());
                    self.read_ms = self.read_ms.max(ms_after(&flood, changed));
                }
                Loss::Pen => self.blind += u64::from(!flood.end.is_empty()),
            }
        }
    }

    fn listeners(&mut self, floods: &[Flood], loss: Loss, changed: Instant) {
        for flood in floods {
            match loss {
                Loss::Membership => {
                    self.endless += u64::from(flood.end.is_empty());
                    self.event_ms = self.event_ms.max(ms_after(flood, changed));
                }
                Loss::Pen => self.blind += u64::from(!flood.end.is_empty() || ms_after(flood, changed) < 1_000.0),
            }
        }
    }

    fn tell(&self, loss: Loss, bus: Bus, rounds: u64, findings: &mut Findings) {
        let what = match loss {
            Loss::Membership => "membership",
            Loss::Pen => "pen",
        };
        let case = format!("{what}, Redis {}", if bus == Bus::Up { "up" } else { "down" });
        let bars = &mut findings.bars;
        bars.push(Bar::count_at_least(format!("{case}: edits acked before"), self.acks, 10 * rounds));
        bars.push(Bar::count_at_most(format!("{case}: who went on for 4 s"), self.endless, 0));
        bars.push(Bar::ms_at_most(format!("{case}: last ack"), self.ack_ms, 1_000.0));
        match loss {
            Loss::Membership => {
                bars.push(Bar::ms_at_most(format!("{case}: last answer to a read"), self.read_ms, 1_000.0));
                bars.push(Bar::ms_at_most(format!("{case}: last event"), self.event_ms, 1_000.0));
            }
            Loss::Pen => bars.push(Bar::count_at_most(format!("{case}: viewers that saw no more"), self.blind, 0)),
        }
        findings.figure(&format!("{case}: reads over HTTP"), self.reads as f64);
    }
}
