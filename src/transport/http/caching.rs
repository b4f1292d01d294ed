//! What HTTP caches may do with answers (RFC 9111).
//!
//! Promises: a read is marked with a strong tag, which differs for each coding of it, and is not sent twice to whoever
//! names that tag. It is its reader's own, so no cache that people share may keep it, and it names all that it depends on
//! for those that keep it nevertheless. What says nothing of itself is not kept at all.
//! Must never: let an answer that depends on who asks be kept for others.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha1::{Digest, Sha1};

use super::coding::Coding;
use crate::protocol::json;

/// Kept by its reader alone, and only to be asked about.
const OWN: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What an answer depends on beside its address: who asks, and in which coding it is taken.
const DEPENDS_ON: HeaderValue = HeaderValue::from_static("authorization, x-blockhub-user, accept-encoding");

/// A read of this shape, or 304 if the client has just this.
pub fn read<T: Serialize>(asked: &HeaderMap, view: &T) -> Response {
    let text = json::text(view);
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha1::digest(&text)));
    if is_known(asked, &tag) { unchanged(tag) } else { whole(tag, Coding::Plain, text) }
}

/// JSON text in this coding, under this tag.
pub fn whole(tag: String, coding: Coding, text: impl Into<Body>) -> Response {
    let mut answer = ([(CONTENT_TYPE, "application/json")], text.into()).into_response();
    if coding == Coding::Gzip {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    tagged(answer, tag)
}

/// The client has what this tag names.
pub fn unchanged(tag: String) -> Response {
    tagged(StatusCode::NOT_MODIFIED.into_response(), tag)
}

fn tagged(mut answer: Response, tag: String) -> Response {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, OWN);
    headers.insert(VARY, DEPENDS_ON);
    // Tags are made of letters, digits and signs.
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    answer
}

/// Whether `If-None-Match` names the tag; weakly compared (RFC 9110, section 13.1.2). Our tags hold no comma.
pub fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    asked.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags.as_bytes(), tag))
}

fn names(tags: &[u8], tag: &str) -> bool {
    let mut tags = tags.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|named| named == b"*" || named.strip_prefix(b"W/").unwrap_or(named) == tag.as_bytes())
}

/// Answers that say nothing of themselves are for nobody but who asked, now.
pub fn not_kept(headers: &mut HeaderMap) {
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
