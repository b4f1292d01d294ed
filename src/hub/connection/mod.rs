//! One connection's context, for any transport: Greeting, Open, Draining.
//!
//! Promises: every message gets its reply, in order per project; what a client does wrong concerns that message alone.
//! Must never: know what kind of socket it is.

mod greeting;
mod spending;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use super::clock::now;
use super::context::{Context, Via};
use super::outbox::Outbox;
use super::roll::Entry;
use super::room::command::{Command, Join, Reply, Seat, Submission, Waiter};
use super::room::not_joined;
use super::{Hub, Intent};
use crate::domain::access::Principal;
use crate::domain::ids::{ConnectionId, ProjectId, RequestId};
use crate::domain::sequence::Timestamp;
use crate::protocol::code::{CloseCode, ErrorCode};
use crate::protocol::message::client::{ClientMessage, Envelope, Since};
use crate::protocol::message::decode::{decode, decode_as};
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::{Callback, MessageId, Receipt, Refusal};
use crate::protocol::message::server::ServerMessage;

/// How long a client may take to say `hello` ([CN4]).
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// When the end of a token is announced ([CN7]).
const EXPIRY_WARNING_MS: i64 = 60_000;
/// How long a connection may stay and listen after its token has ended; edits end at once ([CN7]).
const EXPIRY_GRACE_MS: i64 = 30_000;
/// Malformed messages within `MALFORMED_WITHIN` that end the connection ([MS2]).
const MALFORMED_MAX: usize = 20;
const MALFORMED_WITHIN: Duration = Duration::from_secs(10);
/// How long a draining connection waits for its rooms to answer what is in flight.
const FAREWELL_WITHIN: Duration = Duration::from_secs(10);

/// What the transport knows of the request that opened the connection.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// The token of an `Authorization: Bearer` header.
    pub token: Option<String>,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
}

/// What a connection is in.
enum State {
    /// It has yet to say `hello`.
    Greeting { arrival: Arrival, until: Instant },
    /// It works.
    Open(Box<Open>),
    /// It has been told to close.
    Over,
}

struct Open {
    principal: Principal,
    via: Via,
    warned: Warned,
    seats: HashMap<ProjectId, Arc<Seat>>,
}

/// Whether the end of the token was announced.
#[derive(PartialEq, Eq)]
enum Warned {
    No,
    Yes,
}

/// One connection.
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// What waits for it: the transport takes out.
    pub outbox: Arc<Outbox>,
    hub: Arc<Hub>,
    /// The hub's roll holds the other half, and says when to go.
    entry: Arc<Entry>,
    state: State,
    /// When the last malformed messages came; at most `MALFORMED_MAX`.
    malformed: VecDeque<Instant>,
}

impl Connection {
    /// A connection that has yet to say `hello`.
    pub fn new(hub: Arc<Hub>, arrival: Arrival) -> Self {
        let id = ConnectionId(Uuid::now_v7());
        let outbox = Outbox::new(hub.outbox_bytes_max);
        let entry = hub.roll.enter(id, outbox.clone());
        let state = State::Greeting { arrival, until: Instant::now() + HELLO_WITHIN };
        Self { id, outbox, hub, entry, state, malformed: VecDeque::new() }
    }

    /// Takes a text message; what is answered goes into the outbox, also an order to close. May wait while a room is
    /// full: the transport then reads no further.
    pub async fn text(&mut self, text: &str) {
        let decoded = decode(text, &self.hub.limits);
        self.take(decoded, None).await;
    }

    /// The same, for a message whose `type` stands beside it.
    pub async fn event(&mut self, kind: &str, object: &str, callback: Option<Callback>) {
        let decoded = decode_as(kind, object, &self.hub.limits);
        self.take(decoded, callback).await;
    }

    async fn take(&mut self, decoded: Result<Envelope, (Option<MessageId>, Refusal)>, callback: Option<Callback>) {
        let request = RequestId(Uuid::new_v4());
        if matches!(self.state, State::Greeting { .. }) {
            return self.greet(decoded.ok(), request).await;
        }
        match decoded {
            Ok(Envelope { id, message }) => self.open(message, Receipt { id, request, callback }).await,
            Err((id, refusal)) => self.reject(Receipt { id, request, callback }, &refusal),
        }
    }

