//! Inflates what clients send deflated (RFC 7692), up to a bound.
//!
//! Promises: never holds more than the bound, whatever the input claims.
//! Must never: carry anything over from one message to the next.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

/// What the sender took off the end.
const FLUSH_END: [u8; 4] = [0, 0, 0xFF, 0xFF];
const GROWTH_MIN: usize = 4 << 10;

/// Why a message cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// It is larger than the bound.
    TooBig,
    /// It is not deflated data.
    Corrupt,
}

thread_local! {
    // Scratch space of 40 KB; reset before each use, it carries nothing over.
    static DECOMPRESS: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// The message, if it is at most `bytes_max` long.
pub fn inflate(mut deflated: Vec<u8>, bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    deflated.extend_from_slice(&FLUSH_END);
    DECOMPRESS.with_borrow_mut(|decompress| {
        decompress.reset(false);
        inflate_with(decompress, &deflated, bytes_max)
    })
}

fn inflate_with(decompress: &mut Decompress, deflated: &[u8], bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    let mut inflated = Vec::new();
    loop {
        let growth = inflated.len().max(GROWTH_MIN).min(bytes_max + 1 - inflated.len());
        inflated.reserve_exact(growth);
        let taken = usize::try_from(decompress.total_in()).map_err(|_| InflateError::TooBig)?;
        let status = decompress.decompress_vec(&deflated[taken..], &mut inflated, FlushDecompress::Sync);
        let status = status.map_err(|_| InflateError::Corrupt)?;
        if inflated.len() > bytes_max {
            return Err(InflateError::TooBig);
        }
        // With room left over, all that can be inflated has been. A sender may also have ended the stream.
        if status == Status::StreamEnd || inflated.len() < inflated.capacity() {
            let left = deflated.len() as u64 - decompress.total_in();
            return if left <= FLUSH_END.len() as u64 + 1 { Ok(inflated) } else { Err(InflateError::Corrupt) };
        }
    }
}
