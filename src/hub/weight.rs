//! What waits for one client, weighed by class ([JN6]).
//!
//! Promises: a frame weighs what it holds, however many clients share it.
//! Must never: know in which order things wait.

use std::sync::Arc;

use crate::domain::ids::{ConnectionId, ProjectId};
use crate::domain::sequence::Seq;
use crate::protocol::frame::Frame;

/// What a waiting frame costs besides its JSON, in bytes: so that many small ones are bounded too.
pub const FRAME_COST: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Reply,
    Events { project: ProjectId, first: Seq },
    Presence { project: ProjectId, who: Arc<[ConnectionId]> },
    Signal(ProjectId),
}

/// What waits, by class; with `FRAME_COST` for each frame.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    pub(super) replies: usize,
    pub(super) events: usize,
    pub(super) presence: usize,
    pub(super) signals: usize,
}

impl Bytes {
    pub(super) fn all(&self) -> usize {
        self.replies + self.events + self.presence + self.signals
    }

    pub(super) fn of(&mut self, class: &Class) -> &mut usize {
        match class {
            Class::Reply => &mut self.replies,
            Class::Events { .. } => &mut self.events,
            Class::Presence { .. } => &mut self.presence,
            Class::Signal(_) => &mut self.signals,
        }
    }
}

impl Class {
    pub(super) fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Reply => None,
            Self::Events { project, .. } | Self::Presence { project, .. } | Self::Signal(project) => Some(*project),
        }
    }
}

pub(super) fn cost(frame: &Frame) -> usize {
    frame.len() + FRAME_COST
}
