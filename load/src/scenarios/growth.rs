//! How cost grows with size: members of a room, projects, blocks of a project, events in the database.
//!
//! Promises: all sizes of a kind are measured in one run, and compared with the smallest; edits come at fixed times, so that
//! cost is processor time per unit of work, not what a full machine can do.
//! Must never: change anything but the size.

use clap::{Args, ValueEnum};

use crate::LoadError;
use crate::bar::{Bar, Form as Length};
use crate::bench::Bench;
use crate::chance::Chance;
use crate::crowd::author::{Author, Text};
use crate::crowd::desk::{appoint, seat_all};
use crate::crowd::part::{Pace, Plan};
use crate::crowd::projects::{Project, Shape, create};
use crate::crowd::schedule::Schedule;
use crate::crowd::seat::{Place, Seat, take_all};
use crate::crowd::{Span, Stretch, perform};
use crate::postgres::Postgres;
use crate::report::{Line, Plot, Scale, Sheet};
use crate::socket::Form;
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "How processor time per unit of work grows with members, projects, blocks and stored events";

/// Projects that one connection joins at most, well below what the contract allows.
const PROJECTS_PER_CONNECTION_MAX: usize = 31;
/// Bytes of text in each edit.
const TEXT_BYTES: usize = 100;
/// From the smallest to the largest, cost may grow so much.
const GROWTH_MAX: f64 = 1.5;
/// Events of each project that the event table is filled with.
const EVENTS_PER_PROJECT: u64 = 10_000;

/// How much.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What grows [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// Events that the table is filled with [default: 10000000; short: 20000]
    #[arg(long)]
    events: Option<u64>,
    /// How long each size is measured [default: 8; short: 1]
    #[arg(long)]
    seconds: Option<f64>,
}

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Members of one room.
    Members,
    /// Projects that are edited.
    Projects,
    /// Blocks of a project.
    Blocks,
    /// Events in the database.
    Events,
}

/// One size, and what a unit of work cost there, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Size {
    size: u64,
    micros: f64,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let kinds = if options.kinds.is_empty() { Kind::value_variants() } else { &options.kinds };
    let seconds = bench.pick(options.seconds, 8.0, 1.0);
    let mut sheet = Sheet::default();
    sheet.option("seconds for each size", seconds);
    for kind in kinds {
        let sizes = match kind {
            Kind::Members => members(bench, seconds, &mut sheet).await?,
            Kind::Projects => projects(bench, seconds, &mut sheet).await?,
            Kind::Blocks => blocks(bench, seconds, &mut sheet).await?,
            Kind::Events => events(bench, options, seconds, &mut sheet).await?,
        };
        judge(&mut sheet, *kind, &sizes, bench.form);
    }
    Ok(sheet)
}

async fn members(bench: &Bench, seconds: f64, sheet: &mut Sheet) -> Result<Vec<Size>, LoadError> {
    let mut found = Vec::new();
    for count in bench.form.pick(vec![10, 100, 1_000, 5_000], vec![5, 20]) {
        let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
        let projects = create(world.address(0), 1, Shape { blocks: 64, bytes: 0 }, &mut chance).await?;
        let mut seats = seat_all(&world, count, &projects, Form::Plain).await?;
        appoint(&mut seats, 2, &projects, 32, &Text::of(TEXT_BYTES, &mut chance), &mut chance);
        // About as many deliveries a second, whatever the number of members.
        let rate = (40_000.0 / count as f64).clamp(4.0, 400.0);
        let stretch = work(&world, seats, 2, rate, seconds).await?;
        let micros = stretch.usage.cpu.servers() * 1e6 / stretch.tally.delivered.max(1) as f64;
        tell(sheet, &format!("{count} members"), &stretch, ("delivery", stretch.tally.delivered));
        found.push(Size { size: count as u64, micros });
    }
    Ok(found)
}

async fn projects(bench: &Bench, seconds: f64, sheet: &mut Sheet) -> Result<Vec<Size>, LoadError> {
    let mut found = Vec::new();
    for count in bench.form.pick(vec![10, 100, 1_000, 10_000], vec![5, 20]) {
        let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
        let each = (count / 100).clamp(1, PROJECTS_PER_CONNECTION_MAX);
        let blocks = (1_000 / count).clamp(2, 64);
        let projects = create(world.address(0), count, Shape { blocks, bytes: 0 }, &mut chance).await?;
        let (seats, authors) = offices(&world, &projects, each, &mut chance).await?;
        let stretch = work(&world, seats, authors, bench.form.pick(1_000.0, 100.0), seconds).await?;
        found.push(per_edit(sheet, &format!("{count} projects"), count, &stretch));
    }
    Ok(found)
}

/// Authors with so many projects each, which they share with nobody.
async fn offices(
    world: &World,
    projects: &[Project],
    each: usize,
    chance: &mut Chance,
) -> Result<(Vec<Seat>, usize), LoadError> {
    let shares: Vec<&[Project]> = projects.chunks(each).collect();
    let place = |(number, share): (usize, &&[Project])| Place {
        projects: share.iter().map(|project| project.id.clone()).collect(),
        ..Place::at(world.address(number), number, &share[0])
    };
    let mut seats = take_all(shares.iter().enumerate().map(place).collect()).await?;
    let text = Text::of(TEXT_BYTES, chance);
    for (seat, share) in seats.iter_mut().zip(&shares) {
        let own = share.iter().flat_map(|project| project.blocks.iter().map(move |block| (project, block.as_str())));
        seat.author = Some(Author::of(own, text.clone(), chance.fork()));
    }
    let authors = seats.len();
    Ok((seats, authors))
}

