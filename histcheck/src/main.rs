//! The judge, as a command: reads histories, prints what was checked and what was found.
//!
//! Promises: exit code 0 if the history is sound, 1 if it is not, 2 if it cannot be read.
//! Must never: decide anything; the library does.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use histcheck::file::{Writer, records};
use histcheck::generate::{Generator, Size};
use histcheck::history::Epochs;
use histcheck::judge::Judge;
use histcheck::kind::Kind;
use histcheck::verdict::Verdict;

/// Decides from what clients saw and what the database holds whether anything was lost.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Files of one history, in the order in which each client's records stand in them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Writes the verdict there, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Makes up a sound history of about so many records first, and writes it to the first file.
    #[arg(long, value_name = "RECORDS")]
    generate: Option<u64>,
    /// What a made-up history begins with.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(verdict) if verdict.is_sound() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("histcheck: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> io::Result<Verdict> {
    if let Some(records) = options.generate {
        generate(&options.files[0], records, options.seed)?;
    }
    let begun = Instant::now();
    let mut judge = Judge::default();
    for file in &options.files {
        for record in records(file).map_err(|error| named(file, &error))? {
            judge.take(record.map_err(|error| named(file, &error))?);
        }
    }
    let verdict = judge.verdict();
    print(&verdict, begun.elapsed());
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&verdict)?)?;
    }
    Ok(verdict)
}

fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

fn generate(file: &Path, records: u64, seed: u64) -> io::Result<()> {
    let writer = Writer::create(file)?;
    let size = Size { records, clients: 200, projects: 20 };
    Generator::new(seed, Epochs::Fixed, size).for_each(|record| writer.write(&record));
    writer.finish().map(drop)
}

fn print(verdict: &Verdict, took: Duration) {
    for (name, count) in verdict.checked.rows() {
        println!("{name:<28}{count:>12}");
    }
    let (seconds, records) = (took.as_secs_f64(), verdict.checked.records as f64);
    println!("{:<28}{seconds:>12.1}   ({:.0} records/s, {} MiB at most)", "seconds", records / seconds, peak_mib());
    println!();
    for violation in &verdict.violations {
        println!("{}: {violation}", violation.kind);
    }
    for (kind, count) in &verdict.found {
        println!("{kind:<28}{count:>12}   {}", kind.words());
    }
    match verdict.found.values().sum::<u64>() {
        0 => println!("nothing found; looked for {} kinds of violation", Kind::ALL.len()),
        all => println!("{all} violations"),
    }
}

/// The most memory that this process has held; 0 where the system does not tell.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
