//! The way to Redis: which addresses there are, and what a link does while Redis comes and goes.

use std::time::Duration;

use blockhub::redis_link::address::RedisAddress;
use blockhub::redis_link::{RedisLink, RedisLinkError};
use redis::{PushInfo, PushKind, Script, cmd};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::redis::{RedisServer, link, shared_url, until};

fn refused(url: &str) -> String {
    RedisAddress::parse(url).unwrap_err().to_string()
}

async fn echo(link: &RedisLink) -> Result<String, RedisLinkError> {
    link.run(cmd("ECHO").arg("here")).await
}

#[test]
fn an_address_names_one_server_sentinels_or_a_cluster() {
    for url in [
        "redis://localhost",
        "redis://127.0.0.1:6380/3",
        "rediss://[::1]:6380",
        "redis+sentinel://one:26379,two,[::1]/main",
        "rediss+sentinel://one,two/main/4",
        "redis+cluster://one:7000,two:7001",
        "rediss+cluster://one",
    ] {
        assert_eq!(RedisAddress::parse(url).unwrap().describe(), url);
    }
}

#[test]
fn an_address_is_shown_without_user_and_password() {
    for (url, shown) in [
        ("redis://:s3cret@one:6380/3", "redis://one:6380/3"),
        ("redis://ann:s3c%2Fret@one", "redis://one"),
        ("redis://ann:s3c@ret@one", "redis://one"),
        ("rediss+sentinel://ann:s3cret@one,two/main", "rediss+sentinel://one,two/main"),
        ("redis+cluster://ann:s3cret@one,two", "redis+cluster://one,two"),
    ] {
        let address = RedisAddress::parse(url).unwrap();
        assert_eq!((address.describe(), &*format!("{address:?}")), (shown, shown));
    }
}

#[test]
fn an_unusable_address_is_refused_with_what_is_allowed_and_without_its_password() {
    for (url, why) in [
        ("", "no URL"),
        ("localhost:6379", "no URL"),
        ("http://ann:s3cret@one", "no URL of a Redis"),
        ("redis+ring://ann:s3cret@one", "sentinel or cluster"),
        ("redis://ann:s3cret@", "a host is missing"),
        ("redis://ann:s3cret@one:port", "cannot be read"),
        ("redis://ann:s3cret@one/db", "the database is a number"),
        ("redis://ann:s3cret@one,two", "several servers"),
        ("redis://ann:s3cret#@one", "%23"),
        ("redis://ann:s3cret@one?protocol=2", "no place here"),
        ("redis+sentinel://ann:s3cret@one,two", "the name under which"),
        ("redis+sentinel://ann:s3cret@one,,two/main", "a host is missing"),
        ("redis+cluster://ann:s3cret@one/2", "no databases"),
        ("redis+cluster://ann:s3cret@one,", "a host is missing"),
    ] {
        let message = refused(url);
        assert!(message.contains(why) && message.contains("redis+sentinel://"), "{url}: {message}");
        assert!(!message.contains("s3cret"), "{url}: {message}");
    }
}

#[tokio::test]
async fn a_link_runs_commands_and_tells_refusals_from_absence() {
    let link = link(&shared_url());
    assert_eq!(echo(&link).await.unwrap(), "here");
    let key = Uuid::new_v4().to_string();
    link.run::<()>(cmd("SET").arg(&key).arg("text").arg("EX").arg(60)).await.unwrap();
    let refused = link.run::<i64>(cmd("INCR").arg(&key)).await;
    assert!(matches!(refused, Err(RedisLinkError::Refused(_))), "{refused:?}");
    assert_eq!(link.run::<String>(cmd("GETDEL").arg(&key)).await.unwrap(), "text");
}