    /// Takes a binary message: `unsupported`.
    pub async fn binary(&mut self, callback: Option<Callback>) {
        let receipt = Receipt { id: None, request: RequestId(Uuid::new_v4()), callback };
        if matches!(self.state, State::Greeting { .. }) {
            return self.turn_away(receipt, &greeting::say_hello());
        }
        self.reject(receipt, &Refusal::new(ErrorCode::Unsupported, "Binary messages are not part of this protocol."));
    }

    /// How long until `on_time` wants to be called: the `hello` deadline, a token's end, its warning, the drain.
    pub fn next_time(&self) -> Option<Duration> {
        let drain = self.entry.leaves_at().map(|at| at.saturating_duration_since(Instant::now()));
        let own = match &self.state {
            State::Greeting { until, .. } => Some(until.saturating_duration_since(Instant::now())),
            State::Open(open) => open.next_time(now()),
            State::Over => return None,
        };
        drain.into_iter().chain(own).min()
    }

    /// Waits until `next_time` has another answer though nothing was said or done here: the drain began.
    pub async fn rescheduled(&self) {
        self.entry.told().await;
    }

    /// A time that `next_time` named has come.
    pub async fn on_time(&mut self) {
        if self.entry.leaves_at().is_some_and(|at| at <= Instant::now()) {
            return self.say_farewell().await;
        }
        match &mut self.state {
            State::Greeting { until, .. } if *until <= Instant::now() => {
                self.close(CloseCode::TimedOut, "no hello in time");
            }
            State::Open(open) => {
                let Some(expires) = open.principal.expires else { return };
                if now() >= expires.plus_ms(EXPIRY_GRACE_MS) {
                    let receipt = Receipt { id: None, request: RequestId(Uuid::new_v4()), callback: None };
                    self.turn_away(receipt, &expired());
                } else if open.warned == Warned::No && now() >= expires.plus_ms(-EXPIRY_WARNING_MS) {
                    open.warned = Warned::Yes;
                    self.outbox.reply(encode(&ServerMessage::TokenExpiring { expires }));
                }
            }
            _ => {}
        }
    }

    /// The client has taken frames from the outbox: whatever it lagged behind with is asked for again.
    pub async fn on_progress(&mut self) {
        for lag in self.outbox.take_lags() {
            let command = Command::CatchUp { connection: self.id, lag: lag.clone() };
            self.hub.registry.send(lag.project, command).await;
        }
    }

    /// The socket is gone: leaves all rooms, as dropping it does.
    pub async fn gone(self) {
        drop(self);
    }

    fn close(&mut self, code: CloseCode, reason: &'static str) {
        self.outbox.close(code, reason);
        if !matches!(self.state, State::Open(_)) {
            self.state = State::Over;
        }
    }

    fn error(&self, receipt: Receipt, refusal: &Refusal) {
        tracing::debug!(request = %receipt.request, code = ?refusal.code, "a message was refused");
        self.outbox.reply(encode(&ServerMessage::Error { receipt, refusal }));
    }

    /// Not, or no longer, authenticated.
    fn turn_away(&mut self, receipt: Receipt, refusal: &Refusal) {
        self.error(receipt, refusal);
        self.close(CloseCode::Unauthenticated, "not authenticated");
    }

    /// A message that cannot be understood; too many of them end the connection.
    fn reject(&mut self, receipt: Receipt, refusal: &Refusal) {
        self.error(receipt, refusal);
        if !matches!(refusal.code, ErrorCode::Malformed | ErrorCode::UnknownType | ErrorCode::Unsupported) {
            return;
        }
        let now = Instant::now();
        self.malformed.push_back(now);
        while self.malformed.front().is_some_and(|at| now.duration_since(*at) > MALFORMED_WITHIN) {
            self.malformed.pop_front();
        }
        if self.malformed.len() >= MALFORMED_MAX {
            self.close(CloseCode::Violated, "too many malformed messages");
        }
    }

