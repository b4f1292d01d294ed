//! The rig: Postgres, Redis and hubs as processes of their own, and proxies wherever a row wants to disturb them.
//!
//! Promises: hubs keep their name and port across restarts; everything is ended, by process id, and removed when the
//! rig is dropped.
//! Must never: decide what is right; rows and the judge do.

pub mod drops;
pub mod relay;

use std::path::Path;

use crate::LoadError;
use crate::chance::Chance;
use crate::hub::{Hub, Launch, Setting, Signal, tell};
use crate::ports::Ports;
use crate::postgres::Postgres;
use crate::proxy::Proxy;
use crate::redis::Redis;

use self::relay::Relay;

/// What a row needs.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many hubs.
    pub hubs: usize,
    /// Over how many seconds a hub sends its clients away.
    pub drain_secs: u32,
    /// What stands behind proxies.
    pub behind: &'static [Behind],
}

/// What can stand behind a proxy, one for each hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// The hub: its clients go through the proxy.
    Hub,
    /// Postgres: the hub's connections to it.
    Postgres,
    /// Redis: the hub's connections to it.
    Redis,
    /// Redis, behind a relay that brings disorder into what is published.
    Relay,
}

/// All processes of a row. Hubs end before what they stand on.
pub struct Rig {
    /// The hubs, by number.
    pub hubs: Vec<Station>,
    /// Their bus.
    pub redis: Redis,
    /// Their database.
    pub postgres: Postgres,
    /// What is left of the ports, for a row's own servers.
    pub ports: Ports,
}

/// A hub's place: it may run or not.
pub struct Station {
    launch: Launch,
    process: Option<Hub>,
    /// Before the hub, if the plan says so.
    pub front: Option<Proxy>,
    /// Between the hub and Postgres, if the plan says so.
    pub database: Option<Proxy>,
    /// Between the hub and Redis, if the plan says so.
    pub bus: Option<Proxy>,
    /// In its place, if the plan says so.
    pub relay: Option<Relay>,
}

impl Rig {
    /// Starts everything. Logs of hubs go to `folder`.
    pub async fn start(plan: &Plan, chance: &mut Chance, folder: &Path) -> Result<Self, LoadError> {
        Self::start_with(plan, &[], chance, folder).await
    }

    /// The same, with further settings for each hub.
    pub async fn start_with(
        plan: &Plan,
        settings: &[Setting],
        chance: &mut Chance,
        folder: &Path,
    ) -> Result<Self, LoadError> {
        let mut ports = Ports::default();
        let postgres = Postgres::start(&mut ports)?;
        let redis = Redis::start(&mut ports).await?;
        let mut rig = Self { hubs: Vec::new(), redis, postgres, ports };
        for number in 1..=plan.hubs {
            let mut station = rig.station(plan, number, chance, folder).await?;
            station.launch.more = settings.to_vec();
            rig.hubs.push(station);
            rig.hubs[number - 1].start().await?;
        }
        Ok(rig)
    }

    async fn station(
        &mut self,
        plan: &Plan,
        number: usize,
        chance: &mut Chance,
        folder: &Path,
    ) -> Result<Station, LoadError> {
        let ports = &mut self.ports;
        let listen = format!("127.0.0.1:{}", ports.take()?);
        let targets = [
            (Behind::Hub, listen.clone()),
            (Behind::Postgres, self.postgres.address()),
            (Behind::Redis, self.redis.address()),
        ];
        let mut proxies = [None, None, None];
        for (proxy, (what, target)) in proxies.iter_mut().zip(&targets) {
            if plan.behind.contains(what) {
                *proxy = Some(Proxy::start(ports, target, chance.fork()).await?);
            }
        }
        let [front, database, bus] = proxies;
        let relay = match plan.behind.contains(&Behind::Relay) {
            true => Some(Relay::start(ports, &self.redis.address(), chance.fork()).await?),
            false => None,
        };
        let to_redis = relay.as_ref().map_or(self.redis.address(), |relay| relay.address().to_owned());
        let address = |proxy: &Option<Proxy>, direct: String| proxy.as_ref().map_or(direct, |p| p.address().to_owned());
        let launch = Launch {
            database: self.postgres.url_at(&address(&database, self.postgres.address())),
            redis: Some(format!("redis://{}", address(&bus, to_redis))),
            name: Some(format!("hub-{number}")),
            drain_secs: Some(plan.drain_secs),
            history_days: None,
            log: Some(folder.join(format!("hub-{number}.log"))),
            more: Vec::new(),
            listen,
        };
        Ok(Station { launch, process: None, front, database, bus, relay })
    }

    /// Where clients reach the hubs.
    pub fn addresses(&self) -> Vec<String> {
        self.hubs.iter().map(|hub| hub.address().to_owned()).collect()
    }
}

impl Station {
    /// Where clients reach it: its proxy, if it has one.
    pub fn address(&self) -> &str {
        self.front.as_ref().map_or(&self.launch.listen, Proxy::address)
    }

    /// Where it listens itself.
    pub fn listens(&self) -> &str {
        &self.launch.listen
    }

    /// Starts it and waits until it listens.
    pub async fn start(&mut self) -> Result<(), LoadError> {
        self.process = Some(Hub::start(&self.launch).await?);
        Ok(())
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<(), LoadError> {
        match self.process.take() {
            Some(mut hub) => hub.kill().await,
            None => Ok(()),
        }
    }

    /// SIGTERM, SIGSTOP, SIGCONT.
    pub async fn tell(&self, signal: Signal) -> Result<(), LoadError> {
        match self.process.as_ref().and_then(Hub::id) {
            Some(id) => tell(id, signal).await,
            None => Err(LoadError::Start(format!("{} does not run", self.listens()))),
        }
    }

    /// Waits until it has ended by itself; whether it said that all was well.
    pub async fn ended(&mut self) -> Result<bool, LoadError> {
        match self.process.as_mut() {
            Some(hub) => hub.ended().await,
            None => Ok(true),
        }
    }
}
