//! A rig with clients at work on it: what most rows begin with.
//!
//! Promises: when a scene is closed everything is at rest and the history is complete.
//! Must never: disturb anything by itself.

use super::Run;
use super::driver::{Driver, Load, Sends, Title};
use super::report::Findings;
use super::rig::{Plan, Rig};
use crate::LoadError;
use crate::chance::Chance;

/// Processes and clients.
pub struct Scene {
    /// The clients. They end first.
    pub driver: Driver,
    /// The processes.
    pub rig: Rig,
    /// The row's own chance.
    pub chance: Chance,
}

impl Scene {
    /// Starts the processes and the clients, which begin to work.
    pub async fn open(run: &Run, plan: &Plan, load: &Load) -> Result<Self, LoadError> {
        let mut chance = Chance::new(run.seed);
        let rig = Rig::start(plan, &mut chance, &run.folder).await?;
        let title = Title { row: run.row.name(), seed: chance.bits() };
        let driver = Driver::start(load, rig.addresses(), &rig.postgres.url(), &title, &run.history()).await?;
        driver.work();
        Ok(Self { driver, rig, chance })
    }

    /// Brings everything to rest, completes the history, and ends the processes; what was measured.
    pub async fn close(mut self, findings: &mut Findings) -> Result<(), LoadError> {
        findings.stuck = self.driver.settle().await?;
        findings.stretch(&self.driver.crew.figures.total());
        Ok(())
    }
}

/// Load L of the scorecard: 200 clients, 20 projects, 500 edits a second.
pub fn load_l(run: &Run) -> Load {
    let sends = Sends::UntilAnswered;
    run.pick(Load { clients: 200, projects: 20, rate: 500, sends }, Load { clients: 24, projects: 4, rate: 60, sends })
}

/// Enough clients that every project has some on every hub, for rows that disturb single edits.
pub fn load_small(run: &Run) -> Load {
    let sends = Sends::UntilAnswered;
    run.pick(Load { clients: 40, projects: 10, rate: 50, sends }, Load { clients: 24, projects: 4, rate: 30, sends })
}
