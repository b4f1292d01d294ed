//! Inflates messages that were sent deflated (RFC 7692), for those who want to read them.
//!
//! Promises: its memory is used again for every message.
//! Must never: carry anything over from one message to the next.

use flate2::{Decompress, FlushDecompress, Status};

use crate::LoadError;

/// What the sender took off the end.
const FLUSH_END: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// How much it grows at once.
const GROWTH_BYTES: usize = 64 << 10;

/// One for many sockets.
pub struct Inflater {
    decompress: Decompress,
    message: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decompress: Decompress::new(false), message: Vec::new() }
    }
}

impl Inflater {
    /// The message.
    pub fn inflate(&mut self, deflated: &[u8]) -> Result<&[u8], LoadError> {
        self.message.clear();
        self.decompress.reset(false);
        self.take(deflated)?;
        self.take(&FLUSH_END)?;
        Ok(&self.message)
    }

    fn take(&mut self, mut deflated: &[u8]) -> Result<(), LoadError> {
        loop {
            self.message.reserve(GROWTH_BYTES);
            let before = self.decompress.total_in();
            let status = self.decompress.decompress_vec(deflated, &mut self.message, FlushDecompress::Sync);
            let status =
                status.map_err(|error| LoadError::Wrong(format!("a message that is not deflated: {error}")))?;
            let taken = usize::try_from(self.decompress.total_in() - before).unwrap_or(usize::MAX);
            deflated = deflated.get(taken..).unwrap_or_default();
            // With room left over, all that can be inflated has been.
            if status == Status::StreamEnd || self.message.len() < self.message.capacity() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::{FLUSH_END, Inflater};

    #[test]
    fn messages_come_back_one_after_the_other() {
        let mut inflater = Inflater::default();
        for length in [0, 10, 64 << 10, 1 << 20] {
            let message: Vec<u8> = (0..length).map(|at| b"abc"[at % 3]).collect();
            let mut deflated = Vec::with_capacity(length + 100);
            let mut compress = Compress::new(Compression::fast(), false);
            compress.compress_vec(&message, &mut deflated, FlushCompress::Sync).unwrap();
            let cut = deflated.strip_suffix(&FLUSH_END).unwrap();
            assert_eq!(inflater.inflate(cut).unwrap(), message);
        }
        assert!(inflater.inflate(&[0xFF; 20]).is_err());
    }
}
