//! What is left of one's quotas, and the figures of the limits.
//!
//! Promises: times are durations from now on, so that clocks need not agree.
//! Must never: show one user's to another, unless that is an admin.

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use crate::domain::access::Tier;
use crate::domain::ids::UserId;
use crate::limit::{Keeping, Limits, Quota};

/// What one has of one thing. Without numbers: as much as one likes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaView {
    /// edit, join, connection, signal, presence, call, aiText, image or export.
    name: &'static str,
    /// So much within any time of `windowMs`.
    amount: Option<u32>,
    /// The window's length.
    window_ms: Option<u64>,
    /// So much is left.
    left: Option<u32>,
    /// Until there is more; 0 if all of it is left.
    eases_in_ms: Option<u64>,
}

impl From<&Quota> for QuotaView {
    fn from(quota: &Quota) -> Self {
        let standing = quota.standing;
        Self {
            name: quota.resource.name(),
            amount: standing.map(|standing| standing.budget.amount),
            window_ms: standing.map(|standing| standing.budget.window_ms),
            left: standing.map(|standing| standing.left),
            eases_in_ms: standing.map(|standing| standing.eases_in_ms),
        }
    }
}

/// What a user has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotasView<'a> {
    /// Who.
    #[schema(value_type = String)]
    pub user: &'a UserId,
    /// What they pay for.
    pub tier: Tier,
    /// Of everything that is counted.
    pub limits: Vec<QuotaView>,
    /// How long they are blocked, if they are.
    pub blocked_ms: Option<u64>,
}

/// For which tier an admin looks at a user's quotas.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AskedTier {
    /// free unless given: what users pay for is in their tokens.
    #[serde(default)]
    #[param(inline)]
    pub tier: Tier,
}

/// How the limits are kept.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// They are not.
    Off,
    /// By this hub, which is alone.
    Alone,
    /// By all hubs together.
    Together,
    /// By each hub's share, since the others cannot be asked.
    Apart,
}

/// One thing that is counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct TallyView {
    /// What.
    name: &'static str,
    /// How often it was let pass.
    passed: u64,
    /// How often it was refused.
    refused: u64,
}

/// Somebody who is blocked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockedView {
    /// `user:ann` or `address:192.0.2.1`.
    subject: String,
    /// For how long.
    for_ms: u64,
    /// How many blocks there were, with this one.
    strikes: u32,
}

/// The figures of the limits, of the hub that answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitFiguresView {
    /// How they are kept.
    kept: Kept,
    /// Hubs that share the budgets.
    hubs: u32,
    /// Users, addresses and projects that are counted here, once for each thing.
    meters: u64,
    /// Since the hub started.
    resources: Vec<TallyView>,
    /// Those that this hub knows of.
    blocks: Vec<BlockedView>,
}

impl From<&Limits> for LimitFiguresView {
    fn from(limits: &Limits) -> Self {
        let (kept, hubs) = match limits.keeping() {
            None => (Kept::Off, 1),
            Some(Keeping::Alone) => (Kept::Alone, 1),
            Some(Keeping::Together { hubs }) => (Kept::Together, hubs),
            Some(Keeping::Apart { hubs }) => (Kept::Apart, hubs),
        };
        let tallies = limits.tallies().into_iter();
        let resources = tallies.map(|(what, passed, refused)| TallyView { name: what.name(), passed, refused });
        let now = Instant::now();
        let blocks = limits.blocks().into_iter().filter_map(|(subject, block)| {
            let (subject, strikes) = (subject.to_string(), block.strikes);
            block.left_ms(now).map(|for_ms| BlockedView { subject, for_ms, strikes })
        });
        Self { kept, hubs, meters: limits.meters(), resources: resources.collect(), blocks: blocks.collect() }
    }
}
