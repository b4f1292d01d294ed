//! One subject's use of one resource, as this hub knows it: what it let pass, and what it may let pass without asking.
//!
//! A *lease* is a portion of the budget that was counted for all hubs when it was given. It is used up within the slot of
//! the window in which it was counted, so that leases never make a window hold more than the budget.
//!
//! Promises: what passes is counted; who is refused is told how long to wait.
//! Must never: wait, or read a clock.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::window::Window;
use crate::domain::quota::Budget;

/// After so long a refusal is looked at again: a user who pays for more now, or whose counters were reset, need not wait.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// What was on its way when its sender was told to wait is no offence: a queue may take a while over a slow line.
const GRACE: Duration = Duration::from_secs(10);
/// Over which time offences add up.
const OFFENCES_WITHIN_MS: u64 = 60_000;
/// So many requests against the word of `retryAfterMs` are too many.
const OFFENCES_MAX: u32 = 50;
/// A lease is this part of the budget at most.
const PORTIONS: u32 = 50;

/// One moment, by the clock that deadlines go by, and in milliseconds since the limits began.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For deadlines.
    pub at: Instant,
    /// For windows.
    pub ms: u64,
}

/// One subject's use of one resource.
pub struct Meter {
    budget: Budget,
    /// When it was made, by which it is told from one that was forgotten; never 0.
    name: u64,
    state: Mutex<State>,
    /// Held while the other hubs are asked: one question at a time.
    pub asking: tokio::sync::Mutex<()>,
}

struct State {
    /// What this hub let pass.
    own: Window,
    /// What passed without a lease, ever: told as a sum, a report that is not answered may be told again.
    unleased: u64,
    /// The number of the last report, and of the last that was answered.
    reports: u64,
    answered: u64,
    /// The sum that the last one that was answered told.
    told: u64,
    lease: Lease,
    told_to_wait: Option<Wait>,
    /// Requests that came though they were told to wait; there with the first.
    offences: Option<Box<Window>>,
}

/// What may pass without a question.
#[derive(Clone, Copy, Debug)]
struct Lease {
    left: u32,
    /// The number, by the clock of whoever gave it, of the slot that it was counted in.
    slot: u64,
    until: Instant,
    /// What all hubs had used then, the lease included.
    used: u32,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    /// When they were told first, and nothing passed since.
    since: Instant,
    /// When it was looked at last.
    looked: Instant,
    until: Instant,
}

/// What is left of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of this.
    pub budget: Budget,
    /// So much, as far as it is known here.
    pub left: u32,
    /// Until there is more.
    pub eases_in_ms: u64,
}

/// It may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is left, which is nothing.
    pub standing: Standing,
    /// How this was taken.
    pub manner: Manner,
}

/// How one who was told to wait behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// They could not know, or try now and then.
    Patient,
    /// They go on as if they had been told nothing.
    Deaf,
}

/// What the other hubs are told with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of which meter of this hub, by when it was made; 0: this is a question only.
    pub meter: u64,
    /// The number of this report, and of the last one that was answered: the lease of one between was never had.
    pub numbers: (u64, u64),
    /// What would be nice to have.
    pub portion: u32,
    /// A lease that ended: its slot, and what was left of it.
    pub unused: (u64, u32),
    /// Let pass without a lease, ever.
    pub unleased: u64,
    /// Let pass within the window, all in all: for whoever counts for all hubs and knows nothing of this one.
    pub own: u32,
}

/// What the other hubs answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// A lease.
    Lease {
        /// How much.
        amount: u32,
        /// What all hubs have used, with it.
        used: u32,
        /// The slot that it was counted in, by the number of whoever counts.
        slot: u64,
        /// How long the slot lasts.
        lasts_ms: u64,
        /// Until some of what was used is there again; 0 if nothing was.
        eases_in_ms: u64,
    },
    /// The budget is used up.
    UsedUp {
        /// Until some of it is there again.
        eases_in_ms: u64,
    },
    /// The subject is blocked altogether.
    Blocked {
        /// For so long.
        for_ms: u64,
    },
}

impl Meter {
    /// Nothing was used yet.
    pub fn new(budget: Budget, now: Moment) -> Self {
        let lease = Lease { left: 0, slot: 0, until: now.at, used: 0 };
        let own = Window::new(budget.window_ms);
        let state =
            State { own, unleased: 0, reports: 0, answered: 0, told: 0, lease, told_to_wait: None, offences: None };
        let name = now.ms + 1;
        Self { budget, name, state: Mutex::new(state), asking: tokio::sync::Mutex::default() }
    }

    /// Lets one pass, or not, if that is known; else somebody has to be asked.
    pub fn pass_if_known(&self, now: Moment) -> Option<Result<Standing, Refused>> {
        let mut state = self.state.lock();
        if let Some(wait) = state.told_to_wait.filter(|wait| now.at < wait.until.min(wait.looked + LOOK_AGAIN)) {
            return Some(Err(self.refused(&mut state, wait, now)));
        }
        if state.lease.left == 0 || now.at >= state.lease.until {
            return None;
        }
        Some(Ok(self.pass(&mut state, now)))
    }

