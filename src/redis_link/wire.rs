//! A connection for commands: to one server, or to a cluster.
//!
//! Promises: copies share one connection.
//! Must never: connect again by itself to a single server; the keeper does.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerErrorKind, Value};

/// A connection for commands.
#[derive(Clone)]
pub(super) enum Wire {
    /// One server.
    Node(MultiplexedConnection),
    /// A cluster: looks after the connections to its nodes by itself.
    Cluster(ClusterConnection),
}

impl Wire {
    /// Whether nothing more is to be expected of this connection after such an error.
    pub(super) fn ends_with(&self, error: &RedisError) -> bool {
        match self {
            // A master that was demoted answers, but only reads: somebody else is the master now.
            Self::Node(_) => {
                let demoted = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
                demoted || error.is_io_error() || error.is_unrecoverable_error()
            }
            Self::Cluster(_) => error.kind() == ErrorKind::ClusterConnectionNotFound,
        }
    }
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Node(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Node(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Node(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
