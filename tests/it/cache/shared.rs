//! The second level in Redis: checked when it is read, and never needed.

use blockhub::cache::key::Key;
use blockhub::cache::recent::Recent;
use blockhub::cache::{Options, Using};
use blockhub::domain::ids::ProjectId;
use blockhub::domain::sequence::Timestamp;
use blockhub::hub::HubParts;
use blockhub::hub::cached::{CacheParts, Company};
use blockhub::transport::auth::Keys;
use redis::cmd;
use serde_json::json;
use uuid::Uuid;

use super::roles::caller;
use super::{Loads, cache, fine, fresh_key};
use crate::harness::database::Database;
use crate::harness::desk::{Desk, parts};
use crate::harness::redis::{RedisServer, link, shared_url, until};

#[tokio::test]
async fn what_another_hub_loaded_is_not_loaded_again() {
    let (key, loads, url) = (fresh_key(), Loads::default(), shared_url());
    for _ in 0..2 {
        let (hub, load) = (cache(Some(&url)), loads.of("it"));
        assert_eq!(hub.get_shared(key.clone(), |_| true, || load).await, fine("it"));
    }
    assert_eq!(loads.count(), 1);
}

#[tokio::test]
async fn a_value_that_is_not_what_was_written_is_dropped_and_counted() {
    let url = shared_url();
    let redis = link(&url);
    let written = async |key: &Key| {
        let load = Loads::default().of("old");
        cache(Some(&url)).get_shared(key.clone(), |_| true, || load).await.unwrap();
        redis.run::<Vec<u8>>(cmd("GET").arg(format!("blockhub:cache:{key}"))).await.unwrap()
    };
    let others = written(&fresh_key()).await;
    let damage: [&dyn Fn(Vec<u8>) -> Vec<u8>; 6] = [
        &|line| line[..line.len() - 1].to_vec(),
        &|line| line.iter().rev().copied().collect(),
        &|line| [&line[..line.len() - 1], b"!"].concat(),
        &|line| [b"9", &line[1..]].concat(),
        &|_| Vec::new(),
        // Whole, and another key's.
        &|_| others.clone(),
    ];
    for (number, damage) in damage.iter().enumerate() {
        let (key, loads, hub) = (fresh_key(), Loads::default(), cache(Some(&url)));
        let (place, damaged) = (format!("blockhub:cache:{key}"), damage(written(&key).await));
        redis.run::<()>(cmd("SET").arg(&place).arg(&damaged).arg("EX").arg(60)).await.unwrap();
        let load = loads.of("new");
        assert_eq!(hub.get_shared(key, |_| true, || load).await, fine("new"), "damage {number}");
        assert_eq!((loads.count(), hub.figures().await.dropped), (1, 1), "damage {number}");
        let now: Vec<u8> = redis.run(cmd("GET").arg(&place)).await.unwrap();
        assert_ne!(now, damaged);
    }
}

#[tokio::test]
async fn a_kind_that_was_emptied_is_not_read_from_redis_either() {
    let server = RedisServer::start(&[]).await;
    let (key, loads) = (fresh_key(), Loads::default());
    let hubs = [cache(Some(&server.url())), cache(Some(&server.url()))];
    let load = loads.of("old");
    assert_eq!(hubs[0].get_shared(key.clone(), |_| true, || load).await, fine("old"));
    hubs[0].forget_shared().await;
    for hub in hubs {
        let load = loads.of("new");
        assert_eq!(hub.get_shared(key.clone(), |_| true, || load).await, fine("new"));
    }
    assert_eq!(loads.count(), 2);
}

#[tokio::test]
async fn without_redis_everybody_loads_for_themselves() {
    let mut server = RedisServer::start(&[]).await;
    let (hub, loads) = (cache(Some(&server.url())), Loads::default());
    let load = loads.of("before");
    assert_eq!(hub.get_shared(fresh_key(), |_| true, || load).await, fine("before"));
    server.stall().await;
    let load = loads.of("while it is silent");
    assert_eq!(hub.get_shared(fresh_key(), |_| true, || load).await, fine("while it is silent"));
    server.resume().await;
    server.kill().await;
    let load = loads.of("while it is away");
    assert_eq!(hub.get_shared(fresh_key(), |_| true, || load).await, fine("while it is away"));
    assert_eq!(loads.count(), 3);
}

#[tokio::test]
async fn values_go_and_come_many_at_a_time() {
    let url = shared_url();
    let (here, there) = (cache(Some(&url)), cache(Some(&url)));
    let values: Vec<_> = (0..5).map(|n| (fresh_key(), super::Text(format!("value {n}")))).collect();
    here.share_many(&values).await;
    let unknown = fresh_key();
    let mut keys: Vec<_> = values.iter().map(|(key, _)| key.clone()).collect();
    keys.push(unknown.clone());
    assert_eq!(there.fetch_many(keys).await, [unknown]);
    for (key, value) in values {
        assert_eq!(there.peek(key).await, Some(value));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_starts_has_at_hand_what_was_used_last() {
    let (database, server) = (Database::postgres().await, RedisServer::start(&[]).await);
    let hub = async || {
        let options = Options { using: Using::On, bytes_max: 1 << 24, redis: Some(link(&server.url())) };
        let cache = CacheParts { options, company: Company::Others };
        let bus = std::sync::Arc::new(blockhub::bus::local::LocalBus::default());
        Desk::of(HubParts { cache, ..parts(database.store().await, bus, Keys::Open) })
    };
    let first = hub().await;
    let project = first.project().await;
    first.joined("ann", &project).await.insert(&project, json!({"text": "warm"})).await;
    let recent = Recent::new(link(&server.url()));
    let id: ProjectId = project.parse().unwrap();
    recent.note(&[ProjectId(Uuid::new_v4()), id], Timestamp(5)).await;
    assert_eq!(recent.last(9).await.len(), 2);
    let second = hub().await;
    let caller = caller("ann");
    let snapshots = async || second.hub.cache_figures(&caller).await.unwrap()[1].1;
    until("the project is at hand", async || (snapshots().await.entries == 1).then_some(())).await;
    let before = snapshots().await;
    let place = second.hub.place(&caller, id, None).await.unwrap();
    let written = second.hub.blocks(id, place, None).await.unwrap();
    assert!(String::from_utf8_lossy(&written.plain).contains("warm"));
    assert_eq!(snapshots().await.loads, before.loads);
    database.drop().await;
}
