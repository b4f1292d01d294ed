//! The driver: clients that join, edit, are thrown out and come back, and what they saw, written down for the judge.
//!
//! Promises: the same seed makes up the same choices; at the end every edit is answered, every client has everything,
//! and the database's log and blocks stand beside it in the history, or it says who is stuck.
//! Must never: know the fault that a row causes.

mod client;
pub mod crew;
pub mod database;
mod draft;
pub mod figures;
mod hearing;
mod inspector;
pub mod order;
mod room;
pub mod sightings;
pub mod stranger;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use histcheck::file::Writer;
use histcheck::history::{Epochs, Record};
use histcheck::id::Id;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use self::client::Client;
use self::crew::{Crew, CrewParts, Phase};
use self::database::{Database, Heads};
use self::order::{Answer, Habit, Named, Order, Person};
use crate::LoadError;
use crate::chance::Chance;

/// Until all clients have joined.
const GATHER: Duration = Duration::from_secs(60);
/// Until every edit is answered, and until every client has everything.
const SETTLE: Duration = Duration::from_secs(60);
/// Until a client does what it was told: it may just be coming back.
const ORDERED: Duration = Duration::from_secs(30);
/// Looks that may wait for the inspector.
const ASKS_MAX: usize = 16;
/// Orders that may wait for a client, which takes them when it is connected.
const ORDERS_MAX: usize = 64;

/// How much load.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many clients.
    pub clients: usize,
    /// How many projects; each client is in one or two of them.
    pub projects: usize,
    /// Edits a second, of all clients together.
    pub rate: usize,
    /// How often each is sent.
    pub sends: Sends,
}

/// How often an edit is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sends {
    /// Until it is answered.
    UntilAnswered,
    /// Up to five times, also to other hubs: each client has an echo there.
    UpToFive,
}

/// A run's clients.
pub struct Driver {
    /// What they share.
    pub crew: Arc<Crew>,
    /// The database, asked directly.
    pub database: Database,
    projects: Vec<Id>,
    orders: Vec<mpsc::Sender<Order>>,
    /// How many there are, echoes too.
    clients: u32,
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
        let (reports_in, reports) = mpsc::channel(load.clients * 8);
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let pace = Duration::from_secs(1).mul_f64(load.clients as f64 / load.rate.max(1) as f64);
        let parts = CrewParts { addresses, history, pace, ask_one_in: 25, reports: reports_in, asks };
        let crew = Arc::new(Crew::new(parts));
        let database = Database::at(database)?;
        let mut driver =
            Self { crew, database, projects, orders: Vec::new(), clients: 0, reports, tasks: JoinSet::new() };
        driver.hire(load, &mut chance);
        let reader = driver.clients;
        driver.tasks.spawn(inspector::inspect(asked, driver.crew.clone(), driver.database.clone(), reader));
        let late = driver.reported(&Phase::Gather, GATHER).await;
        if late.is_empty() { Ok(driver) } else { Err(LoadError::Wrong(format!("did not come in: {late:?}"))) }
    }

    fn hire(&mut self, load: &Load, chance: &mut Chance) {
        for number in 0..load.clients {
            let (projects, home) = (self.projects_of(number, chance), self.home_of(number));
            let user = format!("user-{number}");
            let habit = match load.sends {
                Sends::UntilAnswered => Habit::Edits,
                Sends::UpToFive => {
                    let home = (home + 1) % self.crew.addresses.len();
                    let (user, projects, habit) = (user.clone(), projects.clone(), Habit::Obeys);
                    let number = u32::try_from(load.clients + number).unwrap_or(u32::MAX);
                    let echo = Person { number, user, projects, home, habit, chance: chance.fork() };
                    Habit::Insists { echo: self.add(echo) }
                }
            };
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let order = self.add(Person { number, user, projects, home, habit, chance: chance.fork() });
            self.orders.push(order);
        }
        self.clients = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
    }

    fn add(&mut self, person: Person) -> mpsc::Sender<Order> {
        let (order, orders) = mpsc::channel(ORDERS_MAX);
        self.tasks.spawn(Client::new(person, self.crew.clone(), orders).live());
        order
    }

    fn projects_of(&self, number: usize, chance: &mut Chance) -> Vec<Id> {
        let first = self.projects[number % self.projects.len()];
        let second = chance.pick(&self.projects).copied().filter(|second| number % 2 == 1 && *second != first);
        [first].into_iter().chain(second).collect()
    }

    /// Every project has clients on every hub.
    fn home_of(&self, number: usize) -> usize {
        (number / self.projects.len() + number) % self.crew.addresses.len()
    }

    /// One of those who like this hub best: the first, the second, … and again from the first.
    pub fn client_of(&self, hub: usize, turn: usize) -> usize {
        let there: Vec<usize> = (0..self.orders.len()).filter(|number| self.home_of(*number) == hub).collect();
        there[turn % there.len()]
    }

    /// The clients edit from now on.
    pub fn work(&self) {
        self.crew.phase.send_replace(Phase::Work);
    }

    /// Tells a client to do something.
    pub async fn order(&self, client: usize, order: Order) -> Result<(), LoadError> {
        self.orders[client].send(order).await.map_err(|_| LoadError::Wrong(format!("client {client} is gone")))
    }

    /// Waits until every client has joined everything at the hub it likes best.
    pub async fn all_home(&self) -> Result<(), LoadError> {
        let home = timeout(GATHER, self.crew.seated(self.clients)).await;
        home.map_err(|_| LoadError::Wrong("the clients do not come home".into()))
    }

    /// Has a client edit, in these words, from the hub where it is; the edit, and its answer when it comes.
    pub async fn edit(&self, client: usize, words: &str) -> Result<(Named, oneshot::Receiver<Answer>), LoadError> {
        let ((named, name), (answer, answered)) = (oneshot::channel(), oneshot::channel());
        self.order(client, Order::Edit { words: words.to_owned(), named, answer }).await?;
        let late = |_| LoadError::Wrong(format!("client {client} does not edit"));
        Ok((
            timeout(ORDERED, name).await.map_err(late)?.map_err(|_| LoadError::Wrong("a client is gone".into()))?,
            answered,
        ))
    }

    /// Brings everything to rest and completes the history; who is stuck, and how.
    pub async fn settle(&mut self) -> Result<Vec<String>, LoadError> {
        let unanswered = self.enter(Phase::Quiet).await;
        let heads = Arc::new(self.heads().await?);
        let behind = self.enter(Phase::Rest(heads.clone())).await;
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        let broken = self.database.write_down(&heads, &self.crew.history).await?;
        self.crew.history.finish()?;
        let unanswered = unanswered.iter().map(|client| format!("client {client} has an edit that was never answered"));
        let behind =
            behind.iter().map(|client| format!("client {client} never got everything that the database holds"));
        Ok(unanswered.chain(behind).chain(broken).collect())
    }

    async fn enter(&mut self, phase: Phase) -> Vec<u32> {
        self.crew.phase.send_replace(phase.clone());
        self.reported(&phase, SETTLE).await
    }

    /// Waits for everybody's report; those whose report is missing.
    async fn reported(&mut self, phase: &Phase, patience: Duration) -> Vec<u32> {
        let until = Instant::now() + patience;
        let mut missing: HashSet<u32> = (0..self.clients).collect();
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
