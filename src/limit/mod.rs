//! Limits: how much of what anybody may do, on all hubs together.
//!
//! What may be done is in `domain::quota`; what was done is counted in sliding windows, shared through Redis. A hub
//! *leases* small portions, so that most checks ask nobody. Without Redis, or while it does not answer, each hub goes by
//! its share of the budget.
//!
//! Promises: whoever is refused is told how long to wait, and nothing of what they asked is done; a check waits for at
//! most `PATIENCE` for each budget.
//! Must never: decide who may do something; only how often.

mod blocks;
mod ledger;
pub mod meter;
pub mod subject;
pub mod window;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use self::blocks::{Block, Blocks};
use self::ledger::{Ledger, Silent, Telling};
use self::meter::{Grant, Manner, Meter, Moment, Refused, Report, Standing};
use self::subject::Subject;
use crate::domain::access::Tier;
use crate::domain::ids::{HubRun, ProjectId, UserId};
use crate::domain::quota::{Budget, RESOURCES, Resource, SCOPES, Scope, budget};
use crate::redis_link::RedisLink;

/// Meters at once; one that is forgotten before its time begins anew by what all hubs know.
const METERS_MAX: u64 = 100_000;
/// How long a hub waits for a lease, before it goes by its share.
pub const PATIENCE: Duration = Duration::from_millis(50);
/// Meters whose use is told at once.
const TOLD_AT_ONCE: usize = 32;
/// Longer than any window.
const METER_IDLE: Duration = Duration::from_secs(2 * 3_600);

/// Who spends: what is not known is not counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spender<'a> {
    /// Who, and what they pay for.
    pub user: Option<(&'a UserId, Tier)>,
    /// From where.
    pub address: Option<IpAddr>,
    /// On what.
    pub project: Option<ProjectId>,
}

/// It may not be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// When the same may be tried again.
    pub retry_after_ms: u64,
    /// Of the budget that is used up; none if the spender is blocked.
    pub standing: Option<Standing>,
    /// Whether it has now been too much.
    pub verdict: Verdict,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This request.
    Wait,
    /// The spender, who is blocked.
    Blocked,
}

/// What one has of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Of this.
    pub resource: Resource,
    /// So much; none: as much as one likes.
    pub standing: Option<Standing>,
}

/// How the limits are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// By this hub, which is alone.
    Alone,
    /// By all hubs together.
    Together {
        /// So many.
        hubs: u32,
    },
    /// By each hub's share, since the others cannot be asked.
    Apart {
        /// Shares of so many.
        hubs: u32,
    },
}

/// The limits of a hub.
pub struct Limits {
    /// None: nothing is limited.
    counted: Option<Arc<Counted>>,
    /// Tells the other hubs what they have lost.
    _teller: Option<AbortOnDropHandle<()>>,
    /// By resource, in the order of `RESOURCES`.
    tallies: [Tally; RESOURCES.len()],
}

/// How often a resource was asked for on this hub.
#[derive(Debug, Default)]
struct Tally {
    passed: AtomicU64,
    refused: AtomicU64,
}

/// A meter's: of what, whose, and how much there is of it; a user may come to pay for more.
type Name = (Resource, Subject, u32);

struct Counted {
    ledger: Option<Arc<Ledger>>,
    blocks: Blocks,
    meters: Cache<Name, Arc<Meter>>,
    began: Instant,
}

impl Limits {
    /// Nothing is limited.
    pub fn off() -> Self {
        Self { counted: None, _teller: None, tallies: Default::default() }
    }

    /// Limits that hold for this hub alone.
    pub fn alone() -> Self {
        Self::with(None)
    }

    /// Limits that hold for all hubs together; a check waits for them for so long.
    pub fn shared(link: RedisLink, run: HubRun, patience: Duration) -> Self {
        Self::with(Some(Arc::new(Ledger::open(link, run, patience))))
    }

    fn with(ledger: Option<Arc<Ledger>>) -> Self {
        let meters = Cache::builder().max_capacity(METERS_MAX).eviction_policy(EvictionPolicy::lru());
        let meters = meters.time_to_idle(METER_IDLE);
        let blocks = Blocks::new(ledger.clone());
        let counted = Counted { ledger: ledger.clone(), blocks, meters: meters.build(), began: Instant::now() };
        let counted = Arc::new(counted);
        let teller = ledger.map(|ledger| AbortOnDropHandle::new(tokio::spawn(tell_all(counted.clone(), ledger))));
        Self { counted: Some(counted), _teller: teller, tallies: Default::default() }
    }

    /// Counts one use, in every scope that has a budget for it; what is left of the first. A use that is refused in one
    /// scope has been counted in those before it.
    pub async fn spend(&self, resource: Resource, spender: Spender<'_>) -> Result<Option<Standing>, Denied> {
        let Some(counted) = &self.counted else { return Ok(None) };
        let spent = counted.spend(resource, spender).await;
        let tally = &self.tallies[resource as usize];
        let (count, answer) = if spent.is_ok() { (&tally.passed, "passed") } else { (&tally.refused, "refused") };
        count.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("blockhub_limit_checks_total", "resource" => resource.name(), "answer" => answer)
            .increment(1);
        spent
    }

