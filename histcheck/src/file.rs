//! Histories as files: written by many tasks at once, read one record at a time.
//!
//! Promises: records handed over by one task stand in the file in that order; a line is whole or not there.
//! Must never: hold a history in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::history::Record;

/// Bytes that wait before they go to the file.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes a history. Shared by reference; each record is made to JSON outside of the lock.
pub struct Writer {
    open: Mutex<Open>,
}

struct Open {
    file: BufWriter<File>,
    written: u64,
    failed: Option<io::Error>,
}

impl Writer {
    /// Begins a new file, in the place of one that is there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
        Ok(Self { open: Mutex::new(Open { file, written: 0, failed: None }) })
    }

    /// Adds one record. What fails is told by `finish`: a run cannot do anything about it before.
    pub fn write(&self, record: &Record) {
        // Proven: records have no maps with keys that are no strings, and writing to memory does not fail.
        let mut line = serde_json::to_vec(record).unwrap_or_default();
        line.push(b'\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.file.write_all(&line) {
            Ok(()) => open.written += 1,
            Err(error) => open.failed = open.failed.take().or(Some(error)),
        }
    }

    /// How many records there are by now.
    pub fn written(&self) -> u64 {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).written
    }

    /// Brings everything to the file; answers how many records it has. More may be written afterwards.
    ///
    /// Errors: the first that any write met.
    pub fn finish(&self) -> io::Result<u64> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.failed.take().map_or(Ok(()), Err)?;
        open.file.flush()?;
        Ok(open.written)
    }
}

/// The records of a file, in order.
///
/// Errors: the file cannot be opened; each item's: it cannot be read further, or a line is no record.
pub fn records(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Record>>> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
    let (mut line, mut number) = (Vec::new(), 0_u64);
    Ok(std::iter::from_fn(move || {
        line.clear();
        number += 1;
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(|error| wrong(number, &error))),
            Err(error) => Some(Err(error)),
        }
    }))
}

fn wrong(line: u64, error: &serde_json::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is no record: {error}"))
}
