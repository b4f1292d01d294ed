//! The settings as they are given: flags, environment, file, in this order of precedence.
//!
//! Promises: every setting has one name: `BLOCKHUB_LISTEN` in the environment is `--listen` and, in the file, `listen`.
//! Must never: judge a value; `Config::check` does, for all sources alike.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde::Deserialize;

use super::ConfigError;

/// The help's heading of the setting that says where the hub is.
pub const LISTENING: &str = "Where it listens";
/// The help's heading of the settings that say which database to use.
pub const DATABASE: &str = "Database";
/// The help's heading of the settings that say who may use the hub.
pub const ACCESS: &str = "Who may use it";

/// A text that is not for logs: its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Every setting, each given or not.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A TOML file with any of these settings, under the flags' names with `_` for `-`: `listen = "127.0.0.1:8080"`.
    /// Flags come before the environment, the environment before the file
    #[arg(long, env = "BLOCKHUB_CONFIG", value_name = "FILE", hide_env_values = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Where to listen; port 0 takes a free one. Without a key (below) only on this machine: 127.0.0.1, ::1
    /// [default: 127.0.0.1:8080]
    #[arg(long, env = "BLOCKHUB_LISTEN", value_name = "ADDRESS:PORT", hide_env_values = true)]
    #[arg(help_heading = LISTENING)]
    pub listen: Option<String>,

    /// This hub's name, in `welcome`, health and logs; hubs on one machine want one each [default: the machine's name]
    #[arg(long, env = "BLOCKHUB_HUB_ID", value_name = "NAME", hide_env_values = true, help_heading = "Serving")]
    pub hub_id: Option<String>,

    /// Web pages that may use the hub: exact origins, separated by commas, such as `https://app.example`
    /// [default: only pages of the hub's own host]
    #[arg(long, env = "BLOCKHUB_ALLOWED_ORIGINS", value_name = "ORIGINS", hide_env_values = true)]
    #[arg(help_heading = "Serving")]
    pub allowed_origins: Option<String>,

    /// Proxies in front of the hub, whose word on a client's address is taken (`X-Forwarded-For` or `Forwarded`): addresses
    /// and networks, separated by commas, such as `10.0.0.0/8` [default: none]
    #[arg(long, env = "BLOCKHUB_TRUSTED_PROXIES", value_name = "NETWORKS", hide_env_values = true)]
    #[arg(help_heading = "Serving")]
    pub trusted_proxies: Option<String>,

    /// Whether it is limited how often users may do what: `on` or `off` [default: on with a key, off without]
    #[arg(long, env = "BLOCKHUB_RATE_LIMITS", value_name = "ON|OFF", hide_env_values = true, help_heading = "Serving")]
    pub rate_limits: Option<String>,

    /// Sockets at once; one more is told to try later (close code 1013) [default: 20000]
    #[arg(long, env = "BLOCKHUB_MAX_CONNECTIONS", value_name = "N", hide_env_values = true)]
    #[arg(help_heading = "Serving")]
    pub max_connections: Option<u32>,

    /// Seconds over which clients are sent away when the hub is told to stop [default: 20]
    #[arg(long, env = "BLOCKHUB_DRAIN_SECS", value_name = "SECONDS", hide_env_values = true)]
    #[arg(help_heading = "Serving")]
    pub drain_secs: Option<u32>,

    /// How to log, to standard error: `text` or `json`; RUST_LOG says how much, such as `debug` or `blockhub=debug`
    /// [default: text]
    #[arg(long, env = "BLOCKHUB_LOG_FORMAT", value_name = "FORMAT", hide_env_values = true)]
    #[arg(help_heading = "Serving")]
    pub log_format: Option<String>,

    /// The database: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME`. Better in the environment than on the
    /// command line, which other users of the machine can read [default: sqlite:data/blockhub.db]
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, help_heading = DATABASE)]
    pub database_url: Option<Secret>,

    /// Connections to Postgres that are kept open [default: 20]
    #[arg(long, env = "BLOCKHUB_DB_POOL_MIN", value_name = "N", hide_env_values = true, help_heading = DATABASE)]
    pub db_pool_min: Option<u32>,

    /// Connections to Postgres at most; leave the server's max_connections some room [default: 200]
    #[arg(long, env = "BLOCKHUB_DB_POOL_MAX", value_name = "N", hide_env_values = true, help_heading = DATABASE)]
    pub db_pool_max: Option<u32>,

    /// The Redis that several hubs on one database share: `redis://HOST`, `redis+sentinel://HOST,HOST/MASTER` or
    /// `redis+cluster://HOST,HOST`, each with `USER:PASSWORD@` before the hosts if need be, and with `rediss` for TLS
    /// [default: none, for one hub alone]
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true, help_heading = "Several hubs")]
    pub redis_url: Option<Secret>,

    /// Days that events are kept; older history may be dropped, what the projects hold stays [default: for ever]
    #[arg(long, env = "BLOCKHUB_HISTORY_DAYS", value_name = "DAYS", hide_env_values = true, help_heading = "History")]
    pub history_days: Option<u32>,

    /// Days that the hub remembers which edits it has applied, so that one sent again is not applied twice; 30 at
    /// least [default: 30]
    #[arg(long, env = "BLOCKHUB_IDEMPOTENCY_DAYS", value_name = "DAYS", hide_env_values = true)]
    #[arg(help_heading = "History")]
    pub idempotency_days: Option<u32>,

    /// The secret that HS256 tokens are signed with, 32 characters or more: `openssl rand -hex 32`. Better in the
    /// environment than on the command line
    #[arg(long, env = "BLOCKHUB_AUTH_SECRET", value_name = "SECRET", hide_env_values = true, help_heading = ACCESS)]
    pub auth_secret: Option<Secret>,

    /// Instead of the secret: the public key (PEM, or the path of a PEM file) of tokens that are signed elsewhere, by
    /// RS256, ES256 or EdDSA
    #[arg(long, env = "BLOCKHUB_AUTH_PUBLIC_KEY", value_name = "PEM", hide_env_values = true, help_heading = ACCESS)]
    pub auth_public_key: Option<String>,
}

