//! A database that is further away: a proxy, as a process of its own, that holds what goes to it.
//!
//! Promises: every trip takes so much longer, and nothing else changes.
//! Must never: count as the load tester's processor time.

use std::time::Duration;

use clap::Args;

use crate::LoadError;
use crate::chance::Chance;
use crate::helper::{Helper, told};
use crate::ports::Ports;
use crate::proxy::{Flow, Proxy};

/// What it is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where the database is.
    target: String,
    /// For how many milliseconds it holds what goes there.
    ms: u64,
}

/// A proxy process.
pub struct Delay {
    helper: Helper,
    address: String,
}

impl Delay {
    /// Starts one and waits until it listens.
    pub async fn start(target: &str, ms: u64) -> Result<Self, LoadError> {
        let mut helper = Helper::start(&["delay".to_owned(), target.to_owned(), ms.to_string()])?;
        let address = helper.hear().await?;
        Ok(Self { helper, address })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.helper.id()
    }
}

/// The proxy process.
pub async fn help(options: &Options) -> Result<(), LoadError> {
    let proxy = Proxy::start(&mut Ports::default(), &options.target, Chance::new(1)).await?;
    proxy.to_target(Flow::Late { by: Duration::from_millis(options.ms), jitter: Duration::ZERO });
    println!("{}", proxy.address());
    told().await
}
