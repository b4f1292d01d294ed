//! Opens, finds and closes rooms.
//!
//! Promises: at most one room of a project lives on this hub; a command reaches the room, or comes back refused.
//! Must never: hold a map's lock across an await.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::{SendTimeoutError, TrySendError};

use super::room::command::Command;
use super::room::{self, RoomEnv};
use crate::bus::{Moved, News, packet};
use crate::domain::ids::{HubRun, ProjectId};
use crate::domain::sequence::{Epoch, Seq};
use crate::store::Head;

/// Commands that wait for one room. Senders wait when it is full.
pub const MAILBOX_MAX: usize = 1024;
/// How long a sender waits for a full room, before its message ends as `busy`.
const MAILBOX_WAIT: Duration = Duration::from_secs(5);

/// What another hub's news may come to while they wait for one room, in bytes; a single one may be larger.
const NEWS_BYTES_MAX: usize = 4 << 20;

/// Where a room stands, for the comparison of heads. The room writes, the watcher reads.
#[derive(Debug, Default)]
pub struct Standing {
    /// Of other hubs' news in the room's mailbox.
    news_bytes: AtomicUsize,
    revision: AtomicU64,
    /// The log and the head, of one moment; none until the room has loaded.
    place: Mutex<Option<(Epoch, Seq)>>,
}

impl Standing {
    /// The room has taken in everything up to here.
    pub fn set(&self, epoch: Epoch, seq: u64, revision: u64) {
        self.revision.store(revision, Ordering::Relaxed);
        *self.place.lock() = Some((epoch, Seq(seq)));
    }

    /// The log and the head that the room has taken in, once it has loaded.
    pub fn place(&self) -> Option<(Epoch, Seq)> {
        *self.place.lock()
    }

    /// The room took news out of its mailbox.
    pub fn took(&self, news: &News) {
        self.news_bytes.fetch_sub(packet::weight(news), Ordering::Relaxed);
    }

    /// News on their way into the mailbox; what would be too much goes without its load.
    fn admit(&self, news: News) -> Option<News> {
        let bytes = packet::weight(&news);
        let waiting = self.news_bytes.fetch_add(bytes, Ordering::Relaxed);
        // Everybody of a crowded hub comes as one, and would never be heard of if it were too much by itself.
        if waiting == 0 || waiting + bytes <= NEWS_BYTES_MAX {
            return Some(news);
        }
        self.news_bytes.fetch_sub(bytes, Ordering::Relaxed);
        match news {
            // The room finds a gap, and fetches.
            News::Moved(moved) => Some(News::Moved(Moved { carried: None, ..moved })),
            _ => None,
        }
    }

    /// Whether the store knows something that the room does not. A room that has yet to load will know.
    pub fn is_behind(&self, head: &Head) -> bool {
        let Some((epoch, seq)) = self.place() else { return false };
        epoch != head.epoch || seq < head.seq || self.revision.load(Ordering::Relaxed) != head.revision
    }
}

#[derive(Clone)]
struct Handle {
    /// The room's task holds the other end; it ends when the registry removes the handle.
    mailbox: mpsc::Sender<Command>,
    standing: Arc<Standing>,
}

/// All open rooms of this hub.
pub struct Registry {
    rooms: DashMap<ProjectId, Handle>,
    env: RoomEnv,
    /// For the rooms, which must find their way back to close.
    this: Weak<Registry>,
}

impl Registry {
    /// No rooms yet.
    pub fn new(env: RoomEnv) -> Arc<Self> {
        Arc::new_cyclic(|this| Self { rooms: DashMap::new(), env, this: this.clone() })
    }

    /// How many rooms are open.
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether no room is open.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Which rooms are open.
    pub fn projects(&self) -> Vec<ProjectId> {
        self.rooms.iter().map(|room| *room.key()).collect()
    }

    /// Where an open room stands.
    pub fn standing(&self, project: ProjectId) -> Option<Arc<Standing>> {
        self.rooms.get(&project).map(|room| room.standing.clone())
    }

    /// Brings a command to the project's room, which is opened if need be. Waits while the room is full; in the end a
    /// command that cannot be brought is answered with `busy`.
    pub async fn send(&self, project: ProjectId, command: Command) {
        if let Err(command) = self.bring(project, command, MAILBOX_WAIT).await {
            command.refuse_busy();
        }
    }

    /// Brings a command to the project's room if it is open, for what nobody else would make up for: it waits as long
    /// as the room lives. It opens none: a runtime that ends would end each new one at once, again and again.
    pub async fn send_surely(&self, project: ProjectId, command: Command) {
        let mailbox = self.rooms.get(&project).map(|room| room.mailbox.clone());
        if let Some(mailbox) = mailbox {
            let _ = mailbox.send(command).await;
        }
    }

    async fn bring(&self, project: ProjectId, command: Command, patience: Duration) -> Result<(), Command> {
        let Err(mut command) = self.try_send(project, command) else { return Ok(()) };
        loop {
            let Some(mailbox) = self.rooms.get(&project).map(|room| room.mailbox.clone()) else {
                match self.try_send(project, command) {
                    Ok(()) => return Ok(()),
                    Err(full) => command = full,
                }
                continue;
            };
            match mailbox.send_timeout(command, patience).await {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(command)) => return Err(command),
                Err(SendTimeoutError::Closed(back)) => {
                    // A room that ended without closing; the next turn opens another.
                    self.rooms.remove_if(&project, |_, room| room.mailbox.is_closed());
                    command = back;
                }
            }
        }
    }

    /// Brings a command to the project's room only if it is open and not full. For news, which the comparison of heads
    /// makes up for.
    pub fn send_if_open(&self, project: ProjectId, command: Command) -> Result<(), Command> {
        match self.rooms.get(&project) {
            Some(room) => room.mailbox.try_send(command).map_err(TrySendError::into_inner),
            None => Err(command),
        }
    }

    /// Brings another hub's news to the project's room if it is open and there is room for them; whether they were
    /// brought. What is lost is made up for: events by the comparison of heads, presence by its revision.
    pub fn hear(&self, project: ProjectId, from: HubRun, news: News) -> bool {
        let Some(room) = self.rooms.get(&project) else { return false };
        let Some(news) = room.standing.admit(news) else { return false };
        match room.mailbox.try_send(Command::News { from, news }) {
            Ok(()) => true,
            Err(TrySendError::Full(Command::News { news, .. }) | TrySendError::Closed(Command::News { news, .. })) => {
                room.standing.took(&news);
                false
            }
            Err(_) => false,
        }
    }

    /// Under the map's lock, so that a room that closes has either got the command or is gone.
    fn try_send(&self, project: ProjectId, command: Command) -> Result<(), Command> {
        let handle = match self.rooms.entry(project) {
            Entry::Occupied(room) => room.into_ref(),
            Entry::Vacant(vacant) => vacant.insert(self.open(project)),
        };
        handle.mailbox.try_send(command).map_err(TrySendError::into_inner)
    }

    fn open(&self, project: ProjectId) -> Handle {
        let (mailbox, commands) = mpsc::channel(MAILBOX_MAX);
        let standing = Arc::new(Standing::default());
        let env = self.env.clone();
        tokio::spawn(room::run(env, self.this.clone(), project, commands, standing.clone()));
        Handle { mailbox, standing }
    }

    /// A room wants to close: it may if nothing waits for it and nobody is about to send (a reserved place counts).
    pub fn close(&self, project: ProjectId, mailbox: &mpsc::Receiver<Command>) -> bool {
        let idle = || mailbox.capacity() == mailbox.max_capacity();
        self.rooms.remove_if(&project, |_, _| idle()).is_some()
    }
}
