//! What a session is, wherever it is kept.

use blockhub::domain::ids::UserId;
use blockhub::domain::sequence::Timestamp;
use blockhub::session::{Session, SessionError, TTL_MS, lock_name};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::{House, fresh, object, on_local_and_redis, session};

on_local_and_redis!(
    what_one_hub_keeps_another_reads_unchanged,
    a_session_is_its_users_only,
    a_session_lives_24_hours_from_its_last_use,
    metadata_is_changed_by_a_merge_patch_and_bounded,
    changes_at_once_are_all_made,
    a_change_waits_for_whoever_holds_the_sessions_lock,
);

pub async fn what_one_hub_keeps_another_reads_unchanged(house: &House) {
    let [here, there] = &house.sessions;
    let user = UserId::from("zoë \"\n\u{0}{}: 😀");
    let metadata = object(json!({"ü\n": [1.5e-7, 0.1, -0.0, u64::MAX, null, {"": "\u{2028}\\"}], "{x}": true}));
    let kept = Session::new(fresh(), user.clone(), metadata, Timestamp(5));
    here.create(kept.clone()).await.unwrap();
    let read = there.touch(kept.id, &user, Timestamp(7)).await.unwrap().unwrap();
    assert_eq!(read, Session { seen: Timestamp(7), requests: 2, ..kept });
}

pub async fn a_session_is_its_users_only(house: &House) {
    let [here, there] = &house.sessions;
    let (ann, bob, now, id) = (UserId::from("ann"), UserId::from("bob"), Timestamp(1), fresh());
    here.create(session(id, "ann", 0)).await.unwrap();
    assert_eq!(there.touch(id, &bob, now).await.unwrap(), None);
    assert_eq!(there.patch(id, &bob, Map::new(), now).await.unwrap(), None);
    assert!(!there.end(id, &bob, now).await.unwrap());
    assert_eq!(there.touch(id, &ann, now).await.unwrap().unwrap().requests, 2);
    assert!(there.end(id, &ann, now).await.unwrap());
    assert_eq!(here.touch(id, &ann, now).await.unwrap(), None);
    assert!(!here.end(id, &ann, now).await.unwrap());
}

pub async fn a_session_lives_24_hours_from_its_last_use(house: &House) {
    let [here, there] = &house.sessions;
    let (ann, id) = (UserId::from("ann"), fresh());
    here.create(session(id, "ann", 0)).await.unwrap();
    let first = there.touch(id, &ann, Timestamp(TTL_MS - 1)).await.unwrap().unwrap();
    assert_eq!((first.requests, first.seen, first.created), (2, Timestamp(TTL_MS - 1), Timestamp(0)));
    assert!(here.touch(id, &ann, Timestamp(2 * TTL_MS - 2)).await.unwrap().is_some());
    assert!(there.touch(id, &ann, Timestamp(3 * TTL_MS - 2)).await.unwrap().is_none());
}

pub async fn metadata_is_changed_by_a_merge_patch_and_bounded(house: &House) {
    let [here, there] = &house.sessions;
    let (ann, id) = (UserId::from("ann"), fresh());
    here.create(session(id, "ann", 0)).await.unwrap();
    let patch = object(json!({"theme": null, "view": {"zoom": 2, "grid": null}}));
    let patched = there.patch(id, &ann, patch, Timestamp(1)).await.unwrap().unwrap();
    assert_eq!(Value::Object(patched.metadata), json!({"view": {"zoom": 2}}));
    let huge = object(json!({"text": "a".repeat(17 << 10)}));
    let refused = there.patch(id, &ann, huge.clone(), Timestamp(2)).await;
    assert_eq!(refused, Err(SessionError::TooLarge));
    let kept = here.touch(id, &ann, Timestamp(3)).await.unwrap().unwrap();
    assert_eq!((Value::Object(kept.metadata), kept.requests), (json!({"view": {"zoom": 2}}), 3));
    let too_large = Session { metadata: huge, ..session(fresh(), "ann", 0) };
    assert_eq!(here.create(too_large).await, Err(SessionError::TooLarge));
}

pub async fn changes_at_once_are_all_made(house: &House) {
    const CHANGES: usize = 24;
    let (ann, id) = (UserId::from("ann"), fresh());
    house.sessions[0].create(session(id, "ann", 0)).await.unwrap();
    let changes = (0..CHANGES).map(|n| {
        let patch = object(json!({format!("field {n}"): n}));
        house.sessions[n % 2].patch(id, &ann, patch, Timestamp(1))
    });
    assert!(join_all(changes).await.iter().all(|changed| matches!(changed, Ok(Some(_)))));
    let kept = house.sessions[0].touch(id, &ann, Timestamp(2)).await.unwrap().unwrap();
    assert_eq!((kept.metadata.len(), kept.requests), (CHANGES + 1, CHANGES as u64 + 2));
}

pub async fn a_change_waits_for_whoever_holds_the_sessions_lock(house: &House) {
    let (ann, id) = (UserId::from("ann"), fresh());
    house.sessions[0].create(session(id, "ann", 0)).await.unwrap();
    let lease = house.locks[0].try_take(&lock_name(id)).await.unwrap().unwrap();
    let mut change = house.sessions[1].touch(id, &ann, Timestamp(1));
    // Other sessions of the same user do not wait: this one ends while the first change does not.
    let other = fresh();
    house.sessions[0].create(session(other, "ann", 0)).await.unwrap();
    tokio::select! {
        biased;
        _ = &mut change => panic!("the change did not wait for the lock"),
        touched = house.sessions[1].touch(other, &ann, Timestamp(1)) => assert!(touched.unwrap().is_some()),
    }
    house.locks[0].release(lease).await.unwrap();
    assert!(change.await.unwrap().is_some());
}
