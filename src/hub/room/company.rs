//! The same room on other hubs: who is there, and telling them who is here ([PR1], [PR2]).
//!
//! Promises: a room that opens knows who is on the other hubs before it answers its first join, if they say so within
//! a fifth of a second; a hub that says nothing more is forgotten within 45 s, with everybody on it.
//! Must never: hold up an edit for what another hub has to say, once the room is open.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::command::Command;
use super::people::PRESENCE_INTERVAL;
use super::{Room, far_away};
use crate::bus::{Bus, News};
use crate::domain::ids::{HubRun, ProjectId};
use crate::domain::presence::{Heard, Told};
use crate::hub::clock::now;

/// How often a room with members gives a sign of life, and looks who gives none.
const PULSE: Duration = Duration::from_secs(10);
/// How long a hub may be silent: three signs of life, and some.
const SILENCE: Duration = Duration::from_secs(32);
/// How long a room that opens waits for the others to say who is there.
const MEETING: Duration = Duration::from_millis(200);
/// How often a room asks again when it has missed something.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

/// A room's wish for hints; ends with it.
pub(super) struct Following {
    bus: Arc<dyn Bus>,
    project: ProjectId,
}

impl Following {
    /// Begins, and says how many other hubs have the room open.
    pub(super) async fn begin(bus: Arc<dyn Bus>, project: ProjectId) -> (Self, usize) {
        let others = bus.follow(project).await;
        (Self { bus, project }, others)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.bus.unfollow(self.project);
    }
}

/// What is owed to the other hubs, and when.
pub(super) struct Company {
    begun: Instant,
    pulse_at: Instant,
    asked_at: Option<Instant>,
    /// When to ask again: something was missed just after the last time.
    ask_at: Option<Instant>,
    introduced_at: Option<Instant>,
    owed: Owed,
}

/// What the others are told next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// What changed.
    Changes,
    /// Everybody.
    Whole,
}

impl Company {
    /// The others know nothing of a room that begins: it tells them everybody first, as changes would be a hole to them.
    pub(super) fn new() -> Self {
        let begun = Instant::now();
        let pulse_at = begun + PULSE;
        Self { begun, pulse_at, asked_at: None, ask_at: None, introduced_at: None, owed: Owed::Whole }
    }
}

/// Where a room's revisions of presence begin: beyond those of an earlier room of this hub.
pub(super) fn first_revision() -> u64 {
    now().0.cast_unsigned() << 20
}

impl Room {
    /// Asks who is on the other hubs, and waits a moment for their answers; what else comes waits.
    pub(super) async fn meet(&mut self, others: usize, mailbox: &mut mpsc::Receiver<Command>) {
        if others == 0 {
            return;
        }
        self.ask();
        let until = Instant::now() + MEETING;
        while self.roster.others() < others {
            match timeout_at(until, mailbox.recv()).await {
                Ok(Some(command)) => self.sort(command),
                _ => return,
            }
        }
    }

    /// Hints were lost, on either side: everybody says again who is there.
    pub(super) fn meet_again(&mut self) {
        self.introduce();
        self.ask();
    }

    /// At once, or `ASK_INTERVAL` after the last time: what was answered then may be what is missed now.
    fn ask(&mut self) {
        let now = Instant::now();
        self.company.ask_at = self.company.asked_at.map(|at| at + ASK_INTERVAL).filter(|at| *at > now);
        if self.company.ask_at.is_none() {
            self.company.asked_at = Some(now);
            self.publish(News::WhoIsHere);
        }
    }

    /// Tells the others everybody who is here: at once, or with the next change if that was just done.
    pub(super) fn introduce(&mut self) {
        self.company.owed = Owed::Whole;
        let just_done = self.company.introduced_at.is_some_and(|at| at.elapsed() < PRESENCE_INTERVAL);
        if just_done {
            self.presence_due.get_or_insert(Instant::now() + PRESENCE_INTERVAL);
        } else {
            self.tell_others();
        }
    }

    /// Tells the other hubs what is owed to them.
    pub(super) fn tell_others(&mut self) {
        let told = match std::mem::replace(&mut self.company.owed, Owed::Changes) {
            Owed::Changes => self.roster.take_own_changes(),
            Owed::Whole => {
                self.company.introduced_at = Some(Instant::now());
                Some(self.roster.own())
            }
        };
        if let Some(told) = told {
            self.publish(News::Presence(told));
        }
    }

    /// Another hub says who came, changed and left there.
    pub(super) fn hear_presence(&mut self, from: HubRun, told: Told) {
        let now = self.company.begun.elapsed();
        if self.roster.hear(from, told, now) == Heard::Hole {
            self.ask();
        }
        self.presence_changed();
    }

    /// When to give the next sign of life, which a room without company needs not, or to ask again.
    pub(super) fn pulse_at(&self) -> Instant {
        let alone = self.members.is_empty() && !self.roster.knows_others();
        let sign_at = if alone { far_away() } else { self.company.pulse_at };
        self.company.ask_at.map_or(sign_at, |ask_at| ask_at.min(sign_at))
    }

    pub(super) fn pulse(&mut self) {
        let now = Instant::now();
        if self.company.ask_at.is_some_and(|at| at <= now) {
            self.ask();
        }
        if self.company.pulse_at <= now {
            self.give_sign_of_life();
        }
    }

    fn give_sign_of_life(&mut self) {
        self.company.pulse_at = Instant::now() + PULSE;
        self.roster.expire(self.company.begun.elapsed(), SILENCE);
        self.presence_changed();
        if !self.members.is_empty() {
            self.publish(News::Presence(self.roster.sign_of_life()));
        }
    }
}