    /// What a user has of every resource.
    pub async fn quotas(&self, user: &UserId, tier: Tier) -> Vec<Quota> {
        let mut quotas = Vec::with_capacity(RESOURCES.len());
        for resource in RESOURCES {
            let standing = match (&self.counted, budget(resource, Scope::User, tier)) {
                (Some(counted), Some(budget)) => {
                    Some(counted.look(resource, Subject::User(user.clone()), budget).await)
                }
                _ => None,
            };
            quotas.push(Quota { resource, standing });
        }
        quotas
    }

    /// How long a user is still blocked, in milliseconds.
    pub async fn blocked_ms(&self, user: &UserId) -> Option<u64> {
        let counted = self.counted.as_ref()?;
        let subject = Subject::User(user.clone());
        let here = counted.blocks.left_ms(&subject, Instant::now()).await;
        let elsewhere = match &counted.ledger {
            Some(ledger) => ledger.blocked(&subject).await.ok().flatten().map(|(for_ms, _)| for_ms),
            None => None,
        };
        here.max(elsewhere)
    }

    /// Lifts a user's block and begins all their budgets anew, on all hubs; false if the others could not be told.
    pub async fn pardon(&self, user: &UserId) -> bool {
        match &self.counted {
            Some(counted) => counted.pardon(Subject::User(user.clone())).await,
            None => true,
        }
    }

    /// How the limits are kept; `None`: they are not.
    pub fn keeping(&self) -> Option<Keeping> {
        self.counted.as_ref().map(|counted| match &counted.ledger {
            None => Keeping::Alone,
            Some(ledger) if ledger.is_trusted() => Keeping::Together { hubs: ledger.hubs() },
            Some(ledger) => Keeping::Apart { hubs: ledger.hubs() },
        })
    }

    /// How often each resource was let pass and refused on this hub, since it started.
    pub fn tallies(&self) -> Vec<(Resource, u64, u64)> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let tally = |resource: Resource| &self.tallies[resource as usize];
        RESOURCES.map(|resource| (resource, read(&tally(resource).passed), read(&tally(resource).refused))).to_vec()
    }

    /// How many meters this hub keeps.
    pub fn meters(&self) -> u64 {
        self.counted.as_ref().map_or(0, |counted| counted.meters.entry_count())
    }

    /// The blocks that stand, as far as this hub knows.
    pub fn blocks(&self) -> Vec<(Subject, Block)> {
        self.counted.as_ref().map_or_else(Vec::new, |counted| counted.blocks.standing(Instant::now()))
    }
}

impl Spender<'_> {
    fn subject(&self, scope: Scope) -> Option<Subject> {
        match scope {
            Scope::User => self.user.map(|(user, _)| Subject::User(user.clone())),
            Scope::Address => self.address.and_then(Subject::of_address),
            Scope::Project => self.project.map(Subject::Project),
            Scope::Everybody => Some(Subject::Everybody),
        }
    }
}

impl Counted {
    async fn spend(&self, resource: Resource, spender: Spender<'_>) -> Result<Option<Standing>, Denied> {
        let tier = spender.user.map_or(Tier::Free, |(_, tier)| tier);
        let mut first = None;
        for scope in SCOPES {
            let Some(subject) = spender.subject(scope) else { continue };
            if let Some(retry_after_ms) = self.blocks.left_ms(&subject, Instant::now()).await {
                return Err(Denied { retry_after_ms, standing: None, verdict: Verdict::Blocked });
            }
            let Some(budget) = budget(resource, scope, tier) else { continue };
            let standing = self.spend_of(resource, subject, budget).await?;
            first = first.or(Some(standing));
        }
        Ok(first)
    }

    async fn spend_of(&self, resource: Resource, subject: Subject, budget: Budget) -> Result<Standing, Denied> {
        let meter = self.meter(resource, &subject, budget);
        let passed = match meter.pass_if_known(self.now()) {
            Some(passed) => passed,
            None => self.ask(resource, &subject, budget, &meter).await?,
        };
        match passed {
            Ok(standing) => Ok(standing),
            Err(refused) => Err(self.refuse(&subject, refused).await),
        }
    }

