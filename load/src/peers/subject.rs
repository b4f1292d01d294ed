//! What is compared: BlockHub and its peers, each with servers of its own under it.
//!
//! Promises: every subject begins with an empty database; what it stands on ends after it.
//! Must never: let two subjects share anything.

use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::program::{Program, version};
use super::tongue::{BlockHub, Hocuspocus, Place, ShareDb, SocketIo, Speaker, Tongue};
use crate::LoadError;
use crate::hub::{Hub, Launch, post};
use crate::ports::Ports;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::watch::Staff;

/// A server that people edit through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Subject {
    /// This project's hub, with Postgres and Redis.
    BlockHub,
    /// Socket.IO, with Postgres and Redis.
    SocketIo,
    /// ShareDB, with Postgres.
    ShareDb,
    /// Hocuspocus, with Postgres.
    Hocuspocus,
}

impl Subject {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::BlockHub => "BlockHub",
            Self::SocketIo => "Socket.IO",
            Self::ShareDb => "ShareDB",
            Self::Hocuspocus => "Hocuspocus",
        }
    }

    /// What is measured, in words that belong beside its figures.
    pub fn described(self) -> String {
        match self {
            Self::BlockHub => format!("BlockHub {}: acks after the commit; Redis as bus", env!("CARGO_PKG_VERSION")),
            Self::SocketIo => format!(
                "Socket.IO {} with its Redis adapter: acks after the commit of one transaction per edit",
                version("socket.io")
            ),
            Self::ShareDb => format!(
                "ShareDB {} on sharedb-postgres {}: acks after the commit of one op; no Redis, one process needs none",
                version("sharedb"),
                version("sharedb-postgres")
            ),
            Self::Hocuspocus => format!(
                "Hocuspocus {}: acks from memory; what it acked is stored up to 10 s later, and lost if it ends before; \
                 no Redis",
                version("@hocuspocus/server")
            ),
        }
    }

    /// Where it takes WebSockets.
    pub fn path(self) -> &'static str {
        match self {
            Self::BlockHub => "/ws",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
            Self::ShareDb | Self::Hocuspocus => "/",
        }
    }

    /// How many of a project's connections each edit is delivered to: some tell the author too, besides the ack.
    pub fn receivers(self, connections: usize) -> usize {
        match self {
            Self::BlockHub | Self::Hocuspocus => connections,
            Self::SocketIo | Self::ShareDb => connections.saturating_sub(1),
        }
    }

    /// One connection's side of its protocol.
    pub fn tongue(self, speaker: Speaker) -> Box<dyn Tongue> {
        match self {
            Self::BlockHub => Box::new(BlockHub::new(speaker)),
            Self::SocketIo => Box::new(SocketIo::new(speaker)),
            Self::ShareDb => Box::new(ShareDb::new(speaker)),
            Self::Hocuspocus => Box::new(Hocuspocus::new(speaker)),
        }
    }

    fn uses_redis(self) -> bool {
        matches!(self, Self::BlockHub | Self::SocketIo)
    }

    async fn serve(self, postgres: &Postgres, redis: Option<&Redis>) -> Result<Server, LoadError> {
        let redis = redis.map(|redis| format!("redis://{}", redis.address()));
        let settings = [("DATABASE_URL", postgres.url()), ("REDIS_URL", redis.clone().unwrap_or_default())];
        let program = match self {
            Self::BlockHub => {
                let launch = Launch { redis, ..Launch::on(&postgres.url()) };
                return Ok(Server::Hub(Hub::start(&launch).await?));
            }
            Self::SocketIo => "socketio",
            Self::ShareDb => "sharedb",
            Self::Hocuspocus => "hocuspocus",
        };
        Ok(Server::Program(Program::start(program, &settings).await?))
    }
}

enum Server {
    Hub(Hub),
    Program(Program),
}

/// A subject that runs. It ends before what it stands on.
pub struct Stage {
    subject: Subject,
    server: Server,
    redis: Option<Redis>,
    postgres: Postgres,
}

impl Stage {
    /// Starts a subject and what it needs.
    pub async fn start(subject: Subject) -> Result<Self, LoadError> {
        let mut ports = Ports::default();
        let postgres = Postgres::start(&mut ports)?;
        let redis = match subject.uses_redis() {
            true => Some(Redis::start(&mut ports).await?),
            false => None,
        };
        let server = subject.serve(&postgres, redis.as_ref()).await?;
        Ok(Self { subject, server, redis, postgres })
    }

    /// What runs.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        match &self.server {
            Server::Hub(hub) => hub.address(),
            Server::Program(program) => program.address(),
        }
    }

    /// A project of its own, with names for blocks that are to be made.
    pub async fn place(&self, blocks: usize) -> Result<Arc<Place>, LoadError> {
        let project = match self.subject {
            Subject::BlockHub => {
                let body = json!({"title": "compare", "access": "editor"}).to_string();
                post(self.address(), "/api/projects", &body).await?
            }
            _ => Uuid::new_v4().to_string(),
        };
        let blocks = (0..blocks).map(|_| Uuid::new_v4().to_string()).collect();
        Ok(Arc::new(Place { project, blocks }))
    }

    /// Its processes: what people edit through counts as the hub.
    pub fn staff(&self) -> Staff {
        Staff {
            hubs: vec![self.id()],
            balancer: None,
            postgres: self.postgres.id(),
            redis: self.redis.as_ref().and_then(Redis::id),
            helpers: Vec::new(),
        }
    }

    /// Ends the server in good order: it must be able to.
    pub async fn end(self) -> Result<(), LoadError> {
        match self.server {
            Server::Hub(_) => Ok(()),
            Server::Program(program) => program.end().await,
        }
    }

    fn id(&self) -> u32 {
        match &self.server {
            Server::Hub(hub) => hub.id().unwrap_or(0),
            Server::Program(program) => program.id(),
        }
    }
}
