//! Caches: what is read often and changes seldom, in this process and, where that pays, in Redis.
//!
//! Promises:
//! - a key is loaded once at a time on this hub, in a task that nobody cancels, and where Redis is used mostly once at a
//!   time over all hubs;
//! - what was forgotten is not found again, not even if it was being loaded just then;
//! - no entry is used after its TTL; what is used often is loaded again a little before;
//! - memory is bounded in bytes; without Redis, and while it is away, everything goes on.
//!
//! Must never: be what correctness rests on. Whether an entry may still be used is for those to say who know what it is:
//! they bring a judge with every read.

pub mod figures;
pub mod flight;
pub mod key;
pub mod local;
pub mod recent;
pub mod redis;

use std::sync::Arc;
use std::time::Instant;

use self::figures::{Counters, Figures};
use self::flight::{Flights, Lost};
use self::key::{Generations, Group, Key, Kind};
use self::local::{Local, Weighed};
use self::redis::{Portable, Shared};
use crate::redis_link::RedisLink;

/// Whether anything is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Using {
    /// Yes.
    #[default]
    On,
    /// No: everything is loaded whenever it is asked for.
    Off,
}

/// How caches are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether.
    pub using: Using,
    /// What all kinds together may hold, in bytes.
    pub bytes_max: usize,
    /// What hubs share.
    pub redis: Option<RedisLink>,
}

impl Options {
    /// What hubs share, if anything is kept.
    pub fn shares(&self) -> Option<RedisLink> {
        self.redis.clone().filter(|_| self.using == Using::On)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { using: Using::On, bytes_max: 64 << 20, redis: None }
    }
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed<E> {
    /// It could not be loaded.
    Failed(E),
    /// The load ended without an answer: it panicked or took too long. Asked again, it is loaded anew.
    Lost,
}

/// How a read that finds its entry is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody was asked.
    Hit,
    /// The store was asked whether it is still so.
    Confirmed,
}

/// The cache of one kind of values. Clones share it.
pub struct Cache<V, E> {
    kept: Arc<Kept<V, E>>,
}

impl<V, E> Clone for Cache<V, E> {
    fn clone(&self) -> Self {
        Self { kept: self.kept.clone() }
    }
}

struct Kept<V, E> {
    kind: Kind,
    using: Using,
    bytes_max: usize,
    local: Local<V>,
    generations: Generations,
    flights: Flights<Key, Result<V, E>>,
    counters: Counters,
    shared: Option<Shared>,
}

impl<V: Weighed, E: Clone + Send + Sync + 'static> Cache<V, E> {
    /// An empty one.
    pub fn new(kind: Kind, options: &Options) -> Self {
        let terms = kind.terms();
        let bytes_max = options.bytes_max / 16 * terms.sixteenths;
        Self {
            kept: Arc::new(Kept {
                kind,
                using: options.using,
                bytes_max,
                local: Local::new(bytes_max, terms.ttl),
                generations: Generations::default(),
                flights: Flights::default(),
                counters: Counters::new(kind),
                shared: options.shares().map(|link| Shared::new(link, kind)),
            }),
        }
    }

    /// The value, if it is kept in this process and no older than its TTL. Not counted as a read.
    pub async fn peek(&self, key: Key) -> Option<V> {
        let held = self.kept.local.get(&self.kept.generations.stamp(key)).await?;
        Some(held.value.clone())
    }

    /// The value that is kept, if `is_good` says so, else what is loaded, by whoever asked first.
    pub async fn get<F>(
        &self,
        key: Key,
        found: Found,
        is_good: impl Fn(&V) -> bool + Send + Sync + 'static,
        load: impl FnOnce() -> F + Send,
    ) -> Result<V, Missed<E>>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        let kept = self.kept.clone();
        self.find(key, found, is_good, || {
            let load = load();
            async move { kept.counted(load).await }
        })
        .await
    }

    async fn find<F>(
        &self,
        key: Key,
        found: Found,
        is_good: impl Fn(&V) -> bool + Send + Sync + 'static,
        load: impl FnOnce() -> F + Send,
    ) -> Result<V, Missed<E>>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        let kept = &self.kept;
        if kept.using == Using::Off {
            return load().await.map_err(Missed::Failed);
        }
        let key = kept.generations.stamp(key);
        let Some(held) = kept.local.get(&key).await.filter(|held| is_good(&held.value)) else {
            kept.counters.miss();
            let work = || kept.clone().look_again(key.clone(), is_good, load());
            let loaded = kept.flights.join(key.clone(), work).await;
            return loaded.map_err(|Lost| Missed::Lost)?.map_err(Missed::Failed);
        };
        match found {
            Found::Hit => kept.counters.hit(),
            Found::Confirmed => kept.counters.confirmed(),
        }
        if held.is_due(Instant::now()) {
            kept.counters.refresh();
            drop(kept.flights.begin(key.clone(), || kept.clone().load(key, load())));
        }
        Ok(held.value.clone())
    }

    /// Keeps a value that is known anyhow.
    pub async fn put(&self, key: Key, value: V) {
        if self.kept.using == Using::On {
            self.kept.local.put(self.kept.generations.stamp(key), value).await;
        }
    }

    /// Forgets a group, in this process: nothing that was read before is found from now on.
    pub fn forget(&self, group: &Group) {
        self.kept.generations.forget(group);
        if matches!(group, Group::Kind(_)) {
            self.kept.local.clear();
        }
    }

    /// Whether anything is kept.
    pub fn using(&self) -> Using {
        self.kept.using
    }

    /// Which kind it keeps.
    pub fn kind(&self) -> Kind {
        self.kept.kind
    }

    /// What was counted, and what there is.
    pub async fn figures(&self) -> Figures {
        self.kept.local.settle().await;
        let (entries, bytes) = self.kept.local.size();
        let oldest = self.kept.local.oldest();
        let oldest_ms = oldest.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        Figures { entries, bytes, bytes_max: self.kept.bytes_max as u64, oldest_ms, ..self.kept.counters.read() }
    }

    /// Tells Prometheus what there is.
    pub fn tell_size(&self) {
        let (entries, bytes) = self.kept.local.size();
        metrics::gauge!("blockhub_cache_entries", "kind" => self.kept.kind.name()).set(entries as f64);
        metrics::gauge!("blockhub_cache_bytes", "kind" => self.kept.kind.name()).set(bytes as f64);
    }
}

