//! All processes that a scenario loads: hubs, and what they stand on.
//!
//! Promises: hubs end before what they stand on; everything is a throwaway one, and gone when this is dropped.
//! Must never: leave something out of the count: every process is in `staff`.

use clap::{Args, ValueEnum};
use tempfile::TempDir;

use crate::LoadError;
use crate::delay::Delay;
use crate::hub::{self, Hub, Launch};
use crate::ports::Ports;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::watch::Staff;

/// What the hub stores on: a throwaway one, in a temporary folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Database {
    /// With `fsync` on.
    Postgres,
    /// With `synchronous=FULL`.
    Sqlite,
}

/// What is started.
#[derive(Args, Clone, Debug)]
pub struct Setting {
    /// What the hub stores on.
    #[arg(long, value_enum, default_value_t = Database::Postgres)]
    pub database: Database,
    /// Milliseconds that every trip to Postgres takes longer.
    #[arg(long, default_value_t = 0)]
    pub database_delay_ms: u64,
    /// How many hubs; more than one share a Redis.
    #[arg(long, default_value_t = 1)]
    pub hubs: usize,
    /// A Redis for one hub, too.
    #[arg(long)]
    pub redis: bool,
}

/// The processes.
pub struct World {
    /// The hubs.
    pub hubs: Vec<Hub>,
    /// The database, if it is a server.
    pub postgres: Option<Postgres>,
    /// The bus, if there is one.
    pub redis: Option<Redis>,
    delay: Option<Delay>,
    launch: Launch,
    /// Holds the database, if it is a file.
    _folder: TempDir,
}

impl World {
    /// Starts everything.
    pub async fn start(setting: &Setting) -> Result<Self, LoadError> {
        Self::start_with(setting, Vec::new()).await
    }

    /// The same, with further settings for the hubs.
    pub async fn start_with(setting: &Setting, more: Vec<hub::Setting>) -> Result<Self, LoadError> {
        let (mut ports, folder) = (Ports::default(), tempfile::tempdir()?);
        let postgres = match setting.database {
            Database::Postgres => Some(Postgres::start(&mut ports)?),
            Database::Sqlite => None,
        };
        let delay = match (&postgres, setting.database_delay_ms) {
            (Some(postgres), 1..) => Some(Delay::start(&postgres.address(), setting.database_delay_ms).await?),
            _ => None,
        };
        let redis = match setting.redis || setting.hubs > 1 {
            true => Some(Redis::start(&mut ports).await?),
            false => None,
        };
        let url = match (&postgres, &delay) {
            (Some(postgres), Some(delay)) => postgres.url_at(delay.address()),
            (Some(postgres), None) => postgres.url(),
            (None, _) => format!("sqlite:{}", folder.path().join("load.db").display()),
        };
        let redis_url = redis.as_ref().map(|redis| format!("redis://{}", redis.address()));
        let launch = Launch { redis: redis_url, more, ..Launch::on(&url) };
        let mut world = Self { hubs: Vec::new(), postgres, redis, delay, launch, _folder: folder };
        for _ in 0..setting.hubs {
            world.add_hub().await?;
        }
        Ok(world)
    }

    async fn add_hub(&mut self) -> Result<(), LoadError> {
        let name = Some(format!("hub-{}", self.hubs.len() + 1));
        self.hubs.push(Hub::start(&Launch { name, ..self.launch.clone() }).await?);
        Ok(())
    }

    /// Ends all hubs and starts as many new ones, which know nothing.
    pub async fn restart_hubs(&mut self) -> Result<(), LoadError> {
        let count = self.hubs.len();
        for mut hub in self.hubs.drain(..) {
            hub.kill().await?;
        }
        for _ in 0..count {
            self.add_hub().await?;
        }
        Ok(())
    }

    /// Where a client connects: clients are spread over the hubs by number.
    pub fn address(&self, client: usize) -> &str {
        self.hubs[client % self.hubs.len()].address()
    }

    /// All processes.
    pub fn staff(&self) -> Staff {
        Staff {
            hubs: self.hubs.iter().filter_map(Hub::id).collect(),
            balancer: None,
            postgres: self.postgres.as_ref().and_then(Postgres::id),
            redis: self.redis.as_ref().and_then(Redis::id),
            helpers: self.delay.as_ref().and_then(Delay::id).into_iter().collect(),
        }
    }
}
