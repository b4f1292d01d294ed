//! The second level: values in Redis, for all hubs.
//!
//! Promises: a value that is read equals one that was written under the same key since its kind was last forgotten;
//! what is not is dropped and counted. Of all hubs that miss a value one loads it, and the others wait for it, for
//! `PATIENCE` at most: a hub that dies while it loads holds nobody up for longer.
//! Must never: be needed. Each call is bounded by `ANSWER_WITHIN`; after one that fails Redis is left alone for a while,
//! and everybody loads for themselves.

use std::time::{Duration, Instant};

use ::redis::{Cmd, FromRedisValue, Script, cmd};
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::figures::Counters;
use super::key::{Key, Kind};
use crate::pause::Pause;
use crate::redis_link::seal;
use crate::redis_link::{RedisLink, RedisLinkError};

/// For one call: a cache that is slower than what it saves is none.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);
/// After a call that failed, for so long nobody asks.
const ALONE_FOR: Duration = Duration::from_secs(1);
/// How long a hub that loads may keep the others from it.
const LOCK_HELD: Duration = Duration::from_secs(3);
/// How long the others wait before they load themselves.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks, at first and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));
/// Larger values stay in the process that made them.
const VALUE_BYTES_MAX: usize = 4 << 20;
/// The first word of every value.
const VERSION: &str = "1";

const RELEASE: &str = "
    if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
    return 0";

/// A value that can leave the process.
pub trait Portable: Sized {
    /// As bytes.
    fn to_bytes(&self) -> Vec<u8>;
    /// The value that was written so; `None` if there is none.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Redis does not help now.
struct Away;

/// What a look found.
enum Look<V> {
    Value(V),
    /// Nothing; what is written now belongs to this generation of the kind.
    Nothing(u64),
}

/// Who loads.
enum Turn {
    /// This hub; the lock bears this token.
    Mine(Uuid),
    Others,
}

pub(super) struct Shared {
    link: RedisLink,
    kind: Kind,
    release: Script,
    /// Until when nobody asks. Written by calls that fail, read by all.
    alone_until: Mutex<Option<Instant>>,
}

impl Shared {
    pub(super) fn new(link: RedisLink, kind: Kind) -> Self {
        Self { link, kind, release: Script::new(RELEASE), alone_until: Mutex::new(None) }
    }

    /// The value as Redis has it, or as `load` gives it, on this hub or another.
    pub(super) async fn one_loads<V: Portable, E>(
        &self,
        key: &Key,
        is_good: impl Fn(&V) -> bool,
        counters: &Counters,
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        match self.value_or_turn(key, is_good, counters).await {
            Ok(Ok(value)) => {
                counters.shared();
                Ok(value)
            }
            Ok(Err((generation, token))) => {
                let loaded = load.await;
                if let Ok(value) = &loaded {
                    // What cannot be written is loaded again.
                    let _ = self.write(key, generation, value).await;
                }
                self.release(key, token).await;
                loaded
            }
            // It is away, or who loads takes too long.
            Err(Away) => load.await,
        }
    }

    /// The value, once it is there, or the turn to load it.
    async fn value_or_turn<V: Portable>(
        &self,
        key: &Key,
        is_good: impl Fn(&V) -> bool,
        counters: &Counters,
    ) -> Result<Result<V, (u64, Uuid)>, Away> {
        let (end, mut pause) = (Instant::now() + PATIENCE, Pause::between(LOOKS.0, LOOKS.1));
        loop {
            if let Look::Value(value) = self.look(key, &is_good, counters).await? {
                return Ok(Ok(value));
            }
            if let Turn::Mine(token) = self.turn(key).await? {
                return self.look_in_turn(key, token, is_good, counters).await;
            }
            if Instant::now() >= end {
                return Err(Away);
            }
            sleep(pause.draw()).await;
        }
    }

    /// Who had the turn before may have ended between the look and the turn: the value is there then.
    async fn look_in_turn<V: Portable>(
        &self,
        key: &Key,
        token: Uuid,
        is_good: impl Fn(&V) -> bool,
        counters: &Counters,
    ) -> Result<Result<V, (u64, Uuid)>, Away> {
        let found = match self.look(key, is_good, counters).await {
            Ok(Look::Nothing(generation)) => return Ok(Err((generation, token))),
            Ok(Look::Value(value)) => Ok(Ok(value)),
            Err(Away) => Err(Away),
        };
        self.release(key, token).await;
        found
    }

    /// What is there. A value that is not good makes everybody load for themselves.
    async fn look<V: Portable>(
        &self,
        key: &Key,
        is_good: impl Fn(&V) -> bool,
        counters: &Counters,
    ) -> Result<Look<V>, Away> {
        let (line, generation) = (cmd("GET").arg(place(key)).to_owned(), self.generation());
        let (line, generation) = tokio::join!(self.ask::<Option<Vec<u8>>>(&line), generation);
        let (line, generation) = (line?, generation?);
        let Some(line) = line else { return Ok(Look::Nothing(generation)) };
        match self.read(key, generation, &line, counters).await? {
            Look::Value(value) if !is_good(&value) => Err(Away),
            found => Ok(found),
        }
    }

