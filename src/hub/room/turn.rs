//! A room's turn in its lane: when to decide what waits.
//!
//! Promises: while the lane has a batch under way, edits wait undecided, so that the next batch takes all of them.
//! Must never: hold up an idle lane.

use tokio::sync::oneshot;

use super::Room;
use super::command::Command;
use crate::hub::committer;

/// Where the room stands with its lane.
pub(super) enum Turn {
    /// It has not asked.
    Unasked,
    /// It waits. The lane holds the other end.
    Asked(oneshot::Receiver<committer::Turn>),
    /// Now; the lane waits until this is dropped.
    Now { _turn: committer::Turn },
}

/// Waits for the turn that was asked for; for ever if none was.
pub(super) async fn given(turn: &mut Turn) -> Turn {
    match turn {
        // A lane that is gone says so when it is given a commit.
        Turn::Asked(told) => told.await.map_or(Turn::Unasked, |turn| Turn::Now { _turn: turn }),
        Turn::Unasked | Turn::Now { .. } => std::future::pending().await,
    }
}

impl Room {
    /// Whether what waits first may be done; an edit may not while the lane is busy.
    pub(super) fn may_go_on(&mut self) -> bool {
        if !matches!(self.waiting.front(), Some(Command::Submit(_))) {
            return true;
        }
        match self.turn {
            Turn::Now { .. } => true,
            Turn::Asked(_) => false,
            Turn::Unasked => match self.env.committer.turn(self.id) {
                Some(told) => {
                    self.turn = Turn::Asked(told);
                    false
                }
                None => true,
            },
        }
    }
}
