//! Who is here, what they say, and what they may ([PR1]–[PR3], [AC1]–[AC3]).
//!
//! Promises: presence is told at most every 50 ms, and only what changed; a role that is lost ends the room for the
//! connection with the next message.
//! Must never: tell anybody of a project that they may not see.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use super::command::Reply;
use super::{Ending, Room, not_found, not_joined};
use crate::bus::News;
use crate::domain::access::{Action, Answer, Principal, Role, may};
use crate::domain::ids::{ConnectionId, UserId};
use crate::domain::presence::Update;
use crate::hub::feed::Lag;
use crate::protocol::code::ErrorCode;
use crate::protocol::frame::Frame;
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::Refusal;
use crate::protocol::message::server::{LeftReason, ServerMessage};
use crate::store::{Head, StoreError};

/// How often presence is told.
pub(super) const PRESENCE_INTERVAL: Duration = Duration::from_millis(50);

/// The role does not allow it.
pub fn forbidden() -> Refusal {
    Refusal::new(ErrorCode::Forbidden, "Your role in this project does not allow that.")
}

/// What the policy says of a role, as a refusal if it is not yes.
pub fn permit(principal: &Principal, role: Option<Role>, action: Action) -> Result<(), Refusal> {
    match may(principal, role, action) {
        Answer::Yes => Ok(()),
        Answer::Forbidden => Err(forbidden()),
        Answer::NotFound => Err(not_found()),
    }
}

impl Room {
    pub(super) fn leave(&mut self, connection: ConnectionId, reply: Option<Reply>) {
        let member = self.members.remove(&connection);
        if let Some(member) = &member {
            member.outbox.stop(self.id);
        }
        self.roster.leave(connection);
        self.presence_changed();
        self.idle_since = Instant::now();
        if let Some(reply) = reply {
            let (outbox, receipt) = reply.take();
            outbox.reply(encode(&ServerMessage::Left { receipt, project: self.id }));
        }
    }

    /// The room is over for one connection, which had not asked ([AC3]).
    pub(super) fn remove(&mut self, connection: ConnectionId, reason: LeftReason) {
        let Some(member) = self.members.remove(&connection) else { return };
        member.seat.end();
        member.outbox.stop(self.id);
        member.outbox.reply(encode(&ServerMessage::Removed { project: self.id, reason }));
        self.roster.leave(connection);
        self.presence_changed();
        self.idle_since = Instant::now();
    }

    pub(super) fn set_presence(&mut self, connection: ConnectionId, state: Arc<RawValue>, reply: Reply) {
        if let Err(refusal) = self.permit_member(connection, Action::BePresent) {
            return reply.refuse(&refusal);
        }
        reply.take();
        self.roster.set(connection, state);
        self.presence_changed();
    }

    pub(super) fn signal(&mut self, connection: ConnectionId, event: &str, data: Option<&RawValue>, reply: Reply) {
        if let Err(refusal) = self.permit_member(connection, Action::BePresent) {
            return reply.refuse(&refusal);
        }
        reply.take();
        let Some(member) = self.members.get(&connection) else { return };
        let actor = &*member.principal.actor;
        let signal = ServerMessage::Signal { project: self.id, event, data, from: connection, actor };
        self.aside(encode(&signal), connection);
    }

    /// To everybody else who is here now, on every hub.
    pub(super) fn aside(&self, frame: Arc<Frame>, from: ConnectionId) {
        self.tell_aside(&frame, from);
        self.publish(News::Aside { frame, from });
    }

    pub(super) fn tell_aside(&self, frame: &Arc<Frame>, from: ConnectionId) {
        for (connection, member) in &self.members {
            if *connection != from {
                member.outbox.signal(self.id, frame.clone());
            }
        }
        self.carry();
    }

    /// Whether a member may; `not_joined` if it is none.
    pub(super) fn permit_member(&self, connection: ConnectionId, action: Action) -> Result<(), Refusal> {
        let member = self.members.get(&connection).ok_or_else(not_joined)?;
        permit(&member.principal, Some(member.role), action)
    }

    pub(super) fn presence_changed(&mut self) {
        if self.presence_due.is_none() && self.roster.has_changes() {
            self.presence_due = Some(Instant::now() + PRESENCE_INTERVAL);
        }
    }

