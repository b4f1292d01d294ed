//! Readers that do not read, among others that do.
//!
//! Promises: those who did not read come back and end with every event, caught up or anew; the others are measured with
//! and without them in one run.
//! Must never: give slow readers so large a receive buffer that the hub does not notice them.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use crate::LoadError;
use crate::bar::{Bar, Bound};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::Text;
use crate::crowd::desk::{appoint, blocks_needed};
use crate::crowd::ledger::{Clock, Ledger};
use crate::crowd::part::{Pace, Plan, Tools};
use crate::crowd::projects::{Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::seat::{Place, Seat, Width, take_all};
use crate::crowd::{Span, Stretch, perform, settle};
use crate::report::{Line, Plot, Sheet};
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Readers that never read among fast ones: what it costs the others, and the hub";

const AUTHORS: usize = 10;
const BLOCKS: usize = 32;
/// Of a hundred members, so many do not read.
const SLOW_PERCENT: usize = 5;
/// Until those who read again have everything.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Members [default: 400; short: 40]
    #[arg(long)]
    members: Option<usize>,
    /// Edits a second [default: 100; short: 50]
    #[arg(long)]
    rate: Option<f64>,
    /// Bytes of text in each edit.
    #[arg(long, default_value_t = 4 << 10)]
    bytes: usize,
    /// How long each part is measured; the hub ends whom nothing reaches for 30 [default: 20; short: 2]
    #[arg(long)]
    seconds: Option<f64>,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (members, rate) = (bench.pick(options.members, 400, 40), bench.pick(options.rate, 100.0, 50.0));
    let seconds = bench.pick(options.seconds, 20.0, 2.0);
    let slow = members * SLOW_PERCENT / 100;
    let mut sheet = Sheet::default();
    sheet.option("members", members);
    sheet.option("of these never read", slow);
    sheet.option("edits a second", rate);
    sheet.option("bytes of text", options.bytes);
    sheet.option("seconds", seconds);
    let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
    let shape = Shape { blocks: blocks_needed(AUTHORS, 1, BLOCKS), bytes: 0 };
    let projects = create(world.address(0), 1, shape, &mut chance).await?;
    let place = |number: usize| {
        let width = if number < members - slow { Width::Usual } else { Width::Narrow };
        Place { width, ..Place::at(world.address(number), number, &projects[0]) }
    };
    let mut seats = take_all((0..members).map(place).collect()).await?;
    appoint(&mut seats, AUTHORS, &projects, BLOCKS, &Text::of(options.bytes, &mut chance), &mut chance);
    let warm = perform(&world.staff(), seats, seconds / 5.0, plan(rate)).await?;
    let all_fast = perform(&world.staff(), warm.seats, seconds, plan(rate)).await?;
    tell(&mut sheet, "all read", &all_fast);
    let memory_before = world.staff().hub_kib();
    let mut fast = all_fast.seats;
    let asleep = fast.split_off(members - slow);
    let some_slow = perform(&world.staff(), fast, seconds, plan(rate)).await?;
    tell(&mut sheet, "some do not read", &some_slow);
    let grown = world.staff().hub_kib().saturating_sub(memory_before) as f64 / 1024.0 / slow.max(1) as f64;
    sheet.figure("some do not read", "hub memory, grown by, for each that does not read", grown, "MiB");
    let ratio = some_slow.tally.deliveries.quantile_ms(0.99) / all_fast.tally.deliveries.quantile_ms(0.99);
    sheet.bars.push(Bar::ratio_at_most("the others' delivery p99, of that when all read", ratio, 1.2));
    sheet.bars.push(Bar::in_long_form("hub memory for each that does not read", grown, Bound::AtMost(1.0), "MiB"));
    let lines = vec![
        Line::new("all read", all_fast.tally.deliveries.distribution()),
        Line::new("some do not", some_slow.tally.deliveries.distribution()),
    ];
    sheet.plots.push(Plot::of_latency("Delivery latency of those who read", lines));
    sheet.plots.push(some_slow.usage.plot("Memory while some do not read"));
    wake(&mut sheet, some_slow.seats, asleep, slow).await?;
    Ok(sheet)
}

fn plan(rate: f64) -> impl Fn(usize, Span) -> Plan {
    move |number, span| match number {
        0..AUTHORS => Plan::edit(Pace::Open(Schedule::shared(rate, number, AUTHORS, span.begin, span.until))),
        _ => Plan::LISTEN,
    }
}

fn tell(sheet: &mut Sheet, group: &str, stretch: &Stretch) {
    let Stretch { tally, usage, seconds, .. } = stretch;
    tally.tell(sheet, group, *seconds);
    usage.tell(sheet, group, &[("delivery", tally.delivered)]);
    usage.judge_client(sheet, group, Some(&tally.late));
}

/// Those who did not read do so now, until they have every event.
async fn wake(sheet: &mut Sheet, mut seats: Vec<Seat>, asleep: Vec<Seat>, slow: usize) -> Result<(), LoadError> {
    let fast = seats.len();
    seats.extend(asleep);
    let ledger = Arc::new(Ledger::new(Clock::start()));
    let tools = Tools { ledger: ledger.clone(), scan: Arc::default(), memo: Arc::default() };
    let late = |_| LoadError::Wrong("who had not read did not get every event".into());
    timeout(PATIENCE, settle(&mut seats, &tools)).await.map_err(late)??;
    let head = seats.iter().map(|seat| seat.rooms[0].seq).max().unwrap_or(0);
    let whole = seats[fast..].iter().filter(|seat| seat.rooms[0].seq == head).count();
    sheet.figure("read again", "of those, at the head again", whole as f64, "");
    sheet.figure("read again", "caught up anew (reset)", ledger.take().resets as f64, "");
    sheet.bars.push(Bar::count_at_least("who did not read and then has every event", whole as u64, slow as u64));
    Ok(())
}
