//! Which web pages may speak to the hub ([CN3]), and under which names it answers when it is open ([CN6]).
//!
//! Promises: the answer depends on the headers and the settings only, and costs no allocation.
//! Must never: take an `Origin` that it cannot read for none.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Request};

/// Whose pages may call, and by which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPolicy {
    /// Exact origins; where there is none, only the hub's own.
    pub allowed: Vec<String>,
    /// By which names the hub may be called.
    pub names: Names,
}

/// By which names the hub may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Any: what callers may do depends on their tokens.
    Any,
    /// Those of the loopback alone. An open hub trusts whoever reaches it, so a page from elsewhere must not reach it
    /// by a name that it made to point here (DNS rebinding).
    Loopback,
}

/// Why a request goes no further: 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// The page is not one of those that may call.
    Origin,
    /// An open hub was called by a name that is not the loopback's.
    Host,
}

impl OriginPolicy {
    /// Judges a request by its target and its headers.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Stranger> {
        let host = host(request).map_err(|Unreadable| Stranger::Host)?;
        if self.names == Names::Loopback && !host.is_some_and(is_loopback) {
            return Err(Stranger::Host);
        }
        let origin = single(request.headers(), &ORIGIN).map_err(|Unreadable| Stranger::Origin)?;
        if origin_allowed(origin, host, &self.allowed) { Ok(()) } else { Err(Stranger::Origin) }
    }
}

/// The host that the client means: of the target, if it names one (RFC 9112, section 3.2.2), else of the header.
pub fn host<B>(request: &Request<B>) -> Result<Option<&str>, Unreadable> {
    match request.uri().authority() {
        Some(named) => Ok(Some(named.as_str())),
        None => single(request.headers(), &HOST),
    }
}

/// Whether a page of this origin may call: it is exactly one of `allowed`, or where none is given, the hub's own host
/// by the request's `Host`. Without an `Origin` it is no page that calls.
pub fn origin_allowed(origin: Option<&str>, host: Option<&str>, allowed: &[String]) -> bool {
    match (origin, host) {
        (None, _) => true,
        (Some(origin), _) if !allowed.is_empty() => allowed.iter().any(|known| known == origin),
        (Some(_), None) => false,
        (Some(origin), Some(host)) => is_own(origin, host),
    }
}

/// Whether a `Host` names the loopback: `localhost`, `127.x.y.z` or `[::1]`, on any port.
pub fn is_loopback(host: &str) -> bool {
    let Some((name, _)) = name_and_port(host) else { return false };
    let is_loopback_v4 = || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    name.eq_ignore_ascii_case("localhost") || name == "[::1]" || is_loopback_v4()
}

/// A proxy may have ended TLS before the hub, so the schemes need not be the same.
fn is_own(origin: &str, host: &str) -> bool {
    let (authority, port_default) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
        (Some(authority), _) => (authority, 80),
        (_, Some(authority)) => (authority, 443),
        _ => return false,
    };
    let (Some((its, its_port)), Some((ours, our_port))) = (name_and_port(authority), name_and_port(host)) else {
        return false;
    };
    its.eq_ignore_ascii_case(ours) && its_port.unwrap_or(port_default) == our_port.unwrap_or(port_default)
}

/// Splits `name`, `name:port`, `[v6]` or `[v6]:port`; anything else, such as a path or a user, is none of these.
fn name_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let name_len = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (name, rest) = authority.split_at(name_len);
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.' | '_' | '[' | ']' | ':');
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((name, None)),
        Some(port) if port.bytes().all(|digit| digit.is_ascii_digit()) => Some((name, Some(port.parse().ok()?))),
        _ => None,
    }
}

/// A header that is there more than once, or is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Unreadable> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unreadable),
        (Some(_), Some(_)) => Err(Unreadable),
    }
}
