//! Durable edits in a closed loop: connections, projects, edits under way.
//!
//! Promises: every ack is checked to be this connection's and every event to be the next; what Postgres alone can do is
//! measured in the same run.
//! Must never: count an edit that was not acked.

use clap::Args;

use crate::LoadError;
use crate::bar::{Bar, Bound};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::Text;
use crate::crowd::desk::{appoint, blocks_needed, seat_all};
use crate::crowd::ledger::Tally;
use crate::crowd::part::{Pace, Plan};
use crate::crowd::projects::{Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::seat::Seat;
use crate::crowd::{Span, Stretch, perform};
use crate::floor::pgbench::{self, Script};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::watch::Usage;
use crate::world::{Database, World};

/// What it is about.
pub const ABOUT: &str = "Durable edits as fast as they are answered; connections share their projects' rooms";

const FULL: &str = "as fast as answered";
const FIFTH: &str = "at a fifth of that rate";
/// Durable edits a second that SQLite has to reach.
const SQLITE_RATE: f64 = 20_000.0;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Sockets [default: 64; short: 8]
    #[arg(long)]
    connections: Option<usize>,
    /// Projects that they share evenly [default: 16; short: 4]
    #[arg(long)]
    projects: Option<usize>,
    /// Edits that each connection keeps under way, each on a block of its own.
    #[arg(long, default_value_t = 8)]
    in_flight: usize,
    /// How long each part is measured [default: 10; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
    /// Bytes of text in each edit.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (connections, projects) = (bench.pick(options.connections, 64, 8), bench.pick(options.projects, 16, 4));
    let seconds = bench.pick(options.seconds, 10.0, 1.0);
    let mut sheet = Sheet::default();
    sheet.option("connections", connections);
    sheet.option("projects", projects);
    sheet.option("edits under way per connection", options.in_flight);
    sheet.option("bytes of text", options.bytes);
    sheet.option("seconds", seconds);
    let world = World::start(&bench.setting).await?;
    let seats = office(&world, connections, projects, options).await?;
    let warm = perform(&world.staff(), seats, seconds / 5.0, closed).await?;
    let full = perform(&world.staff(), warm.seats, seconds, closed).await?;
    tell(&mut sheet, FULL, &full);
    let rate = full.tally.acked() as f64 / full.seconds;
    let open = |number, span| open(rate / 5.0, number, connections, span);
    let fifth = perform(&world.staff(), full.seats, seconds, open).await?;
    tell(&mut sheet, FIFTH, &fifth);
    let (full_p99, fifth_p99) = (full.tally.acks.quantile_ms(0.99), fifth.tally.acks.quantile_ms(0.99));
    judge(&mut sheet, bench, &world, rate, seconds).await?;
    if bench.setting.database_delay_ms == 0 {
        sheet.bars.push(Bar::ms_at_most("ack p99", full_p99, 50.0));
        sheet.bars.push(Bar::ms_at_most("ack p99 at a fifth of that rate", fifth_p99, 10.0));
    }
    draw(&mut sheet, &full.tally, &fifth.tally, &full.usage);
    Ok(sheet)
}

async fn office(world: &World, connections: usize, projects: usize, options: &Options) -> Result<Vec<Seat>, LoadError> {
    let mut chance = Chance::new(4);
    let shape = Shape { blocks: blocks_needed(connections, projects, options.in_flight), bytes: 0 };
    let projects = create(world.address(0), projects, shape, &mut chance).await?;
    let mut seats = seat_all(world, connections, &projects, Form::Plain).await?;
    let text = Text::of(options.bytes, &mut chance);
    appoint(&mut seats, connections, &projects, options.in_flight, &text, &mut chance);
    Ok(seats)
}

fn closed(_: usize, span: Span) -> Plan {
    Plan::edit(Pace::Closed { until: span.until })
}

fn open(rate: f64, number: usize, of: usize, span: Span) -> Plan {
    Plan::edit(Pace::Open(Schedule::shared(rate, number, of, span.begin, span.until)))
}

fn tell(sheet: &mut Sheet, group: &str, stretch: &Stretch) {
    let Stretch { tally, usage, seconds, .. } = stretch;
    tally.tell(sheet, group, *seconds);
    usage.tell(sheet, group, &[("edit", tally.acked())]);
    usage.judge_client(sheet, group, Some(&tally.late));
}

async fn judge(sheet: &mut Sheet, bench: &Bench, world: &World, rate: f64, seconds: f64) -> Result<(), LoadError> {
    if bench.setting.database == Database::Sqlite {
        let bound = Bound::AtLeast(SQLITE_RATE);
        sheet.bars.push(Bar::in_long_form("durable edits, SQLite", rate, bound, "/s"));
    }
    let Some(postgres) = world.postgres.as_ref().filter(|postgres| pgbench::is_there(postgres)) else { return Ok(()) };
    let seconds = (seconds / 2.0).max(1.0) as u64;
    let bare = pgbench::run(postgres, Script::VersionedUpdate, pgbench::CLIENTS, seconds).await?;
    let group = "Postgres alone, in the same run";
    sheet.figure(group, "pgbench: bare versioned UPDATE, 16 clients", bare, "/s");
    sheet.figure(group, "durable edits for each of those", rate / bare, "×");
    if bench.is_plain_postgres() {
        let what = "durable edits for each bare versioned UPDATE of pgbench";
        sheet.bars.push(Bar::in_long_form(what, rate / bare, Bound::AtLeast(1.0), "×"));
    }
    Ok(())
}

fn draw(sheet: &mut Sheet, full: &Tally, fifth: &Tally, usage: &Usage) {
    let lines = vec![Line::new(FULL, full.acks.distribution()), Line::new(FIFTH, fifth.acks.distribution())];
    sheet.plots.push(Plot::of_latency("Ack latency", lines));
    let lines = vec![full.acks_line("acks"), full.deliveries_line("deliveries")];
    sheet.plots.push(Plot::over_time("Acked edits and deliveries", "a second", lines));
    sheet.plots.push(usage.plot("Memory, as fast as answered"));
}
