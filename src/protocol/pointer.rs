//! JSON Pointers as text (RFC 6901).
//!
//! Promises: `parse` and `write` are each other's inverse.
//! Must never: look at what a pointer points to.

use crate::domain::merge::Pointer;

/// Reads a pointer: empty, or names each behind a `/`, with `~0` for `~` and `~1` for `/`. `None`: it is not one.
pub fn parse(text: &str) -> Option<Pointer> {
    if text.is_empty() {
        return Some(Pointer(Vec::new()));
    }
    let names = text.strip_prefix('/')?.split('/');
    names.map(unescape).collect::<Option<_>>().map(Pointer)
}

/// Writes a pointer.
pub fn write(pointer: &Pointer) -> String {
    let mut text = String::new();
    for name in &pointer.0 {
        text.push('/');
        for char in name.chars() {
            match char {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                char => text.push(char),
            }
        }
    }
    text
}

fn unescape(name: &str) -> Option<String> {
    let mut parts = name.split('~');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escaped, rest) = match part.as_bytes().first()? {
            b'0' => ('~', &part[1..]),
            b'1' => ('/', &part[1..]),
            _ => return None,
        };
        whole.push(escaped);
        whole.push_str(rest);
    }
    Some(whole)
}
