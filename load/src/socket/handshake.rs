//! The upgrade of a TCP connection to a WebSocket: RFC 6455, section 4.1.
//!
//! Promises: an upgrade counts only with the accept key that the RFC asks for, and a compression only if a message can be
//! inflated without those before it.
//! Must never: be copied into a product: its nonce is always the same, which only caches on the way would mind.

use super::frame::Form;
use crate::LoadError;

/// The RFC's own example, section 1.3, and what belongs to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const EXTENSION: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The request. `form` says what may be sent to us.
pub fn request(address: &str, path: &str, form: Form) -> String {
    let extension = match form {
        Form::Plain => String::new(),
        Form::Deflated => format!("Sec-WebSocket-Extensions: {EXTENSION}\r\n"),
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{extension}\r\n"
    )
}

/// Judges the head of the answer; what may be sent to us.
pub fn judge(head: &str, asked: Form) -> Result<Form, LoadError> {
    let refused = || LoadError::Wrong(format!("no WebSocket: {}", head.trim_end()));
    let status = head.split(' ').nth(1);
    if status != Some("101") || header(head, "sec-websocket-accept") != Some(ACCEPT) {
        return Err(refused());
    }
    match (header(head, "sec-websocket-extensions"), asked) {
        (None, _) => Ok(Form::Plain),
        (Some(answer), Form::Deflated) if answer.contains("server_no_context_takeover") => Ok(Form::Deflated),
        _ => Err(refused()),
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut named = fields.filter(|(found, _)| found.trim().eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim())
}
