//! A client's life: it connects, joins, edits, loses its connection, and comes back to whichever hub it finds.
//!
//! Promises: does what the contract asks of a client (close codes, `retryAfterMs`, [JN2], [ED13], [ED14]); everything
//! it sends, is answered and is shown is written down in that order.
//! Must never: give up: only the run's end ends it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use histcheck::history::Record;
use histcheck::id::Id;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::crew::{Crew, Phase, Seat};
use super::draft::{Draft, Drafter};
use super::order::{Answer, Habit, Named, Order, Person, Repeat};
use super::room::{Copy, Room, Standing, State};
use crate::chance::Chance;

/// For a connection and its welcome.
const CONNECT: Duration = Duration::from_secs(5);
/// A hub pings every 25 s: who says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(40);
/// Between two tries to connect; with as much again by chance.
const BETWEEN_TRIES: Duration = Duration::from_millis(25);
/// Edits of one project that may wait for their answer or their event.
const EDITS_MAX: usize = 8;
/// Until an edit is sent once more by somebody else, at most.
const ECHO: Duration = Duration::from_millis(400);
/// A client that was driven to another hub goes home after this, and up to twice as much by chance.
const HOMESICK: Duration = Duration::from_millis(500);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A client.
pub struct Client {
    pub(super) number: u32,
    user: String,
    pub(super) habit: Habit,
    pub(super) crew: Arc<Crew>,
    pub(super) chance: Chance,
    pub(super) rooms: Vec<Room>,
    /// The hub it is connected to, or tries.
    pub(super) hub: usize,
    pub(super) home: usize,
    /// Given by the row, or by the client whose echo it is.
    orders: mpsc::Receiver<Order>,
    /// Edits whose answer a row waits for.
    pub(super) awaited: HashMap<Id, oneshot::Sender<Answer>>,
    pub(super) lost: Option<Instant>,
    /// Held while it has joined everything at home.
    pub(super) seat: Option<Seat>,
    /// The number of the last phase that it has reported as done with.
    reported: Option<u32>,
}

/// Why a conversation ended.
enum Ended {
    /// The socket is gone.
    Lost,
    /// It goes to another hub.
    Left(usize),
    /// The run is over.
    Rested,
}

impl Client {
    /// One of the crew; its orders come by the receiver.
    pub fn new(person: Person, crew: Arc<Crew>, orders: mpsc::Receiver<Order>) -> Self {
        let Person { number, user, projects, home, habit, chance } = person;
        let rooms = projects.iter().map(|project| Room::new(number, *project)).collect();
        let awaited = HashMap::new();
        Self {
            number,
            user,
            habit,
            crew,
            chance,
            rooms,
            hub: home,
            home,
            orders,
            awaited,
            lost: None,
            seat: None,
            reported: None,
        }
    }

    /// Lives until the run rests.
    pub async fn live(mut self) {
        let mut phase = self.crew.phase.subscribe();
        loop {
            let ended = match timeout(CONNECT, self.connect()).await {
                Ok(Some(mut socket)) => {
                    let ended = self.converse(&mut socket, &mut phase).await;
                    self.gone(&ended);
                    ended
                }
                _ => Ended::Lost,
            };
            match ended {
                Ended::Rested => return,
                Ended::Left(hub) => self.hub = hub,
                Ended::Lost => {
                    self.hub = (self.hub + 1) % self.crew.addresses.len();
                    let jitter = BETWEEN_TRIES.mul_f64(self.chance.below(100) as f64 / 100.0);
                    sleep(if self.hub == self.home { BETWEEN_TRIES + jitter } else { jitter / 4 }).await;
                }
            }
        }
    }

