//! A storm of joins: everybody opens the same large project at once, first on a hub that has not seen it.
//!
//! Promises: a join counts when its answer is there, for some clients when it is read as a whole; what was read from the database is asked of the database.
//! Must never: count the time that connecting takes.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::LoadError;
use crate::bar::{Bar, Bound};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::ledger::Clock;
use crate::crowd::projects::{Shape, create};
use crate::crowd::seat::{Depth, Place, Seat, take_all};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::socket::scan::Scan;
use crate::times::Times;
use crate::watch::{Usage, Watch};
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Everybody joins one large project at once: on a hub that has not seen it, and again";

/// Until the database's counters are written.
const COUNTERS_REST: Duration = Duration::from_secs(2);

/// One of so many clients inflates all that it gets, the others the beginning: else the clients would be what is measured.
const WHOLE_ONE_IN: usize = 20;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Connections [default: 5000; short: 50]
    #[arg(long)]
    connections: Option<usize>,
    /// Blocks of the project [default: 1000; short: 100]
    #[arg(long)]
    blocks: Option<usize>,
    /// Bytes of text in each block.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// One storm.
struct Storm {
    seats: Vec<Seat>,
    times: Times,
    usage: Usage,
    bytes: u64,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (count, blocks) = (bench.pick(options.connections, 5_000, 50), bench.pick(options.blocks, 1_000, 100));
    let mut sheet = Sheet::default();
    sheet.option("connections", count);
    sheet.option("blocks", blocks);
    sheet.option("bytes of text in a block", options.bytes);
    let mut world = World::start(&bench.setting).await?;
    let shape = Shape { blocks, bytes: options.bytes };
    let projects = create(world.address(0), 1, shape, &mut Chance::new(4)).await?;
    world.restart_hubs().await?;
    let nowhere = |number| Place {
        form: Form::Deflated,
        projects: Vec::new(),
        ..Place::at(world.address(number), number, &projects[0])
    };
    let seats = take_all((0..count).map(nowhere).collect()).await?;
    let read_before = rows_read(&world).await?;
    let cold = storm(&world, seats, &projects[0].id).await?;
    let loads = (rows_read(&world).await? - read_before) as f64 / blocks as f64;
    tell(&mut sheet, "cold", &cold, count);
    if world.postgres.is_some() {
        sheet.figure("cold", "times that the project's blocks were read from the database", loads, "");
        sheet.bars.push(Bar::in_long_form("cold: loads from the database", loads, Bound::AtMost(1.0), "×"));
    }
    sheet.bars.push(Bar::ms_at_most("cold: the last client is served within", cold.times.max_ms(), 5_000.0));
    let mut lines = vec![Line::new("cold", cold.times.distribution())];
    sheet.plots.push(cold.usage.plot("Memory, cold"));
    let seats = leave(cold.seats).await?;
    let warm = storm(&world, seats, &projects[0].id).await?;
    tell(&mut sheet, "warm", &warm, count);
    lines.push(Line::new("warm", warm.times.distribution()));
    sheet.plots.insert(0, Plot::of_latency("From asking to having the whole project", lines));
    Ok(sheet)
}

/// All ask at the same moment.
async fn storm(world: &World, seats: Vec<Seat>, project: &str) -> Result<Storm, LoadError> {
    let (go, gone) = watch::channel(false);
    let before: u64 = seats.iter().map(|seat| seat.socket.bytes_read()).sum();
    let (scan, clock, mut tasks) = (Arc::new(Scan::default()), Clock::start(), JoinSet::new());
    for (number, mut seat) in seats.into_iter().enumerate() {
        let depth = if number % WHOLE_ONE_IN == 0 { Depth::Whole } else { Depth::Head };
        let (mut gone, scan, project) = (gone.clone(), scan.clone(), project.to_owned());
        tasks.spawn(async move {
            // The other side lives as long as the storm.
            let _ = gone.wait_for(|gone| *gone).await;
            seat.join(&project, &scan, depth).await?;
            Ok::<_, LoadError>((seat, clock.micros()))
        });
    }
    tokio::task::yield_now().await;
    let watch = Watch::begin(world.staff());
    let begun = clock.micros();
    go.send_replace(true);
    let (mut seats, mut times) = (Vec::with_capacity(tasks.len()), Times::default());
    while let Some(done) = tasks.join_next().await {
        let (seat, served) = done.map_err(|error| LoadError::Wrong(error.to_string()))??;
        times.add_micros(served - begun);
        seats.push(seat);
    }
    let usage = watch.end();
    let bytes = seats.iter().map(|seat| seat.socket.bytes_read()).sum::<u64>() - before;
    Ok(Storm { seats, times, usage, bytes })
}

async fn leave(mut seats: Vec<Seat>) -> Result<Vec<Seat>, LoadError> {
    for seat in &mut seats {
        for room in std::mem::take(&mut seat.rooms) {
            let leave = json!({"type": "leave", "id": "leave", "project": room.project}).to_string();
            seat.socket.send_text(leave.as_bytes()).await?;
        }
    }
    sleep(COUNTERS_REST).await;
    Ok(seats)
}

/// Rows of blocks that the database has handed out so far.
async fn rows_read(world: &World) -> Result<i64, LoadError> {
    const READ: &str = "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint
                        FROM pg_stat_user_tables WHERE relname = 'blocks'";
    sleep(COUNTERS_REST).await;
    match &world.postgres {
        Some(postgres) => postgres.number(READ).await,
        None => Ok(0),
    }
}

fn tell(sheet: &mut Sheet, group: &str, storm: &Storm, count: usize) {
    sheet.figure(group, "half are served within", storm.times.quantile_ms(0.5), "ms");
    sheet.figure(group, "99 % are served within", storm.times.quantile_ms(0.99), "ms");
    sheet.figure(group, "the last is served within", storm.times.max_ms(), "ms");
    sheet.figure(group, "bytes per join", storm.bytes as f64 / count as f64, "B");
    storm.usage.tell(sheet, group, &[("join", count as u64)]);
    storm.usage.judge_client(sheet, group, None);
}
