//! The rows of the scorecard, a file each.
//!
//! Promises: a row causes its fault as often as the scorecard says, in the long form.
//! Must never: touch a history; the driver writes it and the judge reads it.

mod hub_killed;

use clap::ValueEnum;

use super::Run;
use super::report::Findings;
use crate::LoadError;

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// A hub is killed.
    R1,
}

impl Row {
    /// As the scorecard has it.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// In a few words.
    pub fn promise(self) -> &'static str {
        match self {
            Self::R1 => "a hub is killed every 5 s: no loss, clients resume elsewhere",
        }
    }
}

/// Runs one.
pub async fn run(row: Row, run: &Run) -> Result<Findings, LoadError> {
    match row {
        Row::R1 => hub_killed::run(run).await,
    }
}
