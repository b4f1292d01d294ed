//! One task per open project: the only writer of its state (design, invariant 5).
//!
//! Promises: what one connection asks is done and answered in the order in which it asked. Presence and signals go on
//! while a commit is under way. A panic here costs the edits at hand an `internal` answer: the room loads again, and
//! everybody gets what they miss.
//! Must never: show anybody what is not yet in the database; keep an idle project open.

pub mod command;
mod company;
mod deciding;
mod delivery;
pub mod fanout;
mod foreign;
mod join;
pub mod people;
pub mod reading;
mod replica;
mod snapshot;
mod submit;
mod turn;

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::command::{Command, Seat, busy};
use self::company::{Company, Following};
use self::fanout::Fanout;
use self::foreign::Arrivals;
use self::replica::Replica;
use self::snapshot::Encoded;
use self::submit::InFlight;
use self::turn::Turn;
use crate::bus::{Bus, News};
use crate::domain::access::{Principal, Role};
use crate::domain::decide::EditLimits;
use crate::domain::ids::{ConnectionId, EditId, HubRun, ProjectId};
use crate::domain::presence::Roster;
use crate::domain::sequence::Seq;
use crate::hub::committer::Committer;
use crate::hub::context::too_late;
use crate::hub::outbox::Outbox;
use crate::hub::readers::Readers;
use crate::hub::registry::{MAILBOX_MAX, Registry, Standing};
use crate::protocol::code::{CloseCode, ErrorCode};
use crate::protocol::message::reply::Refusal;
use crate::protocol::message::server::LeftReason;
use crate::store::{EditRecord, Store};

/// How long a room without members stays open, for those who come back.
const IDLE_BEFORE_CLOSE: Duration = Duration::from_secs(10);
/// Panics in a row after which a room gives up.
const PANICS_MAX: u32 = 3;

/// What every room of a hub works with.
#[derive(Clone)]
pub struct RoomEnv {
    /// This life of this hub, for hints.
    pub run: HubRun,
    /// Durable truth.
    pub store: Arc<dyn Store>,
    /// Commits.
    pub committer: Arc<Committer>,
    /// Hints to other hubs.
    pub bus: Arc<dyn Bus>,
    /// What deciding keeps.
    pub limits: EditLimits,
    /// Where reads of the log wait for their turn.
    pub readers: Arc<Readers>,
}

/// One connection in the room.
struct Member {
    principal: Principal,
    outbox: Arc<Outbox>,
    seat: Arc<Seat>,
    role: Role,
}

/// One open project.
struct Room {
    id: ProjectId,
    env: RoomEnv,
    registry: Weak<Registry>,
    standing: Arc<Standing>,
    replica: Replica,
    members: HashMap<ConnectionId, Member>,
    fanout: Fanout,
    roster: Roster,
    /// What is owed to the other hubs.
    company: Company,
    /// When presence is to be told; set with the first change.
    presence_due: Option<Instant>,
    /// Events of other hubs, until they are taken in.
    arrivals: Arrivals,
    /// Everything up to here went to every member's outbox.
    told: Seq,
    /// The blocks as bytes, while no event makes them old.
    encoded: Option<Encoded>,
    /// Commands that must wait for the commit under way, in order; at most `MAILBOX_MAX`.
    waiting: VecDeque<Command>,
    /// The commit under way, if there is one.
    in_flight: Option<InFlight>,
    /// The lane's word when to decide the next.
    turn: Turn,
    /// Records of edits that a stale commit ran into; looked at when they are decided again.
    known_edits: HashMap<EditId, EditRecord>,
    idle_since: Instant,
}

/// Why a room's work ended.
enum Ending {
    /// Nobody needs it.
    Idle,
    /// The project was deleted.
    Gone,
    /// It cannot be read.
    Failed,
}

/// Lives as long as anybody needs the project's room.
pub async fn run(
    env: RoomEnv,
    registry: Weak<Registry>,
    id: ProjectId,
    mut mailbox: mpsc::Receiver<Command>,
    standing: Arc<Standing>,
) {
    // First, so that nothing falls between what is loaded and what is heard of.
    let (following, others) = Following::begin(env.bus.clone(), id).await;
    let refusal = match Replica::load(&*env.store, id).await {
        Ok(Some(replica)) => {
            metrics::counter!("blockhub_rooms_opened_total").increment(1);
            let mut room = Room::new(env, registry.clone(), id, standing, replica);
            room.meet(others, &mut mailbox).await;
            let ending = room.live(&mut mailbox).await;
            match room.end(&ending) {
                Some(refusal) => refusal,
                None => return,
            }
        }
        Ok(None) => not_found(),
        Err(error) => {
            tracing::error!(project = %id, %error, "a room could not open");
            busy("The project cannot be read just now.")
        }
    };
    drop(following);
    refuse_all(&registry, id, &mut mailbox, &refusal).await;
}

