//! What waits for one client, bounded in bytes, by class of message ([JN6]).
//!
//! Promises: what is handed to the transport is in the order in which it was put in; events of a project are handed
//! over without hole or repetition, or a lag says after which seq they are missing; replies are never dropped.
//! Must never: wait for the client, or for the room.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use smallvec::SmallVec;
use tokio::sync::Notify;

use super::feed::{EventsLag, Feed, Lag};
use super::line::Line;
use super::weight::{Bytes, Class, cost};
use crate::domain::ids::{ConnectionId, ProjectId};
use crate::domain::sequence::{Cursor, Observed, Seq};
use crate::protocol::code::CloseCode;
use crate::protocol::frame::Frame;

/// A queue that once held more than this many frames gives its memory back when it is empty.
const QUEUE_KEPT_MAX: usize = 16;

/// What waits for one client. Rooms and the connection put in, the transport takes out.
///
/// What one client is told (`reply`, `start`, …) wakes the connection's task. What many are told (`events`, `presence`,
/// `signal`), and an `ack`, which goes with its event, does not: whoever puts it in lets the outbox `carry` it then.
pub struct Outbox {
    bytes_max: usize,
    state: Mutex<State>,
    /// Wakes the transport's writing side: there is something to send.
    filled: Notify,
    /// Wakes the transport's reading side: there may be room for more replies, or lags may be due.
    drained: Notify,
    /// The transport's, which ends it; not there before the connection runs.
    line: OnceLock<Weak<dyn Line>>,
}

/// What the transport finds in an outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The frames that it was given, if any; more may wait.
    Frames,
    /// Nothing waits any more: close.
    Close(CloseCode, &'static str),
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Waiting>,
    bytes: Bytes,
    feeds: SmallVec<[Feed; 1]>,
    reader: Reader,
    closing: Option<(CloseCode, &'static str)>,
}

/// Whether the client takes what it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reader {
    #[default]
    Takes,
    /// Something was shed, and the transport has not got rid of what it took before: what is brought now waits, too.
    Stuck,
}

#[derive(Debug)]
struct Waiting {
    class: Class,
    frame: Arc<Frame>,
}

impl Outbox {
    /// An empty one that holds at most `bytes_max` of what may be shed.
    pub fn new(bytes_max: usize) -> Arc<Self> {
        let (filled, drained, line) = (Notify::new(), Notify::new(), OnceLock::new());
        Arc::new(Self { bytes_max, state: Mutex::default(), filled, drained, line })
    }

    /// From now on it can be carried from.
    pub fn connect(&self, line: &Arc<impl Line + 'static>) {
        let line: Weak<dyn Line> = Arc::downgrade(line) as _;
        // Proven: a connection has one transport, which calls this once.
        let _ = self.line.set(line);
    }

    /// Sends what waits as far as the socket takes it now; what is left, the connection's task sends.
    pub fn carry(&self) {
        match self.line.get().and_then(Weak::upgrade) {
            Some(line) => line.carry(),
            None => self.wake(),
        }
    }

    /// Leaves what waits to the connection's task.
    pub fn wake(&self) {
        self.filled.notify_one();
    }

    /// A reply, or anything else that is never dropped.
    pub fn reply(&self, frame: Arc<Frame>) {
        self.change(|state| state.push(Class::Reply, frame));
    }

    /// An answer to an edit, to be carried; never dropped.
    pub fn ack(&self, frame: Arc<Frame>) {
        self.put(|state| state.push(Class::Reply, frame));
    }

    /// From here on the connection has everything of `project` up to `seq`, or will have it by `frames`: the answer to
    /// a join, a reset, a catch-up. Ends a lag; waiting events of the project are dropped, they are in `frames`. The
    /// frames count for what waits, but are not dropped.
    pub fn start(&self, project: ProjectId, seq: Seq, frames: Vec<Arc<Frame>>) {
        self.change(|state| {
            state.drop_where(|class| matches!(class, Class::Events { project: of, .. } if *of == project));
            state.start(project, seq);
            for frame in frames {
                state.push(Class::Reply, frame);
            }
        });
    }

    /// Everything anew, which the client has not asked for ([JN7], another epoch). While too much waits already it becomes
    /// a lag, so that a client that does not read is not sent one snapshot upon another.
    pub fn reset(&self, project: ProjectId, seq: Seq, frames: Vec<Arc<Frame>>) {
        let is_full = self.state.lock().bytes.all() >= self.bytes_max / 2;
        if !is_full {
            return self.start(project, seq, frames);
        }
        self.change(|state| {
            state.shed_events(|of| of == project);
            if let Some(feed) = state.feed(project).filter(|feed| feed.events == EventsLag::None) {
                feed.events = EventsLag::Due;
            }
        });
    }

