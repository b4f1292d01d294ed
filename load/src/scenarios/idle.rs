//! Memory of connections that say nothing after `hello`.
//!
//! Promises: memory is the hub's resident set, read when all have been welcomed and the hub has come to rest.
//! Must never: open more sockets than a process may hold: the clients are processes of their own.

use std::time::Duration;

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::LoadError;
use crate::bar::{Bar, Bound};
use crate::bench::Bench;
use crate::client::Client;
use crate::helper::{Helper, told};
use crate::process::files_max;
use crate::report::{Line, Plot, Scale, Sheet};
use crate::world::World;

/// What it is about.
pub const ABOUT: &str = "Memory of the hub while many connections say nothing";

/// What one process of clients holds at most.
const CLIENTS_MAX: usize = 10_000;
/// Files that a hub needs beside its connections.
const OTHER_FILES: u64 = 500;
/// Connections that are made at once.
const AT_ONCE: usize = 64;
/// Before memory is read.
const REST: Duration = Duration::from_secs(2);

/// How many.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Connections, one run for each [default: 1000,5000,19000; short: 200]
    #[arg(long, value_delimiter = ',')]
    connections: Option<Vec<usize>>,
}

/// What a process of clients is told.
#[derive(Args, Clone, Debug)]
pub struct HelperOptions {
    /// The hub.
    address: String,
    /// How many connections.
    count: usize,
    /// The number of the first user.
    first: usize,
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let counts = bench.pick(options.connections.clone(), vec![1_000, 5_000, 19_000], vec![200]);
    let mut sheet = Sheet::default();
    sheet.option("connections", format!("{counts:?}"));
    let (mut whole, mut grown) = (Vec::new(), Vec::new());
    for count in counts {
        let (kib, growth) = measure(bench, count, &mut sheet).await?;
        whole.push((count as f64, kib));
        grown.push((count as f64, growth));
    }
    for (count, kib) in whole.iter().filter(|(count, _)| *count >= 5_000.0) {
        let what = format!("{count:.0} connections: whole hub, per connection");
        sheet.bars.push(Bar::in_long_form(what, *kib, Bound::AtMost(5.0), "KiB"));
    }
    let at = |count: f64| grown.iter().find(|(found, _)| *found == count).map(|(_, kib)| *kib);
    if let (Some(few), Some(many)) = (at(5_000.0), at(19_000.0)) {
        let what = "growth per connection at 19,000, of that at 5,000";
        sheet.bars.push(Bar::ratio_at_most(what, many / few, 1.1));
    }
    let lines = vec![Line::new("whole hub", whole), Line::new("growth since it was empty", grown)];
    let title = "Resident memory of the hub per connection".into();
    sheet.plots.push(Plot { title, x: "connections", x_scale: Scale::Tens, y: "KiB", lines });
    Ok(sheet)
}

/// KiB per connection: of the whole hub, and of what it grew by.
async fn measure(bench: &Bench, count: usize, sheet: &mut Sheet) -> Result<(f64, f64), LoadError> {
    let world = World::start(&bench.setting).await?;
    for hub in &world.hubs {
        let files = hub.id().and_then(files_max).unwrap_or(0);
        if (count / world.hubs.len()) as u64 + OTHER_FILES > files {
            return Err(LoadError::Start(format!("{count} connections: the hub may have {files} open files")));
        }
    }
    let before = world.staff().hub_kib();
    let mut helpers = Vec::new();
    for first in (0..count).step_by(CLIENTS_MAX) {
        let share = CLIENTS_MAX.min(count - first);
        let words = ["idle".to_owned(), world.address(helpers.len()).to_owned(), share.to_string(), first.to_string()];
        helpers.push(Helper::start(&words)?);
    }
    for helper in &mut helpers {
        helper.hear().await?;
    }
    sleep(REST).await;
    let after = world.staff().hub_kib();
    let growth = after.saturating_sub(before) as f64 / count as f64;
    let group = format!("{count} connections");
    sheet.figure(&group, "hub memory, before", before as f64 / 1024.0, "MiB");
    sheet.figure(&group, "hub memory, with all", after as f64 / 1024.0, "MiB");
    sheet.figure(&group, "whole hub, per connection", after as f64 / count as f64, "KiB");
    sheet.figure(&group, "growth, per connection", growth, "KiB");
    sheet.figure(
        &group,
        "hub's processor time per connection made",
        world.staff().cpu().hub * 1e6 / count as f64,
        "µs",
    );
    Ok((after as f64 / count as f64, growth))
}

/// A process of clients: connects, says that it has, and answers pings until its starter is gone.
pub async fn help(options: &HelperOptions) -> Result<(), LoadError> {
    let (mut tasks, mut clients) = (JoinSet::new(), Vec::with_capacity(options.count));
    for number in options.first..options.first + options.count {
        if tasks.len() >= AT_ONCE {
            clients.push(connected(tasks.join_next().await)?);
        }
        let address = options.address.clone();
        tasks.spawn(async move { Client::connect(&address, &format!("user-{number}")).await });
    }
    while !tasks.is_empty() {
        clients.push(connected(tasks.join_next().await)?);
    }
    println!("ready");
    let mut listening: JoinSet<LoadError> = clients.into_iter().map(listen).collect();
    tokio::select! {
        told = told() => told,
        Some(Ok(error)) = listening.join_next() => Err(error),
    }
}

type Connected = Option<Result<Result<Client, LoadError>, tokio::task::JoinError>>;

fn connected(done: Connected) -> Result<Client, LoadError> {
    let nobody = || LoadError::Start("no client is left".into());
    done.ok_or_else(nobody)?.map_err(|error| LoadError::Start(error.to_string()))?
}

/// Until something is wrong.
async fn listen(client: Client) -> LoadError {
    let mut socket = client.into_socket();
    loop {
        if let Err(error) = socket.next().await {
            return error;
        }
    }
}
