//! The same promises behind real Sentinels, on a real cluster and through TLS.

use std::time::Duration;

use blockhub::domain::ids::UserId;
use blockhub::domain::sequence::Timestamp;
use blockhub::redis_link::RedisLink;
use blockhub::session::lock::redis::key;
use blockhub::session::lock_name;
use redis::{PushInfo, PushKind, Value, cmd};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use super::{House, fresh, life, lock, session};
use crate::harness::database::Database;
use crate::harness::hub::Launch;
use crate::harness::redis::{Cluster, RedisServer, Watched, ask, link, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_subscribers_work_behind_sentinels_and_after_a_failover() {
    let mut watched = Watched::start().await;
    let (house, link) = (House::redis(&watched.url()), link(&watched.url()));
    all_promises(&house).await;
    hears(&link, &link).await;
    let (ann, id) = (UserId::from("ann"), fresh());
    house.sessions[0].create(session(id, "ann", 0)).await.unwrap();
    let copied = async || ask::<i64>(&watched.replica.url(), &["EXISTS", &key(&lock_name(id), "session")]).await.ok();
    until("the replica has the session", async || copied().await.filter(|copies| *copies == 1)).await;
    watched.master.kill().await;
    let role = async || ask::<Vec<Value>>(&watched.replica.url(), &["ROLE"]).await.ok();
    let promoted = async || role().await.filter(|role| role[0] == Value::BulkString(b"master".into()));
    until("the replica is promoted", promoted).await;
    let touched = async || house.sessions[1].touch(id, &ann, Timestamp(1)).await.ok();
    assert!(until("sessions are back", touched).await.is_some());
    until("subscribers are back", async || link.connect_subscriber(|_| Ok::<(), ()>(())).await.ok()).await;
    hears(&link, &link).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_and_subscribers_work_on_a_cluster_and_after_all_of_it_was_away() {
    let mut cluster = Cluster::start().await;
    let (house, link) = (House::redis(&cluster.url()), link(&cluster.url()));
    all_promises(&house).await;
    // Each takes another node, and plain PUBLISH goes to all of them.
    for _ in 0..3 {
        hears(&link, &link).await;
    }
    for node in &mut cluster.nodes {
        node.kill().await;
    }
    let create = async || house.sessions[0].create(session(fresh(), "ann", 0)).await;
    assert!(create().await.is_err());
    for node in &mut cluster.nodes {
        node.again().await;
    }
    cluster.ready().await;
    until("sessions are back", async || create().await.ok()).await;
    all_promises(&house).await;
    // A node that says nothing holds up its own keys, and no others.
    cluster.nodes[0].stall().await;
    for _ in 0..2 {
        let keys =
            (0..30).map(|_| async { link.run::<i64>(cmd("EXISTS").arg(Uuid::new_v4().to_string())).await.is_ok() });
        let answered = futures_util::future::join_all(keys).await.into_iter().filter(|answered| *answered).count();
        assert!((10..30).contains(&answered), "{answered} of 30");
    }
    cluster.nodes[0].resume().await;
    cluster.ready().await;
    // With a node away, the others still take subscribers.
    cluster.nodes[0].kill().await;
    for _ in 0..3 {
        hears(&link, &link).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_with_and_without_a_password_lead_to_the_master() {
    let master = RedisServer::start(&["--requirepass", "s3cret"]).await;
    let open = RedisServer::sentinel(master.port(), 1, "sentinel auth-pass main s3cret\n").await;
    let closed = RedisServer::sentinel(master.port(), 1, "sentinel auth-pass main s3cret\nrequirepass s3cret\n").await;
    for sentinel in [&open, &closed] {
        let to = |password: &str| link(&format!("redis+sentinel://:{password}@{}/main/5", sentinel.host()));
        let echo = async |link: RedisLink| link.run::<String>(cmd("ECHO").arg("here")).await;
        until("the master answers", async || echo(to("s3cret")).await.ok()).await;
        assert!(to("s3cret").connect_subscriber(|_| Ok::<(), ()>(())).await.is_ok());
        assert!(echo(to("wrong")).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_reaches_redis_through_tls_with_a_password_and_a_database_of_its_own() {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/keys/redis");
    let tls_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (cert, key, ca) = (format!("{keys}/server.cert.pem"), format!("{keys}/server.pem"), format!("{keys}/ca.pem"));
    let tls = ["--tls-port", &tls_port, "--tls-auth-clients", "no", "--tls-cert-file", &cert, "--tls-key-file", &key];
    let tls = [&tls[..], &["--tls-ca-cert-file", &ca]].concat();
    let server = RedisServer::start(&tls).await;
    let rule = ["ACL", "SETUSER", "hub", "on", ">a b/c", "~*", "&*", "+@all"];
    ask::<()>(&server.url(), &rule).await.unwrap();
    let database = Database::sqlite();
    let launch = Launch::on(&database).set("SSL_CERT_FILE", ca);
    let hub = launch.set("REDIS_URL", format!("rediss://hub:a%20b%2Fc@127.0.0.1:{tls_port}/3")).start().await;
    let create = reqwest::Client::new().post(hub.url("/api/sessions")).json(&serde_json::json!({}));
    assert_eq!(create.send().await.unwrap().status(), 201, "{}", hub.log());
    assert!(!hub.log().contains("a b/c") && !hub.log().contains("a%20b"), "{}", hub.log());
    assert_eq!(ask::<u64>(&format!("{}/3", server.url()), &["DBSIZE"]).await.unwrap(), 2);
}

/// What is promised of sessions and locks wherever they are kept.
async fn all_promises(house: &House) {
    life::what_one_hub_keeps_another_reads_unchanged(house).await;
    life::a_session_is_its_users_only(house).await;
    life::a_session_lives_24_hours_from_its_last_use(house).await;
    life::metadata_is_changed_by_a_merge_patch_and_bounded(house).await;
    life::changes_at_once_are_all_made(house).await;
    life::a_change_waits_for_whoever_holds_the_sessions_lock(house).await;
    lock::one_at_a_time_holds_a_lock_over_two_hubs(house).await;
    lock::each_taking_has_a_higher_fence(house).await;
    lock::a_lock_that_is_held_is_busy_when_patience_ends(house).await;
    assert!(house.sessions[0].count().await.is_ok());
}

/// What one connection publishes, another hears.
async fn hears(here: &RedisLink, there: &RedisLink) {
    let (pushes, mut heard) = mpsc::unbounded_channel::<PushInfo>();
    let channel = Uuid::new_v4().to_string();
    let mut subscriber = here.connect_subscriber(pushes).await.unwrap();
    subscriber.subscribe(&channel).await.unwrap();
    let mut publisher = there.connect_subscriber(|_| Ok::<(), ()>(())).await.unwrap();
    cmd("PUBLISH").arg(&channel).arg("words").query_async::<()>(&mut publisher).await.unwrap();
    let message = async { while heard.recv().await.unwrap().kind != PushKind::Message {} };
    timeout(Duration::from_secs(30), message).await.unwrap();
}
