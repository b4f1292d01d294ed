//! Locks in Redis, for all hubs.
//!
//! Promises: what `Locks` does, and that a script made by `fenced` writes only for the latest taker.
//! Must never: trust a hub's clock: Redis counts the time, and numbers the fences.

use std::time::Duration;

use ::redis::{Script, ScriptInvocation};
use async_trait::async_trait;
use uuid::Uuid;

use super::{HELD_MAX, Lease, LockError, Locks};
use crate::redis_link::{RedisLink, RedisLinkError};

/// How long the latest fence of a name is remembered. Who comes back later than that is refused all the same.
const FENCE_KEPT: Duration = Duration::from_secs(60);

/// The fence is Redis' clock in microseconds, or one more than the last: it rises even if Redis has forgotten the last.
const TAKE: &str = "
    if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
    local time = redis.call('TIME')
    local last = tonumber(redis.call('GET', KEYS[2]) or '0')
    local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
    redis.call('SET', KEYS[2], fence, 'PX', ARGV[3])
    return fence";

const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
    return 0";

/// What a script that writes under a lock begins with: nothing is written for who was overtaken.
const FENCED: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end\n";

/// Locks in Redis. A lock and its fence are keys of their own, in the same slot of a cluster.
pub struct RedisLocks {
    link: RedisLink,
    take: Script,
    release: Script,
}

impl RedisLocks {
    /// Locks that are kept there.
    pub fn new(link: RedisLink) -> Self {
        Self { link, take: Script::new(TAKE), release: Script::new(RELEASE) }
    }
}

/// The key of what belongs to a lock's name. All keys of one name are in one slot of a cluster.
pub fn key(name: &str, part: &str) -> String {
    format!("blockhub:{{{name}}}:{part}")
}

/// A script that writes under a lock. Its own keys and arguments begin at 2; it answers nil when it has written nothing,
/// because the lock has been taken by somebody else since.
pub fn fenced(body: &str) -> Script {
    Script::new(&format!("{FENCED}{body}"))
}

/// A fenced script, ready for its own keys and arguments.
pub fn under<'a>(lease: &Lease, script: &'a Script) -> ScriptInvocation<'a> {
    let mut call = script.prepare_invoke();
    call.key(key(&lease.name, "fence")).arg(lease.fence);
    call
}

#[async_trait]
impl Locks for RedisLocks {
    async fn try_take(&self, name: &str) -> Result<Option<Lease>, LockError> {
        let token = Uuid::new_v4();
        let mut call = self.take.prepare_invoke();
        call.key(key(name, "lock")).key(key(name, "fence"));
        call.arg(token.to_string()).arg(ms(HELD_MAX)).arg(ms(FENCE_KEPT));
        let fence: Option<u64> = self.link.run_script(&call).await.map_err(failed)?;
        Ok(fence.map(|fence| Lease { name: name.to_owned(), fence, token }))
    }

    async fn release(&self, lease: Lease) -> Result<(), LockError> {
        let mut call = self.release.prepare_invoke();
        call.key(key(&lease.name, "lock")).arg(lease.token.to_string());
        self.link.run_script::<u64>(&call).await.map(drop).map_err(failed)
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whoever asked can only try again; what was odd is for the log.
fn failed(error: RedisLinkError) -> LockError {
    if let RedisLinkError::Refused(error) = error {
        tracing::error!(%error, "Redis refuses what locks need");
    }
    LockError::Unavailable
}
