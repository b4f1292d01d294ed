//! One room: many members, edits at fixed times, beside a bare loop of `write()` to as many sockets.
//!
//! Promises: latency is counted from when an edit was planned; the floor writes frames of the size that members got, in
//! the same run.
//! Must never: leave Postgres out of what a delivery costs.

use clap::Args;

use crate::LoadError;
use crate::bar::{Bar, Bound};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::Text;
use crate::crowd::desk::{appoint, blocks_needed, seat_all};
use crate::crowd::part::{Pace, Plan};
use crate::crowd::projects::{Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::seat::Seat;
use crate::crowd::{Span, Stretch, perform};
use crate::floor::writer::{self, Floor};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "One room of many members, edits at fixed times: what a delivery costs, beside a bare write()";

/// Of the members, so many edit.
const AUTHORS: usize = 10;
/// Each on so many blocks in turn.
const BLOCKS: usize = 32;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Members [default: 1000; short: 50]
    #[arg(long)]
    members: Option<usize>,
    /// Edits a second, one run for each [default: 100,400; short: 50]
    #[arg(long, value_delimiter = ',')]
    rates: Option<Vec<f64>>,
    /// How long each part is measured [default: 10; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
    /// Bytes of text in each edit.
    #[arg(long, default_value_t = 100)]
    bytes: usize,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let members = bench.pick(options.members, 1_000, 50);
    let rates = bench.pick(options.rates.clone(), vec![100.0, 400.0], vec![50.0]);
    let seconds = bench.pick(options.seconds, 10.0, 1.0);
    let mut sheet = Sheet::default();
    sheet.option("members", members);
    sheet.option("edits a second", format!("{rates:?}"));
    sheet.option("bytes of text", options.bytes);
    sheet.option("seconds", seconds);
    let world = World::start(&bench.setting).await?;
    let seats = room(&world, members, options.bytes).await?;
    let mut seats = perform(&world.staff(), seats, seconds / 5.0, plan(rates[0])).await?.seats;
    let mut lines = (Vec::new(), Vec::new());
    for (number, rate) in rates.iter().enumerate() {
        let before = bytes_read(&seats);
        let stretch = perform(&world.staff(), seats, seconds, plan(*rate)).await?;
        let bytes = (bytes_read(&stretch.seats) - before) / stretch.tally.delivered.max(1);
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let floor = writer::measure(&writer::Options::new(members, bytes, rates[0], seconds)).await?;
        let group = format!("{rate} edits/s");
        tell(&mut sheet, &group, &stretch, &floor, bytes);
        judge(&mut sheet, number, *rate, seconds, &stretch, &floor);
        lines.0.push(Line::new(&group, stretch.tally.deliveries.distribution()));
        lines.1.push(stretch.tally.deliveries_line(&group));
        if number == 0 {
            sheet.plots.push(stretch.usage.plot("Memory"));
        }
        seats = stretch.seats;
    }
    sheet.plots.insert(0, Plot::over_time("Deliveries", "a second", lines.1));
    sheet.plots.insert(0, Plot::of_latency("Delivery latency", lines.0));
    Ok(sheet)
}

/// Members of one project, the first of them with blocks to edit.
async fn room(world: &World, members: usize, bytes: usize) -> Result<Vec<Seat>, LoadError> {
    let mut chance = Chance::new(4);
    let shape = Shape { blocks: blocks_needed(AUTHORS, 1, BLOCKS), bytes: 0 };
    let projects = create(world.address(0), 1, shape, &mut chance).await?;
    let mut seats = seat_all(world, members, &projects, Form::Plain).await?;
    let text = Text::of(bytes, &mut chance);
    appoint(&mut seats, AUTHORS, &projects, BLOCKS, &text, &mut chance);
    Ok(seats)
}

fn plan(rate: f64) -> impl Fn(usize, Span) -> Plan {
    move |number, span| match number {
        0..AUTHORS => Plan::edit(Pace::Open(Schedule::shared(rate, number, AUTHORS, span.begin, span.until))),
        _ => Plan::LISTEN,
    }
}

fn bytes_read(seats: &[Seat]) -> u64 {
    seats.iter().map(|seat| seat.socket.bytes_read()).sum()
}

/// Processor time of all servers per delivery, in microseconds.
fn micros_per_delivery(stretch: &Stretch) -> f64 {
    stretch.usage.cpu.servers() * 1e6 / stretch.tally.delivered.max(1) as f64
}

fn tell(sheet: &mut Sheet, group: &str, stretch: &Stretch, floor: &Floor, bytes: usize) {
    let Stretch { tally, usage, seconds, .. } = stretch;
    tally.tell(sheet, group, *seconds);
    sheet.figure(group, "bytes per delivery", bytes as f64, "B");
    usage.tell(sheet, group, &[("delivery", tally.delivered)]);
    sheet.figure(group, "processor time per delivery: all servers", micros_per_delivery(stretch), "µs");
    sheet.figure(group, "floor: bare write(), processor time", floor.micros, "µs");
    sheet.figure(group, "floor: writes", floor.writes as f64, "");
    usage.judge_client(sheet, group, Some(&tally.late));
}

fn judge(sheet: &mut Sheet, number: usize, rate: f64, seconds: f64, stretch: &Stretch, floor: &Floor) {
    let ratio = micros_per_delivery(stretch) / floor.micros;
    let what = format!("{rate} edits/s: servers' processor time per delivery, of the floor");
    let planned = rate * seconds * stretch.seats.len() as f64;
    let percent =
        stretch.tally.delivered as f64 * 100.0 / planned * seconds / (stretch.usage.elapsed - 0.2).max(seconds);
    match number {
        0 => {
            sheet.bars.push(Bar::ratio_at_most(what, ratio, 1.3));
            let p99 = stretch.tally.deliveries.quantile_ms(0.99);
            sheet.bars.push(Bar::ms_at_most(format!("{rate} edits/s: delivery p99"), p99, 15.0));
        }
        _ => {
            sheet.bars.push(Bar::in_long_form(what, ratio, Bound::AtMost(1.0), "×"));
            sheet.bars.push(Bar::percent_at_least(format!("{rate} edits/s: keeps up"), percent, 97.0));
        }
    }
}
