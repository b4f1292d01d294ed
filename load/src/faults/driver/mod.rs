//! The driver: clients that join, edit, are thrown out and come back, and what they saw, written down for the judge.
//!
//! Promises: the same seed makes up the same choices; at the end every edit is answered, every client has everything,
//! and the database's log and blocks stand beside it in the history, or it says who is stuck.
//! Must never: know the fault that a row causes.

pub mod client;
pub mod crew;
pub mod database;
mod draft;
pub mod figures;
mod inspector;
mod room;
pub mod sightings;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use histcheck::file::Writer;
use histcheck::history::{Epochs, Record};
use histcheck::id::Id;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use self::client::{Client, Order};
use self::crew::{Crew, CrewParts, Phase};
use self::database::{Database, Heads};
use crate::LoadError;
use crate::chance::Chance;

/// Until all clients have joined.
const GATHER: Duration = Duration::from_secs(60);
/// Until every edit is answered, and until every client has everything.
const SETTLE: Duration = Duration::from_secs(60);
/// Looks that may wait for the inspector.
const ASKS_MAX: usize = 16;
/// Orders that may wait for a client: a row gives one and waits.
const ORDERS_MAX: usize = 4;

/// How much load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many clients.
    pub clients: usize,
    /// How many projects; each client is in one or two of them.
    pub projects: usize,
    /// Edits a second, of all clients together.
    pub rate: usize,
}

/// A run's clients.
pub struct Driver {
    /// What they share.
    pub crew: Arc<Crew>,
    /// The database, asked directly.
    pub database: Database,
    projects: Vec<Id>,
    orders: Vec<mpsc::Sender<Order>>,
    reports: mpsc::Receiver<(u32, u32)>,
    tasks: JoinSet<()>,
}

/// What a run is about, for the history's first record.
#[derive(Clone, Debug)]
pub struct Title {
    /// The scorecard's row.
    pub row: String,
    /// What chance began with.
    pub seed: u64,
}

impl Driver {
    /// Makes projects and clients, and waits until all have joined. They edit when they are told to `work`.
    pub async fn start(
        load: &Load,
        addresses: Vec<String>,
        database: &str,
        title: &Title,
        history: &Path,
    ) -> Result<Self, LoadError> {
        let mut chance = Chance::new(title.seed);
        let history = Writer::create(history)?;
        history.write(&Record::Run { row: title.row.clone(), seed: title.seed, epochs: Epochs::Fixed });
        let projects = create_projects(&addresses[0], load.projects).await?;
        let (reports_in, reports) = mpsc::channel(load.clients * 4);
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let pace = Duration::from_secs(1).mul_f64(load.clients as f64 / load.rate.max(1) as f64);
        let parts = CrewParts { addresses, history, pace, ask_one_in: 25, reports: reports_in, asks };
        let crew = Arc::new(Crew::new(parts));
        let database = Database::at(database)?;
        let mut driver = Self { crew, database, projects, orders: Vec::new(), reports, tasks: JoinSet::new() };
        for number in 0..load.clients {
            driver.add(number, &mut chance);
        }
        let reader = u32::try_from(load.clients).unwrap_or(u32::MAX);
        driver.tasks.spawn(inspector::inspect(asked, driver.crew.clone(), driver.database.clone(), reader));
        let late = driver.reported(&Phase::Gather, GATHER).await;
        if late.is_empty() { Ok(driver) } else { Err(LoadError::Wrong(format!("did not come in: {late:?}"))) }
    }

    fn add(&mut self, number: usize, chance: &mut Chance) {
        let mut mine = vec![self.projects[number % self.projects.len()]];
        let second = *chance.pick(&self.projects).unwrap_or(&mine[0]);
        if number % 2 == 1 && second != mine[0] {
            mine.push(second);
        }
        let (order, orders) = mpsc::channel(ORDERS_MAX);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.orders.push(order);
        self.tasks.spawn(Client::new(number, self.crew.clone(), &mine, chance.fork(), orders).live());
    }

    /// The clients edit from now on.
    pub fn work(&self) {
        self.crew.phase.send_replace(Phase::Work);
    }

    /// Tells a client to do something.
    pub async fn order(&self, client: usize, order: Order) -> Result<(), LoadError> {
        self.orders[client].send(order).await.map_err(|_| LoadError::Wrong(format!("client {client} is gone")))
    }

    /// Brings everything to rest and completes the history; who is stuck, and how.
    pub async fn settle(&mut self) -> Result<Vec<String>, LoadError> {
        let unanswered = self.enter(Phase::Quiet).await;
        let heads = Arc::new(self.heads().await?);
        let behind = self.enter(Phase::Rest(heads.clone())).await;
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        self.database.write_down(&heads, &self.crew.history).await?;
        self.crew.history.finish()?;
        let unanswered = unanswered.iter().map(|client| format!("client {client} has an edit that was never answered"));
        let behind =
            behind.iter().map(|client| format!("client {client} never got everything that the database holds"));
        Ok(unanswered.chain(behind).collect())
    }

    async fn enter(&mut self, phase: Phase) -> Vec<u32> {
        self.crew.phase.send_replace(phase.clone());
        self.reported(&phase, SETTLE).await
    }

    /// Waits for everybody's report; those whose report is missing.
    async fn reported(&mut self, phase: &Phase, patience: Duration) -> Vec<u32> {
        let until = Instant::now() + patience;
        let mut missing: HashSet<u32> = (0..self.orders.len()).filter_map(|at| u32::try_from(at).ok()).collect();
        while !missing.is_empty() {
            match timeout_at(until, self.reports.recv()).await {
                Ok(Some((client, number))) if number == phase.number() => drop(missing.remove(&client)),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        let mut missing: Vec<u32> = missing.into_iter().collect();
        missing.sort_unstable();
        missing
    }

    /// Everything is answered, but what a hub gave up waiting for may still be on its way into the database.
    async fn heads(&self) -> Result<Heads, LoadError> {
        let mut before = self.database.heads(&self.projects).await?;
        loop {
            sleep(Duration::from_millis(500)).await;
            let now = self.database.heads(&self.projects).await?;
            if now == before {
                return Ok(now);
            }
            before = now;
        }
    }
}

async fn create_projects(address: &str, count: usize) -> Result<Vec<Id>, LoadError> {
    let mut projects = Vec::new();
    for at in 1..=count {
        let body = json!({"title": format!("project {at}"), "access": "editor"}).to_string();
        let id = crate::hub::post(address, "/api/projects", &body).await?;
        projects.push(id.parse().map_err(|_| LoadError::Wrong(format!("`{id}` is no project's id")))?);
    }
    Ok(projects)
}
