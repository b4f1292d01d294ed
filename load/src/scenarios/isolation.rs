//! Many users at once, each with a project, a session, a socket and an HTTP connection of their own: does anybody ever
//! get what is another's?
//!
//! Promises: every single answer is checked to be of the one request that was sent, and about its own user; every request
//! id is seen once.
//! Must never: forgive a mixed answer: the first one ends the run.

use std::collections::HashSet;
use std::sync::Arc;

use clap::Args;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::LoadError;
use crate::bar::Bar;
use crate::bench::Bench;
use crate::chance::Chance;
use crate::client::Client;
use crate::crowd::ledger::Clock;
use crate::http::Http;
use crate::report::{Line, Plot, Sheet};
use crate::times::Times;
use crate::watch::Watch;
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Many users at once over WebSocket and HTTP; every answer is checked to be one's own";

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Users [default: 1000; short: 20]
    #[arg(long)]
    users: Option<usize>,
    /// Requests of all users together [default: 300000; short: 1000]
    #[arg(long)]
    requests: Option<usize>,
}

/// What was counted.
#[derive(Default)]
struct Counts {
    times: Times,
    refused: u64,
    request_ids: HashSet<Uuid>,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (users, requests) = (bench.pick(options.users, 1_000, 20), bench.pick(options.requests, 300_000, 1_000));
    let mut sheet = Sheet::default();
    sheet.option("users", users);
    sheet.option("requests", requests);
    let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
    let mut people = Vec::with_capacity(users);
    for number in 0..users {
        people.push(Person::settle(&world, number, chance.fork()).await?);
    }
    let (counts, watch, clock) = (Arc::new(Mutex::new(Counts::default())), Watch::begin(world.staff()), Clock::start());
    let mut tasks = JoinSet::new();
    for person in people {
        tasks.spawn(person.ask(requests / users, clock, counts.clone()));
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| LoadError::Wrong(error.to_string()))??;
    }
    let usage = watch.end();
    let counts = std::mem::take(&mut *counts.lock());
    let (asked, served, group) = ((requests / users * users) as u64, counts.times.count(), "requests");
    sheet.figure(group, "requests", asked as f64, "");
    sheet.figure(group, "served", served as f64 / usage.elapsed, "/s");
    sheet.figure(group, "p50", counts.times.quantile_ms(0.5), "ms");
    sheet.figure(group, "p99", counts.times.quantile_ms(0.99), "ms");
    sheet.figure(group, "refused for now (busy)", counts.refused as f64, "");
    usage.tell(&mut sheet, group, &[("request", served)]);
    usage.judge_client(&mut sheet, group, None);
    sheet.remarks.push("A mixed answer ends the run with an error: a report says that there was none.".into());
    let doubled = served - counts.request_ids.len() as u64;
    sheet.bars.push(Bar::count_at_most("request ids seen twice", doubled, 0));
    let percent = served as f64 * 100.0 / asked.max(1) as f64;
    sheet.bars.push(Bar::percent_at_least("served, of all requests", percent, 99.9));
    sheet.plots.push(Plot::of_latency("Latency of requests", vec![Line::new("all", counts.times.distribution())]));
    sheet.plots.push(usage.plot("Memory"));
    Ok(sheet)
}

/// A user and what is theirs.
struct Person {
    name: String,
    project: String,
    block: String,
    version: u64,
    session: String,
    /// What stands in the session.
    kept: String,
    /// What stands in the block now.
    secret: String,
    client: Client,
    http: Http,
    chance: Chance,
}

/// What came back.
enum Outcome {
    /// One's own answer, and the id of its request.
    Own(Uuid),
    /// Not now.
    Busy,
}

impl Person {
    async fn settle(world: &World, number: usize, mut chance: Chance) -> Result<Self, LoadError> {
        let name = format!("person-{number}");
        let mut http = Http::connect(world.address(number + 1), &name).await?;
        let (block, secret) = (chance.uuid().to_string(), chance.uuid().to_string());
        let blocks = json!([{"id": block, "kind": "text", "content": {"secret": secret}}]);
        let body = json!({"title": name, "access": "none", "blocks": blocks}).to_string();
        let made = parsed(http.must("POST", "/api/projects", body.as_bytes()).await?)?;
        let project = text(&made, "/id")?;
        let kept = chance.uuid().to_string();
        let body = json!({"metadata": {"kept": kept}}).to_string();
        let session = text(&parsed(http.must("POST", "/api/sessions", body.as_bytes()).await?)?, "/id")?;
        let mut client = Client::connect(world.address(number), &name).await?;
        client.send(&json!({"type": "join", "id": "join", "project": project})).await?;
        client.expect("joined").await?;
        Ok(Self { name, project, block, version: 1, session, kept, secret, client, http, chance })
    }

