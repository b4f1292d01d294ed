//! R10: Redis is killed, stalled, flushed, full and read-only, in turns, under load.
//!
//! Promises: the time before and each trouble are measured in the same run, by the same clients.
//! Must never: disturb a hub or Postgres.

use std::time::Duration;

use tokio::time::sleep;

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::driver::figures::Stretch;
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_l};
use crate::hub::Signal;
use crate::redis::Redis;

/// What can be wrong with Redis.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Killed,
    Stalled,
    Flushed,
    Full,
    ReadOnly,
}

const TROUBLES: [(Trouble, &str); 5] = [
    (Trouble::Killed, "killed"),
    (Trouble::Stalled, "stalled"),
    (Trouble::Flushed, "flushed"),
    (Trouble::Full, "full"),
    (Trouble::ReadOnly, "read-only"),
];

/// Until rooms are open and caches warm.
const WARM_UP: Duration = Duration::from_secs(3);

/// Troubles, one after the other.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (troubles, lasts) = (run.times(50, 5), Duration::from_secs(run.pick(5, 2)));
    let mut scene = Scene::open(run, &plan, &load_l(run)).await?;
    sleep(WARM_UP).await;
    scene.driver.crew.figures.turn();
    sleep(Duration::from_secs(run.pick(30, 4))).await;
    let before = scene.driver.crew.figures.turn();
    let mut during: [Stretch; 5] = Default::default();
    for number in 0..troubles {
        let at = number % TROUBLES.len();
        begin(&mut scene.rig.redis, TROUBLES[at].0).await?;
        sleep(lasts).await;
        during[at].join(&scene.driver.crew.figures.turn());
        end(&mut scene.rig.redis, TROUBLES[at].0).await?;
        run.say(&format!("{} of {troubles}: {}", number + 1, TROUBLES[at].1));
        sleep(lasts / 2).await;
        scene.driver.crew.figures.turn();
    }
    let mut findings = Findings::default();
    measured(&before, &during, &mut findings);
    let total = scene.driver.crew.figures.total();
    findings.bars.push(Bar::ms_at_most("seen on the other hub after the ack, max", total.lag.max_ms(), 2_000.0));
    findings.bars.push(Bar::count_at_most("errors a user would see", total.errors, 0));
    scene.close(&mut findings).await?;
    Ok(findings)
}

fn measured(before: &Stretch, during: &[Stretch; 5], findings: &mut Findings) {
    let calm = before.ack.quantile_ms(0.99);
    let all = during.iter().fold(Stretch::default(), |mut all, stretch| {
        all.join(stretch);
        all
    });
    let silent = during.iter().filter(|stretch| stretch.acks == 0).count();
    findings.bars.push(Bar::count_at_most("troubles without any ack", silent as u64, 0));
    findings.bars.push(Bar::ratio_at_most("ack p99, of that before", all.ack.quantile_ms(0.99) / calm, 1.5));
    findings.figure("ack p99 before, ms", calm);
    for ((_, name), stretch) in TROUBLES.iter().zip(during) {
        findings.figure(&format!("ack p99 while {name}, ms"), stretch.ack.quantile_ms(0.99));
        findings.figure(&format!("seen on the other hub while {name}, max, ms"), stretch.lag.max_ms());
    }
}

async fn begin(redis: &mut Redis, trouble: Trouble) -> Result<(), LoadError> {
    match trouble {
        Trouble::Killed => redis.kill().await,
        Trouble::Stalled => redis.tell(Signal::Freeze).await,
        Trouble::Flushed => redis.command(&["FLUSHALL"]).await.map(drop),
        Trouble::Full => {
            redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await?;
            redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await.map(drop)
        }
        // Of a server that is not there: it refuses to be written to until it is its own master again.
        Trouble::ReadOnly => redis.command(&["REPLICAOF", "127.0.0.1", "1"]).await.map(drop),
    }
}

async fn end(redis: &mut Redis, trouble: Trouble) -> Result<(), LoadError> {
    match trouble {
        Trouble::Killed => redis.start_again().await,
        Trouble::Stalled => redis.tell(Signal::Thaw).await,
        Trouble::Flushed => Ok(()),
        Trouble::Full => redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await.map(drop),
        Trouble::ReadOnly => redis.command(&["REPLICAOF", "NO", "ONE"]).await.map(drop),
    }
}
