//! Which codings of an answer a client takes (RFC 9110, section 12.5.3).
//!
//! Promises: a coding is used only where the client names it, and does not say that it is worth nothing to it.
//! Must never: look at the answer.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Plain,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    /// The smallest that the client takes.
    pub fn taken(asked: &HeaderMap) -> Self {
        let lists = || asked.get_all(ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
        let weight = |coding: &str| {
            let mut named = lists().flat_map(|list| list.split(',')).map(weighed);
            named.find(|(name, _)| name.eq_ignore_ascii_case(coding)).map(|(_, weight)| weight)
        };
        match weight("gzip").or_else(|| weight("*")) {
            Some(weight) if weight > 0.0 => Self::Gzip,
            _ => Self::Plain,
        }
    }
}

/// `gzip;q=0.5`: a coding, and what it is worth. A weight that cannot be read is that of a coding that is not wanted.
fn weighed(item: &str) -> (&str, f32) {
    let (name, weight) = item.split_once(';').unwrap_or((item, "q=1"));
    let weight = weight.trim().strip_prefix("q=").or_else(|| weight.trim().strip_prefix("Q="));
    (name.trim(), weight.and_then(|weight| weight.trim().parse().ok()).unwrap_or(0.0))
}
