//! Sessions in this process: right for one hub, gone when it ends.
//!
//! Promises: at most `sessions_max` of them, ended ones first to go, then those unseen for longest.
//! Must never: hold a lock while it waits.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::lock::local::LocalLocks;
use super::lock::{Locks, PATIENCE};
use super::{Change, Session, SessionError, Sessions, check, lock_name};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::sequence::Timestamp;

/// Sessions in memory.
#[derive(Debug)]
pub struct LocalSessions {
    held: Mutex<Held>,
    locks: Arc<LocalLocks>,
    sessions_max: usize,
}

/// The sessions, and the same by when they were last seen.
#[derive(Debug, Default)]
struct Held {
    sessions: HashMap<SessionId, Session>,
    by_seen: BTreeSet<(Timestamp, SessionId)>,
}

impl LocalSessions {
    /// Room for so many; whoever shares the locks can hold off changes of a session.
    pub fn new(sessions_max: usize, locks: Arc<LocalLocks>) -> Self {
        Self { held: Mutex::default(), locks, sessions_max }
    }
}

impl Held {
    fn put(&mut self, session: Session) {
        self.by_seen.insert((session.seen, session.id));
        self.sessions.insert(session.id, session);
    }

    fn take(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.by_seen.remove(&(session.seen, id));
        Some(session)
    }

    /// Ended ones go, and the oldest until fewer than `sessions_max` are left.
    fn make_room(&mut self, sessions_max: usize, now: Timestamp) {
        while let Some((_, id)) = self.by_seen.first().copied() {
            let ended = self.sessions.get(&id).is_none_or(|session| session.expires() <= now);
            if !ended && self.sessions.len() < sessions_max {
                return;
            }
            self.take(id);
        }
    }

    fn change(
        &mut self,
        id: SessionId,
        user: &UserId,
        change: Change,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError> {
        let living = self.sessions.get(&id).filter(|session| session.lives_for(user, now));
        let Some(session) = living.cloned() else { return Ok(None) };
        let changed = session.after(change, now)?;
        let before = self.take(id);
        let Some(changed) = changed else { return Ok(before) };
        self.put(changed.clone());
        Ok(Some(changed))
    }
}

#[async_trait]
impl Sessions for LocalSessions {
    async fn create(&self, session: Session) -> Result<(), SessionError> {
        check(&session.metadata)?;
        let mut held = self.held.lock();
        held.make_room(self.sessions_max, session.seen);
        held.put(session);
        Ok(())
    }

    /// The change itself is one step; the lock is for those who hold it for longer.
    async fn change(
        &self,
        id: SessionId,
        user: &UserId,
        change: Change,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError> {
        let lease = self.locks.take(&lock_name(id), PATIENCE).await?;
        let changed = self.held.lock().change(id, user, change, now);
        self.locks.release(lease).await?;
        changed
    }

    async fn count(&self) -> Result<usize, SessionError> {
        Ok(self.held.lock().sessions.len())
    }
}
