//! Who is a member of a project, and as what.
//!
//! Promises: a project keeps an owner.
//! Must never: tell of members whom the project is not visible to.

use super::Hub;
use super::context::Context;
use super::projects::{State, settled, unavailable};
use super::room::not_found;
use crate::domain::access::{Action, Role};
use crate::domain::ids::{ProjectId, UserId};
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;

impl Hub {
    /// The members, by name.
    pub async fn members(&self, context: &Context, id: ProjectId) -> Result<Vec<(UserId, Role)>, Refusal> {
        self.look_up(context, id, Action::Read, State::Alive).await?;
        self.store.members(id).await.map_err(|error| unavailable(context, &error))
    }

    /// Makes a user a member, or changes what they may do.
    pub async fn set_member(&self, context: &Context, id: ProjectId, user: UserId, role: Role) -> Result<(), Refusal> {
        self.look_up(context, id, Action::Share, State::Alive).await?;
        if role != Role::Owner {
            self.keep_an_owner(context, id, &user).await?;
        }
        let store = self.store.clone();
        if settled(context, async move { store.set_member(id, &user, Some(role)).await }).await? {
            self.changed(id).await;
        }
        Ok(())
    }

    /// Ends a membership.
    pub async fn remove_member(&self, context: &Context, id: ProjectId, user: UserId) -> Result<(), Refusal> {
        self.look_up(context, id, Action::Share, State::Alive).await?;
        self.keep_an_owner(context, id, &user).await?;
        let store = self.store.clone();
        match settled(context, async move { store.set_member(id, &user, None).await }).await? {
            true => self.told(id, true).await,
            false => Err(Refusal { message: "This user is no member.".to_owned(), ..not_found() }),
        }
    }

    /// A project without an owner could never be shared, renamed or deleted again.
    async fn keep_an_owner(&self, context: &Context, id: ProjectId, user: &UserId) -> Result<(), Refusal> {
        let members = self.store.members(id).await.map_err(|error| unavailable(context, &error))?;
        let mut owners = members.iter().filter(|(_, role)| *role == Role::Owner).map(|(owner, _)| owner);
        match (owners.next(), owners.next()) {
            (Some(last), None) if last == user => Err(Refusal::new(
                ErrorCode::Forbidden,
                "This is the project's last owner. Make somebody else an owner first.",
            )),
            _ => Ok(()),
        }
    }
}