    pub(super) fn tell_presence(&mut self) {
        self.presence_due = None;
        self.tell_others();
        let updates = self.roster.take_changes();
        if updates.is_empty() || self.members.is_empty() {
            return;
        }
        let who: Arc<[ConnectionId]> = updates.iter().map(Update::connection).collect();
        let frame = encode(&ServerMessage::Presence { project: self.id, updates: &updates });
        for member in self.members.values() {
            member.outbox.presence(self.id, &who, frame.clone());
        }
        self.carry();
    }

    /// What a slow reader has not been told of presence, as it is now.
    pub(super) fn bring_roster(&mut self, connection: ConnectionId, lag: &Lag) {
        let Some(member) = self.members.get(&connection) else { return };
        if lag.presence_of.is_empty() {
            return;
        }
        let updates: Vec<_> = lag.presence_of.iter().map(|who| self.roster.update_of(*who)).collect();
        let frame = encode(&ServerMessage::Presence { project: self.id, updates: &updates });
        member.outbox.presence(self.id, &lag.presence_of.as_slice().into(), frame);
        member.outbox.carry();
    }

    /// A connection has a new token, and perhaps another role.
    pub(super) fn renew(&mut self, connection: ConnectionId, principal: Principal) {
        if let Some(member) = self.members.get_mut(&connection) {
            member.principal = principal;
            self.judge(connection);
        }
    }

    /// Gives a member the role it has now.
    fn judge(&mut self, connection: ConnectionId) {
        let Some(member) = self.members.get(&connection) else { return };
        let role = self.role_of(&member.principal);
        match role {
            None => self.remove(connection, LeftReason::Forbidden),
            Some(role) if role != member.role => {
                member.outbox.reply(encode(&ServerMessage::Role { project: self.id, role }));
                if let Some(member) = self.members.get_mut(&connection) {
                    member.role = role;
                    member.seat.give(may(&member.principal, Some(role), Action::Edit));
                }
            }
            Some(_) => {}
        }
    }

    /// Title, access, members or existence may have changed: looks, and tells.
    pub(super) async fn look(&mut self) -> Option<Ending> {
        match self.read_info().await {
            Ok(Some(())) => None,
            Ok(None) => Some(Ending::Gone),
            Err(error) => {
                tracing::warn!(project = %self.id, %error, "a change of access could not be read; the next comparison will");
                None
            }
        }
    }

    async fn read_info(&mut self) -> Result<Option<()>, StoreError> {
        let store = self.env.store.clone();
        let nobody = UserId::from("");
        let Some(head) = store.heads(&[self.id]).await?.pop() else { return Ok(None) };
        let Some(found) = store.project(self.id, &nobody).await? else { return Ok(None) };
        if found.info.deleted.is_some() {
            return Ok(None);
        }
        self.replica.members = store.members(self.id).await?.into_iter().collect();
        self.replica.revision = head.revision;
        let known = &mut self.replica.info;
        let is_new = known.title != found.info.title || known.access != found.info.access;
        // The message has no theme in it: who shows one reads it anew.
        let is_new = is_new || known.theme != found.info.theme;
        (known.title, known.access, known.theme) = (found.info.title, found.info.access, found.info.theme);
        if is_new {
            self.tell_project();
        }
        self.tell_changes();
        self.stand();
        Ok(Some(()))
    }

    fn tell_project(&self) {
        let (title, access) = (self.replica.info.title.as_str(), self.replica.info.access);
        let frame = encode(&ServerMessage::Project { project: self.id, title, access });
        for member in self.members.values() {
            member.outbox.reply(frame.clone());
        }
    }

    /// Everybody has the role they have now.
    pub(super) fn tell_changes(&mut self) {
        for connection in self.members.keys().copied().collect::<Vec<_>>() {
            self.judge(connection);
        }
    }

    /// The store is ahead of what the room was known to have.
    pub(super) async fn look_ahead(&mut self, head: Head) -> Option<Ending> {
        if head.epoch != self.replica.epoch() {
            return self.reload().await.err();
        }
        if head.seq > self.replica.project.seq
            && let Err(error) = self.catch_up().await
        {
            tracing::warn!(project = %self.id, %error, "a gap could not be filled; the next comparison will");
        }
        if head.revision != self.replica.revision { self.look().await } else { None }
    }
}
