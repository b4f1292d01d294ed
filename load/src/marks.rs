//! Marks: words that nobody can guess, put wherever users write something, and looked for in all that comes back.
//!
//! Promises: one pass over the bytes finds every mark in them; a mark that its reader may not see, or that nobody made,
//! is an error that says who saw whose, of what, and where.
//! Must never: forgive one, or trust where it stands: a mark may turn up in any field of any message.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem::Finder;
use parking_lot::RwLock;
use uuid::Uuid;

use crate::LoadError;

/// What every mark begins with, and how many hexadecimal digits follow.
const PREFIX: &[u8] = b"mark-";
const DIGITS: usize = 32;
/// How much of what surrounds a misplaced mark is shown.
const SHOWN_BYTES: usize = 160;

/// Those who may see a mark: numbers of users.
pub type Readers = Arc<[u32]>;

/// All marks of a run.
pub struct Marks {
    made: RwLock<HashMap<u128, Made>>,
    prefix: Finder<'static>,
    seen: AtomicU64,
    bytes: AtomicU64,
}

/// A mark.
struct Made {
    by: u32,
    what: &'static str,
    readers: Readers,
}

/// Who reads, and what.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The user's number.
    pub reader: u32,
    /// What they read: `an HTTP answer`.
    pub place: &'static str,
}

impl Default for Marks {
    fn default() -> Self {
        let prefix = Finder::new(PREFIX);
        Self { made: RwLock::default(), prefix, seen: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }
}

impl Marks {
    /// A new mark of a user, to be put into something that these may see.
    pub fn make(&self, by: u32, what: &'static str, readers: &Readers) -> String {
        // Not of the run's chance: users of equal seeds have marks of their own.
        let id = Uuid::new_v4();
        self.made.write().insert(id.as_u128(), Made { by, what, readers: readers.clone() });
        format!("mark-{}", id.simple())
    }

    /// Looks through what somebody was sent.
    pub fn check(&self, sight: Sight, bytes: &[u8]) -> Result<(), LoadError> {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let mut seen = 0;
        for at in self.prefix.find_iter(bytes) {
            self.check_one(sight, bytes, at)?;
            seen += 1;
        }
        self.seen.fetch_add(seen, Ordering::Relaxed);
        Ok(())
    }

    fn check_one(&self, sight: Sight, bytes: &[u8], at: usize) -> Result<(), LoadError> {
        let start = at + PREFIX.len();
        let digits = bytes.get(start..start + DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
        let id = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let made = self.made.read();
        let whose = match id.and_then(|id| made.get(&id)) {
            Some(mark) if mark.readers.contains(&sight.reader) => return Ok(()),
            Some(Made { by, what, .. }) => format!("that person-{by} put into {what}"),
            None => "that nobody made".to_owned(),
        };
        let around = &bytes[at.saturating_sub(SHOWN_BYTES)..bytes.len().min(start + DIGITS + SHOWN_BYTES)];
        let (Sight { reader, place }, around) = (sight, String::from_utf8_lossy(around));
        Err(LoadError::Misplaced(format!("person-{reader} saw in {place} a mark {whose}: …{around}…")))
    }

    /// How many were made.
    pub fn made(&self) -> u64 {
        self.made.read().len() as u64
    }

    /// How many were seen, each by somebody who may.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// How many bytes were looked through.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Marks, Readers, Sight};

    #[test]
    fn a_mark_is_for_its_readers_alone_wherever_it_stands() {
        let (marks, both): (Marks, Readers) = (Marks::default(), [1, 2].into());
        let mark = marks.make(1, "a title", &both);
        let text = format!("HTTP/1.1 200 OK\r\nX: {mark}\r\n\r\n{{\"mark-\\u0000\":[\"{mark}\"]}}");
        let sees = |reader, text: &str| marks.check(Sight { reader, place: "an answer" }, text.as_bytes());
        assert!(sees(1, &format!("{mark}{mark}")).is_ok() && sees(2, &mark).is_ok());
        let told = sees(3, &format!("..{mark}..")).unwrap_err().to_string();
        assert!(told.contains("person-3 saw in an answer a mark that person-1 put into a title"), "{told}");
        // Torn, unknown, and one that only begins like a mark.
        for wrong in [&mark[..20], "mark-00000000000000000000000000000000", &text] {
            assert!(sees(1, wrong).unwrap_err().to_string().contains("nobody made"), "{wrong}");
        }
        assert_eq!((marks.made(), marks.seen()), (1, 3));
    }
}
