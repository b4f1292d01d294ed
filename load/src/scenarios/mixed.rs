//! Many users in many projects: edits and cursors all over the place.
//!
//! Promises: latency is counted from when an edit was planned; every member of every project gets every event.
//! Must never: let users who do nothing be missing.

use clap::Args;

use crate::LoadError;
use crate::bar::Bar;
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::Text;
use crate::crowd::desk::{appoint, blocks_needed, seat_all};
use crate::crowd::part::{Pace, Plan};
use crate::crowd::projects::{Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::{Span, perform};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Many users in many projects: edits and cursors at fixed times";

/// Blocks of each user.
const BLOCKS: usize = 2;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Users, each with a connection [default: 10000; short: 100]
    #[arg(long)]
    users: Option<usize>,
    /// Projects that they share evenly [default: 1000; short: 10]
    #[arg(long)]
    projects: Option<usize>,
    /// Edits a second, of all users together [default: 1000; short: 100]
    #[arg(long)]
    edits: Option<f64>,
    /// Moves of cursors a second, of all users together [default: 1000; short: 100]
    #[arg(long)]
    cursors: Option<f64>,
    /// How long it is measured [default: 20; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
    /// Bytes of text in each edit.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (users, count) = (bench.pick(options.users, 10_000, 100), bench.pick(options.projects, 1_000, 10));
    let (edits, cursors) = (bench.pick(options.edits, 1_000.0, 100.0), bench.pick(options.cursors, 1_000.0, 100.0));
    let seconds = bench.pick(options.seconds, 20.0, 1.0);
    let mut sheet = Sheet::default();
    sheet.option("users", users);
    sheet.option("projects", count);
    sheet.option("edits a second", edits);
    sheet.option("moves of cursors a second", cursors);
    sheet.option("bytes of text", options.bytes);
    sheet.option("seconds", seconds);
    let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
    let shape = Shape { blocks: blocks_needed(users, count, BLOCKS), bytes: 0 };
    let projects = create(world.address(0), count, shape, &mut chance).await?;
    let mut seats = seat_all(&world, users, &projects, Form::Plain).await?;
    appoint(&mut seats, users, &projects, BLOCKS, &Text::of(options.bytes, &mut chance), &mut chance);
    let plan = |number: usize, span: Span| Plan {
        edits: Pace::Open(Schedule::shared(edits, number, users, span.begin, span.until)),
        cursors: Some(Schedule::shared(cursors, mixed(number, users), users, span.begin, span.until)),
        signals: None,
    };
    let warm = perform(&world.staff(), seats, seconds / 5.0, plan).await?;
    let stretch = perform(&world.staff(), warm.seats, seconds, plan).await?;
    let (tally, usage, group) = (&stretch.tally, &stretch.usage, "edits and cursors");
    tally.tell(&mut sheet, group, seconds);
    usage.tell(&mut sheet, group, &[("edit", tally.acked()), ("delivery", tally.delivered + tally.presence)]);
    usage.judge_client(&mut sheet, group, Some(&tally.late));
    if bench.setting.database_delay_ms == 0 {
        sheet.bars.push(Bar::ms_at_most("ack p99", tally.acks.quantile_ms(0.99), 10.0));
        sheet.bars.push(Bar::ms_at_most("delivery p99", tally.deliveries.quantile_ms(0.99), 25.0));
    }
    let lines =
        vec![Line::new("ack", tally.acks.distribution()), Line::new("delivery", tally.deliveries.distribution())];
    sheet.plots.push(Plot::of_latency("Latency", lines));
    let lines = vec![tally.acks_line("acks"), tally.deliveries_line("events delivered")];
    sheet.plots.push(Plot::over_time("Edits and deliveries", "a second", lines));
    sheet.plots.push(usage.plot("Memory"));
    Ok(sheet)
}

/// Another order: who edits now does not move the cursor now.
fn mixed(number: usize, users: usize) -> usize {
    (number * 7_919 + users / 2) % users
}