    /// A message of an open connection gets its context.
    async fn open(&mut self, message: ClientMessage, receipt: Receipt) {
        let State::Open(open) = &self.state else { return };
        let (principal, via) = (open.principal.clone(), open.via);
        let context = Context { request: receipt.request, principal, via, began: Instant::now() };
        let span = context.span();
        self.handle(message, receipt, context).instrument(span).await;
    }

    async fn handle(&mut self, message: ClientMessage, receipt: Receipt, context: Context) {
        if context.principal.expired(now()) && !matches!(message, ClientMessage::Refresh { .. }) {
            return self.turn_away(receipt, &expired());
        }
        if !self.may_spend(&message, &receipt, &context).await {
            return;
        }
        let reply = Reply::new(self.outbox.clone(), receipt.clone(), context.deadline());
        match message {
            ClientMessage::Hello { .. } => {
                reply.take();
                let refusal = Refusal::new(ErrorCode::Malformed, "hello was said before; it comes once, and first.");
                self.reject(receipt, &refusal);
            }
            ClientMessage::Ping => {
                reply.take();
                self.outbox.reply(encode(&ServerMessage::Pong { receipt, now: now() }));
            }
            ClientMessage::Refresh { token } => self.refresh(&token, reply).await,
            ClientMessage::Join { project, since, presence } => {
                self.join(project, since, presence, context, reply).await
            }
            ClientMessage::Leave { project } => self.leave(project, reply).await,
            ClientMessage::Edit { project, edit } => self.submit(project, Intent::Edit(edit), context, reply).await,
            ClientMessage::Undo { project, target, edit } => {
                self.submit(project, Intent::Undo { target, edit }, context, reply).await;
            }
            ClientMessage::Restore { project, seq, edit } => {
                self.submit(project, Intent::Restore { seq, edit }, context, reply).await;
            }
            ClientMessage::Presence { project, state } => {
                let command = Command::Presence { connection: self.id, state, reply };
                self.ask(project, command).await;
            }
            ClientMessage::Signal { project, event, data } => {
                let command = Command::Signal { connection: self.id, event: event.into_boxed_str(), data, reply };
                self.ask(project, command).await;
            }
            ClientMessage::History { project, before, limit } => {
                let command = Command::History { connection: self.id, before, limit, reply };
                self.ask(project, command).await;
            }
        }
    }

    /// Brings a command to a room that was joined.
    async fn ask(&self, project: ProjectId, command: Command) {
        let State::Open(open) = &self.state else { return };
        match open.seats.get(&project) {
            Some(seat) if !seat.is_over() => self.hub.registry.send(project, command).await,
            _ => command.refuse(&not_joined()),
        }
    }

    async fn submit(&self, project: ProjectId, intent: Intent, context: Context, reply: Reply) {
        let submission = Submission { context, intent, waiter: Waiter::Client(reply) };
        self.ask(project, Command::Submit(Box::new(submission))).await;
    }

    async fn join(
        &mut self,
        project: ProjectId,
        since: Option<Since>,
        presence: Option<Arc<serde_json::value::RawValue>>,
        context: Context,
        reply: Reply,
    ) {
        let State::Open(open) = &mut self.state else { return };
        open.seats.retain(|_, seat| !seat.is_over());
        let max = self.hub.limits.projects_per_connection_max;
        if open.seats.len() >= max && !open.seats.contains_key(&project) {
            let message = format!("A connection may have joined {max} projects at once; leave one first.");
            let limit = Some("maxProjectsPerConnection");
            return reply.refuse(&Refusal { limit, ..Refusal::new(ErrorCode::TooLarge, message) });
        }
        let seat = open.seats.entry(project).or_default().clone();
        let (outbox, connection) = (self.outbox.clone(), self.id);
        let join = Join { connection, principal: context.principal, outbox, seat, since, presence, reply };
        self.hub.registry.send(project, Command::Join(Box::new(join))).await;
    }