    /// The connection left the room: what waits of it is dropped, no more is taken.
    pub fn stop(&self, project: ProjectId) {
        self.change(|state| {
            state.feeds.retain(|feed| feed.project != project);
            state.drop_where(|class| class.project() == Some(project));
        });
    }

    /// Events `first..=last`, to be carried; over the bound they and what waits of the kind become a lag.
    pub fn events(&self, project: ProjectId, first: Seq, last: Seq, frame: Arc<Frame>) {
        self.put(|state| {
            let Some(feed) = state.feed(project).filter(|feed| feed.events == EventsLag::None) else { return };
            match feed.cursor.observe(first, last) {
                Observed::InOrder => state.push(Class::Events { project, first }, frame),
                Observed::Duplicate => {}
                // What waits goes too: a lag begins where the client is, so that one catch-up ends it.
                Observed::Gap { .. } => {
                    feed.events = EventsLag::Due;
                    state.shed_events(|of| of == project);
                }
            }
        });
    }

    /// A change of presence of these connections, to be carried; over the bound it becomes a later roster.
    pub fn presence(&self, project: ProjectId, who: &Arc<[ConnectionId]>, frame: Arc<Frame>) {
        self.put(|state| {
            let Some(feed) = state.feed(project) else { return };
            if feed.events == EventsLag::None && feed.unseen.is_empty() {
                state.push(Class::Presence { project, who: who.clone() }, frame);
            } else {
                feed.unseen.extend(who.iter());
            }
        });
    }

    /// A signal or a notice, to be carried; over the bound it is dropped.
    pub fn signal(&self, project: ProjectId, frame: Arc<Frame>) {
        self.put(|state| {
            if state.feed(project).is_some() {
                state.push(Class::Signal(project), frame);
            }
        });
    }

    /// Say what waits, then close with this code. Later calls change nothing; nothing is taken any more.
    pub fn close(&self, code: CloseCode, reason: &'static str) {
        self.change(|state| state.closing = Some((code, reason)));
    }

    /// Whether it was told to close.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closing.is_some()
    }

    /// Lags that the client has become fast enough for (it has taken what was sent before, and less than half the bound
    /// waits), each handed out once until `start` ends it (events).
    pub fn take_lags(&self) -> Vec<Lag> {
        let mut state = self.state.lock();
        if !state.has_room(self.bytes_max) {
            return Vec::new();
        }
        state.feeds.iter_mut().filter_map(Feed::take_lag).collect()
    }

    /// After which seq events of the project are to be fetched, if they still are: a room asks before it catches up,
    /// since a join may have been faster.
    pub fn lag(&self, project: ProjectId) -> Option<Seq> {
        let mut state = self.state.lock();
        state.feed(project).filter(|feed| feed.events != EventsLag::None).map(|feed| feed.cursor.at)
    }

    /// Waits until replies leave room for reading more from this client.
    pub async fn accepts_input(&self) {
        self.until_drained(|state| state.bytes.replies < self.bytes_max).await;
    }

    /// Waits until `take_lags` has something to hand out.
    pub async fn lags_due(&self) {
        self.until_drained(|state| state.has_room(self.bytes_max) && state.feeds.iter().any(Feed::is_lag_due)).await;
    }

    /// Waits until there is something to take.
    pub async fn filled(&self) {
        loop {
            let filled = self.filled.notified();
            if self.is_something_there() {
                return;
            }
            filled.await;
        }
    }

    /// Whether there is something to take.
    pub fn is_something_there(&self) -> bool {
        self.state.lock().is_something_there()
    }

    /// Hands over what waits, oldest first, until `frames_max` frames or `bytes_max` bytes are handed over; one frame
    /// at least, however large.
    pub fn take(&self, frames_max: usize, bytes_max: usize, mut hand_over: impl FnMut(Arc<Frame>)) -> Taken {
        let mut state = self.state.lock();
        let was_full = state.bytes.replies >= self.bytes_max;
        // Whoever asks has got rid of what was taken before.
        let was_stuck = std::mem::take(&mut state.reader) == Reader::Stuck;
        let (mut frames, mut bytes) = (0, 0);
        while frames < frames_max && bytes < bytes_max {
            let Some(waiting) = state.pop() else { break };
            (frames, bytes) = (frames + 1, bytes + waiting.frame.len());
            hand_over(waiting.frame);
        }
        let taken = match state.closing {
            Some((code, reason)) if frames == 0 => Taken::Close(code, reason),
            _ => Taken::Frames,
        };
        // Nobody else waits for what is taken; the reading side shares the writing side's task, and would run for nothing.
        let is_awaited = was_full || state.feeds.iter().any(Feed::is_lag_due);
        drop(state);
        if (frames > 0 || was_stuck) && is_awaited {
            self.drained.notify_waiters();
        }
        taken
    }

    /// Puts something in, and leaves it to the connection's task.
    fn change(&self, change: impl FnOnce(&mut State)) {
        self.put(change);
        self.wake();
    }

    /// Does something to the state unless it is closed, and sheds what is too much.
    fn put(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        if state.closing.is_some() {
            return;
        }
        change(&mut state);
        state.shed(self.bytes_max);
        let is_lag_due = state.feeds.iter().any(Feed::is_lag_due);
        drop(state);
        if is_lag_due {
            self.drained.notify_waiters();
        }
    }

    async fn until_drained(&self, condition: impl Fn(&State) -> bool) {
        loop {
            let drained = self.drained.notified();
            if condition(&self.state.lock()) {
                return;
            }
            drained.await;
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbox").field("bytes_max", &self.bytes_max).field("state", &self.state).finish()
    }
}

