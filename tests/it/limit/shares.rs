//! Limits of one hub and of several, counted without a socket: S10.

use std::sync::Arc;
use std::time::Duration;

use blockhub::domain::access::Tier;
use blockhub::domain::ids::{HubRun, ProjectId};
use blockhub::domain::quota::Resource;
use blockhub::limit::{self, Keeping, Limits, Spender, Verdict};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{ON_ITS_WAY, left, passed, somebody, spend};
use crate::harness::clock::forward;
use crate::harness::redis::{RedisServer, ask, link, until};

const AI: Resource = Resource::AiText;
/// Of a user who pays nothing, in an hour.
const AI_AMOUNT: usize = 10;

/// A machine that does a lot at once may take its time to answer; where that is what a test is about, it says so.
const PATIENCE: Duration = Duration::from_secs(10);

fn shared(server: &RedisServer) -> Limits {
    Limits::shared(link(&server.url()), HubRun(Uuid::new_v4()), PATIENCE)
}

/// Limits of two hubs that know of each other.
async fn two(server: &RedisServer) -> [Limits; 2] {
    let limits = [shared(server), shared(server)];
    for limits in &limits {
        until("both hubs are counted", async || {
            (limits.keeping() == Some(Keeping::Together { hubs: 2 })).then_some(())
        })
        .await;
    }
    limits
}

#[tokio::test(start_paused = true)]
async fn one_hub_alone_keeps_the_budget_and_says_when_there_is_more() {
    let (limits, ann, bob) = (Limits::alone(), somebody(), somebody());
    assert_eq!(passed(&limits, &ann, AI, 30).await, AI_AMOUNT);
    assert_eq!(spend(&limits, &bob, AI).await, Ok(()));
    let denied = spend(&limits, &ann, AI).await.unwrap_err();
    assert!((3_600_000..=3_720_000).contains(&denied.retry_after_ms), "{denied:?}");
    assert_eq!((denied.verdict, left(&limits, &ann, AI).await), (Verdict::Wait, 0));
    tokio::time::advance(Duration::from_millis(denied.retry_after_ms)).await;
    assert_eq!(passed(&limits, &ann, AI, 30).await, AI_AMOUNT);
}

