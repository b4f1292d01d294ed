//! Writes views as JSON.
//!
//! Promises: what is written is one JSON value.
//! Must never: be given what serde cannot write: maps with keys other than strings.

use std::io;

use serde::Serialize;

/// The JSON text of a view.
pub fn text(view: &impl Serialize) -> Vec<u8> {
    // Writing to memory cannot fail, and every view has string keys only.
    serde_json::to_vec(view).expect("a view is JSON")
}

/// How long the JSON text of a view is, in bytes, without keeping it.
pub fn len(view: &impl Serialize) -> usize {
    let mut count = Count(0);
    // As above.
    serde_json::to_writer(&mut count, view).expect("a view is JSON");
    count.0
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
