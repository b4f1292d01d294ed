//! Sessions in Redis: any hub reads them, and they outlive hubs.
//!
//! Promises: every change is made under the session's lock, by one hub at a time, and not at all by one that was
//! overtaken meanwhile; what is read back is checked, and dropped if it is not what was written.
//! Must never: leave a lock behind because a client went away; changes run in tasks that nobody cancels.

use std::sync::Arc;

use ::redis::{Script, cmd};
use async_trait::async_trait;

use super::lock::redis::{RedisLocks, fenced, key, under};
use super::lock::{Lease, Locks, PATIENCE};
use super::{Change, Session, SessionError, Sessions, TTL_MS, check, lock_name, record};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::sequence::Timestamp;
use crate::redis_link::{RedisLink, RedisLinkError};

/// When each session was last seen: to count them without looking at them. It may be behind by what Redis forgot.
const SEEN: &str = "blockhub:sessions:seen";

const KEEP: &str = "redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) return 1";
const REMOVE: &str = "redis.call('DEL', KEYS[2]) return 1";

/// Sessions in Redis.
pub struct RedisSessions {
    kept: Arc<Kept>,
}

struct Kept {
    link: RedisLink,
    locks: RedisLocks,
    keep: Script,
    remove: Script,
}

impl RedisSessions {
    /// Sessions that are kept there.
    pub fn new(link: RedisLink) -> Self {
        let locks = RedisLocks::new(link.clone());
        Self { kept: Arc::new(Kept { link, locks, keep: fenced(KEEP), remove: fenced(REMOVE) }) }
    }
}

impl Kept {
    async fn change(
        &self,
        id: SessionId,
        user: &UserId,
        change: Change,
        now: Timestamp,
        lease: &Lease,
    ) -> Result<Option<Session>, SessionError> {
        let Some(session) = self.read(id, lease).await? else { return Ok(None) };
        if !session.lives_for(user, now) {
            return Ok(None);
        }
        match session.clone().after(change, now)? {
            Some(changed) => self.keep(changed, lease).await.map(Some),
            None => {
                self.remove(id, lease).await?;
                Ok(Some(session))
            }
        }
    }

    /// The session; what is kept under its name and is none is dropped.
    async fn read(&self, id: SessionId, lease: &Lease) -> Result<Option<Session>, SessionError> {
        // Bytes, because what was damaged need not be text.
        let line: Option<Vec<u8>> = self.link.run(cmd("GET").arg(place(id))).await.map_err(failed)?;
        let Some(line) = line else { return Ok(None) };
        match record::read(id, &line) {
            Ok(session) => Ok(Some(session)),
            Err(reason) => {
                metrics::counter!("blockhub_sessions_dropped_total").increment(1);
                tracing::warn!(session = %id, %reason, "a stored session cannot be used and is dropped");
                self.remove(id, lease).await?;
                Ok(None)
            }
        }
    }

    async fn keep(&self, session: Session, lease: &Lease) -> Result<Session, SessionError> {
        let mut call = under(lease, &self.keep);
        call.key(place(session.id)).arg(record::written(&session)).arg(TTL_MS);
        let kept: Option<i64> = self.link.run_script(&call).await.map_err(failed)?;
        kept.ok_or(SessionError::Busy)?;
        self.note(&session).await;
        Ok(session)
    }

    async fn remove(&self, id: SessionId, lease: &Lease) -> Result<(), SessionError> {
        let mut call = under(lease, &self.remove);
        call.key(place(id));
        let removed: Option<i64> = self.link.run_script(&call).await.map_err(failed)?;
        removed.ok_or(SessionError::Busy)?;
        let _ = self.link.run::<i64>(cmd("ZREM").arg(SEEN).arg(id.to_string())).await;
        Ok(())
    }

    /// For the count, which is a figure and no more: what the session is about is done, whatever becomes of this.
    async fn note(&self, session: &Session) {
        let Session { id, seen, .. } = session;
        let _ = self.link.run::<i64>(cmd("ZADD").arg(SEEN).arg(seen.0).arg(id.to_string())).await;
    }

    /// Those that ended unseen are no longer counted: whoever adds one sweeps, so the list does not grow for ever.
    async fn forget_ended(&self, now: Timestamp) {
        let ended = now.plus_ms(-TTL_MS).0;
        let _ = self.link.run::<i64>(cmd("ZREMRANGEBYSCORE").arg(SEEN).arg("-inf").arg(ended)).await;
    }
}

#[async_trait]
impl Sessions for RedisSessions {
    async fn create(&self, session: Session) -> Result<(), SessionError> {
        check(&session.metadata)?;
        let Kept { link, .. } = &*self.kept;
        let (place, line) = (place(session.id), record::written(&session));
        // Nobody knows its name yet, so nobody needs to be locked out.
        link.run::<()>(cmd("SET").arg(place).arg(line).arg("PX").arg(TTL_MS)).await.map_err(failed)?;
        self.kept.note(&session).await;
        self.kept.forget_ended(session.seen).await;
        Ok(())
    }

    /// Makes a change that nobody cancels: a lock whose holder went away would hold up others for seconds.
    async fn change(
        &self,
        id: SessionId,
        user: &UserId,
        change: Change,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError> {
        let (kept, user) = (self.kept.clone(), user.clone());
        let task = tokio::spawn(async move {
            let lease = kept.locks.take(&lock_name(id), PATIENCE).await?;
            let changed = kept.change(id, &user, change, now, &lease).await;
            // If it cannot be released now, it opens by itself.
            let _ = kept.locks.release(lease).await;
            changed
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a change of a session failed");
            Err(SessionError::Unavailable)
        })
    }

    async fn count(&self) -> Result<usize, SessionError> {
        self.kept.link.run(cmd("ZCARD").arg(SEEN)).await.map_err(failed)
    }
}

/// Where a session is kept: in one slot of a cluster with its lock.
fn place(id: SessionId) -> String {
    key(&lock_name(id), "session")
}

fn failed(error: RedisLinkError) -> SessionError {
    if let RedisLinkError::Refused(error) = error {
        tracing::error!(%error, "Redis refuses what sessions need");
    }
    SessionError::Unavailable
}