    async fn connect(&mut self) -> Option<Socket> {
        let url = format!("ws://{}/ws", self.crew.addresses[self.hub]);
        let (mut socket, _) = connect_async_with_config(url, None, true).await.ok()?;
        let hello = json!({"type": "hello", "id": "hello", "user": {"id": self.user}});
        socket.send(Message::text(hello.to_string())).await.ok()?;
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let heard: Value = serde_json::from_str(&text).ok()?;
            match heard["type"].as_str() {
                Some("welcome") => return Some(socket),
                Some("error") if heard["code"] == "draining" || heard["code"] == "busy" => return None,
                Some("error") => {
                    self.crew.figures.error(format!("hello: {heard}"));
                    return None;
                }
                _ => {}
            }
        }
        None
    }

    fn gone(&mut self, ended: &Ended) {
        self.crew.history.write(&Record::Lost { client: self.number, at_ms: self.crew.now_ms() });
        self.rooms.iter_mut().for_each(Room::lost);
        self.seat = None;
        if matches!(ended, Ended::Lost) {
            self.crew.figures.note(|stretch| stretch.losses += 1);
            self.lost = self.lost.or(Some(Instant::now()));
        }
    }

    async fn converse(&mut self, socket: &mut Socket, phase: &mut watch::Receiver<Phase>) -> Ended {
        let mut pace = self.pace();
        let mut heard = Instant::now();
        let homesick = heard + HOMESICK + HOMESICK.mul_f64(self.chance.below(100) as f64 / 100.0);
        loop {
            if self.speak(socket).await.is_none() {
                return Ended::Lost;
            }
            if self.report(&phase.borrow_and_update().clone()) {
                let _ = socket.close(None).await;
                return Ended::Rested;
            }
            let working = matches!(*phase.borrow(), Phase::Work) && self.is_in() && !matches!(self.habit, Habit::Obeys);
            let due = self.due().unwrap_or(heard + SILENCE).min(heard + SILENCE);
            tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    let Some(Ok(message)) = message else { return Ended::Lost };
                    match message {
                        Message::Text(text) => self.hear(&text),
                        Message::Close(frame) => {
                            self.closed(frame.map_or(1005, |frame| frame.code.into()));
                            return Ended::Lost;
                        }
                        _ => {}
                    }
                }
                _ = pace.tick(), if working => self.edit(),
                Some(order) = self.orders.recv() => {
                    if let Some(hub) = self.obey(order) {
                        let _ = timeout(CONNECT, socket.close(None)).await;
                        return Ended::Left(hub);
                    }
                }
                _ = phase.changed() => {}
                () = sleep_until(homesick), if self.hub != self.home && self.is_in() => {
                    let _ = timeout(CONNECT, socket.close(None)).await;
                    return Ended::Left(self.home);
                }
                () = sleep_until(due) => {
                    if heard.elapsed() >= SILENCE {
                        return Ended::Lost;
                    }
                }
            }
        }
    }

    /// Some codes say that the client did wrong, which none of these does.
    fn closed(&self, code: u16) {
        if !matches!(code, 1000 | 1001 | 1005 | 1012 | 1013 | 4408) {
            self.crew.figures.error(format!("closed with {code}"));
        }
    }

    fn pace(&mut self) -> Interval {
        let every = self.crew.pace;
        let first = every.mul_f64(self.chance.below(1_000) as f64 / 1_000.0);
        let mut pace = interval_at(Instant::now() + first, every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pace
    }

    /// Whether it has joined everything.
    pub(super) fn is_in(&self) -> bool {
        self.rooms.iter().all(|room| room.standing == Standing::In)
    }

    /// Tells the run when its phase is done with; whether that is the end.
    fn report(&mut self, phase: &Phase) -> bool {
        let done = match phase {
            Phase::Gather => self.is_in(),
            Phase::Work => false,
            Phase::Quiet => self.is_in() && !self.rooms.iter().any(Room::waits),
            Phase::Rest(heads) => self.is_in() && self.rooms.iter().all(|room| room.has_reached(heads)),
        };
        if !done || self.reported == Some(phase.number()) {
            return false;
        }
        self.reported = Some(phase.number());
        let rests = matches!(phase, Phase::Rest(_));
        if rests {
            self.rooms.iter().for_each(|room| room.write_copy(&self.crew.history));
        }
        self.crew.report(self.number, phase);
        rests
    }

    /// When there is something to say again.
    fn due(&self) -> Option<Instant> {
        let joins = self.rooms.iter().filter_map(|room| match room.standing {
            Standing::Out(at) => Some(at),
            _ => None,
        });
        let edits = self.rooms.iter().filter(|room| room.standing == Standing::In).flat_map(|room| &room.edits);
        let edits = edits.filter_map(|edit| match edit.state {
            State::Due(at) => Some(at),
            _ => None,
        });
        joins.chain(edits).min()
    }

    /// Says what is due; `None` if the socket is gone.
    async fn speak(&mut self, socket: &mut Socket) -> Option<()> {
        let now = Instant::now();
        for room in &mut self.rooms {
            match room.standing {
                Standing::Out(at) if at <= now => {
                    let join = room.join();
                    socket.feed(Message::text(join.to_string())).await.ok()?;
                }
                Standing::In => {
                    for edit in room.edits.iter_mut() {
                        if matches!(edit.state, State::Due(at) if at <= now) {
                            edit.state = State::Sent;
                            edit.sends += 1;
                            self.crew.write_sent(self.number, room.project, edit.id, &self.user);
                            socket.feed(Message::text(edit.message.clone())).await.ok()?;
                        }
                    }
                }
                _ => {}
            }
        }
        socket.flush().await.ok()
    }

    fn obey(&mut self, order: Order) -> Option<usize> {
        match order {
            Order::Go(hub) => return Some(hub).filter(|hub| *hub != self.hub),
            Order::Edit { words, named, answer } => {
                let edit = self.draft(0, |drafter| drafter.marked(&words));
                self.awaited.insert(edit, answer);
                // The row may have stopped waiting.
                let _ = named.send(Named { edit, project: self.rooms[0].project });
            }
            Order::Repeat(Repeat { project, edit, message, at }) => {
                let room = self.rooms.iter_mut().find(|room| room.project == project);
                room.into_iter().for_each(|room| room.repeat(edit, message.clone(), at));
            }
        }
        None
    }

    /// Makes up an edit in one of its projects, unless too many wait there.
    fn edit(&mut self) {
        let room = self.chance.below(self.rooms.len());
        if self.rooms[room].edits.len() >= EDITS_MAX {
            return;
        }
        let edit = self.draft(room, |drafter| drafter.draft());
        let Habit::Insists { echo } = &self.habit else { return };
        let Some(message) = self.rooms[room].edit(edit).map(|edit| edit.message.clone()) else { return };
        for _ in 0..self.chance.below(4) {
            let at = Instant::now() + ECHO.mul_f64(self.chance.below(100) as f64 / 100.0);
            let repeat = Repeat { project: self.rooms[room].project, edit, message: message.clone(), at };
            let _ = echo.try_send(Order::Repeat(repeat));
        }
    }

    /// It is said as soon as it can be.
    fn draft(&mut self, room: usize, draft: impl FnOnce(&mut Drafter<'_>) -> Draft) -> Id {
        let edit = self.chance.uuid().to_string().parse().unwrap_or_default();
        let room = &mut self.rooms[room];
        let (empty, busy) = (Default::default(), room.busy());
        let blocks = room.copy.as_ref().map_or(&empty, |Copy { blocks, .. }| blocks);
        let draft = draft(&mut Drafter::new(blocks, &busy, &mut self.chance));
        room.begin(edit, draft);
        edit
    }
}
