//! Looks into a message without understanding it: a byte search instead of JSON, for messages whose writer is known.
//!
//! Promises: finds a key where the hub writes it: `"seq":17`, `"id":"a"`, without a space.
//! Must never: be used on messages whose texts come from somewhere else: it would find keys in them.

use memchr::memchr;
use memchr::memmem::Finder;

/// What it looks for. Cheap to clone; to be made once.
#[derive(Clone)]
pub struct Scan {
    seq: Finder<'static>,
    id: Finder<'static>,
}

impl Default for Scan {
    fn default() -> Self {
        Self { seq: Finder::new(b"\"seq\":"), id: Finder::new(b"\"id\":\"") }
    }
}

impl Scan {
    /// Every `seq`, in order.
    pub fn seqs<'a>(&'a self, message: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
        self.seq.find_iter(message).filter_map(|at| number(&message[at + 6..]))
    }

    /// The first `id`.
    pub fn id<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        text(&message[self.id.find(message)? + 6..])
    }
}

/// A message's type, which the hub writes first; empty if it is not there.
pub fn kind(message: &[u8]) -> &[u8] {
    message.strip_prefix(b"{\"type\":\"").and_then(text).unwrap_or_default()
}

/// The number that these bytes begin with.
pub fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let mut any = None;
    for digit in digits {
        any = Some(any.unwrap_or(0_u64).checked_mul(10)?.checked_add(u64::from(digit - b'0'))?);
    }
    any
}

/// Up to the quote; what has escapes in it is cut.
fn text(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..memchr(b'"', bytes)?)
}

#[cfg(test)]
mod tests {
    use super::{Scan, kind};

    #[test]
    fn keys_are_found_where_the_hub_writes_them() {
        let scan = Scan::default();
        let events = br#"{"type":"events","project":"p","epoch":"e","events":[{"seq":20,"editId":"a1"},{"seq":21}]}"#;
        assert_eq!(kind(events), b"events");
        assert_eq!(scan.seqs(events).collect::<Vec<_>>(), [20, 21]);
        let ack = br#"{"type":"ack","id":"4","requestId":"r","seq":7}"#;
        assert_eq!((scan.id(ack), scan.seqs(ack).next()), (Some(&b"4"[..]), Some(7)));
        assert_eq!((scan.id(b"{}"), scan.seqs(b"{\"seq\":").next(), kind(b"")), (None, None, &b""[..]));
    }
}