async fn blocks(bench: &Bench, seconds: f64, sheet: &mut Sheet) -> Result<Vec<Size>, LoadError> {
    let mut found = Vec::new();
    for count in bench.form.pick(vec![10, 100, 1_000, 10_000], vec![10, 200]) {
        let (world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
        let shape = Shape { blocks: count, bytes: TEXT_BYTES };
        let projects = create(world.address(0), 10, shape, &mut chance).await?;
        let (seats, authors) = offices(&world, &projects, 1, &mut chance).await?;
        let stretch = work(&world, seats, authors, bench.form.pick(1_000.0, 100.0), seconds).await?;
        found.push(per_edit(sheet, &format!("{count} blocks a project"), count, &stretch));
    }
    Ok(found)
}

async fn events(bench: &Bench, options: &Options, seconds: f64, sheet: &mut Sheet) -> Result<Vec<Size>, LoadError> {
    let count = bench.pick(options.events, 10_000_000, 20_000);
    let (mut world, mut chance) = (World::start(&bench.setting).await?, Chance::new(4));
    if world.postgres.is_none() {
        sheet.remarks.push("The event table is filled by SQL for Postgres only.".into());
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for stored in [0, count] {
        if let (Some(postgres), 1..) = (&world.postgres, stored) {
            fill(postgres, stored).await?;
            world.restart_hubs().await?;
        }
        let projects = create(world.address(0), 100, Shape { blocks: 10, bytes: 0 }, &mut chance).await?;
        let (seats, authors) = offices(&world, &projects, 1, &mut chance).await?;
        let stretch = work(&world, seats, authors, bench.form.pick(1_000.0, 100.0), seconds).await?;
        let size = usize::try_from(stored).unwrap_or(usize::MAX);
        found.push(per_edit(sheet, &format!("{stored} events stored before"), size, &stretch));
    }
    Ok(found)
}

/// Events as they would be after years of work, in projects that nobody has open.
async fn fill(postgres: &Postgres, count: u64) -> Result<(), LoadError> {
    let (projects, each) = (count.div_ceil(EVENTS_PER_PROJECT), EVENTS_PER_PROJECT.min(count));
    let named = "md5('filled' || project)::uuid";
    let series = format!("generate_series(1, {projects}) project, generate_series(1, {each}) number");
    postgres
        .execute(format!(
            "INSERT INTO events (project_id, seq, edit_id, user_id, at, answer, body)
             SELECT {named}, number, gen_random_uuid(), 'somebody', 1700000000000 + number, '{{}}', repeat('x', 200)
             FROM {series}"
        ))
        .await?;
    postgres
        .execute(format!(
            "INSERT INTO block_versions (project_id, block_id, version, seq)
             SELECT {named}, md5(project || ' ' || number % 100)::uuid, number / 100 + 1, number FROM {series}"
        ))
        .await?;
    postgres.execute("ANALYZE events, block_versions".into()).await?;
    postgres.execute("CHECKPOINT".into()).await
}

/// Edits at fixed times by the first so many seats, after some that are not counted.
async fn work(world: &World, seats: Vec<Seat>, authors: usize, rate: f64, seconds: f64) -> Result<Stretch, LoadError> {
    let plan = |number: usize, span: Span| match number < authors {
        true => Plan::edit(Pace::Open(Schedule::shared(rate, number, authors, span.begin, span.until))),
        false => Plan::LISTEN,
    };
    let warm = perform(&world.staff(), seats, seconds / 4.0, plan).await?;
    perform(&world.staff(), warm.seats, seconds, plan).await
}

fn per_edit(sheet: &mut Sheet, group: &str, size: usize, stretch: &Stretch) -> Size {
    tell(sheet, group, stretch, ("edit", stretch.tally.acked()));
    let micros = stretch.usage.cpu.servers() * 1e6 / stretch.tally.acked().max(1) as f64;
    Size { size: size as u64, micros }
}

fn tell(sheet: &mut Sheet, group: &str, stretch: &Stretch, unit: (&str, u64)) {
    let Stretch { tally, usage, seconds, .. } = stretch;
    tally.tell(sheet, group, *seconds);
    usage.tell(sheet, group, &[unit]);
    usage.judge_client(sheet, group, Some(&tally.late));
}

fn judge(sheet: &mut Sheet, kind: Kind, sizes: &[Size], form: Length) {
    let [smallest, .., largest] = sizes else { return };
    let (unit, of) = match kind {
        Kind::Members => ("delivery", "members"),
        Kind::Projects => ("edit", "projects"),
        Kind::Blocks => ("edit", "blocks a project"),
        Kind::Events => ("edit", "stored events"),
    };
    let ratio = largest.micros / smallest.micros;
    let what = format!("per {unit}, {} {of}, of that at {}", largest.size, smallest.size);
    if form == Length::Long {
        sheet.bars.push(Bar::ratio_at_most(what, ratio, GROWTH_MAX));
    }
    let relative = sizes.iter().map(|at| (at.size.max(1) as f64, at.micros / smallest.micros)).collect();
    sheet.plots.push(Plot {
        title: format!("Servers' processor time per {unit}, of that with the fewest {of}"),
        x: of,
        x_scale: Scale::Tens,
        y: "×",
        lines: vec![Line::new(of, relative)],
    });
}
