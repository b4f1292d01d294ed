//! The fault runs: one row of the scorecard is one command, with real hubs, Postgres and Redis.
//!
//! Promises: a row passes only if the judge finds nothing, nobody is stuck, and its bars are met; what it measured is
//! printed and left in a result file.
//! Must never: judge times in the short form, which runs on whatever machine builds the code.

pub mod driver;
mod gate;
mod report;
pub mod rig;
mod rows;
mod scene;
mod table;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};

use self::report::Report;
use self::rig::drops::{Drops, become_alone};
use self::rows::Row;
use crate::LoadError;
use crate::bar::Form;
use crate::machine::Origin;

/// Which row, and how.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// A row of the scorecard: R1, R2, …, S4, …, or all.
    #[arg(long, value_parser = which, default_value = "all")]
    row: Which,
    /// Runs nothing; prints what the result files say, as a table.
    #[arg(long)]
    table: bool,
    /// What chance begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A short form: minutes for all rows; times are printed, not judged.
    #[arg(long)]
    short: bool,
    /// So many percent of the long form's faults; its bars are judged all the same, and the result says it.
    #[arg(long, default_value_t = 100, value_parser = percent, conflicts_with = "short")]
    percent: usize,
    /// Plants the fault that the row is there to catch, in the tester's own way to the hubs: passes only if the row
    /// does not. Only rows that are not judged by a history; no result file.
    #[arg(long)]
    planted: bool,
    /// Where result files go, and the histories of runs that failed.
    #[arg(long, default_value = "load/reports")]
    out: PathBuf,
}

/// One row, or all.
#[derive(Clone, Debug)]
enum Which {
    All,
    One(Row),
}

fn percent(text: &str) -> Result<usize, String> {
    let percent = text.parse().ok().filter(|percent| (1..=100).contains(percent));
    percent.ok_or_else(|| "give a number from 1 to 100".to_owned())
}

fn which(text: &str) -> Result<Which, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Which::All);
    }
    Row::from_str(text, true).map(Which::One)
}

/// One run of one row.
#[derive(Clone, Debug)]
pub struct Run {
    /// Which.
    row: Row,
    /// What chance begins with.
    pub seed: u64,
    /// How long.
    pub form: Form,
    /// How much of the long form, in percent.
    percent: usize,
    /// What is run and where, as it was when the run began.
    origin: Origin,
    /// For the history and the logs of the hubs.
    pub folder: PathBuf,
    /// Drops packets and takes addresses, where this machine allows it.
    pub drops: Option<Drops>,
    /// Whether the fault is planted that the row is there to catch.
    pub planted: bool,
}

impl Run {
    /// The one of the long form or that of the short one.
    pub fn pick<T>(&self, long: T, short: T) -> T {
        self.form.pick(long, short)
    }

    /// How many times: of the long form so much as was asked for, never less than in the short one.
    pub fn times(&self, long: usize, short: usize) -> usize {
        self.pick((long * self.percent / 100).max(short), short)
    }

    /// How long it is, in words.
    pub fn form_in_words(&self) -> String {
        match (self.form, self.percent) {
            (Form::Short, _) => "short".into(),
            (Form::Long, 100) => "long".into(),
            (Form::Long, percent) => format!("long ({percent} %)"),
        }
    }

    /// Where the history is.
    pub fn history(&self) -> PathBuf {
        self.folder.join("history.ndjson")
    }

    /// Says how far it is.
    pub fn say(&self, words: &str) {
        println!("{}: {words}", self.row.name());
    }
}

/// Runs what was asked for; whether all of it passed.
pub async fn run(options: &Options) -> Result<bool, LoadError> {
    if options.table {
        println!("{}", table::tables(&options.out).join("\n\n"));
        return Ok(true);
    }
    let mut rows = match &options.row {
        Which::All => Row::value_variants().to_vec(),
        Which::One(row) => vec![*row],
    };
    // The others are judged by their histories: what is planted there, the judge's own tests plant.
    rows.retain(|row| !options.planted || !row.has_history());
    if rows.is_empty() {
        return Err(LoadError::Start("nothing can be planted into this row".into()));
    }
    if rows.iter().any(|row| row.has_network()) {
        become_alone().await?;
    }
    let (mut passed, drops) = (0, Drops::begin().await?);
    for row in &rows {
        let sound = one(*row, options, drops).await?;
        let planted = if options.planted { "-planted" } else { "" };
        println!("{}{planted} {}\n", row.name(), if sound { "passed" } else { "FAILED" });
        passed += usize::from(sound);
    }
    println!("{passed} of {} rows passed", rows.len());
    Ok(passed == rows.len())
}

async fn one(row: Row, options: &Options, drops: Option<Drops>) -> Result<bool, LoadError> {
    let folder = tempfile::Builder::new().prefix("blockhub-faults-").tempdir()?;
    let form = if options.short { Form::Short } else { Form::Long };
    let (seed, percent, folder_path) = (options.seed, options.percent, folder.path().to_owned());
    let (origin, planted) = (Origin::of_now(), options.planted);
    let run = Run { row, seed, form, percent, origin, folder: folder_path, drops, planted };
    println!("{} {}, seed {}: {}", row.name(), run.form_in_words(), run.seed, row.promise());
    let begun = Instant::now();
    let report = match rows::run(row, &run).await {
        Ok(findings) => Report::of(&run, findings)?,
        Err(error) => Report::broken(&run, &error),
    };
    report.print();
    println!("  took {:.0} s", begun.elapsed().as_secs_f64());
    if planted {
        return Ok(report.is_whole() && !report.passed());
    }
    std::fs::create_dir_all(&options.out)?;
    report.write(&options.out.join(format!("{}{}.json", row.name(), run.pick("", "-short"))))?;
    if !report.passed() {
        let kept = options.out.join(format!("{}-seed-{}", row.name(), run.seed));
        keep(folder.path(), &kept)?;
        println!("history and logs: {}", kept.display());
    }
    Ok(report.passed())
}

fn keep(from: &Path, to: &Path) -> Result<(), LoadError> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
