//! Sessions in this process: right for one hub, gone when it ends.
//!
//! Promises: at most `sessions_max` of them, ended ones first to go, then those unseen for longest.
//! Must never: hold a lock while it waits.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Session, SessionError, Sessions, check, merged};
use crate::domain::block::Content;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::sequence::Timestamp;

/// Sessions in memory.
#[derive(Debug)]
pub struct LocalSessions {
    held: Mutex<Held>,
    sessions_max: usize,
}

/// The sessions, and the same by when they were last seen.
#[derive(Debug, Default)]
struct Held {
    sessions: HashMap<SessionId, Session>,
    by_seen: BTreeSet<(Timestamp, SessionId)>,
}

impl LocalSessions {
    /// Room for so many.
    pub fn new(sessions_max: usize) -> Self {
        Self { held: Mutex::default(), sessions_max }
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

    /// The living session, if it is this user's.
    fn get(&self, id: SessionId, user: &UserId, now: Timestamp) -> Option<&Session> {
        self.sessions.get(&id).filter(|session| session.user == *user && session.expires() > now)
    }

    /// Writes a use down, with what else changed.
    fn used(&mut self, mut session: Session, now: Timestamp) -> Session {
        self.take(session.id);
        // A clock that was set back does not make a session older.
        session.seen = session.seen.max(now);
        session.requests += 1;
        self.put(session.clone());
        session
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

    async fn touch(&self, id: SessionId, user: &UserId, now: Timestamp) -> Result<Option<Session>, SessionError> {
        let mut held = self.held.lock();
        let Some(session) = held.get(id, user, now).cloned() else { return Ok(None) };
        Ok(Some(held.used(session, now)))
    }

    async fn patch(
        &self,
        id: SessionId,
        user: &UserId,
        patch: Content,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError> {
        let mut held = self.held.lock();
        let Some(session) = held.get(id, user, now) else { return Ok(None) };
        let session = Session { metadata: merged(&session.metadata, &patch)?, ..session.clone() };
        Ok(Some(held.used(session, now)))
    }

    async fn end(&self, id: SessionId, user: &UserId, now: Timestamp) -> Result<bool, SessionError> {
        let mut held = self.held.lock();
        let found = held.get(id, user, now).is_some();
        if found {
            held.take(id);
        }
        Ok(found)
    }

    async fn count(&self) -> Result<usize, SessionError> {
        Ok(self.held.lock().sessions.len())
    }
}
