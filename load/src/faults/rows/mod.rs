//! The rows of the scorecard, a file each.
//!
//! Promises: a row causes its fault as often as the scorecard says, in the long form.
//! Must never: touch a history; the driver writes it and the judge reads it.

mod before_publish;
mod bus_lost;
mod claimed_addresses;
mod cut_at_commit;
mod forged;
mod half_open;
mod hub_killed;
mod limits_bypassed;
mod mixed_caches;
mod postgres_restarts;
mod redis_cut_off;
mod redis_disorder;
mod redis_troubled;
mod resume_anywhere;
mod retries;
mod role_withdrawn;
mod rolling_deploy;
mod stampede;
mod token_expires;
mod vanishing;

use clap::ValueEnum;

use super::Run;
use super::report::Findings;
use crate::LoadError;

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// A hub is killed.
    R1,
    /// A hub dies between commit and publish.
    R2,
    /// A rolling deploy.
    R3,
    /// Postgres restarts.
    R4,
    /// The connection is cut at a commit.
    R5,
    /// Clients vanish in the middle of anything.
    R8,
    /// Redis in trouble.
    R10,
    /// One hub is cut off from Redis.
    R11,
    /// The bus is lost, or a hub stands still.
    R12,
    /// Half-open sockets, and a hub that dies.
    R14,
    /// Retries.
    R18,
    /// Clients come back with any past.
    R19,
    /// What hubs tell each other comes in disorder.
    R20,
    /// Thousands ask for what no hub has at hand.
    R23,
    /// A token expires during a connection.
    S4,
    /// A role is withdrawn.
    S5,
    /// Senders, presence, sessions and edit ids are forged.
    S8,
    /// Users with the same ids.
    S9,
    /// Limits are to be bypassed.
    S10,
}

impl Row {
    /// As the scorecard has it.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Whether it has a network of its own, where it may: to drop packets, or to come from any address.
    pub fn has_network(self) -> bool {
        matches!(self, Self::R11 | Self::R14 | Self::S10)
    }

    /// Whether it is about who may what; the others are about what lasts.
    pub fn is_security(self) -> bool {
        matches!(self, Self::S4 | Self::S5 | Self::S8 | Self::S9 | Self::S10)
    }

    /// Whether clients write a history, which is judged.
    pub fn has_history(self) -> bool {
        !self.is_security() && self != Self::R23
    }

    /// In a few words.
    pub fn promise(self) -> &'static str {
        match self {
            Self::R1 => "a hub is killed: nothing is lost, clients resume elsewhere",
            Self::R2 => "a hub dies between commit and publish: the edit is seen elsewhere, the retry finds it",
            Self::R3 => "hubs are deployed one after the other: no user sees an error",
            Self::R4 => "Postgres restarts: acks go on within 5 s",
            Self::R5 => "the connection is cut at a commit: nothing is applied twice",
            Self::R8 => "clients vanish in the middle of anything: nothing stays open, nobody else sees an error",
            Self::R10 => "Redis is killed, stalled, flushed, full, read-only: acks go on, others see edits within 2 s",
            Self::R11 => "a hub is cut off from Redis without a word: it notices within 10 s, others wait 5 s at most",
            Self::R12 => "a subscription is killed, or a hub stands still: the gap is filled within 2 s",
            Self::R14 => "half-open sockets are closed within 35 s, presence of a dead hub is gone within 45 s",
            Self::R18 => "edits are sent up to five times: applied once, answered alike",
            Self::R19 => "clients come back with old epochs, future seqs, dropped logs: no silent gap",
            Self::R20 => "hubs hear of each other late, twice, in any order: clients see nothing out of order",
            Self::R23 => "thousands ask for a cold project at once: one load for each hub, nobody is stuck",
            Self::S4 => "a token expires in a flood of edits: none is applied afterwards",
            Self::S5 => {
                "a role is withdrawn in a flood, with Redis or without: writes and reads end within 1 s on every hub"
            }
            Self::S8 => "senders, presence, sessions, edit ids and tokens are forged: refused, or of no effect",
            Self::S9 => "users with the same ids, interleaved: no answer is another's",
            Self::S10 => "many connections and forged addresses, with Redis and without: 1.1 times the budget at most",
        }
    }
}

/// Runs one.
pub async fn run(row: Row, run: &Run) -> Result<Findings, LoadError> {
    match row {
        Row::R1 => hub_killed::run(run).await,
        Row::R2 => before_publish::run(run).await,
        Row::R3 => rolling_deploy::run(run).await,
        Row::R4 => postgres_restarts::run(run).await,
        Row::R5 => cut_at_commit::run(run).await,
        Row::R8 => vanishing::run(run).await,
        Row::R10 => redis_troubled::run(run).await,
        Row::R11 => redis_cut_off::run(run).await,
        Row::R12 => bus_lost::run(run).await,
        Row::R14 => half_open::run(run).await,
        Row::R18 => retries::run(run).await,
        Row::R19 => resume_anywhere::run(run).await,
        Row::R20 => redis_disorder::run(run).await,
        Row::R23 => stampede::run(run).await,
        Row::S4 => token_expires::run(run).await,
        Row::S5 => role_withdrawn::run(run).await,
        Row::S8 => forged::run(run).await,
        Row::S9 => mixed_caches::run(run).await,
        Row::S10 => limits_bypassed::run(run).await,
    }
}
