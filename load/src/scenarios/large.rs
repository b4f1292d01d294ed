//! Large edits to a room, compressed and not.
//!
//! Promises: every member reads every event; a compressed broadcast is inflated once and compared for everybody, so that
//! the load stays light.
//! Must never: use texts that compress better than what people write.

use clap::Args;

use crate::LoadError;
use crate::bar::Bar;
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::Text;
use crate::crowd::desk::{appoint, blocks_needed, seat_all};
use crate::crowd::part::{Pace, Plan};
use crate::crowd::projects::{Project, Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::{Span, Stretch, perform};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Edits of 4 KiB and 64 KiB to a room, with and without permessage-deflate";

const AUTHORS: usize = 4;
const BLOCKS: usize = 16;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Members [default: 500; short: 20]
    #[arg(long)]
    members: Option<usize>,
    /// Bytes of text in each edit, one pair of runs for each.
    #[arg(long, value_delimiter = ',', default_values_t = [4 << 10, 64 << 10])]
    bytes: Vec<usize>,
    /// Bytes of text a second: so many edits as that makes.
    #[arg(long, default_value_t = 160 << 10)]
    bytes_a_second: usize,
    /// How long each part is measured [default: 10; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (members, seconds) = (bench.pick(options.members, 500, 20), bench.pick(options.seconds, 10.0, 1.0));
    let mut sheet = Sheet::default();
    sheet.option("members", members);
    sheet.option("bytes of text", format!("{:?}", options.bytes));
    sheet.option("bytes of text a second", options.bytes_a_second);
    sheet.option("seconds", seconds);
    let world = World::start(&bench.setting).await?;
    let mut lines = Vec::new();
    for bytes in &options.bytes {
        let rate = (options.bytes_a_second as f64 / *bytes as f64).max(2.0);
        let mut costs = Vec::new();
        for form in [Form::Plain, Form::Deflated] {
            let group = format!("{bytes} bytes, {}", if form == Form::Plain { "as it is" } else { "compressed" });
            let (stretch, read) = one(&world, members, *bytes, rate, form, seconds).await?;
            costs.push(tell(&mut sheet, &group, &stretch, read));
            lines.push(Line::new(&group, stretch.tally.deliveries.distribution()));
        }
        judge(&mut sheet, *bytes, &costs);
    }
    sheet.plots.push(Plot::of_latency("Delivery latency", lines));
    Ok(sheet)
}

/// A stretch in a project of its own, and the bytes that members read in it.
async fn one(
    world: &World,
    members: usize,
    bytes: usize,
    rate: f64,
    form: Form,
    seconds: f64,
) -> Result<(Stretch, u64), LoadError> {
    let mut chance = Chance::new(4);
    let shape = Shape { blocks: blocks_needed(AUTHORS, 1, BLOCKS), bytes: 0 };
    let projects: Vec<Project> = create(world.address(0), 1, shape, &mut chance).await?;
    let mut seats = seat_all(world, members, &projects, form).await?;
    appoint(&mut seats, AUTHORS, &projects, BLOCKS, &Text::of(bytes, &mut chance), &mut chance);
    let plan = |number, span: Span| match number {
        0..AUTHORS => Plan::edit(Pace::Open(Schedule::shared(rate, number, AUTHORS, span.begin, span.until))),
        _ => Plan::LISTEN,
    };
    let warm = perform(&world.staff(), seats, seconds / 5.0, plan).await?;
    let before: u64 = warm.seats.iter().map(|seat| seat.socket.bytes_read()).sum();
    let stretch = perform(&world.staff(), warm.seats, seconds, plan).await?;
    let after: u64 = stretch.seats.iter().map(|seat| seat.socket.bytes_read()).sum();
    Ok((stretch, after - before))
}

/// The hub's processor time per delivery, in microseconds.
fn tell(sheet: &mut Sheet, group: &str, stretch: &Stretch, read: u64) -> f64 {
    let Stretch { tally, usage, seconds, .. } = stretch;
    tally.tell(sheet, group, *seconds);
    sheet.figure(group, "bytes per delivery", read as f64 / tally.delivered.max(1) as f64, "B");
    usage.tell(sheet, group, &[("delivery", tally.delivered)]);
    usage.judge_client(sheet, group, Some(&tally.late));
    usage.cpu.hub * 1e6 / tally.delivered.max(1) as f64
}

fn judge(sheet: &mut Sheet, bytes: usize, costs: &[f64]) {
    let [plain, deflated] = costs else { return };
    let what = format!("{bytes} bytes compressed: hub's processor time, of that without");
    if bytes <= 4 << 10 {
        sheet.bars.push(Bar::ratio_at_most(what, deflated / plain, 1.0));
    } else {
        sheet.figure("compressed or not", &what, deflated / plain, "×");
    }
}
