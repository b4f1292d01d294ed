//! How a connection is made, for each kind of address.
//!
//! Promises: a Sentinel address asks anew who the master is, each time; each attempt ends within `REACH_TIMEOUT`.
//! Must never: try again by itself; whoever asked knows when.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisConnectionInfo, RedisError,
    RedisResult, TlsMode,
};
use tokio::time::timeout;

use super::address::{RedisAddress, Topology};

/// For one server to take a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// For one command to be answered.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// For everything that leads to a connection, Sentinels and further nodes included.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a command is tried again inside a cluster, when a slot has moved or a node is gone.
const CLUSTER_RETRIES: u32 = 3;

/// How long connections and their commands may take.
pub(super) fn patience() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(ANSWER_TIMEOUT))
}

/// A connection to one node: the server, the master of today, or any node of the cluster, the one of this turn first.
pub(super) async fn node(
    address: &RedisAddress,
    turn: usize,
    config: AsyncConnectionConfig,
) -> RedisResult<MultiplexedConnection> {
    within(async {
        match &address.topology {
            Topology::Single(server) => open(server.clone(), &config).await,
            Topology::Sentinel { sentinels, master, db } => {
                master_of(sentinels, master, *db).await?.get_multiplexed_async_connection_with_config(&config).await
            }
            Topology::Cluster(nodes) => any(nodes, turn, &config).await,
        }
    })
    .await
}

/// A connection to a whole cluster, which finds the node for each key.
pub(super) async fn cluster(nodes: &[ConnectionInfo]) -> RedisResult<ClusterConnection> {
    let client = ClusterClient::builder(nodes.to_vec())
        .retries(CLUSTER_RETRIES)
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(ANSWER_TIMEOUT)
        .tcp_settings(TcpSettings::default().set_nodelay(true))
        .build()?;
    within(client.get_async_connection()).await
}

async fn within<T>(attempt: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| Err(RedisError::from((ErrorKind::Io, "this took too long")));
    timeout(REACH_TIMEOUT, attempt).await.unwrap_or_else(late)
}

async fn open(server: ConnectionInfo, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
    Client::open(server)?.get_multiplexed_async_connection_with_config(config).await
}

async fn any(
    nodes: &[ConnectionInfo],
    turn: usize,
    config: &AsyncConnectionConfig,
) -> RedisResult<MultiplexedConnection> {
    let mut last = RedisError::from((ErrorKind::Io, "no node is known"));
    for step in 0..nodes.len() {
        match open(nodes[turn.wrapping_add(step) % nodes.len()].clone(), config).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The master as the Sentinels know it now; it is asked too whether it is one.
async fn master_of(sentinels: &[ConnectionInfo], name: &str, db: i64) -> RedisResult<Client> {
    let Some(first) = sentinels.first() else { return Err(RedisError::from((ErrorKind::Io, "no Sentinel is known"))) };
    let master = SentinelNodeConnectionInfo::default()
        .set_redis_connection_info(first.redis_settings().clone().set_db(db))
        .set_tcp_settings(first.tcp_settings().clone());
    let master = match first.addr() {
        ConnectionAddr::TcpTls { .. } => master.set_tls_mode(TlsMode::Secure),
        _ => master,
    };
    // A Sentinel that does not know the user answers with an error, so none is told a password unless it asks.
    let strangers =
        sentinels.iter().map(|sentinel| sentinel.clone().set_redis_settings(RedisConnectionInfo::default()));
    match ask(strangers.collect(), name, &master).await {
        Err(error) if error.code() == Some("NOAUTH") => ask(sentinels.to_vec(), name, &master).await,
        answer => answer,
    }
}

async fn ask(sentinels: Vec<ConnectionInfo>, name: &str, node: &SentinelNodeConnectionInfo) -> RedisResult<Client> {
    Sentinel::build(sentinels)?.async_master_for(name, Some(node)).await
}
