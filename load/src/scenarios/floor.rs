//! What this machine charges for the least that has to be done.
//!
//! Promises: no hub is started; what is measured is the machine.
//! Must never: be compared with figures of another run: machines have moods.

use std::time::Duration;

use clap::Args;

use crate::LoadError;
use crate::bench::Bench;
use crate::floor::disk::fsync;
use crate::floor::pgbench::{self, BATCH, CLIENTS, Script};
use crate::floor::writer;
use crate::ports::Ports;
use crate::postgres::Postgres;
use crate::report::{Line, Plot, Scale, Sheet};

/// What it is about.
pub const ABOUT: &str =
    "What this machine charges: a bare write() to a socket, a bare fsync, a bare versioned UPDATE, a batch";

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Sockets that are written to, one run for each [default: 10,100,1000; short: 10,50]
    #[arg(long, value_delimiter = ',')]
    sockets: Option<Vec<usize>>,
    /// Bytes of a frame.
    #[arg(long, default_value_t = 450)]
    bytes: usize,
    /// How long each part is measured [default: 5; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let seconds = bench.pick(options.seconds, 5.0, 1.0);
    let sockets = bench.pick(options.sockets.clone(), vec![10, 100, 1_000], vec![10, 50]);
    let mut sheet = Sheet::default();
    sheet.option("bytes of a frame", options.bytes);
    sheet.option("seconds", seconds);
    writes(&mut sheet, &sockets, options.bytes, seconds).await?;
    let times = fsync(Duration::from_secs_f64(seconds))?;
    sheet.figure("fsync", "8 KiB, made durable", times.count() as f64 / seconds, "/s");
    sheet.figure("fsync", "p50", times.quantile_ms(0.5), "ms");
    sheet.figure("fsync", "p99", times.quantile_ms(0.99), "ms");
    sheet.plots.push(Plot::of_latency("fsync of 8 KiB", vec![Line::new("fsync", times.distribution())]));
    statements(&mut sheet, seconds.max(1.0) as u64).await?;
    Ok(sheet)
}

async fn writes(sheet: &mut Sheet, sockets: &[usize], bytes: usize, seconds: f64) -> Result<(), LoadError> {
    let mut points = Vec::new();
    for count in sockets {
        // About as many writes a second, whatever the number of sockets.
        let rate = (50_000.0 / *count as f64).clamp(20.0, 1_000.0);
        let floor = writer::measure(&writer::Options::new(*count, bytes, rate, seconds)).await?;
        let name = format!("to {count} sockets, processor time each");
        sheet.figure("bare write()", &name, floor.micros, "µs");
        points.push((*count as f64, floor.micros));
    }
    sheet.plots.push(Plot {
        title: "Processor time of a bare write()".into(),
        x: "sockets",
        x_scale: Scale::Tens,
        y: "µs",
        lines: vec![Line::new("write()", points)],
    });
    Ok(())
}

async fn statements(sheet: &mut Sheet, seconds: u64) -> Result<(), LoadError> {
    let postgres = Postgres::start(&mut Ports::default())?;
    if !pgbench::is_there(&postgres) {
        sheet.remarks.push("pgbench is not on this machine: Postgres alone was not measured.".into());
        return Ok(());
    }
    let group = "Postgres alone (pgbench)";
    for clients in [1, CLIENTS] {
        let rate = pgbench::run(&postgres, Script::VersionedUpdate, clients, seconds).await?;
        sheet.figure(group, &format!("bare versioned UPDATE, {clients} clients"), rate, "/s");
    }
    for clients in [1, 4] {
        let rate = pgbench::run(&postgres, Script::Batch, clients, seconds).await?;
        let name = format!("one statement for {BATCH} rows and their log, {clients} clients: rows");
        sheet.figure(group, &name, rate * BATCH as f64, "/s");
    }
    Ok(())
}
