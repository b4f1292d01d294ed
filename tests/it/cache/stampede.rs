//! Many who ask for the same at once, and what becomes of whoever asked first.

use std::sync::Arc;

use blockhub::cache::key::{Group, Key, Kind};
use blockhub::cache::{Found, Missed};
use blockhub::domain::ids::ProjectId;
use blockhub::domain::sequence::{Epoch, Seq};
use futures_util::future::join_all;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Loads, Text, TextCache, cache, fine, fresh_key};
use crate::harness::redis::{RedisServer, ask as redis_ask, shared_url, until};

/// A load that says when it has begun and waits until it may end.
#[derive(Clone, Default)]
struct Gate {
    begun: Arc<Notify>,
    may_end: Arc<Notify>,
}

impl Gate {
    fn before(
        &self,
        load: impl Future<Output = Result<Text, &'static str>> + Send + 'static,
    ) -> impl Future<Output = Result<Text, &'static str>> + Send + 'static {
        let gate = self.clone();
        async move {
            gate.begun.notify_one();
            gate.may_end.notified().await;
            load.await
        }
    }
}

async fn get(
    cache: &TextCache,
    key: &Key,
    load: impl Future<Output = Result<Text, &'static str>> + Send + 'static,
) -> Result<Text, Missed<&'static str>> {
    cache.get(key.clone(), Found::Hit, |_| true, || load).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_who_ask_for_a_cold_key_have_it_loaded_once() {
    let (cache, key, loads, gate) = (cache(None), fresh_key(), Loads::default(), Gate::default());
    let asking: Vec<_> = (0..5_000)
        .map(|_| {
            let (cache, key, load) = (cache.clone(), key.clone(), gate.before(loads.of("it")));
            tokio::spawn(async move { get(&cache, &key, load).await })
        })
        .collect();
    // Nobody is answered before all have asked.
    until("all have asked", async || (cache.figures().await.misses == 5_000).then_some(())).await;
    gate.may_end.notify_one();
    for answer in join_all(asking).await {
        assert_eq!(answer.unwrap(), fine("it"));
    }
    assert_eq!(loads.count(), 1);
    let figures = cache.figures().await;
    assert_eq!((figures.misses, figures.loads, figures.entries), (5_000, 1, 1), "{figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_on_two_hubs_that_share_a_redis_have_it_loaded_once() {
    let server = RedisServer::start(&[]).await;
    let (caches, key, loads) = ([(); 2].map(|()| cache(Some(&server.url()))), fresh_key(), Loads::default());
    let gate = Gate::default();
    let ask = |number: usize| {
        let (cache, key, load) = (caches[number % 2].clone(), key.clone(), gate.before(loads.of("it")));
        tokio::spawn(async move { cache.get_shared(key, |_| true, || load).await })
    };
    let asking: Vec<_> = (0..5_000).map(ask).collect();
    // One hub loads and the other has tried to: both write a lock, or want to.
    until("both hubs want to load", async || {
        let told: String = redis_ask(&server.url(), &["INFO", "commandstats"]).await.ok()?;
        let sets = told.lines().find_map(|line| line.strip_prefix("cmdstat_set:calls="))?;
        (sets.split(',').next()?.parse::<u32>().ok()? >= 2).then_some(())
    })
    .await;
    gate.may_end.notify_one();
    gate.may_end.notify_one();
    for answer in join_all(asking).await {
        assert_eq!(answer.unwrap(), fine("it"));
    }
    assert_eq!(loads.count(), 1);
}

/// One hub looks and finds nothing; before it takes the turn, all of another hub's load happens.
#[tokio::test]
async fn a_load_that_another_hub_ended_just_now_is_not_done_again() {
    let server = RedisServer::start(&[]).await;
    let url = server.url();
    let ([one, other], key, loads) = ([(); 2].map(|()| cache(Some(&url))), fresh_key(), Loads::default());
    let first = loads.of("it");
    assert_eq!(one.get_shared(key.clone(), |_| true, || first).await, fine("it"));
    let place = format!("blockhub:cache:{key}");
    let _: String = redis_ask(&url, &["RENAME", &place, "aside"]).await.unwrap();
    // Reads go on, and writes wait in the order in which they came: the value, then the other hub's turn.
    let _: String = redis_ask(&url, &["CLIENT", "PAUSE", "60000", "WRITE"]).await.unwrap();
    let back = {
        let (url, place) = (url.clone(), place.clone());
        tokio::spawn(async move { redis_ask::<String>(&url, &["RENAME", "aside", &place]).await })
    };
    blocked(&url, 1).await;
    let second = {
        let load = loads.of("again");
        tokio::spawn(async move { other.get_shared(key, |_| true, || load).await })
    };
    blocked(&url, 2).await;
    let _: String = redis_ask(&url, &["CLIENT", "UNPAUSE"]).await.unwrap();
    assert_eq!(second.await.unwrap(), fine("it"));
    assert_eq!(loads.count(), 1);
    assert!(back.await.unwrap().is_ok());
    let lock: Option<String> = redis_ask(&url, &["GET", &format!("{place}:lock")]).await.unwrap();
    assert_eq!(lock, None);
}

/// Waits until so many connections wait for Redis.
async fn blocked(url: &str, count: usize) {
    until("writes wait", async || {
        let told: String = redis_ask(url, &["INFO", "clients"]).await.ok()?;
        let blocked = told.lines().find_map(|line| line.strip_prefix("blocked_clients:"))?;
        (blocked.trim().parse::<usize>().ok()? >= count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_asked_first_may_go_away() {
    let (cache, key, loads, gate) = (cache(None), fresh_key(), Loads::default(), Gate::default());
    let first = {
        let (cache, key, load) = (cache.clone(), key.clone(), gate.before(loads.of("it")));
        tokio::spawn(async move { get(&cache, &key, load).await })
    };
    gate.begun.notified().await;
    let second = {
        let (cache, key, load) = (cache.clone(), key.clone(), loads.of("another"));
        tokio::spawn(async move { get(&cache, &key, load).await })
    };
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.may_end.notify_one();
    assert_eq!(second.await.unwrap(), fine("it"));
    assert_eq!(loads.count(), 1);
}

#[tokio::test]
async fn a_load_that_panics_is_an_error_for_those_who_wait_and_the_next_asks_anew() {
    let (cache, key, loads, gate) = (cache(None), fresh_key(), Loads::default(), Gate::default());
    let panicking = gate.before(async { panic!("planted") });
    let first = {
        let (cache, key) = (cache.clone(), key.clone());
        tokio::spawn(async move { get(&cache, &key, panicking).await })
    };
    gate.begun.notified().await;
    let second = get(&cache, &key, loads.of("another"));
    gate.may_end.notify_one();
    assert_eq!(second.await, Err(Missed::Lost));
    assert_eq!(first.await.unwrap(), Err(Missed::Lost));
    assert_eq!(get(&cache, &key, loads.of("it")).await, fine("it"));
    assert_eq!(loads.count(), 1);
}

#[tokio::test]
async fn a_hub_that_dies_while_it_loads_holds_nobody_up() {
    let url = shared_url();
    let (dead, alive, key, gate) = (cache(Some(&url)), cache(Some(&url)), fresh_key(), Gate::default());
    let dying = {
        let (key, never) = (key.clone(), gate.before(async { Ok(Text("never".to_owned())) }));
        tokio::spawn(async move { dead.get_shared(key, |_| true, || never).await })
    };
    gate.begun.notified().await;
    let loads = Loads::default();
    let load = loads.of("it");
    assert_eq!(alive.get_shared(key, |_| true, || load).await, fine("it"));
    assert_eq!(loads.count(), 1);
    assert!(!dying.is_finished());
}

#[tokio::test]
async fn what_failed_is_not_kept() {
    let (cache, key, loads) = (cache(None), fresh_key(), Loads::default());
    assert_eq!(get(&cache, &key, async { Err("planted") }).await, Err(Missed::Failed("planted")));
    assert_eq!(get(&cache, &key, loads.of("it")).await, fine("it"));
}

#[tokio::test]
async fn what_is_forgotten_while_it_is_loaded_is_not_found() {
    let project = ProjectId(Uuid::new_v4());
    let key = Key::snapshot(project, Epoch { log: 7, timeline: 1 }, Seq(1));
    for group in [Group::Project(project), Group::Kind(Kind::Snapshots)] {
        let (cache, loads, gate) = (cache(None), Loads::default(), Gate::default());
        let first = {
            let (cache, key, load) = (cache.clone(), key.clone(), gate.before(loads.of("old")));
            tokio::spawn(async move { get(&cache, &key, load).await })
        };
        gate.begun.notified().await;
        cache.forget(&group);
        assert_eq!(get(&cache, &key, loads.of("new")).await, fine("new"));
        gate.may_end.notify_one();
        assert_eq!(first.await.unwrap(), fine("old"));
        assert_eq!(get(&cache, &key, loads.of("newer")).await, fine("new"), "{group}");
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded_in_bytes() {
    let cache = cache(None);
    for _ in 0..200 {
        let large = Text("x".repeat(10_000));
        cache.put(fresh_key(), large).await;
    }
    let figures = cache.figures().await;
    assert!(figures.bytes <= figures.bytes_max && figures.entries > 0, "{figures:?}");
    assert!(figures.entries <= figures.bytes_max / 10_000, "{figures:?}");
    assert_eq!(figures.bytes_max, (1 << 20) / 16 * 11);
}

#[test]
fn groups_are_told_as_text_and_understood() {
    let groups = [Group::Kind(Kind::Themes), Group::Project(ProjectId(Uuid::new_v4())), Group::Theme("a.b-c".into())];
    for group in groups {
        assert_eq!(group.to_string().parse(), Ok(group));
    }
    for odd in ["", "theme", "project:x", "kind:users"] {
        assert!(odd.parse::<Group>().is_err(), "{odd}");
    }
}
