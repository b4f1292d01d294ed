//! The windows of all hubs, in Redis: who gives leases.
//!
//! A window is a hash: a slot's number to what was used in it, and for each hub whose use is in it a mark: the sum that it
//! told last, the number of that report, and the lease that it got for it. One script reads, decides and writes, by Redis'
//! clock. A report whose answer was not heard may come again: sums count once, and a lease that nobody had is given back.
//! A mark that is older than the last answer tells that Redis went back to what it had saved: all is told anew.
//!
//! Promises: what is leased and reported within a window never comes to more than the budget, but for what hubs let pass
//! while they could not ask; an answer in time, or none.
//! Must never: be needed: without it each hub goes by its share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redis::{FromRedisValue, Script, ScriptInvocation, cmd};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::meter::{Grant, Report};
use super::subject::Subject;
use super::window::SLOTS;
use crate::domain::ids::HubRun;
use crate::domain::quota::{Budget, Resource};
use crate::redis_link::{RedisLink, RedisLinkError};

/// After a question that was not answered none is asked for so long.
const SILENCE: Duration = Duration::from_secs(1);
/// After Redis was away, or has forgotten: until then every hub has noticed, and told what it let pass.
const RECONCILING: Duration = Duration::from_secs(6);
/// How often a hub says that it is there.
const PRESENCE: Duration = Duration::from_secs(5);
/// A hub that did not say so for this long is not counted, in milliseconds.
const PRESENCE_LASTS_MS: u64 = 20_000;
/// When each hub said that it is there.
const HUBS: &str = "blockhub:limits:hubs";

/// Keys: window, block. Arguments: the slot's length in ms, slots, the budget, what is wanted, the unused lease's slot and
/// rest, the sum of what passed without a lease, the hub's own use, the mark's name (empty for a question only), the
/// report's number, that of the last one that was answered. Answers: ms that the subject is blocked, the lease, what all
/// have used, the slot, ms until it ends, ms until something eases.
const LEASE: &str = "
    local blocked = redis.call('PTTL', KEYS[2])
    if blocked > 0 then return {blocked, 0, 0, 0, 0, 0} end
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local slot_ms, slots, budget, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local slot = math.floor(now / slot_ms)
    local told, unused, rest = 0, ARGV[5], tonumber(ARGV[6])
    if ARGV[9] ~= '' then
        local mark = redis.call('HGET', KEYS[1], ARGV[9])
        if mark then
            local sum, number, at, lease = string.match(mark, '^(%d+):(%d+):(%d+):(%d+)$')
            told = math.min(tonumber(ARGV[8]), math.max(0, ARGV[7] - sum))
            if tonumber(number) < tonumber(ARGV[11]) then mark = nil
            elseif number ~= ARGV[11] then unused, rest = at, tonumber(lease) end
        end
        if not mark then told = tonumber(ARGV[8]) end
    end
    local fields = redis.call('HGETALL', KEYS[1])
    local used, here, oldest = 0, 0, slot
    for i = 1, #fields, 2 do
        local at, count = tonumber(fields[i]), tonumber(fields[i + 1])
        if not at then
            local last = tonumber(string.match(fields[i + 1], '^%d+:%d+:(%d+):'))
            if last and last < slot - slots - 2 then redis.call('HDEL', KEYS[1], fields[i]) end
        elseif at < slot - slots then
            redis.call('HDEL', KEYS[1], fields[i])
        else
            if fields[i] == unused then
                local back = math.min(count, rest)
                count = count - back
                if back > 0 then redis.call('HSET', KEYS[1], fields[i], count) end
            end
            used = used + count
            if count > 0 and at < oldest then oldest = at end
            if at == slot then here = count end
        end
    end
    used = used + told
    local left = math.max(0, budget - used)
    local lease = math.min(wanted, left, math.max(1, math.floor(left / 4)))
    if told + lease > 0 then redis.call('HSET', KEYS[1], string.format('%d', slot), here + told + lease) end
    if ARGV[9] ~= '' then
        redis.call('HSET', KEYS[1], ARGV[9], string.format('%s:%s:%d:%d', ARGV[7], ARGV[10], slot, lease))
        redis.call('PEXPIRE', KEYS[1], slot_ms * (slots + 2))
    end
    local eases = 0
    if used + lease > 0 then eases = (oldest + slots + 1) * slot_ms - now end
    return {0, lease, used + lease, slot, (slot + 1) * slot_ms - now, eases}";

/// Forgets what was used, not who reported.
const RESET: &str = "
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
        if tonumber(field) then redis.call('HDEL', KEYS[1], field) end
    end
    return 1";

/// Keys: strikes, block. Arguments: how long strikes are remembered, the first block, the longest. Answers: ms blocked.
const STRIKE: &str = "
    local strikes = redis.call('INCR', KEYS[1])
    local block = math.min(ARGV[3], ARGV[2] * 2 ^ (strikes - 1))
    redis.call('PEXPIRE', KEYS[1], string.format('%d', ARGV[1] + block))
    redis.call('SET', KEYS[2], strikes, 'PX', string.format('%d', block))
    return block";

