//! `load compare`: the same scenario for BlockHub and for the usual ways to build what it does, in turn, in one run.
//!
//! Promises: each subject has its own fresh servers and gets the same load from the same connections, which check every
//! answer; what cannot keep up, loses or repeats is reported as such.
//! Must never: run two subjects at a time.

mod crew;
mod edits;
mod idle;
mod ledger;
mod member;
mod program;
mod report;
mod room;
mod subject;
mod tongue;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::report::{Better, Figure, Outcome, Report};
use self::subject::{Stage, Subject};
use crate::LoadError;
use crate::floor::pgbench::{self, Script};
use crate::ports::Ports;
use crate::postgres::Postgres;

/// What to compare, and how long.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Which load.
    #[arg(long, value_enum, default_value_t = Scenario::Edits)]
    scenario: Scenario,
    /// Who.
    #[arg(long = "subject", value_enum, value_delimiter = ',', default_values_t = [Subject::BlockHub, Subject::SocketIo, Subject::ShareDb, Subject::Hocuspocus])]
    subjects: Vec<Subject>,
    /// How long to measure each.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Sockets; without it 64 for edits, 1,000 for a room, 5,000 idle ones.
    #[arg(long)]
    connections: Option<usize>,
    /// Edits a second in the room.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// A short form: seconds for each subject, fewer sockets; its figures are worth little.
    #[arg(long)]
    short: bool,
    /// Where the result file goes.
    #[arg(long, default_value = "load/reports")]
    out: PathBuf,
}

/// A load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Durable edits in a closed loop.
    Edits,
    /// One project that everybody is in.
    Room,
    /// Connections that say nothing.
    Idle,
}

/// How much of it.
#[derive(Clone, Copy, Debug)]
struct Size {
    connections: usize,
    rate: u32,
    warm_up: Duration,
    window: Duration,
}

impl Options {
    fn size(&self) -> Size {
        let usual = match (self.scenario, self.short) {
            (Scenario::Edits, _) => 64,
            (Scenario::Room, false) => 1_000,
            (Scenario::Idle, false) => 5_000,
            (Scenario::Room, true) => 100,
            (Scenario::Idle, true) => 300,
        };
        let connections = self.connections.unwrap_or(usual);
        let seconds = Duration::from_secs;
        let (warm_up, window) = if self.short { (seconds(1), seconds(2)) } else { (seconds(3), seconds(self.seconds)) };
        Size { connections, rate: self.rate, warm_up, window }
    }

    fn file(&self) -> PathBuf {
        let name = self.scenario.name();
        self.out.join(if self.short { format!("compare-{name}-short.json") } else { format!("compare-{name}.json") })
    }
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Edits => "edits",
            Self::Room => "room",
            Self::Idle => "idle",
        }
    }

    fn how(self, size: &Size) -> String {
        match self {
            Self::Edits => edits::how(size),
            Self::Room => room::how(size),
            Self::Idle => idle::how(size),
        }
    }
}

/// Compares, prints and writes; whether every subject could be measured and BlockHub did nothing wrong.
pub async fn run(options: &Options) -> Result<bool, LoadError> {
    let (size, mut outcomes, mut floors) = (options.size(), Vec::new(), Vec::new());
    let versions = program::versions().await?;
    for subject in &options.subjects {
        println!("{} …", subject.name());
        let mut outcome = Outcome::of(*subject);
        if let Err(error) = measure(options.scenario, &size, &mut outcome).await {
            outcome.failed = Some(error.to_string());
        }
        outcomes.push(outcome);
    }
    if options.scenario == Scenario::Edits {
        let postgres = Postgres::start(&mut Ports::default())?;
        let seconds = size.window.as_secs();
        let value = pgbench::run(&postgres, Script::VersionedUpdate, pgbench::CLIENTS, seconds).await?;
        floors.push(Figure { what: "pgbench's bare UPDATE, 16 clients, /s", value, better: Better::More });
    }
    let how = options.scenario.how(&size);
    let report = Report { scenario: options.scenario.name(), how, outcomes, floors, versions };
    report.print();
    report.write(&options.file())?;
    Ok(report.is_well())
}

async fn measure(scenario: Scenario, size: &Size, outcome: &mut Outcome) -> Result<(), LoadError> {
    let stage = Stage::start(outcome.subject).await?;
    match scenario {
        Scenario::Edits => edits::run(&stage, size, outcome).await?,
        Scenario::Room => room::run(&stage, size, outcome).await?,
        Scenario::Idle => idle::run(&stage, size, outcome).await?,
    }
    if let Err(error) = stage.end().await {
        outcome.remarks.push(format!("did not end in good order: {error}"));
    }
    Ok(())
}
