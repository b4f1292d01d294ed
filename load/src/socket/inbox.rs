//! The bytes that were read from a socket, and the frames in them.
//!
//! Promises: one buffer, small while little comes, so that many sockets fit into memory; it grows to what a socket needs.
//! Must never: copy a whole frame except to make room for the next ones.

use super::frame::{self, Found};
use crate::LoadError;

/// What it begins with: a `welcome` fits.
const START_BYTES: usize = 1 << 10;
/// Above this it grows only for a frame that needs it.
const EASY_BYTES: usize = 256 << 10;

/// A buffer.
pub struct Inbox {
    bytes: Vec<u8>,
    /// What was handed out.
    taken: usize,
    /// What was read.
    filled: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { bytes: vec![0; START_BYTES], taken: 0, filled: 0 }
    }
}

impl Inbox {
    /// Takes the next whole frame, if there is one.
    pub fn take(&mut self) -> Result<Option<Found>, LoadError> {
        let Some(mut found) = frame::find(&self.bytes[self.taken..self.filled])? else { return Ok(None) };
        found.payload = found.payload.start + self.taken..found.payload.end + self.taken;
        self.taken = found.payload.end;
        Ok(Some(found))
    }

    /// The bytes that wait.
    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.taken..self.filled]
    }

    /// Passes over bytes that wait.
    pub fn pass(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.filled);
    }

    /// A frame's payload, until something is read again.
    pub fn payload(&self, found: &Found) -> &[u8] {
        &self.bytes[found.payload.clone()]
    }

    /// Where the next bytes may be read into: never empty.
    pub fn room(&mut self) -> &mut [u8] {
        let waiting = self.filled - self.taken;
        if self.taken > 0 && (waiting == 0 || self.filled == self.bytes.len()) {
            self.bytes.copy_within(self.taken..self.filled, 0);
            (self.taken, self.filled) = (0, waiting);
        }
        let needed = frame::whole_length(self.waiting()).unwrap_or(0);
        if needed > self.bytes.len() || waiting == self.bytes.len() {
            self.bytes.resize(needed.max(2 * self.bytes.len()), 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// So many bytes were read. A socket that fills its buffer gets a larger one.
    pub fn filled(&mut self, count: usize) {
        self.filled += count;
        if self.filled == self.bytes.len() && self.bytes.len() < EASY_BYTES {
            self.bytes.resize(2 * self.bytes.len(), 0);
        }
    }
}
