//! What an administrator may see of the caches, and do with them.
//!
//! Promises: each call asks the policy.
//! Must never: show what is cached, only how much.

use super::Hub;
use super::context::Context;
use super::room::people::permit;
use crate::bus::{EVERYBODY, Hint, News};
use crate::cache::figures::Figures;
use crate::cache::key::{Group, Kind};
use crate::domain::access::Action;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;

impl Hub {
    /// What was counted of each kind, on this hub.
    pub async fn cache_figures(&self, context: &Context) -> Result<[(Kind, Figures); 3], Refusal> {
        permit(&context.principal, None, Action::Administer)?;
        Ok(self.cached.figures().await)
    }

    /// Empties a kind, or what is cached of one project or theme, here and on every hub that hears of it.
    pub async fn empty_cache(&self, context: &Context, group: &str) -> Result<(), Refusal> {
        permit(&context.principal, None, Action::Administer)?;
        let group = match Kind::named(group) {
            Some(kind) => Group::Kind(kind),
            None => group.parse().map_err(|_| no_such_group())?,
        };
        if group == Group::Kind(Kind::Snapshots) {
            self.cached.snapshots.forget_shared().await;
        }
        tracing::info!(request = %context.request, %group, "a cache is emptied");
        self.forget(&group);
        Ok(())
    }

    /// What is cached of a group is old, here and on every hub that hears of it.
    pub(super) fn forget(&self, group: &Group) {
        self.cached.forget(group);
        let news = News::Forget(group.to_string().into());
        self.bus.publish(Hint { from: self.run, project: EVERYBODY, news });
    }
}

fn no_such_group() -> Refusal {
    let words = "There is no such group. Give `projects`, `snapshots`, `themes`, `project:ID` or `theme:ID`.";
    Refusal::new(ErrorCode::NotFound, words)
}
