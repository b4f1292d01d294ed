//! Reads and edits over HTTP, on connections that are kept.
//!
//! Promises: every answer is checked: a snapshot to be of the project that was asked for and not older than what was
//! acked before, an ack to be of the edit that was sent.
//! Must never: open a connection per call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::LoadError;
use crate::bar::{Bar, Bound};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::client::wrong;
use crate::crowd::projects::{Project, Shape, create};
use crate::http::Http;
use crate::lookups::Lookups;
use crate::report::{Line, Plot, Sheet};
use crate::socket::scan::Scan;
use crate::times::Times;
use crate::watch::{Usage, Watch};
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Reads (half of them answered with 304) and edits over HTTP, keep-alive, as fast as answered";

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Connections, each with one call under way [default: 64; short: 8]
    #[arg(long)]
    connections: Option<usize>,
    /// Projects [default: 32; short: 4]
    #[arg(long)]
    projects: Option<usize>,
    /// Of a hundred calls, so many are edits.
    #[arg(long, default_value_t = 20)]
    edit_percent: usize,
    /// Blocks of each project.
    #[arg(long, default_value_t = 20)]
    blocks: usize,
    /// How long it is measured [default: 10; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
}

/// What was counted.
#[derive(Default)]
struct Counts {
    reads: Times,
    edits: Times,
    unchanged: u64,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (connections, count) = (bench.pick(options.connections, 64, 8), bench.pick(options.projects, 32, 4));
    let seconds = bench.pick(options.seconds, 10.0, 1.0);
    let mut sheet = Sheet::default();
    sheet.option("connections", connections);
    sheet.option("projects", count);
    sheet.option("blocks of each", options.blocks);
    sheet.option("edits of a hundred calls", options.edit_percent);
    sheet.option("seconds", seconds);
    let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
    let shape = Shape { blocks: options.blocks, bytes: 100 };
    let projects = create(world.address(0), count, shape, &mut chance).await?;
    let mut callers = Vec::new();
    for number in 0..connections {
        let http = Http::connect(world.address(number), &format!("user-{number}")).await?;
        let project = projects[number % projects.len()].clone();
        callers.push(Caller::new(http, project, options.edit_percent, chance.fork()));
    }
    let (counts, watch) = (Arc::new(Mutex::new(Counts::default())), Watch::begin(world.staff()));
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let mut tasks = JoinSet::new();
    for caller in callers {
        tasks.spawn(caller.call_until(until, counts.clone()));
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| LoadError::Wrong(error.to_string()))??;
    }
    let usage = watch.end();
    let counts = std::mem::take(&mut *counts.lock());
    tell(&mut sheet, &counts, &usage);
    let mut lookups = Lookups::default();
    for hub in &world.hubs {
        lookups.add(&mut Http::connect(hub.address(), "operator").await?).await?;
    }
    lookups.tell(&mut sheet);
    lookups.judge(bench.form, &mut sheet);
    sheet.plots.push(usage.plot("Memory"));
    Ok(sheet)
}

fn tell(sheet: &mut Sheet, counts: &Counts, usage: &Usage) {
    let (group, mut all) = ("calls", counts.reads.clone());
    all.join(&counts.edits);
    let rate = all.count() as f64 / usage.elapsed;
    sheet.figure(group, "calls", rate, "/s");
    sheet.figure(group, "of these reads", counts.reads.count() as f64 / usage.elapsed, "/s");
    sheet.figure(group, "of these answered with 304", counts.unchanged as f64 / usage.elapsed, "/s");
    sheet.figure(group, "of these edits", counts.edits.count() as f64 / usage.elapsed, "/s");
    for (name, times) in [("read", &counts.reads), ("edit", &counts.edits)] {
        sheet.figure(group, &format!("{name} p50"), times.quantile_ms(0.5), "ms");
        sheet.figure(group, &format!("{name} p99"), times.quantile_ms(0.99), "ms");
    }
    usage.tell(sheet, group, &[("call", all.count())]);
    usage.judge_client(sheet, group, None);
    sheet.bars.push(Bar::in_long_form("reads and edits over HTTP", rate, Bound::AtLeast(5_000.0), "/s"));
    sheet.bars.push(Bar::ms_at_most("p99 of all calls", all.quantile_ms(0.99), 20.0));
    let lines = vec![Line::new("read", counts.reads.distribution()), Line::new("edit", counts.edits.distribution())];
    sheet.plots.push(Plot::of_latency("Latency of calls", lines));
}

/// Who calls, again and again.
struct Caller {
    http: Http,
    project: Project,
    edit_percent: usize,
    chance: Chance,
    scan: Scan,
    /// The last snapshot's tag.
    tag: Option<String>,
    /// The last seq that this caller knows of.
    seq: u64,
}

impl Caller {
    fn new(http: Http, project: Project, edit_percent: usize, chance: Chance) -> Self {
        Self { http, project, edit_percent, chance, scan: Scan::default(), tag: None, seq: 0 }
    }

    async fn call_until(mut self, until: Instant, counts: Arc<Mutex<Counts>>) -> Result<(), LoadError> {
        while Instant::now() < until {
            let (is_edit, begun) = (self.chance.below(100) < self.edit_percent, Instant::now());
            let status = if is_edit { self.edit().await? } else { self.read().await? };
            let (took, mut counts) = (begun.elapsed(), counts.lock());
            if is_edit {
                counts.edits.add(took)
            } else {
                counts.reads.add(took)
            }
            counts.unchanged += u64::from(status == 304);
        }
        Ok(())
    }

    /// Half of the reads name the snapshot that is known.
    async fn read(&mut self) -> Result<u16, LoadError> {
        let path = format!("/api/projects/{}/blocks", self.project.id);
        let known = match self.tag.as_ref().filter(|_| self.chance.one_in(2)) {
            Some(tag) => format!("If-None-Match: {tag}\r\n"),
            None => String::new(),
        };
        let answer = self.http.call("GET", &path, &known, b"").await?;
        match answer.status {
            304 if !known.is_empty() => Ok(304),
            200 => {
                let seq = self.scan.seqs(answer.body).next().filter(|seq| *seq >= self.seq);
                if memchr::memmem::find(answer.body, self.project.id.as_bytes()).is_none() {
                    return Err(wrong(answer.body));
                }
                self.seq = seq.ok_or_else(|| LoadError::Wrong(format!("a snapshot older than seq {}", self.seq)))?;
                self.tag = answer.header("etag").map(str::to_owned);
                Ok(200)
            }
            _ => Err(answer.wrong()),
        }
    }

    /// Of a block that others change, too: the last one wins.
    async fn edit(&mut self) -> Result<u16, LoadError> {
        let (edit, block) = (self.chance.uuid().to_string(), self.chance.below(self.project.blocks.len()));
        let (path, block) = (format!("/api/projects/{}/edits", self.project.id), &self.project.blocks[block]);
        let body = format!(
            r#"{{"editId":"{edit}","onConflict":"overwrite","ops":[{{"op":"update","block":"{block}","baseVersion":1,"patch":{{"by":"{edit}"}}}}]}}"#
        );
        let answer = self.http.call("POST", &path, "", body.as_bytes()).await?;
        let is_own = self.scan.edit_id(answer.body) == Some(edit.as_bytes());
        let seq = self.scan.seqs(answer.body).next().filter(|seq| *seq > self.seq);
        match (answer.status, is_own, seq) {
            (200, true, Some(seq)) => {
                self.seq = seq;
                Ok(200)
            }
            _ => Err(answer.wrong()),
        }
    }
}
