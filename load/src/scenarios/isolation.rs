//! Many users at once on two hubs behind nginx: does anybody ever get what is another's?
//!
//! Promises: every byte that a user is sent is looked through for others' marks, and every answer is checked to be of
//! the one request that was sent; a planted fault shows that the tester sees one.
//! Must never: forgive a mark out of place: the first one ends the run.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::LoadError;
use crate::bar::Bar;
use crate::bench::Bench;
use crate::hub;
use crate::isolation::tally::{Counts, Transport};
use crate::isolation::{Draws, Front, Town, restart_redis};
use crate::report::{Line, Plot, Sheet};
use crate::watch::{Usage, Watch};
use crate::world::Setting;

/// What it is about.
pub const ABOUT: &str = "Many users at once over WebSocket, Socket.IO and HTTP, on two hubs behind nginx: nobody may be \
                         sent another's mark";

/// Users that share a project.
const GROUP: usize = 5;
/// What chance begins with.
const SEED: u64 = 4;

/// How much, and how.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Users [default: 1000; short: 20]
    #[arg(long)]
    users: Option<usize>,
    /// Requests of all users together [default: 300000; short: 2000]
    #[arg(long)]
    requests: Option<usize>,
    /// Whether hubs cache.
    #[arg(long, value_enum, default_value_t = Cache::On)]
    cache: Cache,
    /// Restarts Redis in the middle.
    #[arg(long)]
    redis_restart: bool,
    /// Plants a fault, which the tester must catch: then, and only then, the run passes.
    #[arg(long, value_enum)]
    fault: Option<Fault>,
}

/// Whether hubs cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cache {
    On,
    Off,
}

/// What can be planted: in the tester's own way to nginx, since no hub has a switch for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// A cache that all share, whose key is the path without the user.
    SharedCache,
}

impl Options {
    fn front(&self) -> Front {
        match self.fault {
            None => Front::Direct,
            Some(Fault::SharedCache) => Front::SharedCache,
        }
    }

    fn variant(&self) -> Option<&'static str> {
        match (self.fault, self.redis_restart, self.cache) {
            (Some(Fault::SharedCache), ..) => Some("shared-cache"),
            (None, true, Cache::On) => Some("redis-restart"),
            (None, true, Cache::Off) => Some("redis-restart-without-cache"),
            (None, false, Cache::Off) => Some("without-cache"),
            (None, false, Cache::On) => None,
        }
    }

    fn settings(&self) -> Vec<hub::Setting> {
        let cache = match self.cache {
            Cache::On => "on",
            Cache::Off => "off",
        };
        vec![("BLOCKHUB_CACHE", cache.to_owned())]
    }
}

/// Measures.
pub async fn run(bench: &Bench, options: &Options) -> Result<Sheet, LoadError> {
    let (users, requests) = (bench.pick(options.users, 1_000, 20), bench.pick(options.requests, 300_000, 2_000));
    let setting = Setting { hubs: bench.setting.hubs.max(2), ..bench.setting.clone() };
    let mut sheet = Sheet { variant: options.variant(), ..Sheet::default() };
    sheet.option("users", users);
    sheet.option("users that share a project", GROUP);
    sheet.option("requests", requests);
    sheet.option("hubs behind nginx", setting.hubs);
    sheet.option("cache", format!("{:?}", options.cache));
    let mut town = Town::start(&setting, options.settings(), options.front()).await?;
    let done = ask(&mut town, bench, options, users, requests / users, &mut sheet).await;
    match (options.fault, done) {
        (None, done) => done?,
        (Some(_), Err(LoadError::Misplaced(words))) => {
            sheet.remarks.push(format!("caught: {words}"));
            sheet.bars.push(Bar::count_at_least("planted faults that were caught", 1, 1));
        }
        (Some(_), Ok(())) => sheet.bars.push(Bar::count_at_least("planted faults that were caught", 0, 1)),
        (Some(_), Err(error)) => return Err(error),
    }
    Ok(sheet)
}

