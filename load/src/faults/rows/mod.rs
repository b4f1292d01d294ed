//! The rows of the scorecard, a file each.
//!
//! Promises: a row causes its fault as often as the scorecard says, in the long form.
//! Must never: touch a history; the driver writes it and the judge reads it.

mod before_publish;
mod bus_lost;
mod cut_at_commit;
mod hub_killed;
mod postgres_restarts;
mod retries;
mod rolling_deploy;

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
    /// The bus is lost, or a hub stands still.
    R12,
    /// Retries.
    R18,
}

impl Row {
    /// As the scorecard has it.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// In a few words.
    pub fn promise(self) -> &'static str {
        match self {
            Self::R1 => "a hub is killed: nothing is lost, clients resume elsewhere",
            Self::R2 => "a hub dies between commit and publish: the edit is seen elsewhere, the retry finds it",
            Self::R3 => "hubs are deployed one after the other: no user sees an error",
            Self::R4 => "Postgres restarts: acks go on within 5 s",
            Self::R5 => "the connection is cut at a commit: nothing is applied twice",
            Self::R12 => "a subscription is killed, or a hub stands still: the gap is filled within 2 s",
            Self::R18 => "edits are sent up to five times: applied once, answered alike",
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
        Row::R12 => bus_lost::run(run).await,
        Row::R18 => retries::run(run).await,
    }
}
