//! What callers have of what is limited, and who looks after that.
//!
//! Promises: every request is counted here, whatever way it came; a user sees their own quotas, an admin everybody's.
//! Must never: hold back who is within their budget for longer than a lease takes.

use std::net::IpAddr;

use super::Hub;
use super::context::Context;
use super::room::command::busy;
use super::room::people::permit;
use crate::domain::access::{Action, Principal, Tier};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::quota::Resource;
use crate::limit::meter::Standing;
use crate::limit::{Denied, Limits, Quota, Spender, Verdict};
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;

/// What a user has.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Who.
    pub user: UserId,
    /// What they pay for.
    pub tier: Tier,
    /// Of every resource.
    pub quotas: Vec<Quota>,
    /// How long they are still blocked, in milliseconds.
    pub blocked_ms: Option<u64>,
}

impl Hub {
    /// Counts one use by whoever asks, perhaps of a project.
    pub async fn spend(
        &self,
        context: &Context,
        resource: Resource,
        project: Option<ProjectId>,
    ) -> Result<Option<Standing>, Denied> {
        let spender = Spender { project, ..by_user(&context.principal) };
        let spent = self.rates.spend(resource, spender).await;
        if let Err(Denied { retry_after_ms, .. }) = spent {
            tracing::debug!(resource = resource.name(), retry_after_ms, "a limit was reached");
        }
        spent
    }

    /// Counts a connection of somebody who said who they are.
    pub async fn spend_connection(&self, principal: &Principal) -> Result<Option<Standing>, Denied> {
        self.rates.spend(Resource::Connection, by_user(principal)).await
    }

    /// Counts what comes from an address, before anything else is known.
    pub async fn spend_from(&self, address: Option<IpAddr>, resource: Resource) -> Result<Option<Standing>, Denied> {
        self.rates.spend(resource, Spender { address, ..Spender::default() }).await
    }

    /// What the caller has.
    pub async fn own_quotas(&self, context: &Context) -> Result<Quotas, Refusal> {
        permit(&context.principal, None, Action::UseHub)?;
        Ok(self.look_at(context.principal.user(), context.principal.tier).await)
    }

    /// What somebody has, if they pay for this.
    pub async fn quotas_of(&self, context: &Context, user: &UserId, tier: Tier) -> Result<Quotas, Refusal> {
        permit(&context.principal, None, Action::Administer)?;
        Ok(self.look_at(user, tier).await)
    }

    /// Ends a user's block and begins all their budgets anew.
    pub async fn pardon(&self, context: &Context, user: &UserId) -> Result<(), Refusal> {
        permit(&context.principal, None, Action::Administer)?;
        tracing::info!(by = %context.principal.user(), %user, "limits are begun anew");
        if self.rates.pardon(user).await { Ok(()) } else { Err(busy("Redis is not available just now.")) }
    }

    /// The limits, for those who may see their figures.
    pub fn limits_figures(&self, context: &Context) -> Result<&Limits, Refusal> {
        permit(&context.principal, None, Action::Administer).map(|()| &self.rates)
    }

    async fn look_at(&self, user: &UserId, tier: Tier) -> Quotas {
        let (quotas, blocked_ms) = (self.rates.quotas(user, tier).await, self.rates.blocked_ms(user).await);
        Quotas { user: user.clone(), tier, quotas, blocked_ms }
    }
}

fn by_user(principal: &Principal) -> Spender<'_> {
    Spender { user: Some((principal.user(), principal.tier)), ..Spender::default() }
}

/// What a client is told of it.
pub fn denied(resource: Resource, denied: Denied) -> Refusal {
    let message = match denied.verdict {
        Verdict::Wait => "Too many requests of this kind; wait, and send the same again.",
        Verdict::Blocked => "Too many requests in spite of retryAfterMs: you are blocked for a while.",
    };
    Refusal {
        retry_after_ms: Some(denied.retry_after_ms),
        limit: Some(resource.name()),
        ..Refusal::new(ErrorCode::RateLimited, message)
    }
}
