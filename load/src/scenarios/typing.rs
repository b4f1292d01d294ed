//! Two people type in one paragraph at the same time.
//!
//! Promises: each follows the contract ([ED13]): one unanswered edit, what was typed meanwhile goes as one; in the end both
//! have the text that the hub has, with every character that was typed in it.
//! Must never: count from when an edit was sent: from when its first character was typed.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::LoadError;
use crate::bar::Bar;
use crate::bench::Bench;
use crate::chance::Chance;
use crate::client::Client;
use crate::crowd::ledger::Clock;
use crate::crowd::projects::{Project, Shape, create};
use crate::crowd::schedule::Schedule;
use crate::http::Http;
use crate::report::{Line, Plot, Sheet};
use crate::times::Times;
use crate::watch::{Usage, Watch};
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Two people type in one paragraph, ten characters a second each; many such pairs";

/// Until the last character is everywhere.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Pairs, each in a paragraph of its own [default: 10; short: 2]
    #[arg(long)]
    pairs: Option<usize>,
    /// Characters a second, of each person.
    #[arg(long, default_value_t = 10.0)]
    keys: f64,
    /// How long they type [default: 20; short: 2]
    #[arg(long)]
    seconds: Option<f64>,
}

/// What a person found.
struct Typed {
    text: String,
    acks: Times,
    keys: u64,
    edits: u64,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (pairs, seconds) = (bench.pick(options.pairs, 10, 2), bench.pick(options.seconds, 20.0, 2.0));
    let mut sheet = Sheet::default();
    sheet.option("pairs", pairs);
    sheet.option("characters a second, each", options.keys);
    sheet.option("seconds", seconds);
    let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
    let projects = create(world.address(0), pairs, Shape { blocks: 1, bytes: 200 }, &mut chance).await?;
    let mut people = Vec::new();
    for (number, project) in projects.iter().flat_map(|project| [project, project]).enumerate() {
        people.push(Typist::sit_down(world.address(number), number, project, chance.fork()).await?);
    }
    let (clock, watch, count) = (Clock::start(), Watch::begin(world.staff()), people.len());
    let (begin, until) = (clock.micros() + 20_000, clock.micros() + 20_000 + (seconds * 1e6) as u64);
    let mut tasks = JoinSet::new();
    for (number, typist) in people.into_iter().enumerate() {
        let schedule = Schedule::shared(options.keys * count as f64, number, count, begin, until);
        let goal = 200 + 2 * (options.keys * seconds).round() as usize;
        tasks.spawn(async move { Ok((number, typist.type_all(schedule, clock, goal).await?)) });
    }
    let gathered = timeout(PATIENCE + Duration::from_secs_f64(seconds), gather(tasks)).await;
    let typed = gathered.map_err(|_| LoadError::Wrong("not every character came".into()))??;
    let usage = watch.end();
    tell(&mut sheet, &typed, &usage, bench);
    let differing = compare(&world, &projects, &typed).await?;
    sheet.bars.push(Bar::count_at_most("texts that differ from the hub's", differing, 0));
    Ok(sheet)
}

async fn gather(mut tasks: JoinSet<Result<(usize, Typed), LoadError>>) -> Result<Vec<Typed>, LoadError> {
    let mut typed = Vec::new();
    while let Some(done) = tasks.join_next().await {
        typed.push(done.map_err(|error| LoadError::Wrong(error.to_string()))??);
    }
    typed.sort_by_key(|(number, _)| *number);
    Ok(typed.into_iter().map(|(_, typed)| typed).collect())
}

fn tell(sheet: &mut Sheet, typed: &[Typed], usage: &Usage, bench: &Bench) {
    let (group, mut acks) = ("typing", Times::default());
    typed.iter().for_each(|typed| acks.join(&typed.acks));
    let keys: u64 = typed.iter().map(|typed| typed.keys).sum();
    let edits: u64 = typed.iter().map(|typed| typed.edits).sum();
    sheet.figure(group, "characters", keys as f64, "");
    sheet.figure(group, "edits", edits as f64, "");
    sheet.figure(group, "ack p50, from typing", acks.quantile_ms(0.5), "ms");
    sheet.figure(group, "ack p99, from typing", acks.quantile_ms(0.99), "ms");
    usage.tell(sheet, group, &[("edit", edits)]);
    usage.judge_client(sheet, group, None);
    sheet.remarks.push("A conflict ends the run with an error: a report says that there was none.".into());
    if bench.setting.database_delay_ms == 0 {
        sheet.bars.push(Bar::ms_at_most("ack p99", acks.quantile_ms(0.99), 20.0));
    }
    sheet.plots.push(Plot::of_latency("Ack latency, from typing", vec![Line::new("ack", acks.distribution())]));
    sheet.plots.push(usage.plot("Memory"));
}

