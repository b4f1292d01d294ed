//! The lock: one holder, over all hubs, and not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use blockhub::session::lock::local::LocalLocks;
use blockhub::session::lock::redis::{RedisLocks, fenced, key, under};
use blockhub::session::lock::{HELD_MAX, LockError, Locks, PATIENCE};
use redis::cmd;
use tokio::time::Instant;

use super::{House, fresh, on_local_and_redis};
use crate::harness::redis::{link, shared_url};

on_local_and_redis!(
    one_at_a_time_holds_a_lock_over_two_hubs,
    each_taking_has_a_higher_fence,
    a_lock_that_is_held_is_busy_when_patience_ends,
);

fn name() -> String {
    format!("test:{}", fresh())
}

pub async fn one_at_a_time_holds_a_lock_over_two_hubs(house: &House) {
    const ROUNDS: usize = 5;
    let (name, inside, done) = (name(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (name, inside, done, locks) = (name.clone(), inside.clone(), done.clone(), house.locks[n % 2].clone());
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let lease = locks.take(&name, Duration::from_secs(60)).await.unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold one lock");
                    let read = done.load(Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    done.store(read + 1, Ordering::SeqCst);
                    inside.fetch_sub(1, Ordering::SeqCst);
                    locks.release(lease).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(done.load(Ordering::SeqCst), 16 * ROUNDS);
}

pub async fn each_taking_has_a_higher_fence(house: &House) {
    let name = name();
    let mut last = 0;
    for n in 0..20 {
        let lease = house.locks[n % 2].try_take(&name).await.unwrap().unwrap();
        assert!(lease.fence > last, "{} after {last}", lease.fence);
        last = lease.fence;
        house.locks[(n + 1) % 2].release(lease).await.unwrap();
    }
}

pub async fn a_lock_that_is_held_is_busy_when_patience_ends(house: &House) {
    let (held, other) = (name(), name());
    let lease = house.locks[0].try_take(&held).await.unwrap().unwrap();
    assert_eq!(house.locks[1].try_take(&held).await, Ok(None));
    let patience = Duration::from_millis(80);
    assert_eq!(house.locks[1].take(&held, patience).await, Err(LockError::Busy));
    assert!(house.locks[1].take(&other, patience).await.is_ok());
    house.locks[0].release(lease).await.unwrap();
    assert!(house.locks[1].take(&held, patience).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_a_local_lock_waits_five_seconds_and_its_holder_has_ten() {
    let (locks, name) = (LocalLocks::default(), name());
    let stopped = locks.try_take(&name).await.unwrap().unwrap();
    let begun = Instant::now();
    assert_eq!(locks.take(&name, PATIENCE).await, Err(LockError::Busy));
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
    let next = locks.take(&name, PATIENCE).await.unwrap();
    assert!(begun.elapsed() >= HELD_MAX && next.fence > stopped.fence);
    // The one that stopped comes back: the lock is not its own any more.
    locks.release(stopped).await.unwrap();
    assert_eq!(locks.try_take(&name).await, Ok(None));
    locks.release(next).await.unwrap();
    assert!(locks.try_take(&name).await.unwrap().is_some());
}

#[tokio::test]
async fn a_lock_in_redis_opens_by_itself_and_only_its_holder_opens_it_sooner() {
    let (link, name) = (link(&shared_url()), name());
    let locks = RedisLocks::new(link.clone());
    let stopped = locks.try_take(&name).await.unwrap().unwrap();
    let left: u64 = link.run(cmd("PTTL").arg(key(&name, "lock"))).await.unwrap();
    assert!(left > 0 && u128::from(left) <= HELD_MAX.as_millis(), "{left}");
    time_passes(&link, &name).await;
    let next = locks.try_take(&name).await.unwrap().unwrap();
    locks.release(stopped).await.unwrap();
    assert_eq!(locks.try_take(&name).await, Ok(None));
    locks.release(next).await.unwrap();
    assert!(locks.try_take(&name).await.unwrap().is_some());
}

#[tokio::test]
async fn a_holder_that_was_overtaken_writes_nothing() {
    let (link, name) = (link(&shared_url()), name());
    let (here, there) = (RedisLocks::new(link.clone()), RedisLocks::new(link.clone()));
    let script = fenced("redis.call('SET', KEYS[2], ARGV[2], 'PX', 60000) return 1");
    let write = async |lease, words: &str| {
        let mut call = under(lease, &script);
        call.key(key(&name, "value")).arg(words);
        link.run_script::<Option<i64>>(&call).await.unwrap()
    };
    let value = async || link.run::<Option<String>>(cmd("GET").arg(key(&name, "value"))).await.unwrap();
    let stopped = here.try_take(&name).await.unwrap().unwrap();
    assert_eq!((write(&stopped, "in time").await, value().await.as_deref()), (Some(1), Some("in time")));
    time_passes(&link, &name).await;
    let next = there.try_take(&name).await.unwrap().unwrap();
    // Already before the next holder has written: it may have read.
    assert_eq!((write(&stopped, "late").await, value().await.as_deref()), (None, Some("in time")));
    assert_eq!(write(&next, "next").await, Some(1));
    assert_eq!((write(&stopped, "later").await, value().await.as_deref()), (None, Some("next")));
    there.release(next.clone()).await.unwrap();
    assert_eq!((write(&stopped, "last").await, value().await.as_deref()), (None, Some("next")));
}

#[tokio::test]
async fn fences_rise_even_if_redis_has_forgotten_them() {
    let (link, name) = (link(&shared_url()), name());
    let locks = RedisLocks::new(link.clone());
    let first = locks.try_take(&name).await.unwrap().unwrap();
    link.run::<()>(cmd("DEL").arg(key(&name, "lock")).arg(key(&name, "fence"))).await.unwrap();
    assert_eq!(link.run_script::<Option<i64>>(&under(&first, &fenced("return 1"))).await.unwrap(), None);
    let second = locks.try_take(&name).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
}

/// Redis opens the lock, as it does when its time is over.
async fn time_passes(link: &blockhub::redis_link::RedisLink, name: &str) {
    assert_eq!(link.run::<i64>(cmd("DEL").arg(key(name, "lock"))).await.unwrap(), 1);
}
