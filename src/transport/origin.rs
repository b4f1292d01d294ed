//! Which web pages may use the hub, and by which names it is called ([CN3], [CN6]).
//!
//! Promises: the same answer for every transport, before anything is allocated.
//! Must never: take a part of an origin for the whole.

use std::net::IpAddr;

/// Whether a request with this `Origin` and `Host` may go on. `allowed` names origins exactly; if it is empty, the
/// origin must be the hub's own host. No `Origin`: not a web page, or one of the hub's own.
pub fn origin_allowed(origin: Option<&str>, host: Option<&str>, allowed: &[String]) -> bool {
    let Some(origin) = origin else { return true };
    if !allowed.is_empty() {
        return allowed.iter().any(|known| known == origin);
    }
    let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    named.zip(host).is_some_and(|(named, host)| !named.is_empty() && named.eq_ignore_ascii_case(host))
}

/// Whether a `Host` names this machine itself: a page of another name that resolves to 127.0.0.1 (DNS rebinding) is
/// not let in.
pub fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}
