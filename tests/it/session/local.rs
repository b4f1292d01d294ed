//! Sessions in the process: how many there may be, and how long a call waits for one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use blockhub::bus::local::LocalBus;
use blockhub::domain::ids::UserId;
use blockhub::domain::sequence::Timestamp;
use blockhub::hub::{Hub, HubParts, clock};
use blockhub::session::local::LocalSessions;
use blockhub::session::lock::local::LocalLocks;
use blockhub::session::lock::{Locks, PATIENCE};
use blockhub::session::{Sessions, TTL_MS, lock_name};
use blockhub::telemetry;
use blockhub::transport::auth::Keys;
use blockhub::transport::http::{Http, answered, router};
use blockhub::transport::proxies::Proxies;
use tokio::time::Instant;
use tower::ServiceExt;

use super::{fresh, session};
use crate::harness::database::Database;
use crate::harness::desk;

#[tokio::test]
async fn the_session_unseen_for_longest_makes_room() {
    let sessions = LocalSessions::new(2, Arc::default());
    let (ann, [one, two, three]) = (UserId::from("ann"), [fresh(), fresh(), fresh()]);
    sessions.create(session(one, "ann", 0)).await.unwrap();
    sessions.create(session(two, "ann", 1)).await.unwrap();
    sessions.touch(one, &ann, Timestamp(2)).await.unwrap().unwrap();
    sessions.create(session(three, "ann", 3)).await.unwrap();
    assert_eq!(sessions.count().await.unwrap(), 2);
    assert!(sessions.touch(two, &ann, Timestamp(4)).await.unwrap().is_none());
    assert!(sessions.touch(one, &ann, Timestamp(4)).await.unwrap().is_some());
}

#[tokio::test]
async fn ended_sessions_do_not_pile_up() {
    let sessions = LocalSessions::new(100, Arc::default());
    for _ in 0..50 {
        sessions.create(session(fresh(), "ann", 0)).await.unwrap();
    }
    sessions.create(session(fresh(), "ann", TTL_MS)).await.unwrap();
    assert_eq!(sessions.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_on_a_locked_session_is_busy_after_five_seconds() {
    let database = Database::sqlite();
    let locks: Arc<LocalLocks> = Arc::default();
    let sessions = Arc::new(LocalSessions::new(10, locks.clone()));
    let parts = desk::parts(database.store().await, Arc::new(LocalBus::default()), Keys::Open);
    let hub = Hub::start(HubParts { sessions, ..parts });
    let metrics = telemetry::measure_apart().unwrap();
    let http = Http { hub: hub.clone(), origins: Vec::new(), metrics, started: Instant::now() };
    let calls = answered(router(http), Proxies::default());
    let id = fresh();
    hub.sessions.create(session(id, "guest", clock::now().0)).await.unwrap();
    tokio::time::pause();
    locks.try_take(&lock_name(id)).await.unwrap().unwrap();
    let begun = Instant::now();
    let read = || Request::get(format!("/api/sessions/{id}")).header("host", "localhost").body(Body::empty()).unwrap();
    let reply = calls.clone().oneshot(read()).await.unwrap();
    let waited = begun.elapsed();
    assert!(waited >= PATIENCE && waited < PATIENCE + Duration::from_secs(1), "{waited:?}");
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = axum::body::to_bytes(reply.into_body(), 1 << 16).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&problem["code"], &problem["retryAfterMs"]), (&"busy".into(), &1_000.into()), "{problem}");
    // The holder has stopped: five seconds later the lock is open, and the next call goes through.
    assert_eq!(calls.oneshot(read()).await.unwrap().status(), StatusCode::OK);
}
