//! Who may do what: one policy for every transport ([AC1], [AC2]).
//!
//! Promises: the answer depends on the principal, the role and the action only.
//! Must never: be asked twice with different words; an action that is not in the table does not exist.

use std::collections::HashMap;
use std::sync::Arc;

use super::event::{Actor, ActorKind};
use super::ids::{ProjectId, UserId};
use super::sequence::Timestamp;

/// What somebody is in a project; each may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads, is present, signals.
    Viewer,
    /// Edits, undoes, restores.
    Editor,
    /// Renames, shares, deletes.
    Owner,
}

/// What everybody has who is not named in the project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing: the project is not visible.
    #[default]
    None,
    /// Reading.
    Viewer,
    /// Editing.
    Editor,
}

impl Access {
    /// The role that it gives.
    pub fn role(self) -> Option<Role> {
        match self {
            Self::None => None,
            Self::Viewer => Some(Role::Viewer),
            Self::Editor => Some(Role::Editor),
        }
    }
}

/// What a user pays for; limits depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The default.
    #[default]
    Free,
    /// More.
    Pro,
    /// Most.
    Enterprise,
}

/// Whom a message speaks for: what its token, or open mode, says.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// Id, name and kind.
    pub actor: Arc<Actor>,
    /// What they pay for.
    pub tier: Tier,
    /// Whether the figures of the whole hub are theirs to see. True for everybody in open mode.
    pub admin: bool,
    /// Roles that the token gives.
    pub projects: Arc<HashMap<ProjectId, Role>>,
    /// When the token ends; never in open mode.
    pub expires: Option<Timestamp>,
}

impl Principal {
    /// A principal with nothing but a name, as open mode makes them.
    pub fn named(id: UserId, name: Option<Arc<str>>) -> Self {
        Self {
            actor: Arc::new(Actor { id, name, kind: ActorKind::Human }),
            tier: Tier::Free,
            admin: true,
            projects: Arc::default(),
            expires: None,
        }
    }

    /// Who it is.
    pub fn user(&self) -> &UserId {
        &self.actor.id
    }

    /// Whether the token has ended.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The role in a project: the highest of the token's, the membership's and what everybody has ([AC1]).
    pub fn role(&self, project: ProjectId, membership: Option<Role>, access: Access, now: Timestamp) -> Option<Role> {
        let token = self.projects.get(&project).copied().filter(|_| !self.expired(now));
        token.max(membership).max(access.role())
    }
}

/// Everything that can be asked of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Create a project, list one's own, have a session.
    UseHub,
    /// Join, read blocks, history, members.
    Read,
    /// Be present, signal.
    BePresent,
    /// Edit, undo, restore.
    Edit,
    /// Rename, change access, theme and members.
    Share,
    /// Delete and recover.
    Delete,
    /// See the figures of the whole hub.
    Administer,
}

/// The answer of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Yes,
    /// Visible, but the role does not allow it.
    Forbidden,
    /// As if the project were not there: "forbidden" and "absent" are not told apart.
    NotFound,
}

/// May this principal, with this role in the project (`None`: none, or no project is concerned), do this?
pub fn may(principal: &Principal, role: Option<Role>, action: Action) -> Answer {
    let needed = match action {
        Action::UseHub => return Answer::Yes,
        Action::Administer if principal.admin => return Answer::Yes,
        Action::Administer => return Answer::Forbidden,
        Action::Read | Action::BePresent => Role::Viewer,
        Action::Edit => Role::Editor,
        Action::Share | Action::Delete => Role::Owner,
    };
    match role {
        None => Answer::NotFound,
        Some(role) if role >= needed => Answer::Yes,
        Some(_) => Answer::Forbidden,
    }
}
