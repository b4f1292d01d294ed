//! R11: one hub is cut off from Redis alone, without a word: packets are dropped, nobody is told.
//!
//! Promises: the other hub, and Postgres, stay within reach of everybody; where packets cannot be dropped, the bytes are
//! held by a proxy instead, and the result says so.
//! Must never: close a connection.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::faults::rig::{Behind, Plan, Station};
use crate::faults::scene::{Scene, load_l};
use crate::hub;
use crate::proxy::{Flow, Proxy};

/// The hub that is cut off.
const VICTIM: usize = 0;
/// Between two looks at its health.
const LOOK: Duration = Duration::from_millis(50);

/// Cuts.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[Behind::Redis] };
    let (cuts, lasts) = (run.pick(5, 1), Duration::from_secs(run.pick(60, 12)));
    let scene = Scene::open(run, &plan, &load_l(run)).await?;
    sleep(Duration::from_secs(3)).await;
    scene.driver.crew.figures.turn();
    let (mut noticed_ms_max, mut unnoticed, mut back_ms_max) = (0.0_f64, 0, 0.0_f64);
    for cut in 1..=cuts {
        let victim = &scene.rig.hubs[VICTIM];
        let begun = Instant::now();
        set_off(run, victim).await?;
        match until_bus(victim, "unavailable", begun + lasts).await? {
            Some(at) => noticed_ms_max = noticed_ms_max.max(ms(at - begun)),
            None => unnoticed += 1,
        }
        tokio::time::sleep_until(begun + lasts).await;
        let ended = Instant::now();
        set_on(run, victim).await?;
        if let Some(at) = until_bus(victim, "ok", ended + lasts).await? {
            back_ms_max = back_ms_max.max(ms(at - ended));
        }
        run.say(&format!("{cut} of {cuts} cuts"));
    }
    let during = scene.driver.crew.figures.turn();
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_most("cuts that the hub's health never told of", unnoticed, 0));
    findings.bars.push(Bar::ms_at_most("until the hub's health told of it, max", noticed_ms_max, 10_000.0));
    findings.bars.push(Bar::ms_at_most("seen on the other hub after the ack, max", during.lag.max_ms(), 5_000.0));
    findings.bars.push(Bar::count_at_most("errors a user would see", during.errors, 0));
    findings.figure("until the hub reached the others again, max, ms", back_ms_max);
    findings.remarks.push(match run.drops {
        Some(_) => "packets were dropped by nft in a network namespace".into(),
        None => "no network namespace here: a proxy held the bytes instead of dropping packets".into(),
    });
    scene.close(&mut findings).await?;
    Ok(findings)
}

fn proxy(victim: &Station) -> Result<&Proxy, LoadError> {
    victim.bus.as_ref().ok_or_else(|| LoadError::Start("there is no proxy before Redis".into()))
}

/// Only this hub's connections to Redis go through its proxy's port.
async fn set_off(run: &Run, victim: &Station) -> Result<(), LoadError> {
    let proxy = proxy(victim)?;
    match run.drops {
        Some(drops) => drops.drop_port(port_of(proxy.address())?).await,
        None => {
            proxy.flow(Flow::Stalled);
            Ok(())
        }
    }
}

async fn set_on(run: &Run, victim: &Station) -> Result<(), LoadError> {
    match run.drops {
        Some(drops) => drops.clear().await,
        None => {
            proxy(victim)?.flow(Flow::Pass);
            Ok(())
        }
    }
}

fn port_of(address: &str) -> Result<u16, LoadError> {
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok());
    port.ok_or_else(|| LoadError::Start(format!("{address} has no port")))
}

/// When the hub's health says this of its bus; none if it does not until then.
async fn until_bus(victim: &Station, word: &str, until: Instant) -> Result<Option<Instant>, LoadError> {
    while Instant::now() < until {
        if hub::get(victim.listens(), "/api/health").await?["bus"] == word {
            return Ok(Some(Instant::now()));
        }
        sleep(LOOK).await;
    }
    Ok(None)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
