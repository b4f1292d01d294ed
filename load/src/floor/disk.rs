//! A bare `fsync`: 8 KiB added to a file, and made durable.
//!
//! Promises: on the disk that throwaway databases are on.
//! Must never: run beside a load.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::LoadError;
use crate::times::Times;

/// A page of a database.
const PAGE_BYTES: usize = 8 << 10;

/// How long each took, over so much time.
pub fn fsync(time: Duration) -> Result<Times, LoadError> {
    let (mut file, page) = (tempfile::tempfile()?, vec![7; PAGE_BYTES]);
    let (begun, mut times) = (Instant::now(), Times::default());
    while begun.elapsed() < time {
        let before = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.add(before.elapsed());
    }
    Ok(times)
}