    /// Leaving what was not joined, or twice, is answered like leaving.
    async fn leave(&mut self, project: ProjectId, reply: Reply) {
        let State::Open(open) = &mut self.state else { return };
        match open.seats.remove(&project) {
            Some(seat) if !seat.is_over() => {
                let leave = Command::Leave { connection: self.id, reply: Some(reply), left: None };
                self.hub.registry.send(project, leave).await;
            }
            _ => {
                let (outbox, receipt) = reply.take();
                outbox.reply(encode(&ServerMessage::Left { receipt, project }));
            }
        }
    }

    /// A new token in place of the old ([CN7]); one that does not do changes nothing.
    async fn refresh(&mut self, token: &str, reply: Reply) {
        let State::Open(open) = &mut self.state else { return };
        let fresh = match self.hub.authenticator.authenticate(Some(token), None, now()) {
            Ok(fresh) if self.hub.authenticator.is_open() || fresh.user() == open.principal.user() => fresh,
            Ok(_) => return reply.refuse(&Refusal::new(ErrorCode::Unauthenticated, "The token is another user's.")),
            Err(refusal) => return reply.refuse(&refusal),
        };
        let expires = fresh.expires;
        if !self.hub.authenticator.is_open() {
            open.principal = fresh;
            open.warned = Warned::No;
        }
        let (outbox, receipt) = reply.take();
        for project in open.seats.keys().copied().collect::<Vec<_>>() {
            let renewed = Command::Renewed { connection: self.id, principal: open.principal.clone() };
            self.hub.registry.send(project, renewed).await;
        }
        outbox.reply(encode(&ServerMessage::Refreshed { receipt, expires }));
    }

    /// The drain's moment for this client ([DR1]): what was sent is answered, then the connection closes.
    async fn say_farewell(&mut self) {
        let State::Open(open) = &mut self.state else {
            return self.close(CloseCode::Restart, "draining");
        };
        let mut farewells = Vec::new();
        for project in std::mem::take(&mut open.seats).into_keys() {
            let (left, told) = oneshot::channel();
            let leave = Command::Leave { connection: self.id, reply: None, left: Some(left) };
            self.hub.registry.send(project, leave).await;
            farewells.push(told);
        }
        let all = futures_util::future::join_all(farewells);
        if tokio::time::timeout(FAREWELL_WITHIN, all).await.is_err() {
            tracing::warn!(connection = %self.id, "a room did not answer in time for the drain");
        }
        self.state = State::Over;
        self.outbox.close(CloseCode::Restart, "the hub restarts");
    }
}

/// However a connection ends, also by a panic of its task, it leaves the roll and its rooms.
impl Drop for Connection {
    fn drop(&mut self) {
        self.outbox.close(CloseCode::Normal, "");
        self.hub.roll.leave(self.id);
        let State::Open(open) = std::mem::replace(&mut self.state, State::Over) else { return };
        let seats = open.seats.into_iter().filter(|(_, seat)| !seat.is_over());
        let rooms: Vec<ProjectId> = seats.map(|(project, _)| project).collect();
        let (hub, connection) = (self.hub.clone(), self.id);
        if let (false, Ok(runtime)) = (rooms.is_empty(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                for project in rooms {
                    hub.registry.send_surely(project, Command::Leave { connection, reply: None, left: None }).await;
                }
            });
        }
    }
}

impl Open {
    fn next_time(&self, now: Timestamp) -> Option<Duration> {
        let expires = self.principal.expires?;
        let at = match self.warned {
            Warned::No => expires.plus_ms(-EXPIRY_WARNING_MS),
            Warned::Yes => expires.plus_ms(EXPIRY_GRACE_MS),
        };
        Some(Duration::from_millis(u64::try_from(at.0 - now.0).unwrap_or(0)))
    }
}

fn expired() -> Refusal {
    Refusal::new(ErrorCode::Unauthenticated, "The token has expired; connect again with a new one.")
}