#[tokio::test]
async fn s10_two_hubs_share_one_budget_whoever_is_asked() {
    let server = RedisServer::start(&[]).await;
    let ([one, other], ann) = (two(&server).await, somebody());
    let mut all = 0;
    for limits in [&one, &other, &other, &one].into_iter().cycle().take(60) {
        all += passed(limits, &ann, AI, 1).await;
    }
    assert_eq!(all, AI_AMOUNT);
    assert_eq!((left(&one, &ann, AI).await, left(&other, &ann, AI).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_many_at_once_on_two_hubs_get_no_more_than_the_budget_and_nearly_all_of_it() {
    let server = RedisServer::start(&[]).await;
    let (limits, ann) = (Arc::new(two(&server).await), somebody());
    let tasks = (0..40).map(|number| {
        let (limits, ann) = (limits.clone(), ann.clone());
        tokio::spawn(async move { passed(&limits[number % 2], &ann, Resource::Edit, 50).await })
    });
    let all: usize = join_all(tasks).await.into_iter().map(Result::unwrap).sum();
    // What a hub has leased and nobody asks it for goes back with its next question.
    assert!((900..=1_000).contains(&all), "{all}");
}

#[tokio::test]
async fn most_checks_ask_nobody() {
    let server = RedisServer::start(&[]).await;
    let (limits, ann) = (shared(&server), somebody());
    let calls = async || -> u64 {
        let stats: String = ask(&server.url(), &["INFO", "commandstats"]).await.unwrap();
        let line = stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap_or_default();
        line.split(['=', ',']).nth(1).unwrap_or("0").parse().unwrap()
    };
    spend(&limits, &ann, Resource::Edit).await.unwrap();
    let before = calls().await;
    assert_eq!(passed(&limits, &ann, Resource::Edit, 500).await, 500);
    let asked = calls().await - before;
    assert!(asked <= 100, "{asked} questions for 500 checks");
}

/// Both hubs have noticed what happened to Redis, and trust it again.
async fn reconciled(one: &Limits, other: &Limits) {
    for limits in [one, other] {
        until("it was noticed", async || {
            let _ = spend(limits, &somebody(), AI).await;
            matches!(limits.keeping(), Some(Keeping::Apart { .. })).then_some(())
        })
        .await;
    }
    for limits in [one, other] {
        until("it is trusted again", async || {
            let _ = spend(limits, &somebody(), AI).await;
            matches!(limits.keeping(), Some(Keeping::Together { hubs: 2 })).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn s10_a_redis_that_forgot_everything_is_told_what_each_hub_let_pass() {
    let server = RedisServer::start(&[]).await;
    let ([one, other], ann) = (two(&server).await, somebody());
    assert_eq!(passed(&one, &ann, AI, 5).await + passed(&other, &ann, AI, 4).await, 9);
    ask::<()>(&server.url(), &["FLUSHALL"]).await.unwrap();
    reconciled(&one, &other).await;
    assert_eq!(passed(&one, &ann, AI, 30).await + passed(&other, &ann, AI, 30).await, 1);
}

#[tokio::test]
async fn s10_while_redis_is_away_each_hub_goes_by_its_share_and_tells_it_afterwards() {
    let mut server = RedisServer::start(&[]).await;
    let ([one, other], ann, bob) = (two(&server).await, somebody(), somebody());
    assert_eq!(passed(&one, &bob, AI, 3).await, 3);
    server.kill().await;
    let all = passed(&one, &ann, AI, 30).await + passed(&other, &ann, AI, 30).await;
    assert_eq!(all, AI_AMOUNT);
    assert_eq!(one.keeping(), Some(Keeping::Apart { hubs: 2 }));
    server.again().await;
    reconciled(&one, &other).await;
    assert_eq!(passed(&one, &ann, AI, 30).await + passed(&other, &ann, AI, 30).await, 0);
    assert_eq!(passed(&other, &bob, AI, 30).await, AI_AMOUNT - 3);
}

#[tokio::test]
async fn a_redis_that_does_not_answer_holds_nobody_up_for_long() {
    let server = RedisServer::start(&[]).await;
    let limits = Limits::shared(link(&server.url()), HubRun(Uuid::new_v4()), limit::PATIENCE);
    until("it answers", async || (limits.keeping() == Some(Keeping::Together { hubs: 1 })).then_some(())).await;
    server.stall().await;
    // One question is not answered; after that nobody asks for a while.
    let begun = tokio::time::Instant::now();
    assert_eq!(passed(&limits, &somebody(), AI, 100).await, AI_AMOUNT);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.resume().await;
}

#[tokio::test]
async fn s10_what_all_hubs_know_is_used_up_stays_so_while_one_gets_no_answers() {
    let server = RedisServer::start(&[]).await;
    let one = shared(&server);
    let other = Limits::shared(link(&server.url()), HubRun(Uuid::new_v4()), Duration::from_secs(2));
    let ann = somebody();
    assert_eq!(passed(&one, &ann, AI, 30).await, AI_AMOUNT);
    assert_eq!(passed(&other, &ann, AI, 1).await, 0);
    server.stall().await;
    // It asks again, and nobody answers.
    forward(Duration::from_millis(1_100)).await;
    assert_eq!(passed(&other, &ann, AI, 30).await, 0);
    server.resume().await;
}

#[tokio::test]
async fn what_was_told_but_not_answered_counts_once() {
    let server = RedisServer::start(&[]).await;
    let limits = Limits::shared(link(&server.url()), HubRun(Uuid::new_v4()), Duration::from_millis(300));
    let (ann, again) = (somebody(), Duration::from_millis(1_100));
    until("it answers", async || {
        spend(&limits, &somebody(), AI).await.ok().filter(|()| limits.keeping() == Some(Keeping::Together { hubs: 1 }))
    })
    .await;
    server.stall().await;
    for _ in 0..3 {
        assert_eq!(passed(&limits, &ann, AI, 1).await, 1);
        forward(again).await;
    }
    server.resume().await;
    until("it is trusted again", async || {
        let _ = spend(&limits, &somebody(), AI).await;
        matches!(limits.keeping(), Some(Keeping::Together { .. })).then_some(())
    })
    .await;
    assert_eq!(passed(&limits, &ann, AI, 30).await, AI_AMOUNT - 3);
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_when_told_to_wait_is_blocked_for_a_growing_time_that_ends() {
    let (limits, ann) = (Limits::alone(), somebody());
    let mut blocks = Vec::new();
    for _ in 0..4 {
        blocks.push(provoke(&limits, &ann).await);
        // Blocked for everything, not only for what was too much.
        assert_eq!(spend(&limits, &ann, Resource::Join).await.unwrap_err().verdict, Verdict::Blocked);
        assert_eq!(spend(&limits, &somebody(), Resource::Join).await, Ok(()));
        let left_ms = limits.blocked_ms(&ann).await.unwrap();
        tokio::time::advance(Duration::from_millis(left_ms)).await;
        assert_eq!(spend(&limits, &ann, Resource::Join).await, Ok(()));
    }
    assert_eq!(blocks, [60_000, 120_000, 240_000, 480_000]);
    // Two hours later it is forgotten.
    tokio::time::advance(Duration::from_secs(7_200)).await;
    assert_eq!(provoke(&limits, &ann).await, 60_000);
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_over_a_slow_line_blocks_nobody() {
    let (limits, ann) = (Limits::alone(), somebody());
    let mut refused = 0;
    // Twice the budget, a hundred a second.
    for _ in 0..2_000 {
        refused += usize::from(spend(&limits, &ann, Resource::Edit).await.is_err());
        tokio::time::advance(Duration::from_millis(9)).await;
    }
    assert_eq!((refused, limits.blocked_ms(&ann).await), (1_000, None));
}

#[tokio::test(start_paused = true)]
async fn an_address_waits_and_is_never_blocked_whoever_is_behind_it() {
    let limits = Limits::alone();
    let from = || Spender { address: Some("198.51.100.7".parse().unwrap()), ..Spender::default() };
    for _ in 0..6_000 {
        limits.spend(Resource::Connection, from()).await.unwrap();
    }
    for _ in 0..300 {
        let denied = limits.spend(Resource::Connection, from()).await.unwrap_err();
        assert_eq!(denied.verdict, Verdict::Wait);
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    assert!(limits.spend(Resource::Call, from()).await.is_ok());
}

#[tokio::test]
async fn a_block_that_redis_was_not_told_of_stands_when_it_is_back() {
    let mut server = RedisServer::start(&[]).await;
    let (limits, ann) = (shared(&server), somebody());
    assert_eq!(passed(&limits, &ann, AI, AI_AMOUNT + 1).await, AI_AMOUNT);
    server.kill().await;
    forward(ON_ITS_WAY).await;
    until("it is too much", async || {
        let denied = spend(&limits, &ann, AI).await.err()?;
        (denied.verdict == Verdict::Blocked).then_some(())
    })
    .await;
    server.again().await;
    until("it is asked again", async || {
        let _ = spend(&limits, &somebody(), AI).await;
        matches!(limits.keeping(), Some(Keeping::Together { .. })).then_some(())
    })
    .await;
    assert_eq!(spend(&limits, &ann, Resource::Join).await.unwrap_err().verdict, Verdict::Blocked);
    assert!(limits.blocked_ms(&ann).await.is_some());
    // Now another hub hears of it, and can end it.
    let other = shared(&server);
    until("the other hub knows", async || other.blocked_ms(&ann).await).await;
    assert!(other.pardon(&ann).await);
    until("it has ended", async || spend(&limits, &ann, Resource::Join).await.ok()).await;
}

#[tokio::test]
async fn what_was_used_before_a_pardon_does_not_count_afterwards() {
    let server = RedisServer::start(&[]).await;
    let limits = Limits::shared(link(&server.url()), HubRun(Uuid::new_v4()), Duration::from_millis(300));
    let ann = somebody();
    trusted(&limits).await;
    server.stall().await;
    assert_eq!(passed(&limits, &ann, AI, AI_AMOUNT).await, AI_AMOUNT);
    server.resume().await;
    forward(Duration::from_millis(1_100)).await;
    until("it is pardoned", async || limits.pardon(&ann).await.then_some(())).await;
    assert_eq!(passed(&limits, &ann, AI, 30).await, AI_AMOUNT);
}

#[tokio::test]
async fn s10_a_redis_that_goes_back_to_what_it_had_saved_is_told_all_anew() {
    let server = RedisServer::start(&[]).await;
    let (limits, ann) = (shared(&server), somebody());
    trusted(&limits).await;
    let window = format!("blockhub:limits:{{user:{ann}}}:{}", AI.name());
    assert_eq!(passed(&limits, &ann, AI, 1).await, 1);
    let _: i64 = ask(&server.url(), &["COPY", &window, "saved"]).await.unwrap();
    assert_eq!(passed(&limits, &ann, AI, 6).await, 6);
    let _: i64 = ask(&server.url(), &["COPY", "saved", &window, "REPLACE"]).await.unwrap();
    // What was saved counts twice.
    assert_eq!(passed(&limits, &ann, AI, 30).await, AI_AMOUNT - 7 - 1);
}

#[tokio::test]
async fn a_mark_of_an_older_hub_is_let_be() {
    let server = RedisServer::start(&[]).await;
    let (limits, ann) = (shared(&server), somebody());
    trusted(&limits).await;
    let window = format!("blockhub:limits:{{user:{ann}}}:{}", AI.name());
    let _: i64 = ask(&server.url(), &["HSET", &window, &Uuid::new_v4().to_string(), "1"]).await.unwrap();
    assert_eq!(passed(&limits, &ann, AI, 30).await, AI_AMOUNT);
    let fields: i64 = ask(&server.url(), &["HLEN", &window]).await.unwrap();
    assert_eq!(fields, 3, "a slot, and two marks");
}

#[tokio::test]
async fn s10_what_passed_while_redis_was_slow_is_told_though_its_user_is_elsewhere_now() {
    let server = RedisServer::start(&[]).await;
    let one = Limits::shared(link(&server.url()), HubRun(Uuid::new_v4()), Duration::from_millis(300));
    let (other, ann) = (shared(&server), somebody());
    until("both are counted", async || {
        let _ = spend(&one, &somebody(), AI).await;
        (one.keeping() == Some(Keeping::Together { hubs: 2 })).then_some(())
    })
    .await;
    server.stall().await;
    assert_eq!(passed(&one, &ann, AI, 30).await, AI_AMOUNT / 2);
    server.resume().await;
    forward(Duration::from_millis(1_100)).await;
    trusted(&one).await;
    until("it is told", async || (left(&other, &ann, AI).await as usize == AI_AMOUNT / 2).then_some(())).await;
    assert_eq!(passed(&other, &ann, AI, 30).await, AI_AMOUNT / 2);
}

/// Asks in the name of others until the word of Redis counts.
async fn trusted(limits: &Limits) {
    until("it is trusted", async || {
        let _ = spend(limits, &somebody(), AI).await;
        matches!(limits.keeping(), Some(Keeping::Together { .. })).then_some(())
    })
    .await;
}

/// Asks until it is too much; how long that blocks for.
async fn provoke(limits: &Limits, user: &blockhub::domain::ids::UserId) -> u64 {
    loop {
        match spend(limits, user, Resource::AiText).await {
            Err(denied) if denied.verdict == Verdict::Blocked => return denied.retry_after_ms,
            _ => tokio::time::advance(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_not_told_yet_or_waits_is_never_blocked() {
    let (limits, ann) = (Limits::alone(), somebody());
    // All at once: none of them could know.
    assert_eq!(passed(&limits, &ann, Resource::Edit, 5_000).await, 1_000);
    assert_eq!(limits.blocked_ms(&ann).await, None);
    for _ in 0..300 {
        if let Err(denied) = spend(&limits, &ann, Resource::Edit).await {
            assert_eq!(denied.verdict, Verdict::Wait);
            tokio::time::advance(Duration::from_millis(denied.retry_after_ms)).await;
        }
    }
    assert_eq!(limits.blocked_ms(&ann).await, None);
}

#[tokio::test]
async fn a_block_is_every_hubs_and_so_is_its_end() {
    let server = RedisServer::start(&[]).await;
    let ([one, other], ann) = (two(&server).await, somebody());
    assert_eq!(passed(&one, &ann, AI, AI_AMOUNT + 1).await, AI_AMOUNT);
    forward(ON_ITS_WAY).await;
    until("it is too much", async || {
        let denied = spend(&one, &ann, AI).await.err()?;
        (denied.verdict == Verdict::Blocked).then_some(())
    })
    .await;
    assert_eq!(spend(&other, &ann, Resource::Export).await.unwrap_err().verdict, Verdict::Blocked);
    assert!(other.pardon(&ann).await);
    until("it has ended there too", async || spend(&one, &ann, AI).await.ok()).await;
    assert_eq!(spend(&other, &ann, Resource::Export).await, Ok(()));
    assert_eq!(one.blocked_ms(&ann).await, None);
}

#[tokio::test]
async fn every_scope_counts_for_itself() {
    let limits = Limits::alone();
    let address = "198.51.100.7".parse().unwrap();
    let from = |address| Spender { address: Some(address), ..Spender::default() };
    for _ in 0..6_000 {
        limits.spend(Resource::Connection, from(address)).await.unwrap();
    }
    assert!(limits.spend(Resource::Connection, from(address)).await.is_err());
    assert!(limits.spend(Resource::Connection, from("198.51.100.8".parse().unwrap())).await.is_ok());
    // A customer has a whole network of IPv6; this machine is not counted.
    for host in 0..6_000_u32 {
        let address = format!("2001:db8::{host:x}").parse().unwrap();
        limits.spend(Resource::Connection, from(address)).await.unwrap();
    }
    assert!(limits.spend(Resource::Connection, from("2001:db8::ffff:1".parse().unwrap())).await.is_err());
    for _ in 0..7_000 {
        limits.spend(Resource::Connection, from("127.0.0.1".parse().unwrap())).await.unwrap();
    }
}

#[tokio::test]
async fn a_projects_budget_is_shared_by_all_who_edit_it() {
    let (limits, project) = (Limits::alone(), Some(ProjectId(Uuid::new_v4())));
    let (ann, bob) = (somebody(), somebody());
    let of = |user| Spender { user: Some((user, Tier::Pro)), project, ..Spender::default() };
    for _ in 0..60_000 {
        limits.spend(Resource::Edit, of(&ann)).await.unwrap();
        limits.spend(Resource::Edit, of(&bob)).await.unwrap();
    }
    assert!(limits.spend(Resource::Edit, of(&ann)).await.is_err());
    let other = Spender { project: Some(ProjectId(Uuid::new_v4())), ..of(&bob) };
    assert!(limits.spend(Resource::Edit, other).await.is_ok());
}