/// No such project, or none that this user may know of.
pub fn not_found() -> Refusal {
    Refusal::new(ErrorCode::NotFound, "There is no such project, or it is not visible to you.")
}

/// Answers whatever comes until the registry lets go.
async fn refuse_all(
    registry: &Weak<Registry>,
    id: ProjectId,
    mailbox: &mut mpsc::Receiver<Command>,
    refusal: &Refusal,
) {
    while let Some(registry) = registry.upgrade() {
        while let Ok(command) = mailbox.try_recv() {
            command.refuse(refusal);
        }
        if registry.close(id, mailbox) {
            return;
        }
        // Somebody is just about to send.
        tokio::task::yield_now().await;
    }
}

impl Room {
    fn new(env: RoomEnv, registry: Weak<Registry>, id: ProjectId, standing: Arc<Standing>, replica: Replica) -> Self {
        let told = replica.project.seq;
        let room = Self {
            id,
            env,
            registry,
            standing,
            replica,
            members: HashMap::new(),
            fanout: Fanout::default(),
            roster: Roster::beginning(company::first_revision()),
            company: Company::new(),
            presence_due: None,
            arrivals: Arrivals::default(),
            told,
            encoded: None,
            waiting: VecDeque::new(),
            in_flight: None,
            turn: Turn::Unasked,
            known_edits: HashMap::new(),
            idle_since: Instant::now(),
        };
        room.stand();
        room
    }

    /// Tells the members and whoever waits; what is to be said to those who come now, unless nobody does.
    fn end(&mut self, ending: &Ending) -> Option<Refusal> {
        let refusal = match ending {
            Ending::Idle => None,
            Ending::Gone => {
                self.dismiss(LeftReason::Deleted);
                Some(not_found())
            }
            Ending::Failed => {
                self.disconnect();
                Some(busy("The project cannot be read just now."))
            }
        };
        self.tell_others();
        let refusal = refusal?;
        self.waiting.drain(..).for_each(|command| command.refuse(&refusal));
        Some(refusal)
    }

    /// Works until the end; after a panic, on a fresh replica.
    async fn live(&mut self, mailbox: &mut mpsc::Receiver<Command>) -> Ending {
        let mut panics = 0;
        loop {
            let told = self.told;
            match AssertUnwindSafe(self.work(mailbox)).catch_unwind().await {
                Ok(ending) => return ending,
                Err(_) if self.told > told => panics = 1,
                Err(_) => panics += 1,
            }
            tracing::error!(project = %self.id, panics, "a room's task panicked; it loads again");
            metrics::counter!("blockhub_room_panics_total").increment(1);
            if panics > PANICS_MAX {
                return Ending::Failed;
            }
            if let Some(ending) = self.begin_again().await {
                return ending;
            }
        }
    }

