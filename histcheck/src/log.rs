//! The database's side of a history: a project's log and blocks, made into records.
//!
//! Promises: says after each event what the blocks must be, by the log alone.
//! Must never: take a hub's word for what the log can tell.

use serde_json::Value;

use crate::digest::digest_of_event;
use crate::fold::{Blocks, Misfit};
use crate::history::{Body, Record};
use crate::id::Id;

/// A project's log that is kept from its first event on, read in order. Where compaction has dropped the beginning, the
/// blocks cannot be known: `Record::Event` is then made by hand.
pub struct Log {
    project: Id,
    blocks: Blocks,
}

impl Log {
    /// Before the first event.
    pub fn of(project: Id) -> Self {
        Self { project, blocks: Blocks::default() }
    }

    /// The next event, as the wire shows it.
    ///
    /// Errors: it is no event, or does not fit what was before.
    pub fn event(&mut self, event: &Value) -> Result<Record, Misfit> {
        let versions = self.blocks.apply(event)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(Record::Event {
            project: self.project,
            seq: event["seq"].as_u64().ok_or(Misfit("the event has no seq"))?,
            edit: event["editId"].as_str().and_then(|id| id.parse().ok()).ok_or(Misfit("the event has no editId"))?,
            user: text(&event["actor"]["id"]).ok_or(Misfit("the event has no actor"))?,
            versions,
            body: Some(Body { digest: digest_of_event(event), blocks: Some(self.blocks.digest()) }),
        })
    }
}

/// A project as the database holds it: `blocks` are its living blocks in the wire's form, from the table of blocks.
///
/// Errors: one is no block.
pub fn head(project: Id, epoch: String, seq: u64, blocks: &[Value]) -> Result<Record, Misfit> {
    Ok(Record::Head { project, epoch, seq, blocks: Blocks::of(blocks)?.digest() })
}