/// The other hubs did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limits of all hubs cannot be asked for just now")]
pub struct Silent;

/// How far Redis' word goes.
#[derive(Default)]
struct Trust {
    state: Mutex<State>,
    /// Whoever keeps the meters waits for these, and tells all that was let pass, or what is not told yet.
    lost: Notify,
    behind: Notify,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// It is asked.
    #[default]
    Whole,
    /// It did not answer in time; nothing is asked until then.
    Slow { until: Instant },
    /// It was away when it was asked; nothing is asked until then.
    Away { until: Instant },
    /// It is told what was let pass; until then every hub goes by its share.
    Reconciling { until: Instant },
}

impl Trust {
    /// Whether it may be asked. A while after it was lost, it may be trusted again.
    fn may_ask(&self) -> bool {
        let mut state = self.state.lock();
        match *state {
            State::Slow { until } | State::Away { until } => Instant::now() >= until,
            State::Reconciling { until } => {
                if Instant::now() >= until {
                    *state = State::Whole;
                    self.behind.notify_one();
                }
                true
            }
            State::Whole => true,
        }
    }

    fn answered(&self) {
        let state = *self.state.lock();
        match state {
            State::Slow { .. } => {
                *self.state.lock() = State::Whole;
                self.behind.notify_one();
            }
            State::Away { .. } => self.lose(),
            State::Whole | State::Reconciling { .. } => {}
        }
    }

    fn failed(&self, make: fn(Instant) -> State) {
        *self.state.lock() = make(Instant::now() + SILENCE);
    }

    /// What it knows is not all that was let pass.
    fn lose(&self) {
        *self.state.lock() = State::Reconciling { until: Instant::now() + RECONCILING };
        self.lost.notify_one();
    }
}

/// What Redis has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// All that was let pass: it may have forgotten.
    All,
    /// What it was not told yet.
    News,
}

/// A question to all hubs. Copies share what they know.
pub struct Ledger {
    link: RedisLink,
    run: HubRun,
    /// Nobody waits for an answer for longer.
    patience: Duration,
    lease: Script,
    reset: Script,
    strike: Script,
    /// Hubs that were there when it was last known; the heartbeat writes.
    hubs: Arc<AtomicU32>,
    trust: Arc<Trust>,
    _heartbeat: AbortOnDropHandle<()>,
}

impl Ledger {
    /// The ledger that is kept there, for this life of this hub; says from now on that it is there.
    pub fn open(link: RedisLink, run: HubRun, patience: Duration) -> Self {
        let hubs = Arc::new(AtomicU32::new(1));
        let trust = Arc::<Trust>::default();
        let heartbeat = AbortOnDropHandle::new(tokio::spawn(beat(link.clone(), run, hubs.clone(), trust.clone())));
        let (lease, reset, strike) = (Script::new(LEASE), Script::new(RESET), Script::new(STRIKE));
        Self { link, run, patience, lease, reset, strike, hubs, trust, _heartbeat: heartbeat }
    }

    /// How many hubs share the budgets, this one included, as far as it is known.
    pub fn hubs(&self) -> u32 {
        self.hubs.load(Ordering::Relaxed).max(1)
    }

    /// Whether its word is what counts. Else each hub goes by its share, also while Redis is told of what it missed:
    /// the other hubs may not have come to that yet.
    pub fn is_trusted(&self) -> bool {
        self.trust.may_ask() && *self.trust.state.lock() == State::Whole
    }

    /// Whether Redis answers, but may not know yet what the other hubs let pass.
    pub fn is_reconciling(&self) -> bool {
        self.trust.may_ask() && matches!(*self.trust.state.lock(), State::Reconciling { .. })
    }

    /// Waits until Redis has to be told what was let pass.
    pub async fn to_tell(&self) -> Telling {
        tokio::select! {
            biased;
            () = self.trust.lost.notified() => Telling::All,
            () = self.trust.behind.notified() => Telling::News,
        }
    }

    /// It could not be told all: in a while again.
    pub async fn lost_still(&self) {
        sleep(SILENCE).await;
        self.trust.lose();
    }

    /// Reports, and asks for a lease; a portion of 0 asks for none.
    pub async fn lease(
        &self,
        resource: Resource,
        subject: &Subject,
        budget: Budget,
        report: Report,
    ) -> Result<Grant, Silent> {
        let mut call = self.lease.prepare_invoke();
        call.key(window(resource, subject)).key(block(subject));
        call.arg((budget.window_ms / SLOTS).max(1)).arg(SLOTS).arg(budget.amount).arg(report.portion);
        call.arg(report.unused.0).arg(report.unused.1).arg(report.unleased).arg(report.own);
        let mark = if report.meter == 0 { String::new() } else { format!("{}:{}", self.run.0, report.meter) };
        call.arg(mark).arg(report.numbers.0).arg(report.numbers.1);
        let answer: Vec<u64> = self.ask(&call).await?;
        let [blocked, lease, used, slot, lasts_ms, eases_in_ms] = answer[..] else { return Err(Silent) };
        Ok(match (blocked, lease) {
            (for_ms @ 1.., _) => Grant::Blocked { for_ms },
            (0, 0) if report.portion > 0 => Grant::UsedUp { eases_in_ms },
            (0, amount) => Grant::Lease { amount: fitting(amount), used: fitting(used), slot, lasts_ms, eases_in_ms },
        })
    }