    /// Asks the other hubs, one at a time: whoever waited looks again first.
    async fn ask(
        &self,
        resource: Resource,
        subject: &Subject,
        budget: Budget,
        meter: &Meter,
    ) -> Result<Result<Standing, Refused>, Denied> {
        let Some(ledger) = &self.ledger else { return Ok(meter.pass_alone(budget.amount, self.now())) };
        let _turn = meter.asking.lock().await;
        if let Some(passed) = meter.pass_if_known(self.now()) {
            return Ok(passed);
        }
        let share = (budget.amount / ledger.hubs()).max(1);
        if ledger.hubs() > 1 && ledger.is_reconciling() {
            return Ok(meter.pass_alone(share, self.now()));
        }
        let (report, began) = (meter.report(self.now()), Instant::now());
        let answer = ledger.lease(resource, subject, budget, report).await;
        metrics::histogram!("blockhub_limit_lease_seconds").record(began.elapsed().as_secs_f64());
        match answer {
            Ok(Grant::Blocked { for_ms }) => {
                self.blocks.heard_of(subject, for_ms, Instant::now());
                Err(Denied { retry_after_ms: for_ms, standing: None, verdict: Verdict::Blocked })
            }
            Ok(grant) => Ok(meter.take_in(report, grant, self.now())),
            Err(_) => {
                metrics::counter!("blockhub_limit_answered_alone_total").increment(1);
                Ok(meter.pass_alone(share, self.now()))
            }
        }
    }

    async fn refuse(&self, subject: &Subject, refused: Refused) -> Denied {
        let wait = Denied {
            retry_after_ms: refused.standing.eases_in_ms,
            standing: Some(refused.standing),
            verdict: Verdict::Wait,
        };
        match (refused.manner, subject) {
            // Never an address: those behind it may be thousands, of whom most were told nothing.
            (Manner::Deaf, Subject::User(_)) => {
                let retry_after_ms = self.blocks.strike(subject, Instant::now()).await;
                Denied { retry_after_ms, verdict: Verdict::Blocked, ..wait }
            }
            _ => wait,
        }
    }

    /// What is left, by what all hubs know if they can be asked.
    async fn look(&self, resource: Resource, subject: Subject, budget: Budget) -> Standing {
        let shown = self.meter(resource, &subject, budget).shown(self.now());
        let nothing = Report { meter: 0, numbers: (0, 0), portion: 0, unused: (0, 0), unleased: 0, own: 0 };
        let asked = match &self.ledger {
            Some(ledger) => ledger.lease(resource, &subject, budget, nothing).await.ok(),
            None => None,
        };
        match asked {
            Some(Grant::Lease { used, eases_in_ms, .. }) => {
                Standing { budget, left: budget.amount.saturating_sub(used), eases_in_ms }
            }
            _ => shown,
        }
    }

    async fn pardon(&self, subject: Subject) -> bool {
        let mut told = true;
        let own: Vec<_> = self.meters.iter().filter(|(name, _)| name.1 == subject).collect();
        if let Some(ledger) = &self.ledger {
            told = ledger.lift(&subject).await.is_ok();
            // What is not told yet would count later.
            for (name, meter) in &own {
                told &= self.tell(ledger, name, meter).await.is_ok();
            }
            for resource in RESOURCES {
                told &= ledger.reset(resource, &subject).await.is_ok();
            }
        }
        self.blocks.forget(&subject);
        own.iter().for_each(|(_, meter)| meter.reset());
        told
    }

    /// Tells the other hubs what this one let pass, without asking for more.
    async fn tell(&self, ledger: &Ledger, name: &Name, meter: &Meter) -> Result<(), Silent> {
        let (resource, subject, _) = name;
        let _turn = meter.asking.lock().await;
        let now = self.now();
        let report = Report { portion: 0, unused: (0, 0), ..meter.report(now) };
        if report.own > 0 {
            let answer = ledger.lease(*resource, subject, meter.shown(now).budget, report).await?;
            // Nothing is counted of who is blocked.
            if !matches!(answer, Grant::Blocked { .. }) {
                meter.was_told(report);
            }
        }
        Ok(())
    }

    fn meter(&self, resource: Resource, subject: &Subject, budget: Budget) -> Arc<Meter> {
        let name = (resource, subject.clone(), budget.amount);
        self.meters.get_with(name, || Arc::new(Meter::new(budget, self.now())))
    }

    fn now(&self) -> Moment {
        let at = Instant::now();
        let ms = u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
        Moment { at, ms }
    }
}

/// Whenever Redis was away, slow, or has forgotten, it is told what this hub let pass: also of those who come no more.
async fn tell_all(counted: Arc<Counted>, ledger: Arc<Ledger>) {
    loop {
        let telling = ledger.to_tell().await;
        tracing::info!(?telling, meters = counted.meters.entry_count(), "all hubs are told what this one let pass");
        let mut to_tell = counted.meters.iter().filter(|(_, meter)| telling == Telling::All || meter.has_news());
        let some = |(name, meter): (Arc<Name>, Arc<Meter>)| {
            let (counted, ledger) = (counted.clone(), ledger.clone());
            async move { counted.tell(&ledger, &name, &meter).await }
        };
        let told = futures_util::stream::iter(&mut to_tell).map(some).buffer_unordered(TOLD_AT_ONCE);
        if told.try_for_each(|()| std::future::ready(Ok(()))).await.is_err() {
            ledger.lost_still().await;
        }
    }
}
