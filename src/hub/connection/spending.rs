//! What a message counts as, and what becomes of a client that says too much.
//!
//! Promises: a message is counted before anything is done for it; one that is too much is answered with how long to wait.
//! Must never: count what ends something: leaving, pings, replies.

use super::{Connection, State};
use crate::domain::ids::ProjectId;
use crate::domain::quota::Resource;
use crate::hub::context::Context;
use crate::hub::quotas::denied;
use crate::limit::{Denied, Verdict};
use crate::protocol::code::CloseCode;
use crate::protocol::message::client::ClientMessage;
use crate::protocol::message::reply::Receipt;

impl Connection {
    /// Counts a message; if it is too much, it has been answered.
    pub(super) async fn may_spend(&mut self, message: &ClientMessage, receipt: &Receipt, context: &Context) -> bool {
        let Some((resource, project)) = counted(message) else { return true };
        let project = project.filter(|project| self.may_edit(*project));
        match self.hub.spend(context, resource, project).await {
            Ok(_) => true,
            Err(spent) => {
                self.hold_back(receipt.clone(), resource, spent);
                false
            }
        }
    }

    /// A project's budget is for those who edit it: nobody else uses any of it up.
    fn may_edit(&self, project: ProjectId) -> bool {
        let State::Open(open) = &self.state else { return false };
        open.seats.get(&project).is_some_and(|seat| seat.may_edit())
    }

    /// A limit was reached; who does not mind at last loses the connection.
    pub(super) fn hold_back(&mut self, receipt: Receipt, resource: Resource, spent: Denied) {
        self.error(receipt, &denied(resource, spent));
        if spent.verdict == Verdict::Blocked {
            self.close(CloseCode::Flooded, "limits were ignored");
        }
    }
}

/// What a message is counted as, and of which project; leaving and pings are free.
fn counted(message: &ClientMessage) -> Option<(Resource, Option<ProjectId>)> {
    match message {
        ClientMessage::Edit { project, .. }
        | ClientMessage::Undo { project, .. }
        | ClientMessage::Restore { project, .. } => Some((Resource::Edit, Some(*project))),
        ClientMessage::Join { .. } => Some((Resource::Join, None)),
        ClientMessage::Presence { .. } => Some((Resource::Presence, None)),
        ClientMessage::Signal { .. } => Some((Resource::Signal, None)),
        ClientMessage::History { .. } | ClientMessage::Refresh { .. } => Some((Resource::Call, None)),
        ClientMessage::Hello { .. } | ClientMessage::Ping | ClientMessage::Leave { .. } => None,
    }
}
