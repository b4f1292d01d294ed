//! What a limit check costs while its lease holds, and what a lease costs: `cargo run --release --example limits`, with
//! `REDIS_URL` for leases.
//!
//! Promises: checks that asked are counted as leases, not as checks.
//! Must never: be a test; machines differ.

use std::time::{Duration, Instant};

use blockhub::domain::access::Tier;
use blockhub::domain::ids::{HubRun, UserId};
use blockhub::domain::quota::Resource;
use blockhub::limit::{Limits, PATIENCE, Spender};
use blockhub::redis_link::RedisLink;
use blockhub::redis_link::address::RedisAddress;
use uuid::Uuid;

const USERS: usize = 2_000;
/// Of each user: as many as one lease holds (a fiftieth of what enterprise has a minute).
const CHECKS: usize = 1_000;

#[tokio::main]
async fn main() {
    let alone = Limits::alone();
    let (first, others) = measure(&alone).await;
    println!("alone: {:.0} ns for the first check of a user, {:.0} ns for each other", ns(median(first)), others);
    let Ok(url) = std::env::var("REDIS_URL") else { return println!("REDIS_URL is not set: no leases") };
    let address = RedisAddress::parse(&url).unwrap_or_else(|error| panic!("REDIS_URL: {error}"));
    let shared = Limits::shared(RedisLink::open(address), HubRun(Uuid::new_v4()), PATIENCE);
    let (mut first, others) = measure(&shared).await;
    first.sort_unstable();
    let slowest = first.last().copied().unwrap_or_default();
    println!("shared: {others:.0} ns for each check while its lease holds");
    println!("a lease: median {:.0} µs, slowest {:.0} µs", ns(median(first)) / 1e3, ns(slowest) / 1e3);
}

/// What the first check of each user took, and the mean of the others in nanoseconds.
async fn measure(limits: &Limits) -> (Vec<Duration>, f64) {
    let (mut first, mut others) = (Vec::with_capacity(USERS), Duration::ZERO);
    for _ in 0..USERS {
        let user = UserId::from(Uuid::new_v4().to_string().as_str());
        first.push(spend(limits, &user, 1).await);
        others += spend(limits, &user, CHECKS).await;
    }
    (first, ns(others) / (USERS * CHECKS) as f64)
}

async fn spend(limits: &Limits, user: &UserId, checks: usize) -> Duration {
    let began = Instant::now();
    for _ in 0..checks {
        let spender = Spender { user: Some((user, Tier::Enterprise)), ..Spender::default() };
        assert!(limits.spend(Resource::Signal, spender).await.is_ok(), "a check was refused");
    }
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ns(time: Duration) -> f64 {
    time.as_nanos() as f64
}
