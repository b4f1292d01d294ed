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
            Self::Node(_) => only_reads(error) || error.is_io_error() || error.is_unrecoverable_error(),
            Self::Cluster(_) => error.kind() == ErrorKind::ClusterConnectionNotFound,
        }
    }

    /// Whether nothing more is to be expected of it after a call that was not answered. In a cluster that is the fault of
    /// one node, and the others must not suffer for it.
    pub(super) fn ends_in_silence(&self) -> bool {
        matches!(self, Self::Node(_))
    }
}

/// A master that was demoted answers so: somebody else is the master now. Redis 6 wraps what happens inside a script.
pub(super) fn only_reads(error: &RedisError) -> bool {
    let wrapped = error.detail().is_some_and(|detail| detail.contains("-READONLY"));
    wrapped || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
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