/// How many people's texts are not what the hub has.
async fn compare(world: &World, projects: &[Project], typed: &[Typed]) -> Result<u64, LoadError> {
    let (mut http, mut differing) = (Http::connect(world.address(0), "judge").await?, 0);
    for (project, pair) in projects.iter().zip(typed.chunks(2)) {
        let body = http.must("GET", &format!("/api/projects/{}/blocks", project.id), b"").await?;
        let snapshot: Value = serde_json::from_slice(body).map_err(|error| LoadError::Wrong(error.to_string()))?;
        let text = &snapshot["blocks"][0]["content"]["text"];
        differing += pair.iter().filter(|typed| *text != *typed.text).count() as u64;
    }
    Ok(differing)
}

/// A person at a paragraph. All is ASCII, so that characters are code units.
struct Typist {
    client: Client,
    project: String,
    block: String,
    /// As confirmed.
    text: String,
    version: u64,
    /// Where this person types, in the confirmed text.
    cursor: usize,
    /// Typed and not sent.
    waiting: String,
    /// When the first of it was typed.
    waiting_since: u64,
    /// Sent and not confirmed: its id, and when its first character was typed.
    pending: Option<(String, u64)>,
    chance: Chance,
    typed: Typed,
}

impl Typist {
    async fn sit_down(address: &str, number: usize, project: &Project, mut chance: Chance) -> Result<Self, LoadError> {
        let mut client = Client::connect(address, &format!("user-{number}")).await?;
        client.send(&json!({"type": "join", "id": "join", "project": project.id})).await?;
        let joined = client.expect("joined").await?;
        let text = joined["blocks"][0]["content"]["text"].as_str().unwrap_or_default().to_owned();
        let (cursor, acks) = (chance.below(text.len()), Times::default());
        let typed = Typed { text: String::new(), acks, keys: 0, edits: 0 };
        let (project, block) = (project.id.clone(), project.blocks[0].clone());
        let (waiting, waiting_since, pending) = (String::new(), 0, None);
        Ok(Self { client, project, block, text, version: 1, cursor, waiting, waiting_since, pending, chance, typed })
    }

    /// Until everybody's characters are there: a text of `goal` characters.
    async fn type_all(mut self, mut schedule: Schedule, clock: Clock, goal: usize) -> Result<Typed, LoadError> {
        while schedule.due().is_some() || self.pending.is_some() || !self.waiting.is_empty() || self.text.len() < goal {
            let due = schedule.due();
            tokio::select! {
                () = tokio::time::sleep_until(clock.instant(due.unwrap_or(0))), if due.is_some() => {
                    schedule.advance();
                    self.press(due.unwrap_or(0));
                }
                message = self.client.hear() => {
                    let text = message?.plain()?;
                    let message: Value = serde_json::from_slice(text).map_err(|error| LoadError::Wrong(error.to_string()))?;
                    self.hear(&message, clock)?;
                }
            }
            if self.pending.is_none() && !self.waiting.is_empty() {
                self.send().await?;
            }
        }
        self.typed.text = self.text;
        Ok(self.typed)
    }

    fn press(&mut self, due: u64) {
        if self.waiting.is_empty() {
            self.waiting_since = due;
        }
        self.waiting.push(char::from(b'a' + u8::try_from(self.chance.below(26)).unwrap_or(0)));
        self.typed.keys += 1;
    }

    async fn send(&mut self) -> Result<(), LoadError> {
        let edit = self.chance.uuid().to_string();
        let insert = std::mem::take(&mut self.waiting);
        let change = json!({"at": self.cursor, "delete": 0, "insert": insert});
        let op = json!({"op": "text", "block": self.block, "baseVersion": self.version, "path": "/text", "changes": [change]});
        let message = json!({"type": "edit", "id": edit, "project": self.project, "editId": edit, "ops": [op]});
        self.pending = Some((edit, self.waiting_since));
        self.typed.edits += 1;
        self.client.send(&message).await
    }

    fn hear(&mut self, message: &Value, clock: Clock) -> Result<(), LoadError> {
        match message["type"].as_str() {
            Some("ack") => {
                let pending = self.pending.as_ref().filter(|(edit, _)| message["id"] == **edit);
                let (_, since) = pending.ok_or_else(|| LoadError::Wrong(format!("an ack for nobody: {message}")))?;
                self.typed.acks.add_micros(clock.micros() - since);
            }
            Some("events") => message["events"].as_array().into_iter().flatten().for_each(|event| self.apply(event)),
            _ => {}
        }
        Ok(())
    }

    fn apply(&mut self, event: &Value) {
        let is_own = self.pending.as_ref().is_some_and(|(edit, _)| event["editId"] == **edit);
        for op in event["ops"].as_array().into_iter().flatten() {
            self.version = op["version"].as_u64().unwrap_or(self.version);
            let mut shift = 0;
            for change in op["changes"].as_array().into_iter().flatten() {
                let at = change["at"].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0) + shift;
                let insert = change["insert"].as_str().unwrap_or_default();
                self.text.insert_str(at, insert);
                shift += insert.len();
                match is_own {
                    true => self.cursor = at + insert.len(),
                    false if at < self.cursor => self.cursor += insert.len(),
                    false => {}
                }
            }
        }
        if is_own {
            self.pending = None;
        }
    }
}