    /// What to tell the other hubs.
    pub fn report(&self, now: Moment) -> Report {
        let mut state = self.state.lock();
        state.reports += 1;
        Report {
            meter: self.name,
            numbers: (state.reports, state.answered),
            portion: (self.budget.amount / PORTIONS).max(1),
            unused: (state.lease.slot, state.lease.left),
            unleased: state.unleased,
            own: state.own.used(now.ms),
        }
    }

    /// Takes in what the other hubs answered to a report, and lets one pass by it. A block is for whoever keeps those.
    pub fn take_in(&self, report: Report, grant: Grant, now: Moment) -> Result<Standing, Refused> {
        let mut state = self.state.lock();
        state.was_told(report);
        state.lease.left = 0;
        match grant {
            Grant::Lease { amount: left @ 1.., used, slot, lasts_ms, .. } => {
                let until = now.at + Duration::from_millis(lasts_ms);
                state.lease = Lease { left, slot, until, used };
                Ok(self.pass(&mut state, now))
            }
            Grant::Lease { .. } => Err(self.refuse(&mut state, 0, now)),
            Grant::UsedUp { eases_in_ms: ms } | Grant::Blocked { for_ms: ms } => Err(self.refuse(&mut state, ms, now)),
        }
    }

    /// Whether something passed of which the other hubs do not know.
    pub fn has_news(&self) -> bool {
        let state = self.state.lock();
        state.unleased > state.told
    }

    /// The other hubs know what they were told.
    pub fn was_told(&self, report: Report) {
        self.state.lock().was_told(report);
    }

    /// Lets one pass by what this hub alone knows, if it has used less than its share. Whoever all hubs together told to
    /// wait goes on waiting.
    pub fn pass_alone(&self, share: u32, now: Moment) -> Result<Standing, Refused> {
        let mut state = self.state.lock();
        if let Some(wait) = state.told_to_wait.filter(|wait| now.at < wait.until) {
            return Err(self.refused(&mut state, wait, now));
        }
        if state.own.used(now.ms) >= share {
            let eases_in_ms = state.own.eases_in_ms(now.ms);
            return Err(self.refuse(&mut state, eases_in_ms, now));
        }
        state.own.add(now.ms, 1);
        state.unleased += 1;
        state.told_to_wait = None;
        let left = share.saturating_sub(state.own.used(now.ms));
        Ok(Standing { left, ..self.standing(&mut state, now) })
    }

    /// What is left, as far as it is known here.
    pub fn shown(&self, now: Moment) -> Standing {
        self.standing(&mut self.state.lock(), now)
    }

    /// As if nothing had been used.
    pub fn reset(&self) {
        let mut state = self.state.lock();
        state.own.clear();
        (state.lease.left, state.lease.used) = (0, 0);
        (state.told_to_wait, state.offences) = (None, None);
    }

    /// One of the lease, which has one.
    fn pass(&self, state: &mut State, now: Moment) -> Standing {
        state.lease.left -= 1;
        state.own.add(now.ms, 1);
        state.told_to_wait = None;
        self.standing(state, now)
    }

    fn refuse(&self, state: &mut State, eases_in_ms: u64, now: Moment) -> Refused {
        let wait = state.wait(eases_in_ms, now);
        self.refused(state, wait, now)
    }

    fn refused(&self, state: &mut State, wait: Wait, now: Moment) -> Refused {
        let eases_in_ms = ms(wait.until.saturating_duration_since(now.at)).max(1);
        let standing = Standing { budget: self.budget, left: 0, eases_in_ms };
        let manner = if now.at < wait.since + GRACE { Manner::Patient } else { state.offend(now) };
        Refused { standing, manner }
    }

    fn standing(&self, state: &mut State, now: Moment) -> Standing {
        let known = if now.at < state.lease.until { state.lease.used - state.lease.left } else { 0 };
        let used = known.max(state.own.used(now.ms));
        let eases_in_ms = state.own.eases_in_ms(now.ms);
        Standing { budget: self.budget, left: self.budget.amount.saturating_sub(used), eases_in_ms }
    }
}

impl State {
    fn was_told(&mut self, report: Report) {
        (self.answered, self.told) = (report.numbers.0, report.unleased);
    }

    /// Whoever comes is told to wait.
    fn wait(&mut self, eases_in_ms: u64, now: Moment) -> Wait {
        let until = now.at + Duration::from_millis(eases_in_ms);
        let since = self.told_to_wait.map_or(now.at, |before| before.since);
        let wait = Wait { since, looked: now.at, until };
        self.told_to_wait = Some(wait);
        wait
    }

    fn offend(&mut self, now: Moment) -> Manner {
        let offences = self.offences.get_or_insert_with(|| Box::new(Window::new(OFFENCES_WITHIN_MS)));
        offences.add(now.ms, 1);
        if offences.used(now.ms) < OFFENCES_MAX {
            return Manner::Patient;
        }
        self.offences = None;
        Manner::Deaf
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
