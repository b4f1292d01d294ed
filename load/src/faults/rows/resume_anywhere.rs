//! R19: clients come back with whatever they think they have: old epochs, seqs of the future, places that compaction has
//! dropped.
//!
//! Promises: the judge knows what each one asked for and what it was given, and finds any gap; meanwhile others edit.
//! Must never: change a log but as an operator would: by the hub's own commands and its compaction.

use std::sync::Arc;
use std::time::Duration;

use histcheck::history::{Epochs, Record, Since};
use histcheck::id::Id;
use sqlx::postgres::PgPool;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::LoadError;
use crate::bar::Bar;
use crate::chance::Chance;
use crate::faults::Run;
use crate::faults::driver::crew::Crew;
use crate::faults::driver::database::{Head, Heads};
use crate::faults::driver::stranger::{Brought, Stranger};
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_small};
use crate::hub::{Hub, Launch, bump_epoch};

/// Strangers are nobody of the crew.
const FIRST: u32 = 1_000_000;
/// How many come and go at the same time.
const TOGETHER: u32 = 16;
/// Before each round: something has to happen that can be missed.
const BETWEEN: Duration = Duration::from_secs(1);
/// Until compaction has done what it should.
const PATIENCE: Duration = Duration::from_secs(20);
const DAYS_MS: i64 = 3 * 86_400_000;

/// What came of the joins.
#[derive(Default)]
struct Tally {
    recovered: u64,
    snapshots: u64,
    /// Snapshots for those who asked for something that could not be.
    impossible: u64,
    refused: u64,
}

/// Rounds: many reconnects, and then a log gets a new epoch or loses its beginning.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (rounds, each, kept) = (run.pick(50, 5), run.pick(2_000, 100), run.pick(40, 6));
    let mut scene = Scene::open(run, &plan, &load_small(run)).await?;
    let (row, seed) = ("R19".into(), run.seed);
    scene.driver.crew.history.write(&Record::Run { row, seed, epochs: Epochs::Change });
    let keeper = Launch {
        history_days: Some(1),
        log: Some(run.folder.join("keeper.log")),
        ..Launch::on(&scene.rig.postgres.url())
    };
    let pool = PgPool::connect_lazy(&scene.rig.postgres.url())?;
    let projects = scene.driver.database.projects().await?;
    let (mut tally, mut epochs, mut old, mut cuts) = (Tally::default(), 0_u64, vec!["0-0".to_owned()], 0_u64);
    for round in 1..=rounds {
        sleep(BETWEEN).await;
        let heads = scene.driver.database.heads(&projects).await?;
        reconnects(&mut scene, &Arc::new(heads), &old, each, &mut tally).await?;
        let project = scene.chance.pick(&projects).copied().unwrap_or_default();
        if round % 2 == 0 {
            old.extend(scene.driver.database.heads(&[project]).await?.remove(&project).map(|head| head.epoch));
            bump_epoch(&scene.rig.postgres.url(), &project.to_string()).await?;
            epochs += 1;
        } else {
            cuts += u64::from(compact(&pool, project, kept, &keeper).await?);
        }
        run.say(&format!("{round} of {rounds} rounds of {each} reconnects"));
    }
    let mut findings = Findings::default();
    let all = tally.recovered + tally.snapshots + tally.refused;
    findings.bars.push(Bar::count_at_least("reconnects", all, (rounds * each) as u64));
    findings.bars.push(Bar::count_at_least("logs whose beginning was dropped", cuts, 1));
    findings.figure("recovered", tally.recovered as f64);
    findings.figure("given a snapshot", tally.snapshots as f64);
    findings.figure("of these, asked for what cannot be", tally.impossible as f64);
    findings.figure("told to come later", tally.refused as f64);
    findings.figure("new epochs", epochs as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}

async fn reconnects(
    scene: &mut Scene,
    heads: &Arc<Heads>,
    old: &[String],
    each: usize,
    tally: &mut Tally,
) -> Result<(), LoadError> {
    let mut under_way = JoinSet::new();
    for worker in 0..TOGETHER {
        let addresses: Vec<String> = scene.rig.hubs.iter().map(|hub| hub.listens().to_owned()).collect();
        let (crew, heads, old) = (scene.driver.crew.clone(), heads.clone(), old.to_vec());
        let (chance, times) = (scene.chance.fork(), each.div_ceil(TOGETHER as usize));
        under_way.spawn(async move {
            let mut wanderer = Wanderer { number: FIRST + worker, crew, heads, old, chance, tally: Tally::default() };
            for _ in 0..times {
                wanderer.come_and_go(&addresses).await?;
            }
            Ok::<_, LoadError>(wanderer.tally)
        });
    }
    while let Some(ended) = under_way.join_next().await {
        let part = ended.map_err(|error| LoadError::Wrong(error.to_string()))??;
        tally.recovered += part.recovered;
        tally.snapshots += part.snapshots;
        tally.impossible += part.impossible;
        tally.refused += part.refused;
    }
    Ok(())
}

