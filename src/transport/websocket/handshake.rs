//! The upgrade of an HTTP request to a WebSocket: RFC 6455, section 4.2; [CN1], [CN2].
//!
//! Promises: answers from the headers alone.
//! Must never: accept a compression whose window, or whose context, would have to be kept per connection.

use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// The one subprotocol.
pub const SUBPROTOCOL: &str = "blockhub.v1";

const EXTENSION: &str = "permessage-deflate";
const EXTENSION_ANSWER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/// RFC 6455, section 1.3.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_LEN: usize = 16;

/// Whether messages may be deflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deflate {
    /// Offered and accepted.
    Negotiated,
    /// Not offered, or not in a way that can be accepted.
    Declined,
}

/// What was agreed on.
#[derive(Debug)]
pub struct Agreement {
    /// Whether messages may be deflated.
    pub deflate: Deflate,
    /// The headers of the answer.
    pub headers: HeaderMap,
}

/// Why a request cannot become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It does not ask for one, or not in a way that RFC 6455 knows.
    NotWebSocket(&'static str),
    /// Another version than 13.
    Version,
    /// Subprotocols are offered, and ours is not among them.
    Subprotocol,
}

impl Mismatch {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::NotWebSocket(_) | Self::Subprotocol => StatusCode::BAD_REQUEST,
        }
    }

    /// For people.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotWebSocket(message) => message,
            Self::Version => "the WebSocket version must be 13",
            Self::Subprotocol => "the subprotocol is blockhub.v1",
        }
    }
}

/// Judges a request's headers.
pub fn agree(headers: &HeaderMap) -> Result<Agreement, Mismatch> {
    let has = |name, word: &str| items(headers, name).any(|item| item.eq_ignore_ascii_case(word));
    if !has(&UPGRADE, "websocket") || !has(&CONNECTION, "upgrade") {
        return Err(Mismatch::NotWebSocket("this address speaks WebSocket"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Mismatch::Version);
    }
    let mut answer = HeaderMap::with_capacity(5);
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept(headers)?);
    if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        let is_offered = items(headers, &SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == SUBPROTOCOL);
        is_offered.then_some(()).ok_or(Mismatch::Subprotocol)?;
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let deflate = deflate(headers);
    if deflate == Deflate::Negotiated {
        answer.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(EXTENSION_ANSWER));
    }
    Ok(Agreement { deflate, headers: answer })
}

fn accept(headers: &HeaderMap) -> Result<HeaderValue, Mismatch> {
    let bad_key = Mismatch::NotWebSocket("the WebSocket key is missing or wrong");
    let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(bad_key)?.as_bytes().trim_ascii();
    if STANDARD.decode(key).map_err(|_| bad_key)?.len() != KEY_LEN {
        return Err(bad_key);
    }
    let digest = Sha1::new().chain_update(key).chain_update(KEY_SUFFIX).finalize();
    HeaderValue::try_from(STANDARD.encode(digest)).map_err(|_| bad_key)
}

/// The items of a header that is a list, over all its lines.
fn items<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn deflate(headers: &HeaderMap) -> Deflate {
    let mut offers = items(headers, &SEC_WEBSOCKET_EXTENSIONS);
    if offers.any(is_acceptable) { Deflate::Negotiated } else { Deflate::Declined }
}

/// Whether an offer is one of permessage-deflate that the one answer fits (RFC 7692, section 7.1).
fn is_acceptable(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case(EXTENSION)) {
        return false;
    }
    let names: Vec<&str> = parts.clone().map(|part| part.split('=').next().unwrap_or_default().trim_end()).collect();
    let is_repeated = names.iter().enumerate().any(|(index, name)| names[..index].contains(name));
    !is_repeated && parts.all(is_parameter)
}

fn is_parameter(part: &str) -> bool {
    let (name, value) = match part.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(value.trim_start().trim_matches('"'))),
        None => (part, None),
    };
    match (name, value) {
        ("server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits", None) => true,
        ("client_max_window_bits", Some(bits)) => matches!(bits, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15"),
        // The deflated form is one for all, made with the whole window.
        ("server_max_window_bits", Some(bits)) => bits == "15",
        _ => false,
    }
}
