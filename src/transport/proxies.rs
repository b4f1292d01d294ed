//! Which address a client has, when proxies stand between ([S10]).
//!
//! Promises: only what a trusted proxy says is believed, and of that the rightmost hop that is not one itself; without
//! trusted proxies nobody's word counts.
//! Must never: take an address that the client may have written.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of those of whom two things are said. No client has it, and it is counted like one.
const NOBODY_KNOWS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The proxies whose word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

/// A text that names no addresses: the part that does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address nor a network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl Proxies {
    /// Addresses and networks, separated by commas.
    pub fn parse(text: &str) -> Result<Self, NoNetwork> {
        let named = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        named.map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The client's address, for a request that came from `peer`.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        let by_x = hops(headers, &X_FORWARDED_FOR).map(|hops| self.behind(peer, &hops, address));
        let by_standard = hops(headers, &FORWARDED).map(|hops| self.behind(peer, &hops, forwarded_for));
        match (by_x, by_standard) {
            (None, None) => peer,
            (Some(client), None) | (None, Some(client)) => client,
            (Some(one), Some(other)) if one == other => one,
            // A proxy writes one of the two; the other came from the client, and which it is cannot be told. All who do
            // that count as one.
            (Some(_), Some(_)) => NOBODY_KNOWS,
        }
    }

    /// Walks from hop to hop, as long as each is trusted and says who was before it.
    fn behind(&self, peer: IpAddr, hops: &[&str], read: impl Fn(&str) -> Option<IpAddr>) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Some(before) = read(hop) else { break };
            client = before;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, NoNetwork> {
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| one()).map_err(|_| NoNetwork(text.to_owned()))
}

/// What a list says, from left to right; none if it is not there. What is no text is a hop that says nothing.
fn hops<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    headers.contains_key(name).then(|| {
        let lines = headers.get_all(name).iter().map(|line| std::str::from_utf8(line.as_bytes()).unwrap_or_default());
        lines.flat_map(|line| line.split(',')).map(str::trim).collect()
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare().or_else(with_port).or_else(in_brackets).map(|address: IpAddr| address.to_canonical())
}

/// The `for` of `for=192.0.2.1;proto=https` (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(value.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(value))
}