impl Settings {
    /// These settings, and under them those of the file that `config` names. Empty texts count as not given.
    pub fn with_file(self) -> Result<Self, ConfigError> {
        match self.config.clone() {
            Some(path) => Ok(self.without_empty().over(read(&path)?.without_empty())),
            None => Ok(self.without_empty()),
        }
    }

    /// Each of these settings that is given, else the other's.
    pub fn over(self, below: Self) -> Self {
        Self {
            config: self.config.or(below.config),
            listen: self.listen.or(below.listen),
            hub_id: self.hub_id.or(below.hub_id),
            allowed_origins: self.allowed_origins.or(below.allowed_origins),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            rate_limits: self.rate_limits.or(below.rate_limits),
            max_connections: self.max_connections.or(below.max_connections),
            drain_secs: self.drain_secs.or(below.drain_secs),
            log_format: self.log_format.or(below.log_format),
            database_url: self.database_url.or(below.database_url),
            db_pool_min: self.db_pool_min.or(below.db_pool_min),
            db_pool_max: self.db_pool_max.or(below.db_pool_max),
            redis_url: self.redis_url.or(below.redis_url),
            history_days: self.history_days.or(below.history_days),
            idempotency_days: self.idempotency_days.or(below.idempotency_days),
            auth_secret: self.auth_secret.or(below.auth_secret),
            auth_public_key: self.auth_public_key.or(below.auth_public_key),
        }
    }

    /// Container files like to set what they do not mean: `BLOCKHUB_AUTH_SECRET=` is no secret of length 0.
    fn without_empty(self) -> Self {
        let given = |text: &String| !text.trim().is_empty();
        Self {
            listen: self.listen.filter(given),
            hub_id: self.hub_id.filter(given),
            allowed_origins: self.allowed_origins.filter(given),
            trusted_proxies: self.trusted_proxies.filter(given),
            rate_limits: self.rate_limits.filter(given),
            log_format: self.log_format.filter(given),
            database_url: self.database_url.filter(|secret| given(&secret.0)),
            redis_url: self.redis_url.filter(|secret| given(&secret.0)),
            auth_secret: self.auth_secret.filter(|secret| given(&secret.0)),
            auth_public_key: self.auth_public_key.filter(given),
            ..self
        }
    }
}

fn read(path: &Path) -> Result<Settings, ConfigError> {
    let failed = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| failed(error.to_string()))
}
