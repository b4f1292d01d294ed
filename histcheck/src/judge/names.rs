//! Users and epochs as numbers: texts that come back a million times are kept once.
//!
//! Promises: equal texts have equal numbers.
//! Must never: forget one; a history has few of them.

use std::collections::HashMap;

use crate::digest::BuildDigest;

/// A user or an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(u32);

/// All of them.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<String, Name, BuildDigest>,
    texts: Vec<String>,
}

impl Names {
    /// The number of a text.
    pub(super) fn of(&mut self, text: &str) -> Name {
        if let Some(name) = self.numbers.get(text) {
            return *name;
        }
        let name = Name(self.texts.len() as u32);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), name);
        name
    }

    /// The text of a number.
    pub(super) fn text(&self, name: Name) -> &str {
        &self.texts[name.0 as usize]
    }
}