impl State {
    fn feed(&mut self, project: ProjectId) -> Option<&mut Feed> {
        self.feeds.iter_mut().find(|feed| feed.project == project)
    }

    /// Presence that is due stays due: what starts anew may be a catch-up, which brings no members.
    fn start(&mut self, project: ProjectId, seq: Seq) {
        let cursor = Cursor { at: seq };
        match self.feed(project) {
            Some(feed) => (feed.cursor, feed.events) = (cursor, EventsLag::None),
            None => self.feeds.push(Feed::beginning(project, cursor)),
        }
    }

    fn has_room(&self, bytes_max: usize) -> bool {
        self.reader == Reader::Takes && self.bytes.all() < bytes_max / 2
    }

    fn is_something_there(&self) -> bool {
        !self.queue.is_empty() || self.closing.is_some()
    }

    fn push(&mut self, class: Class, frame: Arc<Frame>) {
        *self.bytes.of(&class) += cost(&frame);
        self.queue.push_back(Waiting { class, frame });
    }

    fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_front();
        if let Some(Waiting { class, frame }) = &waiting {
            *self.bytes.of(class) -= cost(frame);
        }
        self.give_memory_back();
        waiting
    }

    fn give_memory_back(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > QUEUE_KEPT_MAX {
            self.queue = VecDeque::new();
        }
    }

    fn drop_where(&mut self, is_dropped: impl Fn(&Class) -> bool) -> usize {
        let (bytes, before) = (&mut self.bytes, self.queue.len());
        self.queue.retain(|Waiting { class, frame }| {
            let dropped = is_dropped(class);
            if dropped {
                *bytes.of(class) -= cost(frame);
            }
            !dropped
        });
        before - self.queue.len()
    }

    /// The policy of [JN6]: signals, then presence, then events, each only if it is still too much.
    fn shed(&mut self, bytes_max: usize) {
        if self.bytes.all() <= bytes_max {
            return;
        }
        self.reader = Reader::Stuck;
        if self.bytes.signals > 0 {
            let dropped = self.drop_where(|class| matches!(class, Class::Signal(_)));
            count_shed("signals", dropped);
        }
        if self.bytes.all() > bytes_max && self.bytes.presence > 0 {
            self.shed_presence();
        }
        if self.bytes.all() > bytes_max && self.bytes.events > 0 {
            self.shed_events(|_| true);
        }
    }

    fn shed_presence(&mut self) {
        for waiting in &self.queue {
            let Class::Presence { project, who } = &waiting.class else { continue };
            if let Some(feed) = self.feeds.iter_mut().find(|feed| feed.project == *project) {
                feed.unseen.extend(who.iter());
            }
        }
        let dropped = self.drop_where(|class| matches!(class, Class::Presence { .. }));
        count_shed("presence", dropped);
    }

    /// The cursor goes back to the last seq that was sent: the one before the first that is dropped.
    fn shed_events(&mut self, is_shed: impl Fn(ProjectId) -> bool) {
        let its_first = |class: &Class| match class {
            Class::Events { project, first } if is_shed(*project) => Some((*project, *first)),
            _ => None,
        };
        for (project, first) in self.queue.iter().rev().filter_map(|waiting| its_first(&waiting.class)) {
            if let Some(feed) = self.feeds.iter_mut().find(|feed| feed.project == project) {
                feed.cursor.at = Seq(first.0.saturating_sub(1));
                feed.events = EventsLag::Due;
            }
        }
        let dropped = self.drop_where(|class| its_first(class).is_some());
        count_shed("events", dropped);
    }
}

fn count_shed(class: &'static str, dropped: usize) {
    metrics::counter!("blockhub_outbox_shed_total", "class" => class).increment(dropped as u64);
}
