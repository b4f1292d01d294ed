//! Sessions and their locks: the same promises in the process, in Redis, behind Sentinels and in a cluster.

mod hubs;
mod life;
mod local;
mod lock;
mod redis;
mod topologies;

use std::sync::Arc;

use blockhub::domain::ids::{SessionId, UserId};
use blockhub::domain::sequence::Timestamp;
use blockhub::session::local::LocalSessions;
use blockhub::session::lock::Locks;
use blockhub::session::lock::local::LocalLocks;
use blockhub::session::lock::redis::RedisLocks;
use blockhub::session::redis::RedisSessions;
use blockhub::session::{Session, Sessions};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::harness::redis::link;

/// Sessions and their locks, as two hubs have them; without Redis both are one.
pub struct House {
    pub sessions: [Arc<dyn Sessions>; 2],
    pub locks: [Arc<dyn Locks>; 2],
}

impl House {
    pub fn local() -> Self {
        let locks: Arc<LocalLocks> = Arc::default();
        let sessions = Arc::new(LocalSessions::new(1_000, locks.clone()));
        Self { sessions: [sessions.clone(), sessions], locks: [locks.clone(), locks] }
    }

    pub fn redis(url: &str) -> Self {
        let links = [link(url), link(url)];
        Self {
            sessions: links.clone().map(|link| Arc::new(RedisSessions::new(link)) as Arc<dyn Sessions>),
            locks: links.map(|link| Arc::new(RedisLocks::new(link)) as Arc<dyn Locks>),
        }
    }
}

/// Runs test bodies, each `async fn(&House)`, in the process and on the Redis that tests share.
macro_rules! on_local_and_redis {
    ($($name:ident),+ $(,)?) => {
        mod on_local {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&crate::session::House::local()).await;
                }
            )+
        }
        mod on_redis {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&crate::session::House::redis(&crate::harness::redis::shared_url())).await;
                }
            )+
        }
    };
}
use on_local_and_redis;

pub fn fresh() -> SessionId {
    SessionId(Uuid::new_v4())
}

pub fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub fn session(id: SessionId, user: &str, now: i64) -> Session {
    Session::new(id, UserId::from(user), object(json!({"theme": "dark"})), Timestamp(now))
}