/// Somebody who comes back again and again, with a made-up past.
struct Wanderer {
    number: u32,
    crew: Arc<Crew>,
    heads: Arc<Heads>,
    old: Vec<String>,
    chance: Chance,
    tally: Tally,
}

impl Wanderer {
    async fn come_and_go(&mut self, addresses: &[String]) -> Result<(), LoadError> {
        let projects: Vec<Id> = self.heads.keys().copied().collect();
        let project = self.chance.pick(&projects).copied().unwrap_or_default();
        let since = self.since(project);
        let hub = self.chance.below(addresses.len());
        let mut stranger = Stranger::open(&self.crew, self.number, &addresses[hub]).await?;
        stranger.enter().await?;
        let head = self.heads.get(&project);
        let cannot_be = |(since, head): (&Since, &Head)| since.epoch != head.epoch || since.seq > head.seq;
        let impossible = since.as_ref().zip(head).is_some_and(cannot_be);
        match stranger.join(project, since).await? {
            Some(Brought::Events) => self.tally.recovered += 1,
            Some(Brought::Blocks) => {
                self.tally.snapshots += 1;
                self.tally.impossible += u64::from(impossible);
            }
            None => self.tally.refused += 1,
        }
        stranger.listen(Duration::from_millis(self.chance.below(30) as u64)).await;
        Ok(())
    }

    /// What it says it has: anything from nothing to the future of a log that is gone.
    fn since(&mut self, project: Id) -> Option<Since> {
        let head = self.heads.get(&project)?;
        let seq = head.seq as usize;
        let any = self.chance.below(seq + 1) as u64;
        let recent = head.seq.saturating_sub(self.chance.below(20) as u64);
        let future = head.seq + 1 + self.chance.below(1_000_000) as u64;
        let old = self.chance.pick(&self.old).cloned().unwrap_or_default();
        let (epoch, seq) = match self.chance.below(8) {
            0 => return None,
            1 => (old, any),
            2 => (old, future),
            3 => (head.epoch.clone(), future),
            4 | 5 => (head.epoch.clone(), any),
            _ => (head.epoch.clone(), recent),
        };
        Some(Since { epoch, seq })
    }
}

/// Makes all but the last events of a log old, and has a hub that keeps history for a day drop it; whether it did. What it kept
/// after all is made young again.
async fn compact(pool: &PgPool, project: Id, kept: i64, keeper: &Launch) -> Result<bool, LoadError> {
    const AGE: &str = "UPDATE events SET at = at + $2 WHERE project_id = $1 AND seq <= $3 AND at BETWEEN $4 AND $5";
    let id = Uuid::from_u128(project.0);
    let (start, head): (i64, i64) =
        sqlx::query_as("SELECT log_start, seq FROM projects WHERE id = $1").bind(id).fetch_one(pool).await?;
    let upto = head - kept;
    if upto <= start {
        return Ok(false);
    }
    let now = sqlx::query_scalar::<_, i64>("SELECT (extract(epoch FROM now()) * 1000)::bigint").fetch_one(pool).await?;
    let young = now - DAYS_MS / 3;
    let age = sqlx::query(AGE).bind(id).bind(-DAYS_MS).bind(upto).bind(young).bind(i64::MAX);
    age.execute(pool).await?;
    let keeper = Hub::start(keeper).await?;
    let dropped = until_dropped(pool, id, start).await;
    drop(keeper);
    let again = sqlx::query(AGE).bind(id).bind(DAYS_MS).bind(upto).bind(i64::MIN).bind(young);
    again.execute(pool).await?;
    dropped
}

/// Waits until the log starts later and the bodies before are erased.
async fn until_dropped(pool: &PgPool, project: Uuid, start: i64) -> Result<bool, LoadError> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let query = sqlx::query_as("SELECT log_start, swept FROM projects WHERE id = $1");
        let (now, swept): (i64, i64) = query.bind(project).fetch_one(pool).await?;
        if now > start && swept == now {
            return Ok(true);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}