    /// So many requests, one after the other, each of a kind that chance picks.
    async fn ask(mut self, count: usize, clock: Clock, counts: Arc<Mutex<Counts>>) -> Result<(), LoadError> {
        for number in 0..count {
            let begun = clock.micros();
            let outcome = match self.chance.below(6) {
                0 => self.edit(number).await?,
                1 => self.edit_over_http().await?,
                2 => self.ping(number).await?,
                3 => self.history(number).await?,
                4 => self.read_blocks().await?,
                _ => self.read_session().await?,
            };
            let mut counts = counts.lock();
            match outcome {
                Outcome::Own(request) => {
                    counts.times.add_micros(clock.micros() - begun);
                    counts.request_ids.insert(request);
                }
                Outcome::Busy => counts.refused += 1,
            }
        }
        Ok(())
    }

    fn next_edit(&mut self) -> (String, Value) {
        let (edit, secret) = (self.chance.uuid().to_string(), self.chance.uuid().to_string());
        let ops =
            json!([{"op": "update", "block": self.block, "baseVersion": self.version, "patch": {"secret": secret}}]);
        self.secret = secret;
        self.version += 1;
        (edit, ops)
    }

    async fn edit(&mut self, number: usize) -> Result<Outcome, LoadError> {
        let (edit, ops) = self.next_edit();
        let message =
            json!({"type": "edit", "id": number.to_string(), "project": self.project, "editId": edit, "ops": ops});
        self.client.send(&message).await?;
        let ack = self.reply("ack", number).await?;
        let is_own = ack["editId"] == *edit && ack["versions"][&self.block] == self.version;
        own(is_own && ack["project"] == *self.project, &ack, &ack["requestId"])
    }

    async fn edit_over_http(&mut self) -> Result<Outcome, LoadError> {
        let (edit, ops) = self.next_edit();
        let body = json!({"editId": edit, "ops": ops}).to_string();
        let path = format!("/api/projects/{}/edits", self.project);
        let ack = parsed(self.http.must("POST", &path, body.as_bytes()).await?)?;
        let is_own = ack["editId"] == *edit && ack["versions"][&self.block] == self.version;
        own(is_own, &ack, &ack["requestId"])
    }

    async fn ping(&mut self, number: usize) -> Result<Outcome, LoadError> {
        self.client.send(&json!({"type": "ping", "id": number.to_string()})).await?;
        let pong = self.reply("pong", number).await?;
        own(true, &pong, &pong["requestId"])
    }

    async fn history(&mut self, number: usize) -> Result<Outcome, LoadError> {
        let ask = json!({"type": "history", "id": number.to_string(), "project": self.project, "limit": 1});
        self.client.send(&ask).await?;
        let history = self.reply("history", number).await?;
        let last = &history["events"][0];
        let is_own = last["actor"]["id"] == *self.name && last.to_string().contains(&self.secret);
        own(is_own, &history, &history["requestId"])
    }

    async fn read_blocks(&mut self) -> Result<Outcome, LoadError> {
        let path = format!("/api/projects/{}/blocks", self.project);
        let answer = self.http.call("GET", &path, "", b"").await?;
        let (status, request) = (answer.status, answer.header("x-request-id").unwrap_or_default().to_owned());
        let snapshot = parsed(answer.body)?;
        let block = &snapshot["blocks"][0];
        let is_own = snapshot["project"] == *self.project && block["content"]["secret"] == *self.secret;
        served(status, is_own, &snapshot, request)
    }

    async fn read_session(&mut self) -> Result<Outcome, LoadError> {
        let path = format!("/api/sessions/{}", self.session);
        let answer = self.http.call("GET", &path, "", b"").await?;
        let (status, request) = (answer.status, answer.header("x-request-id").unwrap_or_default().to_owned());
        let session = parsed(answer.body)?;
        let is_own = session["user"] == *self.name && session["metadata"]["kept"] == *self.kept;
        served(status, is_own, &session, request)
    }

    /// The reply to a message, which must be to this one; events of one's own go by.
    async fn reply(&mut self, kind: &str, number: usize) -> Result<Value, LoadError> {
        let reply = self.client.expect(kind).await?;
        if reply["id"] == *number.to_string() { Ok(reply) } else { Err(mixed(&reply)) }
    }
}

fn served(status: u16, is_own: bool, answer: &Value, request: String) -> Result<Outcome, LoadError> {
    match status {
        429 | 503 => Ok(Outcome::Busy),
        _ => own(is_own && status == 200, answer, &json!(request)),
    }
}

fn own(is_own: bool, answer: &Value, request: &Value) -> Result<Outcome, LoadError> {
    let request = request.as_str().and_then(|request| request.parse().ok());
    request.filter(|_| is_own).map(Outcome::Own).ok_or_else(|| mixed(answer))
}

fn mixed(answer: &Value) -> LoadError {
    LoadError::Wrong(format!("this is not the answer to what was asked: {answer}"))
}

fn parsed(body: &[u8]) -> Result<Value, LoadError> {
    serde_json::from_slice(body).map_err(|error| LoadError::Wrong(error.to_string()))
}

fn text(value: &Value, pointer: &str) -> Result<String, LoadError> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| LoadError::Wrong(value.to_string()))
}
