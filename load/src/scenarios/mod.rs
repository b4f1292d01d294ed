//! The scenarios, one file each.
//!
//! Promises: every scenario has a long form with the bars of the scorecard, and a short one of seconds.
//! Must never: depend on another scenario.

mod cluster;
mod edits;
mod floor;
mod growth;
mod http;
pub mod idle;
mod isolation;
mod join;
mod large;
mod mixed;
mod room;
mod signals;
mod slow;
mod typing;

use clap::{Args, Subcommand};

use crate::LoadError;
use crate::bench::{self, Common};

/// A scenario with its options.
#[derive(Clone, Debug, Subcommand)]
pub enum Scenario {
    /// What this machine charges: a bare write(), a bare fsync, a bare versioned UPDATE, a batch.
    Floor(Run<floor::Options>),
    /// Durable edits in a closed loop: each connection keeps some under way.
    Edits(Run<edits::Options>),
    /// One room of many members, edits at fixed times.
    Room(Run<room::Options>),
    /// Memory of connections that say nothing.
    Idle(Run<idle::Options>),
    /// Signals and cursors in one room.
    Signals(Run<signals::Options>),
    /// Large edits, compressed and not.
    Large(Run<large::Options>),
    /// Everybody joins one large project at once.
    Join(Run<join::Options>),
    /// Readers that never read among fast ones.
    Slow(Run<slow::Options>),
    /// Many users in many projects.
    Mixed(Run<mixed::Options>),
    /// Reads and edits over HTTP.
    Http(Run<http::Options>),
    /// Many users at once; every answer is checked to be one's own.
    Isolation(Run<isolation::Options>),
    /// Two people type in one paragraph.
    Typing(Run<typing::Options>),
    /// One hub, two and three.
    Cluster(Run<cluster::Options>),
    /// How cost grows with size.
    Growth(Run<growth::Options>),
}

/// What `all` runs, in this order: names, some with options.
pub const RUNS: [&str; 17] = [
    "floor",
    "edits",
    "room",
    "idle",
    "signals",
    "large",
    "join",
    "slow",
    "mixed",
    "http",
    "isolation",
    "isolation --cache off",
    "isolation --redis-restart",
    "isolation --fault shared-cache",
    "typing",
    "cluster",
    "growth",
];

/// A scenario's own options, and those that all have.
#[derive(Args, Clone, Debug)]
pub struct Run<O: Args> {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    own: O,
}

/// Runs one; whether all its bars were met.
pub async fn run(scenario: &Scenario) -> Result<bool, LoadError> {
    macro_rules! run {
        ($name:ident, $run:expr) => {
            bench::run(stringify!($name), $name::ABOUT, &$run.common, async |bench| $name::run(&bench, &$run.own).await)
                .await
        };
    }
    match scenario {
        Scenario::Floor(it) => run!(floor, it),
        Scenario::Edits(it) => run!(edits, it),
        Scenario::Room(it) => run!(room, it),
        Scenario::Idle(it) => run!(idle, it),
        Scenario::Signals(it) => run!(signals, it),
        Scenario::Large(it) => run!(large, it),
        Scenario::Join(it) => run!(join, it),
        Scenario::Slow(it) => run!(slow, it),
        Scenario::Mixed(it) => run!(mixed, it),
        Scenario::Http(it) => run!(http, it),
        Scenario::Isolation(it) => run!(isolation, it),
        Scenario::Typing(it) => run!(typing, it),
        Scenario::Cluster(it) => run!(cluster, it),
        Scenario::Growth(it) => run!(growth, it),
    }
}