impl<V: Weighed + Portable, E: Clone + Send + Sync + 'static> Cache<V, E> {
    /// As `get`, but before it is loaded Redis is asked, and of all hubs one loads while the others wait for it a while.
    /// Only for values whose key says all: what is in Redis is not forgotten with its group, only with its kind.
    pub async fn get_shared<F>(
        &self,
        key: Key,
        is_good: impl Fn(&V) -> bool + Clone + Send + Sync + 'static,
        load: impl FnOnce() -> F + Send,
    ) -> Result<V, Missed<E>>
    where
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        let (kept, name, judge) = (self.kept.clone(), key.clone(), is_good.clone());
        self.find(key, Found::Hit, is_good, || {
            let load = load();
            async move {
                let load = kept.counted(load);
                match &kept.shared {
                    Some(shared) => shared.one_loads(&name, judge, &kept.counters, load).await,
                    None => load.await,
                }
            }
        })
        .await
    }

    /// Brings what Redis has of these into this process; those that it has not.
    pub async fn fetch_many(&self, keys: Vec<Key>) -> Vec<Key> {
        let Some(shared) = &self.kept.shared else { return keys };
        let found = shared.get_many::<V>(&keys, &self.kept.counters).await;
        let mut missing = Vec::new();
        for (key, found) in keys.into_iter().zip(found) {
            match found {
                Some(value) => self.put(key, value).await,
                None => missing.push(key),
            }
        }
        missing
    }

    /// Puts these into Redis.
    pub async fn share_many(&self, values: &[(Key, V)]) {
        if let Some(shared) = &self.kept.shared {
            shared.put_many(values).await;
        }
    }

    /// Forgets everything, for all hubs that read it from Redis.
    pub async fn forget_shared(&self) {
        self.forget(&Group::Kind(self.kept.kind));
        if let Some(shared) = &self.kept.shared {
            shared.forget().await;
        }
    }
}

impl<V: Weighed, E: Clone + Send + Sync + 'static> Kept<V, E> {
    /// Between the look of who asked and now, another load may have ended.
    async fn look_again(
        self: Arc<Self>,
        key: Key,
        is_good: impl Fn(&V) -> bool + Send + Sync,
        load: impl Future<Output = Result<V, E>> + Send,
    ) -> Result<V, E> {
        match self.local.get(&key).await.filter(|held| is_good(&held.value)) {
            Some(held) => Ok(held.value.clone()),
            None => self.load(key, load).await,
        }
    }

    async fn load(self: Arc<Self>, key: Key, load: impl Future<Output = Result<V, E>> + Send) -> Result<V, E> {
        let loaded = load.await;
        if let Ok(value) = &loaded {
            // If the group was forgotten meanwhile, nobody asks by this key any more.
            self.local.put(key, value.clone()).await;
        }
        loaded
    }

    async fn counted(&self, load: impl Future<Output = Result<V, E>> + Send) -> Result<V, E> {
        let began = Instant::now();
        let loaded = load.await;
        self.counters.loaded(began.elapsed(), &loaded);
        loaded
    }
}
