//! Sessions in the process: whose they are, how long they live, how many there may be.

use blockhub::domain::ids::{SessionId, UserId};
use blockhub::domain::sequence::Timestamp;
use blockhub::session::local::LocalSessions;
use blockhub::session::{Session, SessionError, Sessions, TTL_MS};
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn id(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn session(n: u128, user: &str, now: i64) -> Session {
    Session::new(id(n), UserId::from(user), object(json!({"theme": "dark"})), Timestamp(now))
}

#[tokio::test]
async fn a_session_is_its_users_only() {
    let sessions = LocalSessions::new(10);
    sessions.create(session(1, "ann", 0)).await.unwrap();
    let (ann, bob, now) = (UserId::from("ann"), UserId::from("bob"), Timestamp(1));
    assert_eq!(sessions.touch(id(1), &bob, now).await.unwrap(), None);
    assert_eq!(sessions.patch(id(1), &bob, Map::new(), now).await.unwrap(), None);
    assert!(!sessions.end(id(1), &bob, now).await.unwrap());
    assert!(sessions.end(id(1), &ann, now).await.unwrap());
    assert_eq!(sessions.touch(id(1), &ann, now).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_lives_24_hours_from_its_last_use() {
    let sessions = LocalSessions::new(10);
    let ann = UserId::from("ann");
    sessions.create(session(1, "ann", 0)).await.unwrap();
    let first = sessions.touch(id(1), &ann, Timestamp(TTL_MS - 1)).await.unwrap().unwrap();
    assert_eq!((first.requests, first.seen, first.created), (2, Timestamp(TTL_MS - 1), Timestamp(0)));
    assert!(sessions.touch(id(1), &ann, Timestamp(2 * TTL_MS - 2)).await.unwrap().is_some());
    assert!(sessions.touch(id(1), &ann, Timestamp(3 * TTL_MS - 2)).await.unwrap().is_none());
}

#[tokio::test]
async fn metadata_is_changed_by_a_merge_patch_and_bounded() {
    let sessions = LocalSessions::new(10);
    let ann = UserId::from("ann");
    sessions.create(session(1, "ann", 0)).await.unwrap();
    let patch = object(json!({"theme": null, "view": {"zoom": 2, "grid": null}}));
    let patched = sessions.patch(id(1), &ann, patch, Timestamp(1)).await.unwrap().unwrap();
    assert_eq!(Value::Object(patched.metadata), json!({"view": {"zoom": 2}}));
    let huge = object(json!({"text": "a".repeat(17 << 10)}));
    let refused = sessions.patch(id(1), &ann, huge, Timestamp(2)).await;
    assert_eq!(refused, Err(SessionError::TooLarge));
    let kept = sessions.touch(id(1), &ann, Timestamp(3)).await.unwrap().unwrap();
    assert_eq!(Value::Object(kept.metadata), json!({"view": {"zoom": 2}}));
}

#[tokio::test]
async fn the_session_unseen_for_longest_makes_room() {
    let sessions = LocalSessions::new(2);
    let ann = UserId::from("ann");
    sessions.create(session(1, "ann", 0)).await.unwrap();
    sessions.create(session(2, "ann", 1)).await.unwrap();
    sessions.touch(id(1), &ann, Timestamp(2)).await.unwrap().unwrap();
    sessions.create(session(3, "ann", 3)).await.unwrap();
    assert_eq!(sessions.count().await.unwrap(), 2);
    assert!(sessions.touch(id(2), &ann, Timestamp(4)).await.unwrap().is_none());
    assert!(sessions.touch(id(1), &ann, Timestamp(4)).await.unwrap().is_some());
}

#[tokio::test]
async fn ended_sessions_do_not_pile_up() {
    let sessions = LocalSessions::new(100);
    for n in 0..50 {
        sessions.create(session(n, "ann", 0)).await.unwrap();
    }
    sessions.create(session(99, "ann", TTL_MS)).await.unwrap();
    assert_eq!(sessions.count().await.unwrap(), 1);
}