    /// Whatever was at hand is dropped, which answers it with `internal`; what was committed is told.
    async fn begin_again(&mut self) -> Option<Ending> {
        self.in_flight = None;
        self.turn = Turn::Unasked;
        self.encoded = None;
        // What was put in before the panic.
        self.carry();
        match AssertUnwindSafe(self.reload()).catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(ending)) => Some(ending),
            Err(_) => Some(Ending::Failed),
        }
    }

    async fn work(&mut self, mailbox: &mut mpsc::Receiver<Command>) -> Ending {
        let mut arrived = Vec::new();
        loop {
            if let Some(ending) = self.advance().await {
                return ending;
            }
            let presence_at = self.presence_due.unwrap_or_else(far_away);
            let pulse_at = self.pulse_at();
            let idle_at = if self.members.is_empty() { self.idle_since + IDLE_BEFORE_CLOSE } else { far_away() };
            tokio::select! {
                biased;
                settled = submit::settled(&mut self.in_flight) => {
                    if let Some(ending) = self.settle(settled).await {
                        return ending;
                    }
                }
                () = sleep_until(presence_at) => self.tell_presence(),
                () = sleep_until(pulse_at) => self.pulse(),
                count = mailbox.recv_many(&mut arrived, MAILBOX_MAX), if self.waiting.len() < MAILBOX_MAX => {
                    if count == 0 {
                        return Ending::Idle;
                    }
                    arrived.drain(..).for_each(|command| self.sort(command));
                }
                // After what has arrived, so that it is decided too.
                turn = turn::given(&mut self.turn) => self.turn = turn,
                () = sleep_until(idle_at), if self.in_flight.is_none() => {
                    if self.may_close(mailbox) {
                        return Ending::Idle;
                    }
                }
            }
        }
    }

    /// Presence and signals of members go at once; everything else in order.
    fn sort(&mut self, command: Command) {
        match command {
            Command::Presence { connection, state, reply } if self.members.contains_key(&connection) => {
                self.set_presence(connection, state, reply);
            }
            Command::Signal { connection, event, data, reply } if self.members.contains_key(&connection) => {
                self.signal(connection, &event, data.as_deref(), reply);
            }
            Command::News { from, news } => {
                self.standing.took(&news);
                self.hear(from, news);
            }
            Command::Gap => self.meet_again(),
            command => self.waiting.push_back(command),
        }
    }

    /// Another hub's news: asides and presence at once, events when the replica is ready for them.
    fn hear(&mut self, from: HubRun, news: News) {
        match news {
            News::Moved(moved) => self.arrivals.put(moved),
            News::Changed => self.waiting.push_back(Command::Changed),
            News::Aside { frame, from } => self.tell_aside(&frame, from),
            News::Presence(told) => self.hear_presence(from, told),
            News::WhoIsHere => self.introduce(),
        }
    }

    /// Does what waits, up to the next commit.
    async fn advance(&mut self) -> Option<Ending> {
        while self.in_flight.is_none() {
            if let Some(ending) = self.take_in().await {
                return Some(ending);
            }
            if !self.may_go_on() {
                break;
            }
            self.decide_waiting().await;
            self.turn = Turn::Unasked;
            if self.in_flight.is_some() {
                break;
            }
            let Some(command) = self.waiting.pop_front() else { break };
            if let Some(ending) = self.handle(command).await {
                return Some(ending);
            }
        }
        None
    }

    async fn handle(&mut self, command: Command) -> Option<Ending> {
        if command.is_late() {
            command.refuse(&too_late());
            return None;
        }
        match command {
            Command::Join(join) => return self.join_all(*join).await,
            Command::Leave { connection, reply, left } => {
                self.leave(connection, reply);
                if let Some(left) = left {
                    let _ = left.send(());
                }
            }
            Command::History { connection, before, limit, reply } => self.history(connection, before, limit, reply),
            Command::CatchUp { connection, lag } => self.bring(connection, lag).await,
            Command::Read { min_seq, reply } => self.read(min_seq, reply).await,
            Command::Renewed { connection, principal } => self.renew(connection, principal),
            Command::Changed => return self.look().await,
            Command::Ahead(head) => return self.look_ahead(head).await,
            // They waited because a join did, which may have been theirs; who is no member is told so.
            Command::Presence { connection, state, reply } => self.set_presence(connection, state, reply),
            Command::Signal { connection, event, data, reply } => {
                self.signal(connection, &event, data.as_deref(), reply);
            }
            // These are taken before: submissions by `decide_waiting`, the others by `sort`.
            Command::Submit(submission) => submission.waiter.refuse(&command::internal()),
            Command::News { .. } | Command::Gap => {}
        }
        None
    }

    fn may_close(&mut self, mailbox: &mpsc::Receiver<Command>) -> bool {
        let closed = match self.registry.upgrade() {
            Some(registry) => self.waiting.is_empty() && registry.close(self.id, mailbox),
            None => true,
        };
        self.idle_since = Instant::now();
        closed
    }

    /// Tells the watcher of heads where the room stands.
    fn stand(&self) {
        self.standing.set(self.replica.epoch(), self.replica.project.seq.0, self.replica.revision);
    }

    /// The room is over for everybody.
    fn dismiss(&mut self, reason: LeftReason) {
        for connection in self.members.keys().copied().collect::<Vec<_>>() {
            self.remove(connection, reason);
        }
    }

    /// The room cannot go on; clients come back, to this hub or another.
    fn disconnect(&mut self) {
        for (connection, member) in self.members.drain() {
            self.roster.leave(connection);
            member.seat.end();
            member.outbox.close(CloseCode::Restart, "the room failed");
        }
    }
}

/// The connection is not in the room.
pub fn not_joined() -> Refusal {
    Refusal::new(ErrorCode::NotJoined, "Join the project first.")
}

fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}