    /// As if nothing had been used.
    pub async fn reset(&self, resource: Resource, subject: &Subject) -> Result<(), Silent> {
        let mut call = self.reset.prepare_invoke();
        call.key(window(resource, subject));
        self.ask::<u64>(&call).await.map(drop)
    }

    /// One more strike against a subject: how long it is blocked, in milliseconds.
    pub async fn strike(&self, subject: &Subject, first_ms: u64, longest_ms: u64, kept_ms: u64) -> Result<u64, Silent> {
        let mut call = self.strike.prepare_invoke();
        call.key(key(subject, "strikes")).key(block(subject)).arg(kept_ms).arg(first_ms).arg(longest_ms);
        self.ask(&call).await
    }

    /// How long a subject is still blocked, in milliseconds, and by which strike; `None`: it is not.
    pub async fn blocked(&self, subject: &Subject) -> Result<Option<(u64, u32)>, Silent> {
        let asked = async {
            let for_ms: i64 = self.link.run(cmd("PTTL").arg(block(subject))).await?;
            let strikes: Option<u32> = self.link.run(cmd("GET").arg(block(subject))).await?;
            Ok((u64::try_from(for_ms).unwrap_or(0), strikes))
        };
        let (for_ms, strikes) = self.within(asked).await?;
        Ok(strikes.filter(|_| for_ms > 0).map(|strikes| (for_ms, strikes)))
    }

    /// A block that was made while this could not be told; one that stands stays as it is.
    pub async fn block(&self, subject: &Subject, strikes: u32, for_ms: u64) -> Result<(), Silent> {
        let mut tell = cmd("SET");
        tell.arg(block(subject)).arg(strikes).arg("PX").arg(for_ms.max(1)).arg("NX");
        self.within(self.link.run::<Option<String>>(&tell)).await.map(drop)
    }

    /// Ends a block, and forgets the strikes.
    pub async fn lift(&self, subject: &Subject) -> Result<(), Silent> {
        let mut forget = cmd("DEL");
        forget.arg(block(subject)).arg(key(subject, "strikes"));
        self.within(self.link.run::<u64>(&forget)).await.map(drop)
    }

    async fn ask<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, Silent> {
        self.within(self.link.run_script(call)).await
    }

    /// The answer, if it comes in time and nobody was kept waiting just before.
    async fn within<T>(&self, asked: impl Future<Output = Result<T, RedisLinkError>>) -> Result<T, Silent> {
        if !self.trust.may_ask() {
            return Err(Silent);
        }
        match timeout(self.patience, asked).await {
            Ok(Ok(answer)) => {
                self.trust.answered();
                return Ok(answer);
            }
            Ok(Err(RedisLinkError::Refused(error))) => tracing::error!(%error, "Redis refuses what limits need"),
            Ok(Err(RedisLinkError::Unavailable(_))) => self.trust.failed(|until| State::Away { until }),
            Err(_) => self.trust.failed(|until| State::Slow { until }),
        }
        Err(Silent)
    }
}

/// Says that this hub is there, and counts who is.
async fn beat(link: RedisLink, run: HubRun, hubs: Arc<AtomicU32>, trust: Arc<Trust>) {
    let mut was_there = false;
    let mut tick = interval(PRESENCE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match show_up(&link, run).await {
            // It has forgotten this hub, and all else; the others will show up by the next time.
            Ok((1, _)) if was_there => trust.lose(),
            Ok((_, count)) => {
                was_there = true;
                hubs.store(count, Ordering::Relaxed);
            }
            Err(_) => {}
        }
    }
}

/// Keys: the hubs. Arguments: this hub, how long a word counts. Answers: 1 if this hub was not there, and how many are.
const SHOW_UP: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local added = redis.call('ZADD', KEYS[1], now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now - ARGV[2]))
    return {added, redis.call('ZCARD', KEYS[1])}";

async fn show_up(link: &RedisLink, run: HubRun) -> Result<(u32, u32), RedisLinkError> {
    let script = Script::new(SHOW_UP);
    let mut call = script.prepare_invoke();
    call.key(HUBS).arg(run.0.to_string()).arg(PRESENCE_LASTS_MS);
    link.run_script(&call).await
}

fn window(resource: Resource, subject: &Subject) -> String {
    key(subject, resource.name())
}

fn block(subject: &Subject) -> String {
    key(subject, "block")
}

/// All keys of one subject are in one slot of a cluster. A name that holds braces is in a slot of its own choosing, which
/// does no harm: it is the same for all of its keys, because only the first pair counts.
fn key(subject: &Subject, part: &str) -> String {
    format!("blockhub:limits:{{{subject}}}:{part}")
}

fn fitting(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
