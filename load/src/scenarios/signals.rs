//! Signals and cursors in one room: what passes through without being stored.
//!
//! Promises: latency is counted from when a signal was planned.
//! Must never: take a dropped signal for a delivered one.

use clap::Args;

use crate::LoadError;
use crate::bar::Bar;
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::desk::seat_all;
use crate::crowd::part::Plan;
use crate::crowd::projects::{Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::{Span, Stretch, perform};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "One room: signals to all others, and cursors that move";

/// Of the members, so many signal, or move their cursors.
const ACTIVE: usize = 10;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Members [default: 1000; short: 50]
    #[arg(long)]
    members: Option<usize>,
    /// Signals a second, and moves of cursors a second.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// How long each part is measured [default: 10; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let members = bench.pick(options.members, 1_000, 50);
    let (seconds, rate) = (bench.pick(options.seconds, 10.0, 1.0), options.rate);
    let mut sheet = Sheet::default();
    sheet.option("members", members);
    sheet.option("rate", format!("{rate}/s"));
    sheet.option("seconds", seconds);
    let world = World::start(&bench.setting).await?;
    let projects = create(world.address(0), 1, Shape { blocks: 1, bytes: 0 }, &mut Chance::new(4)).await?;
    let seats = seat_all(&world, members, &projects, Form::Plain).await?;
    let warm = perform(&world.staff(), seats, seconds / 5.0, signals(rate)).await?;
    let signalled = perform(&world.staff(), warm.seats, seconds, signals(rate)).await?;
    let planned = signalled.tally.signals_sent * (members as u64 - 1);
    tell(&mut sheet, "signals", &signalled, "signal delivered", signalled.tally.signals.count());
    let percent = signalled.tally.signals.count() as f64 * 100.0 / planned.max(1) as f64;
    sheet.figure("signals", "delivered, of those sent to others", percent, "%");
    let moved = perform(&world.staff(), signalled.seats, seconds, cursors(rate)).await?;
    tell(&mut sheet, "cursors", &moved, "presence message delivered", moved.tally.presence);
    sheet.figure("cursors", "moves in each message delivered", moves_each(&moved, members), "");
    sheet.bars.push(Bar::percent_at_least("signals delivered, of those sent", percent, 99.9));
    let line = Line::new("signals", signalled.tally.signals.distribution());
    sheet.plots.push(Plot::of_latency("Signal latency", vec![line]));
    sheet.plots.push(signalled.usage.plot("Memory, signals"));
    Ok(sheet)
}

fn signals(rate: f64) -> impl Fn(usize, Span) -> Plan {
    move |number, span| Plan { signals: active(rate, number, span), ..Plan::LISTEN }
}

fn cursors(rate: f64) -> impl Fn(usize, Span) -> Plan {
    move |number, span| Plan { cursors: active(rate, number, span), ..Plan::LISTEN }
}

fn active(rate: f64, number: usize, span: Span) -> Option<Schedule> {
    (number < ACTIVE).then(|| Schedule::shared(rate, number, ACTIVE, span.begin, span.until))
}

fn moves_each(moved: &Stretch, members: usize) -> f64 {
    moved.tally.cursors_sent as f64 * members as f64 / moved.tally.presence.max(1) as f64
}

fn tell(sheet: &mut Sheet, group: &str, stretch: &Stretch, unit: &str, count: u64) {
    let Stretch { tally, usage, seconds, .. } = stretch;
    sheet.figure(group, &format!("{unit}, all members"), count as f64 / seconds, "/s");
    if tally.signals.count() > 0 {
        sheet.figure(group, "signal p50", tally.signals.quantile_ms(0.5), "ms");
        sheet.figure(group, "signal p99", tally.signals.quantile_ms(0.99), "ms");
    }
    usage.tell(sheet, group, &[(unit, count)]);
    usage.judge_client(sheet, group, None);
}
