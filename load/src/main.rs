//! The load tester: `cargo run --release -p load -- SCENARIO`.
//!
//! Promises: it starts what it needs (a hub, Postgres) on free ports of this machine, checks answers while it loads, and
//! leaves nothing running.
//! Must never: print a figure for answers that were wrong.

mod bar;
mod bench;
mod chance;
mod client;
mod crowd;
mod delay;
mod faults;
mod floor;
mod helper;
mod http;
mod hub;
mod isolation;
mod line;
mod lookups;
mod machine;
mod marks;
mod nginx;
mod peers;
mod ports;
mod postgres;
mod process;
mod proxy;
mod redis;
mod report;
mod scenarios;
mod socket;
mod times;
mod token;
mod watch;
mod way;
mod world;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::scenarios::{RUNS, Scenario};

/// Load for hubs, and figures.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    #[command(flatten)]
    Scenario(Scenario),
    /// Every scenario, one after the other, with the same options.
    All(All),
    /// The same load for BlockHub and its peers, in turn.
    Compare(peers::Options),
    /// Faults, and what the hub promises under them: one row of the scorecard, or all.
    Faults(faults::Options),
    /// Parts of a run that are processes of their own.
    #[command(hide = true, subcommand)]
    Helper(Help),
}

/// Options that every scenario has, such as `--short`.
#[derive(Args, Debug)]
struct All {
    /// They are passed on.
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    options: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Help {
    /// A proxy before a database.
    Delay(delay::Options),
    /// A loop of bare writes.
    Writer(floor::writer::Options),
    /// Clients that say nothing.
    Idle(scenarios::idle::HelperOptions),
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    /// Something that is needed could not be started.
    #[error("{0}")]
    Start(String),
    /// The hub did not do what the contract says.
    #[error("the hub answered what it should not: {0}")]
    Wrong(String),
    /// Somebody was given what is another's.
    #[error("a mark is out of place: {0}")]
    Misplaced(String),
    /// The server ended a connection.
    #[error("closed with {code}: {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// For people.
        reason: String,
    },
    /// A socket failed.
    #[error("the connection failed: {0}")]
    Socket(#[from] tokio_tungstenite::tungstenite::Error),
    /// The database could not be asked.
    #[error("the database could not be asked: {0}")]
    Database(#[from] sqlx::Error),
    /// A process or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let task = Cli::parse().task;
    let done = runtime(&task).map_err(LoadError::from).and_then(|runtime| runtime.block_on(run_until_told(task)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Load comes from one thread: whether that one is the limit can be seen, and threads that take work from each other
/// would cost more than they bring.
fn runtime(task: &Task) -> std::io::Result<Runtime> {
    match task {
        Task::Compare(_) | Task::Faults(_) => Builder::new_multi_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(1).enable_all().build(),
    }
}

async fn run_until_told(task: Task) -> Result<bool, LoadError> {
    tokio::select! {
        done = run(task) => done,
        // What was started ends as the run is dropped.
        told = told_to_stop() => told.map(|()| false),
    }
}

async fn told_to_stop() -> Result<(), LoadError> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    Ok(())
}

/// Whether all was well.
async fn run(task: Task) -> Result<bool, LoadError> {
    match task {
        Task::Scenario(scenario) => scenarios::run(&scenario).await,
        Task::All(all) => run_all(&all.options).await,
        Task::Compare(options) => peers::run(&options).await,
        Task::Faults(options) => faults::run(&options).await,
        Task::Helper(Help::Delay(options)) => delay::help(&options).await.map(|()| true),
        Task::Helper(Help::Writer(options)) => floor::writer::help(&options).await.map(|()| true),
        Task::Helper(Help::Idle(options)) => scenarios::idle::help(&options).await.map(|()| true),
    }
}

/// One that fails does not keep the others from running.
async fn run_all(options: &[String]) -> Result<bool, LoadError> {
    let mut passed = 0;
    for name in RUNS {
        let words = ["load"].into_iter().chain(name.split(' ')).chain(options.iter().map(String::as_str));
        let cli = Cli::try_parse_from(words).map_err(|error| LoadError::Start(error.to_string()))?;
        let Task::Scenario(scenario) = cli.task else { continue };
        let done = scenarios::run(&scenario).await;
        let word = match &done {
            Ok(true) => "passed".to_owned(),
            Ok(false) => "MISSED a bar".to_owned(),
            Err(error) => format!("FAILED: {error}"),
        };
        println!("{name} {word}\n");
        passed += usize::from(matches!(done, Ok(true)));
    }
    println!("{passed} of {} scenarios passed", RUNS.len());
    Ok(passed == RUNS.len())
}