/// Lets users in and lets them ask, each so many requests.
async fn ask(
    town: &mut Town,
    bench: &Bench,
    options: &Options,
    users: usize,
    each: usize,
    sheet: &mut Sheet,
) -> Result<(), LoadError> {
    town.crowd.populate(users, GROUP, SEED, Draws::Own).await?;
    let (asked, tally, watch) = ((each * users) as u64, town.crowd.place.tally.clone(), Watch::begin(town.staff()));
    match options.redis_restart {
        false => town.crowd.work(each).await?,
        true => {
            let away = Duration::from_secs(bench.form.pick(5, 1));
            let restart = restart_redis(&mut town.world, &tally, asked / 2, away);
            let ((), away) = tokio::try_join!(town.crowd.work(each), restart)?;
            sheet.figure("requests", "Redis was away for", away, "s");
        }
    }
    let (usage, counts) = (watch.end(), tally.take());
    told(&counts, &usage, sheet);
    marked(town, &counts, sheet);
    judge(&counts, asked, sheet);
    let lookups = town.lookups().await?;
    lookups.tell(sheet);
    if options.cache == Cache::On {
        lookups.judge(bench.form, sheet);
    }
    Ok(())
}

fn told(counts: &Counts, usage: &Usage, sheet: &mut Sheet) {
    let (group, served) = ("requests", counts.served());
    sheet.figure(group, "served", served as f64, "");
    sheet.figure(group, "served, of all transports", served as f64 / usage.elapsed, "/s");
    for (transport, times) in Transport::ALL.iter().zip(&counts.times) {
        let name = transport.name();
        sheet.figure(group, &format!("{name}: served"), times.count() as f64, "");
        sheet.figure(group, &format!("{name}: p50"), times.quantile_ms(0.5), "ms");
        sheet.figure(group, &format!("{name}: p99"), times.quantile_ms(0.99), "ms");
    }
    sheet.figure(group, "refusals for now", counts.refusals as f64, "");
    sheet.figure(group, "served after a refusal", counts.served_later as f64, "");
    sheet.figure(group, "HTTP connections opened again", counts.reopened as f64, "");
    sheet.remarks.extend(counts.words.iter().map(|words| format!("refused: {words}")));
    usage.tell(sheet, group, &[("request", served)]);
    usage.judge_client(sheet, group, None);
    let lines = Transport::ALL.iter().zip(&counts.times);
    let lines = lines.map(|(transport, times)| Line::new(transport.name(), times.distribution())).collect();
    sheet.plots.push(Plot::of_latency("Latency of requests", lines));
    sheet.plots.push(usage.plot("Memory"));
}

fn marked(town: &Town, counts: &Counts, sheet: &mut Sheet) {
    let (group, marks) = ("marks", &town.crowd.place.marks);
    sheet.figure(group, "made", marks.made() as f64, "");
    sheet.figure(group, "seen, each by somebody who may", marks.seen() as f64, "");
    sheet.figure(group, "looked through", marks.bytes() as f64 / f64::from(1 << 20), "MiB");
    sheet.figure(group, "different request ids", counts.ids() as f64, "");
    // The run would have ended with an error.
    sheet.bars.push(Bar::count_at_most("marks out of place", 0, 0));
    sheet.bars.push(Bar::count_at_least("marks seen", marks.seen(), counts.served()));
}

fn judge(counts: &Counts, asked: u64, sheet: &mut Sheet) {
    let percent = counts.served() as f64 * 100.0 / asked.max(1) as f64;
    sheet.bars.push(Bar::count_at_most("request ids seen twice", counts.doubled, 0));
    sheet.bars.push(Bar::count_at_most("sessions older than their user's last write", counts.stale, 0));
    sheet.bars.push(Bar::percent_at_least("served, of all requests", percent, 99.95));
}