#[tokio::test]
async fn a_subscriber_hears_what_is_published_and_that_its_connection_ended() {
    let link = link(&shared_url());
    let (pushes, mut heard) = mpsc::unbounded_channel::<PushInfo>();
    let mut subscriber = link.connect_subscriber(pushes).await.unwrap();
    let channel = Uuid::new_v4().to_string();
    subscriber.subscribe(&channel).await.unwrap();
    let publisher = link.connect_subscriber(|_| Ok::<(), ()>(())).await.unwrap();
    let publish = async |words: &str| {
        let heard: i64 = cmd("PUBLISH").arg(&channel).arg(words).query_async(&mut publisher.clone()).await.unwrap();
        heard
    };
    assert_eq!(publish("one").await, 1);
    let mut next = async || timeout(Duration::from_secs(30), heard.recv()).await.unwrap().unwrap();
    assert_eq!(next().await.kind, PushKind::Subscribe);
    let push = next().await;
    assert_eq!((push.kind, push.data.last()), (PushKind::Message, Some(&redis::Value::BulkString(b"one".into()))));
    let id: i64 = cmd("CLIENT").arg("ID").query_async(&mut subscriber).await.unwrap();
    link.run::<i64>(cmd("CLIENT").arg("KILL").arg("ID").arg(id)).await.unwrap();
    assert_eq!(next().await.kind, PushKind::Disconnection);
}

#[tokio::test]
async fn a_link_fails_at_once_while_redis_is_away_and_comes_back_with_it() {
    let mut server = RedisServer::start(&[]).await;
    let link = link(&server.url());
    echo(&link).await.unwrap();
    server.kill().await;
    let away = |error: &RedisLinkError| matches!(error, RedisLinkError::Unavailable(why) if why == "it is away");
    until("the link knows", async || echo(&link).await.err().filter(away)).await;
    let calls = (0..1_000).map(|_| echo(&link));
    assert!(futures_util::future::join_all(calls).await.iter().all(Result::is_err));
    server.again().await;
    until("the link is back", async || echo(&link).await.ok()).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_while_idle_is_remade() {
    let server = RedisServer::start(&[]).await;
    let link = link(&server.url());
    let id = async || link.run::<i64>(cmd("CLIENT").arg("ID")).await;
    let first = id().await.unwrap();
    let killer = crate::harness::redis::link(&server.url());
    killer.run::<i64>(cmd("CLIENT").arg("KILL").arg("ID").arg(first)).await.unwrap();
    let clients = async || killer.run::<String>(cmd("CLIENT").arg("LIST")).await.unwrap().lines().count();
    until("another connection", async || (clients().await == 2).then_some(())).await;
    assert_ne!(id().await.unwrap(), first);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_away_until_it_speaks_again() {
    let server = RedisServer::start(&[]).await;
    let link = link(&server.url());
    echo(&link).await.unwrap();
    server.stall().await;
    let away = |error: &RedisLinkError| matches!(error, RedisLinkError::Unavailable(why) if why == "it is away");
    until("the link knows", async || echo(&link).await.err().filter(away)).await;
    server.resume().await;
    until("the link is back", async || echo(&link).await.ok()).await;
}

#[tokio::test]
async fn a_link_whose_server_was_never_there_opens_and_fails() {
    let link = link("redis://127.0.0.1:1");
    assert!(matches!(echo(&link).await, Err(RedisLinkError::Unavailable(_))));
    let subscriber = link.connect_subscriber(|_| Ok::<(), ()>(())).await;
    assert!(matches!(subscriber, Err(RedisLinkError::Unavailable(_))));
}

#[tokio::test]
async fn a_server_that_only_reads_is_left_and_looked_up_again() {
    let (master, replica) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    let link = link(&replica.url());
    let id = async || link.run::<i64>(cmd("CLIENT").arg("ID")).await;
    let first = id().await.unwrap();
    let follow = ["REPLICAOF", "127.0.0.1", &master.port().to_string()];
    crate::harness::redis::ask::<()>(&replica.url(), &follow).await.unwrap();
    let write = link.run::<()>(cmd("SET").arg("key").arg(1)).await;
    assert!(matches!(write, Err(RedisLinkError::Unavailable(_))), "{write:?}");
    let second = until("another connection", async || id().await.ok().filter(|id| *id != first)).await;
    let script = Script::new("return redis.call('SET', KEYS[1], 1)");
    let write = link.run_script::<()>(script.prepare_invoke().key("key")).await;
    assert!(matches!(write, Err(RedisLinkError::Unavailable(_))), "{write:?}");
    until("a third connection", async || id().await.ok().filter(|id| *id != second)).await;
}
