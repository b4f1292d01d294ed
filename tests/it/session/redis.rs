//! What is special about sessions in Redis: they are checked when they are read, end by themselves, and may be away.

use blockhub::domain::ids::UserId;
use blockhub::domain::sequence::Timestamp;
use blockhub::redis_link::seal::SealError;
use blockhub::session::record::{RecordError, read, written};
use blockhub::session::redis::RedisSessions;
use blockhub::session::{SessionError, Sessions, TTL_MS, lock_name};
use redis::cmd;

use super::{fresh, session};
use crate::harness::redis::{RedisServer, link, shared_url, until};

#[test]
fn a_line_is_read_only_as_it_was_written_and_under_its_own_name() {
    let session = session(fresh(), "ann", 7);
    let line = written(&session);
    assert_eq!(read(session.id, line.as_bytes()), Ok(session.clone()));
    assert_eq!(read(fresh(), line.as_bytes()), Err(RecordError::Content));
    assert_eq!(read(session.id, line.replacen('1', "2", 1).as_bytes()), Err(SealError::Version.into()));
    assert_eq!(read(session.id, line.replace("ann", "bob").as_bytes()), Err(SealError::Checksum.into()));
    for end in 0..line.len() {
        assert!(read(session.id, &line.as_bytes()[..end]).is_err(), "cut after {end}");
    }
    for at in 0..line.len() {
        let mut damaged = line.clone().into_bytes();
        damaged[at] ^= 1;
        assert!(read(session.id, &damaged).is_err(), "damaged at {at}");
    }
}

#[tokio::test]
async fn what_fails_the_check_is_dropped_and_answered_as_no_session() {
    let link = link(&shared_url());
    let (sessions, ann, now) = (RedisSessions::new(link.clone()), UserId::from("ann"), Timestamp(1));
    let other = session(fresh(), "ann", 0);
    for damaged in [written(&other).as_bytes(), b"1 0 []", b"", b"\xff\xfe", b"99 whatever comes"] {
        let (id, other) = (fresh(), fresh());
        sessions.create(session(id, "ann", 0)).await.unwrap();
        sessions.create(session(other, "ann", 0)).await.unwrap();
        let place = place(id);
        link.run::<()>(cmd("SET").arg(&place).arg(damaged).arg("EX").arg(60)).await.unwrap();
        assert_eq!(sessions.touch(id, &ann, now).await, Ok(None));
        assert!(!link.run::<bool>(cmd("EXISTS").arg(&place)).await.unwrap(), "{damaged:?}");
        assert!(sessions.touch(other, &ann, now).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn redis_ends_a_session_24_hours_after_its_last_use_and_counts_those_that_live() {
    let server = RedisServer::start(&[]).await;
    let link = link(&server.url());
    let (sessions, ann) = (RedisSessions::new(link.clone()), UserId::from("ann"));
    let (id, ended) = (fresh(), fresh());
    sessions.create(session(id, "ann", 0)).await.unwrap();
    sessions.create(session(ended, "ann", 0)).await.unwrap();
    link.run::<()>(cmd("PEXPIRE").arg(place(id)).arg(60_000)).await.unwrap();
    sessions.touch(id, &ann, Timestamp(9)).await.unwrap().unwrap();
    let left: i64 = link.run(cmd("PTTL").arg(place(id))).await.unwrap();
    assert!(left > TTL_MS - 60_000 && left <= TTL_MS, "{left}");
    assert!(sessions.end(ended, &ann, Timestamp(9)).await.unwrap());
    assert_eq!(sessions.count().await, Ok(1));
    // One that ended unseen is swept by the next that begins.
    sessions.create(session(fresh(), "ann", 9 + TTL_MS)).await.unwrap();
    assert_eq!(sessions.count().await, Ok(1));
    let keys: Vec<String> = link.run(cmd("KEYS").arg("*")).await.unwrap();
    assert!(keys.iter().all(|key| key.starts_with("blockhub:") && !key.ends_with(":lock")), "{keys:?}");
}

#[tokio::test]
async fn sessions_are_not_available_while_redis_is_away_and_then_are_again() {
    let mut server = RedisServer::start(&[]).await;
    let (sessions, ann) = (RedisSessions::new(link(&server.url())), UserId::from("ann"));
    sessions.create(session(fresh(), "ann", 0)).await.unwrap();
    server.kill().await;
    assert_eq!(sessions.create(session(fresh(), "ann", 0)).await, Err(SessionError::Unavailable));
    assert_eq!(sessions.touch(fresh(), &ann, Timestamp(1)).await, Err(SessionError::Unavailable));
    assert_eq!(sessions.count().await, Err(SessionError::Unavailable));
    server.again().await;
    until("sessions are back", async || sessions.create(session(fresh(), "ann", 0)).await.ok()).await;
}

#[tokio::test]
async fn a_change_whose_caller_goes_away_is_made_and_leaves_no_lock() {
    let link = link(&shared_url());
    let (sessions, ann, id) = (RedisSessions::new(link.clone()), UserId::from("ann"), fresh());
    sessions.create(session(id, "ann", 0)).await.unwrap();
    let mut left = sessions.touch(id, &ann, Timestamp(1));
    assert!(futures_util::poll!(&mut left).is_pending());
    drop(left);
    until("the change is made and the lock is open", async || {
        let line: String = link.run(cmd("GET").arg(place(id))).await.unwrap();
        let locked: bool = link.run(cmd("EXISTS").arg(lock(id))).await.unwrap();
        (read(id, line.as_bytes()).unwrap().requests == 2 && !locked).then_some(())
    })
    .await;
}

fn place(id: blockhub::domain::ids::SessionId) -> String {
    blockhub::session::lock::redis::key(&lock_name(id), "session")
}

fn lock(id: blockhub::domain::ids::SessionId) -> String {
    blockhub::session::lock::redis::key(&lock_name(id), "lock")
}
