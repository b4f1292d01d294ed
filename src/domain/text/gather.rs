//! Splices, gathered piece by piece from front to back.
//!
//! Promises: pieces that touch become one splice; pieces that change nothing become none.
//! Must never: reorder text.

use super::{Splice, units};

/// The splices so far.
#[derive(Default)]
pub(super) struct Gather {
    splices: Vec<Splice>,
    /// Where the last one's span ends.
    end: usize,
}

impl Gather {
    /// At `at` stood `deleted`, now there is `inserted`; never before the end of the piece before.
    pub(super) fn replace(&mut self, at: usize, deleted: &str, inserted: &str) {
        if deleted.is_empty() && inserted.is_empty() {
            return;
        }
        let touching = self.splices.last_mut().filter(|_| self.end == at);
        match touching {
            Some(last) => {
                last.deleted.push_str(deleted);
                last.inserted.push_str(inserted);
            }
            None => self.splices.push(Splice { at, deleted: deleted.into(), inserted: inserted.into() }),
        }
        self.end = at + units::count(deleted);
    }

    pub(super) fn done(self) -> Vec<Splice> {
        self.splices
    }
}
