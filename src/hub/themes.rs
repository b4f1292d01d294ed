//! Themes: a user's, for everybody's projects.
//!
//! Promises: who writes a theme first owns it, and nobody else changes it.
//! Must never: look into one; its shape is the protocol's.

use std::sync::Arc;

use super::cached::Hearing;
use super::context::Context;
use super::projects::{settled, unavailable};
use super::room::not_found;
use super::room::people::permit;
use super::{Hub, clock};
use crate::cache::key::Group;
use crate::domain::access::Action;
use crate::domain::ids::UserId;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;

/// The most that a theme may be, in bytes of JSON text.
pub const THEME_BYTES_MAX: usize = 64 << 10;

impl Hub {
    /// A theme's owner and its JSON text.
    pub async fn read_theme(&self, context: &Context, id: &str) -> Result<(UserId, Arc<str>), Refusal> {
        permit(&context.principal, None, Action::UseHub)?;
        if !is_theme_id(id) {
            return Err(no_such_theme());
        }
        let hearing = if self.bus.is_heard() { Hearing::Well } else { Hearing::Nothing };
        let found = self.cached.theme(id, hearing).await.map_err(|error| unavailable(context, &error))?;
        found.ok_or_else(no_such_theme)
    }

    /// Writes a theme.
    pub async fn write_theme(&self, context: &Context, id: String, json: String) -> Result<(), Refusal> {
        permit(&context.principal, None, Action::UseHub)?;
        if !is_theme_id(&id) {
            return Err(Refusal::new(ErrorCode::Malformed, "A theme's id is 1 to 64 letters, digits, - _ or ."));
        }
        if json.len() > THEME_BYTES_MAX {
            let refusal = Refusal::new(ErrorCode::TooLarge, "A theme is 64 KiB of JSON at most.");
            return Err(Refusal { limit: Some("maxThemeBytes"), ..refusal });
        }
        let (store, user, group) = (self.store.clone(), context.principal.user().clone(), Group::Theme((*id).into()));
        let written = settled(context, async move { store.put_theme(&id, &user, &json, clock::now()).await }).await?;
        self.forget(&group);
        let taken = || Refusal::new(ErrorCode::Forbidden, "This theme is somebody else's. Write one of another id.");
        if written { Ok(()) } else { Err(taken()) }
    }
}

fn no_such_theme() -> Refusal {
    Refusal { message: "There is no such theme.".to_owned(), ..not_found() }
}

fn is_theme_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
