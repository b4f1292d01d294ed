//! Deflated messages, each inflated once: a broadcast is the same bytes for everybody, so the first who reads it reads for
//! all.
//!
//! Promises: what is handed out is what exactly these bytes inflate to.
//! Must never: hold more than a few.

use std::collections::VecDeque;

use crate::LoadError;
use crate::socket::{Form, Inflater, Message};

/// So many different messages are under way at once, more or less.
const KEPT_MAX: usize = 16;

/// The last few.
#[derive(Default)]
pub struct Memo {
    inflater: Inflater,
    /// Deflated and inflated, newest first.
    kept: VecDeque<(Vec<u8>, Vec<u8>)>,
}

impl Memo {
    /// What a message says.
    pub fn read<'a>(&'a mut self, message: Message<'a>) -> Result<&'a [u8], LoadError> {
        if message.form == Form::Plain {
            return Ok(message.payload);
        }
        let found = self.kept.iter().position(|(deflated, _)| deflated == message.payload);
        let at = match found {
            Some(at) => at,
            None => self.keep(message.payload)?,
        };
        Ok(&self.kept[at].1)
    }

    fn keep(&mut self, deflated: &[u8]) -> Result<usize, LoadError> {
        let reused = if self.kept.len() >= KEPT_MAX { self.kept.pop_back() } else { None };
        let (mut key, mut text) = reused.unwrap_or_default();
        key.clear();
        text.clear();
        key.extend_from_slice(deflated);
        text.extend_from_slice(self.inflater.inflate(deflated)?);
        self.kept.push_front((key, text));
        Ok(0)
    }
}
