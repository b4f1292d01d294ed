//! The same load on one hub, two and three: what the company costs.
//!
//! Promises: everything is measured in one run; members of a project are spread over all hubs, so that every event goes
//! everywhere.
//! Must never: leave out Redis.

use clap::Args;

use crate::LoadError;
use crate::bar::{Bar, Form as Length};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::Text;
use crate::crowd::desk::{appoint, blocks_needed, seat_all};
use crate::crowd::part::{Pace, Plan};
use crate::crowd::projects::{Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::{Span, Stretch, perform};
use crate::report::{Line, Plot, Sheet};
use crate::socket::Form;
use crate::world::{Setting, World};

/// What it is about.
pub const ABOUT: &str = "The same load on one, two and three hubs: processor time per edit and per delivery";

/// Blocks of each author.
const BLOCKS: usize = 32;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Members of the one large room [default: 300; short: 24]
    #[arg(long)]
    members: Option<usize>,
    /// How long each part is measured [default: 8; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
}

/// A load: so many members in all, over so many projects, each with one author; so many edits a second.
#[derive(Clone, Copy)]
struct Work {
    members: usize,
    projects: usize,
    rate: f64,
    seconds: f64,
}

/// What one number of hubs cost, in microseconds.
struct Cost {
    edit: f64,
    delivery: f64,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let seconds = bench.pick(options.seconds, 8.0, 1.0);
    // Nearly all is edits: few members. No number of hubs divides 17: each project has members on all of them.
    let edits = bench.form.pick(
        Work { members: 68, projects: 17, rate: 2_000.0, seconds },
        Work { members: 20, projects: 5, rate: 100.0, seconds },
    );
    // Nearly all is deliveries: one room.
    let members = bench.pick(options.members, 300, 24);
    let deliveries = Work { members, projects: 1, rate: bench.form.pick(100.0, 20.0), seconds };
    let mut sheet = Sheet::default();
    for (name, Work { members, projects, rate, .. }) in [("edits", edits), ("deliveries", deliveries)] {
        sheet.option(name, format!("{members} members, {projects} projects, {rate} edits/s"));
    }
    let (mut costs, mut lines) = (Vec::new(), Vec::new());
    for hubs in bench.form.pick(vec![1, 2, 3], vec![1, 2]) {
        let setting = Setting { hubs, ..bench.setting.clone() };
        let world = World::start(&setting).await?;
        let (edited, delivered) = (one(&world, edits).await?, one(&world, deliveries).await?);
        costs.push((hubs, tell(&mut sheet, hubs, &edited, &delivered)));
        lines.push(Line::new(&in_words(hubs), delivered.tally.deliveries.distribution()));
    }
    sheet.plots.push(Plot::of_latency("Delivery latency, one room", lines));
    judge(&mut sheet, &costs, bench.form);
    Ok(sheet)
}

fn in_words(hubs: usize) -> String {
    if hubs == 1 { "1 hub".into() } else { format!("{hubs} hubs") }
}

async fn one(world: &World, work: Work) -> Result<Stretch, LoadError> {
    let (Work { members, projects: count, rate, seconds }, mut chance) = (work, Chance::new(4));
    let shape = Shape { blocks: blocks_needed(count, count, BLOCKS), bytes: 0 };
    let projects = create(world.address(0), count, shape, &mut chance).await?;
    let mut seats = seat_all(world, members, &projects, Form::Plain).await?;
    appoint(&mut seats, count, &projects, BLOCKS, &Text::of(100, &mut chance), &mut chance);
    let plan = |number: usize, span: Span| match number < count {
        true => Plan::edit(Pace::Open(Schedule::shared(rate, number, count, span.begin, span.until))),
        false => Plan::LISTEN,
    };
    let warm = perform(&world.staff(), seats, seconds / 4.0, plan).await?;
    perform(&world.staff(), warm.seats, seconds, plan).await
}

fn tell(sheet: &mut Sheet, hubs: usize, edited: &Stretch, delivered: &Stretch) -> Cost {
    let mut cost = |part: &str, stretch: &Stretch, unit: &str, count: u64| {
        let group = format!("{}, {part}", in_words(hubs));
        let Stretch { tally, usage, seconds, .. } = stretch;
        tally.tell(sheet, &group, *seconds);
        usage.tell(sheet, &group, &[(unit, count)]);
        usage.judge_client(sheet, &group, Some(&tally.late));
        usage.cpu.servers() * 1e6 / count.max(1) as f64
    };
    let edit = cost("edits", edited, "edit", edited.tally.acked());
    Cost { edit, delivery: cost("one room", delivered, "delivery", delivered.tally.delivered) }
}

fn judge(sheet: &mut Sheet, costs: &[(usize, Cost)], form: Length) {
    let Some((_, alone)) = costs.first() else { return };
    for (hubs, cost) in &costs[1..] {
        let (edit, delivery) = (cost.edit / alone.edit, cost.delivery / alone.delivery);
        let group = format!("{}, of one hub's", in_words(*hubs));
        sheet.figure(&group, "servers' processor time per edit", edit, "×");
        sheet.figure(&group, "servers' processor time per delivery", delivery, "×");
        if *hubs == 3 && form == Length::Long {
            sheet.bars.push(Bar::ratio_at_most("3 hubs: processor time per edit, of one hub's", edit, 1.2));
            sheet.bars.push(Bar::ratio_at_most("3 hubs: processor time per delivery, of one hub's", delivery, 1.2));
        }
    }
}
