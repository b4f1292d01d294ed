//! Whose use is counted.
//!
//! Promises: a subject's name is not another's, whatever users call themselves.
//! Must never: tell users of one address apart by what they write.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::domain::ids::{ProjectId, UserId};

/// Whose use is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A user's.
    User(UserId),
    /// That of an address; in IPv6, of the network that one customer has.
    Address(IpAddr),
    /// A project's.
    Project(ProjectId),
    /// Everybody's.
    Everybody,
}

impl Subject {
    /// Of an address, if its use is counted. This machine's own is not: who comes from there is its operator, or all the
    /// clients of a proxy that nobody has named.
    pub fn of_address(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            address if address.is_loopback() => None,
            IpAddr::V4(address) => Some(Self::Address(address.into())),
            IpAddr::V6(address) => Some(Self::Address(network(address).into())),
        }
    }
}

/// The first 64 bits: within them a customer may take any address (RFC 6177).
fn network(address: Ipv6Addr) -> Ipv6Addr {
    let [a, b, c, d, ..] = address.segments();
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Project(project) => write!(f, "project:{project}"),
            Self::Everybody => f.write_str("everybody"),
        }
    }
}
