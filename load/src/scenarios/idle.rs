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
    let (mut whole, mut mib) = (Vec::new(), Vec::new());
    for count in counts {
        let resident = measure(bench, count, &mut sheet).await?;
        mib.push((count as f64, resident));
        whole.push((count as f64, resident * 1024.0 / count as f64));
    }
    let each = further(&mib);
    for (from, to, kib) in &each {
        let what = format!("each further connection, from {from:.0} to {to:.0}");
        sheet.bars.push(Bar::in_long_form(what, *kib, Bound::AtMost(5.0), "KiB"));
    }
    if let [(_, _, few), .., (_, _, many)] = each[..] {
        sheet.bars.push(Bar::ratio_at_most("each of the last, compared with each of the first", many / few, 1.1));
    }
    let lines = vec![Line::new("whole hub", whole)];
    let title = "Resident memory of the hub, divided by its connections".into();
    sheet.plots.push(Plot { title, x: "connections", x_scale: Scale::Tens, y: "KiB", lines });
    let title = "Resident memory of the hub".into();
    sheet.plots.push(Plot {
        title,
        x: "connections",
        x_scale: Scale::Tens,
        y: "MiB",
        lines: vec![Line::new("hub", mib)],
    });
    Ok(sheet)
}

/// What each connection more costs, in KiB: what a hub needs once, and with its first connections, is left out.
fn further(mib: &[(f64, f64)]) -> Vec<(f64, f64, f64)> {
    let each = |pair: &[(f64, f64)]| (pair[0].0, pair[1].0, (pair[1].1 - pair[0].1) * 1024.0 / (pair[1].0 - pair[0].0));
    mib.windows(2).map(each).collect()
}

/// MiB of the whole hub.
async fn measure(bench: &Bench, count: usize, sheet: &mut Sheet) -> Result<f64, LoadError> {
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
    let group = format!("{count} connections");
    sheet.figure(&group, "hub memory, before", before as f64 / 1024.0, "MiB");
    sheet.figure(&group, "hub memory, with all", after as f64 / 1024.0, "MiB");
    sheet.figure(&group, "whole hub, per connection", after as f64 / count as f64, "KiB");
    sheet.figure(
        &group,
        "hub's processor time per connection made",
        world.staff().cpu().hub * 1e6 / count as f64,
        "µs",
    );
    Ok(after as f64 / 1024.0)
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