    async fn read<V: Portable>(
        &self,
        key: &Key,
        generation: u64,
        line: &[u8],
        counters: &Counters,
    ) -> Result<Look<V>, Away> {
        match opened(key, line) {
            Some((written_in, value)) if written_in == generation => Ok(Look::Value(value)),
            // Its kind was forgotten since.
            Some(_) => Ok(Look::Nothing(generation)),
            None => {
                counters.dropped();
                tracing::warn!(%key, "a cached value in Redis is not what was written, and is dropped");
                self.ask::<()>(cmd("DEL").arg(place(key))).await?;
                Ok(Look::Nothing(generation))
            }
        }
    }

    async fn write<V: Portable>(&self, key: &Key, generation: u64, value: &V) -> Result<(), Away> {
        let bytes = value.to_bytes();
        if bytes.len() > VALUE_BYTES_MAX {
            return Ok(());
        }
        let head = format!("{key}\n{generation}\n");
        let line = seal::seal(VERSION, &[head.as_bytes(), &bytes].concat());
        let ttl = ms(self.kind.terms().ttl);
        self.ask(cmd("SET").arg(place(key)).arg(line).arg("PX").arg(ttl)).await
    }

    /// What Redis has of these, in their order.
    pub(super) async fn get_many<V: Portable>(&self, keys: &[Key], counters: &Counters) -> Vec<Option<V>> {
        let none = || keys.iter().map(|_| None).collect();
        if keys.is_empty() {
            return Vec::new();
        }
        let many = cmd("MGET").arg(keys.iter().map(place).collect::<Vec<_>>()).to_owned();
        let (Ok(lines), Ok(generation)) = (self.ask::<Vec<Option<Vec<u8>>>>(&many).await, self.generation().await)
        else {
            return none();
        };
        let mut found = Vec::with_capacity(keys.len());
        for (key, line) in keys.iter().zip(lines) {
            found.push(match line {
                Some(line) => match self.read(key, generation, &line, counters).await {
                    Ok(Look::Value(value)) => Some(value),
                    _ => None,
                },
                None => None,
            });
        }
        found
    }

    /// Writes these; they go out together.
    pub(super) async fn put_many<V: Portable>(&self, values: &[(Key, V)]) {
        if let Ok(generation) = self.generation().await {
            join_all(values.iter().map(|(key, value)| self.write(key, generation, value))).await;
        }
    }

    /// Nothing that was written before is found from now on.
    pub(super) async fn forget(&self) {
        if self.ask::<u64>(cmd("INCR").arg(self.generation_place())).await.is_err() {
            tracing::warn!(kind = self.kind.name(), "Redis is away: what it has of this kind may be read again");
        }
    }

    async fn generation(&self) -> Result<u64, Away> {
        let known: Option<u64> = self.ask(cmd("GET").arg(self.generation_place())).await?;
        Ok(known.unwrap_or(0))
    }

    async fn turn(&self, key: &Key) -> Result<Turn, Away> {
        let token = Uuid::new_v4();
        let mut take = cmd("SET");
        take.arg(lock_place(key)).arg(token.to_string()).arg("NX").arg("PX").arg(ms(LOCK_HELD));
        let taken: Option<String> = self.ask(&take).await?;
        Ok(if taken.is_some() { Turn::Mine(token) } else { Turn::Others })
    }

    /// If that fails, it opens by itself.
    async fn release(&self, key: &Key, token: Uuid) {
        if self.is_left_alone() {
            return;
        }
        let mut call = self.release.prepare_invoke();
        call.key(lock_place(key)).arg(token.to_string());
        let _ = self.bounded(self.link.run_script::<u64>(&call)).await;
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Away> {
        if self.is_left_alone() {
            return Err(Away);
        }
        self.bounded(self.link.run(command)).await
    }

    async fn bounded<T>(&self, call: impl Future<Output = Result<T, RedisLinkError>>) -> Result<T, Away> {
        match timeout(ANSWER_WITHIN, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(RedisLinkError::Refused(error))) => tracing::error!(%error, "Redis refuses what caches need"),
            // The link tells that it is away.
            Ok(Err(RedisLinkError::Unavailable(_))) | Err(_) => {}
        }
        *self.alone_until.lock() = Some(Instant::now() + ALONE_FOR);
        Err(Away)
    }

    fn is_left_alone(&self) -> bool {
        self.alone_until.lock().is_some_and(|until| Instant::now() < until)
    }

    fn generation_place(&self) -> String {
        format!("blockhub:cache:{}:generation", self.kind.name())
    }
}

/// The generation in which it was written, and the value.
fn opened<V: Portable>(key: &Key, line: &[u8]) -> Option<(u64, V)> {
    let content = seal::open(VERSION, line).ok()?;
    let rest = content.strip_prefix(key.to_string().as_bytes())?.strip_prefix(b"\n")?;
    let at = rest.iter().position(|byte| *byte == b'\n')?;
    let generation = std::str::from_utf8(&rest[..at]).ok()?.parse().ok()?;
    Some((generation, V::from_bytes(&rest[at + 1..])?))
}

fn place(key: &Key) -> String {
    format!("blockhub:cache:{key}")
}

fn lock_place(key: &Key) -> String {
    format!("blockhub:cache:{key}:lock")
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
