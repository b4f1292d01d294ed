//! A string read from front to back by UTF-16 code units.
//!
//! Promises: one pass, however many steps; text in ASCII is not looked at twice.
//! Must never: stop inside a surrogate pair.

use super::TextError;

/// How long `text` is in UTF-16 code units.
pub(super) fn count(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// What has not been read yet of a string.
pub(super) struct Units<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Units<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text, at: 0 }
    }

    /// Reads up to position `at`, counted from the beginning of the string.
    pub(super) fn skip_to(&mut self, at: usize) -> Result<&'a str, TextError> {
        let units = at.checked_sub(self.at).ok_or(TextError::BadSpan)?;
        self.take(units)
    }

    /// Reads the next `units` code units.
    pub(super) fn take(&mut self, units: usize) -> Result<&'a str, TextError> {
        let bytes = bytes_of(self.rest, units)?;
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.at += units;
        Ok(taken)
    }

    /// Reads `text`, which must come next.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), TextError> {
        self.rest = self.rest.strip_prefix(text).ok_or(TextError::BadSpan)?;
        self.at += count(text);
        Ok(())
    }

    /// What has not been read.
    pub(super) fn rest(self) -> &'a str {
        self.rest
    }
}

/// How many bytes the first `units` code units of `text` take.
fn bytes_of(text: &str, units: usize) -> Result<usize, TextError> {
    if text.as_bytes().get(..units).is_some_and(<[u8]>::is_ascii) {
        return Ok(units);
    }
    let mut bytes = 0;
    let mut left = units;
    let mut chars = text.chars();
    while left > 0 {
        let next = chars.next().ok_or(TextError::BadSpan)?;
        left = left.checked_sub(next.len_utf16()).ok_or(TextError::BadSpan)?;
        bytes += next.len_utf8();
    }
    Ok(bytes)
}
