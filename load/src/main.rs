//! The load tester: `cargo run --release -p load -- SCENARIO`.
//!
//! Promises: it starts what it needs (a hub, Postgres) on free ports of this machine, checks answers while it loads, and
//! leaves nothing running.
//! Must never: print a figure for answers that were wrong.

mod client;
mod edits;
mod hub;
mod idle;
mod postgres;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::hub::Hub;
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
    /// A socket failed.
    #[error("the connection failed: {0}")]
    Socket(#[from] tokio_tungstenite::tungstenite::Error),
    /// A process or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), LoadError> {
    let folder = tempfile::tempdir()?;
    let (postgres, url) = match cli.database {
        Database::Postgres => {
            let postgres = Postgres::start()?;
            let url = postgres.url();
            (Some(postgres), url)
        }
        Database::Sqlite => (None, format!("sqlite:{}", folder.path().join("load.db").display())),
    };
    let hub = Hub::start(&url).await?;
    println!("hub at {}, {:?}", hub.address(), cli.database);
    match cli.scenario {
        Scenario::Edits(options) => edits::run(&hub, postgres.as_ref(), &options).await,
        Scenario::Idle(options) => idle::run(&hub, &options).await,
    }
}
