//! What is kept in Redis and read back: sealed with a version and a checksum.
//!
//! Promises: what is opened equals what was sealed; a line that was cut, changed or written by another version is told
//! from a good one.
//! Must never: know what is inside.

use sha1::{Digest, Sha1};

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another version of the hub wrote it, or nobody did.
    #[error("it is of another version")]
    Version,
    /// It is not what was written.
    #[error("its checksum is wrong")]
    Checksum,
}

/// The version, the checksum (SHA-1, hexadecimal) and the content, with a space between them.
pub fn seal(version: &str, content: &[u8]) -> Vec<u8> {
    [version.as_bytes(), b" ", checksum(content).as_bytes(), b" ", content].concat()
}

/// What was sealed.
pub fn open<'a>(version: &str, line: &'a [u8]) -> Result<&'a [u8], SealError> {
    let (found, rest) = split(line).ok_or(SealError::Version)?;
    if found != version.as_bytes() {
        return Err(SealError::Version);
    }
    let (sum, content) = split(rest).ok_or(SealError::Checksum)?;
    if sum == checksum(content).as_bytes() { Ok(content) } else { Err(SealError::Checksum) }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|byte| *byte == b' ')?;
    Some((&line[..at], &line[at + 1..]))
}

fn checksum(content: &[u8]) -> String {
    Sha1::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
