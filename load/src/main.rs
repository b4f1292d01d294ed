//! The load tester: `cargo run --release -p load -- SCENARIO`.
//!
//! Promises: it starts what it needs (a hub, Postgres) on free ports of this machine, checks answers while it loads, and
//! leaves nothing running.
//! Must never: print a figure for answers that were wrong.

mod chance;
mod client;
mod edits;
mod faults;
mod hub;
mod idle;
mod peers;
mod ports;
mod postgres;
mod socket;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use tokio::signal::unix::{SignalKind, signal};

use crate::hub::{Hub, Launch};
use crate::ports::Ports;
use crate::postgres::Postgres;

/// Load for a hub, and figures.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
struct Cli {
    /// What the hub stores on.
    #[arg(long, value_enum, default_value_t = Database::Postgres, global = true)]
    database: Database,
    #[command(subcommand)]
    scenario: Scenario,
}

/// What the hub stores on: a throwaway one, in a temporary folder.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Database {
    /// With `fsync` on.
    Postgres,
    /// With `synchronous=FULL`.
    Sqlite,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Durable edits in a closed loop: each connection keeps some under way.
    Edits(edits::Options),
    /// Memory of connections that say nothing.
    Idle(idle::Options),
    /// The same load for BlockHub and its peers, in turn.
    Compare(peers::Options),
    /// Faults, and what the hub promises under them: one row of the scorecard, or all.
    Faults(faults::Options),
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

#[tokio::main]
async fn main() -> ExitCode {
    let done = tokio::select! {
        done = run(Cli::parse()) => done,
        // What was started ends as the run is dropped.
        told = told_to_stop() => told.map(|()| false),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn told_to_stop() -> Result<(), LoadError> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    Ok(())
}

/// Whether all was well.
async fn run(cli: Cli) -> Result<bool, LoadError> {
    let folder = tempfile::tempdir()?;
    if let Scenario::Faults(options) = &cli.scenario {
        return faults::run(options).await;
    }
    if let Scenario::Compare(options) = &cli.scenario {
        return peers::run(options).await;
    }
    let (postgres, url) = match cli.database {
        Database::Postgres => {
            let postgres = Postgres::start(&mut Ports::default())?;
            let url = postgres.url();
            (Some(postgres), url)
        }
        Database::Sqlite => (None, format!("sqlite:{}", folder.path().join("load.db").display())),
    };
    let hub = Hub::start(&Launch::on(&url)).await?;
    println!("hub at {}, {:?}", hub.address(), cli.database);
    match cli.scenario {
        Scenario::Edits(options) => edits::run(&hub, postgres.as_ref(), &options).await?,
        Scenario::Idle(options) => idle::run(&hub, &options).await?,
        Scenario::Faults(_) | Scenario::Compare(_) => {}
    }
    Ok(true)
}
