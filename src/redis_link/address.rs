//! Where Redis is: one server, a master that Sentinels know, or a cluster.
//!
//! Promises: an address that parses can be tried; what is wrong with one is said in words that help.
//! Must never: show a password, neither in an error nor in a log.

use std::fmt;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// Where a Sentinel listens unless something else is said.
const SENTINEL_PORT: u16 = 26_379;
const ALLOWED: &str = "give redis://[USER:PASSWORD@]HOST[:PORT][/DB], \
    redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/MASTER[/DB] or \
    redis+cluster://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]; with rediss for redis where it shall be TLS";

/// Why a text is no address, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: {ALLOWED}")]
pub struct RedisAddressError(&'static str);

/// Where Redis is, and what it takes to be let in.
#[derive(Clone)]
pub struct RedisAddress {
    shown: String,
    pub(super) topology: Topology,
}

/// Who knows which server to talk to. Every server below speaks RESP3 and has the credentials with it.
#[derive(Clone)]
pub(super) enum Topology {
    /// We do: always this one.
    Single(ConnectionInfo),
    /// Sentinels do: the master of this name, wherever it is today. The credentials are those of the master; Sentinels
    /// hear them only if they ask for some.
    Sentinel { sentinels: Vec<ConnectionInfo>, master: String, db: i64 },
    /// The cluster does: each of these nodes knows the others.
    Cluster(Vec<ConnectionInfo>),
}

impl RedisAddress {
    /// Reads an address: `redis://`, `redis+sentinel://` or `redis+cluster://`, and the same with `rediss` for TLS.
    /// Signs in a user's name or password that mean something in a URL are percent-encoded there.
    pub fn parse(url: &str) -> Result<Self, RedisAddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisAddressError("this is no URL"))?;
        let (plain, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(plain, "redis" | "rediss") {
            return Err(RedisAddressError("this is no URL of a Redis"));
        }
        if rest.contains(['?', '#']) {
            return Err(RedisAddressError("`?` and `#` have no place here; in a password they are %3F and %23"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').map_or(("", authority), |(user, hosts)| (user, hosts));
        let parts = Parts { scheme: plain, credentials, hosts };
        let topology = match kind {
            "" => Topology::Single(parts.single(path)?),
            "sentinel" => parts.sentinel(path)?,
            "cluster" if matches!(path, "" | "0") => Topology::Cluster(parts.nodes(0)?),
            "cluster" => return Err(RedisAddressError("a cluster has no databases but 0")),
            _ => return Err(RedisAddressError("after `+` comes sentinel or cluster")),
        };
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { shown: format!("{scheme}://{hosts}{path}"), topology })
    }

    /// The address without user and password.
    pub fn describe(&self) -> &str {
        &self.shown
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// An address taken apart.
struct Parts<'a> {
    scheme: &'a str,
    credentials: &'a str,
    hosts: &'a str,
}

impl Parts<'_> {
    fn single(&self, path: &str) -> Result<ConnectionInfo, RedisAddressError> {
        if self.hosts.contains(',') {
            return Err(RedisAddressError("several servers need redis+sentinel:// or redis+cluster://"));
        }
        self.node(self.hosts, db(path)?)
    }

    fn sentinel(&self, path: &str) -> Result<Topology, RedisAddressError> {
        let (master, rest) = path.split_once('/').unwrap_or((path, ""));
        if master.is_empty() {
            return Err(RedisAddressError("the name under which Sentinels know the master is missing"));
        }
        let hosts = self.hosts.split(',').map(with_sentinel_port);
        let sentinels = hosts.map(|host| self.node(&host, 0)).collect::<Result<_, _>>()?;
        Ok(Topology::Sentinel { sentinels, master: master.to_owned(), db: db(rest)? })
    }

    fn nodes(&self, db: i64) -> Result<Vec<ConnectionInfo>, RedisAddressError> {
        self.hosts.split(',').map(|host| self.node(host, db)).collect()
    }

    /// One server. Its URL is read by those who connect to it, so that both understand it alike.
    fn node(&self, host: &str, db: i64) -> Result<ConnectionInfo, RedisAddressError> {
        if host.is_empty() {
            return Err(RedisAddressError("a host is missing"));
        }
        let Self { scheme, credentials, .. } = self;
        let at = if credentials.is_empty() { "" } else { "@" };
        let node = format!("{scheme}://{credentials}{at}{host}/{db}").into_connection_info();
        let node = node.map_err(|_| RedisAddressError("a host, a port, the user or the password cannot be read"))?;
        let redis = node.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        // Small commands must not wait for the answers of those before them.
        Ok(node.set_redis_settings(redis).set_tcp_settings(TcpSettings::default().set_nodelay(true)))
    }
}

/// The number of a database: 0 unless one is given.
fn db(path: &str) -> Result<i64, RedisAddressError> {
    match path {
        "" => Ok(0),
        number => number.parse::<u16>().map(i64::from).map_err(|_| RedisAddressError("the database is a number")),
    }
}

fn with_sentinel_port(host: &str) -> String {
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    if port.is_some() || host.is_empty() { host.to_owned() } else { format!("{host}:{SENTINEL_PORT}") }
}
