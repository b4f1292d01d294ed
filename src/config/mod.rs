//! The settings, checked once as a whole.
//!
//! Promises: a `Config` can be served; an error names the setting, all that are wrong at once, and says what to do.
//! Must never: be read by anything below the composition root; it hands each part its own options.

pub mod command;
pub mod settings;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::ids::HubId;
use crate::redis_link::address::RedisAddress;
use crate::telemetry::LogFormat;
use crate::transport::auth::{Keys, TokenKey};
use crate::transport::proxies::Proxies;
use settings::{Secret, Settings};

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const DATABASE: &str = "sqlite:data/blockhub.db";
/// RFC 7518, section 3.2: a key of the size of the hash output or larger.
const SECRET_BYTES_MIN: usize = 32;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or is no TOML of settings.
    #[error("the settings file {path} cannot be used: {reason}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why, and where in it.
        reason: String,
    },
    /// Values that cannot be served with.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Wrong>),
}

/// One setting that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its name in the environment.
    pub setting: &'static str,
    /// What to do.
    pub message: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.message)
    }
}

/// Which database.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite:…` or `postgres://…`; may hold a password.
    pub url: Secret,
    /// Connections kept open, of Postgres.
    pub pool_min: u32,
    /// Connections at most, of Postgres.
    pub pool_max: u32,
}

/// Whether limits are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimits {
    /// They are.
    #[default]
    On,
    /// Everybody may do as much as they like.
    Off,
}

/// Settings that can be served.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// This hub's name.
    pub hub: HubId,
    /// Durable truth.
    pub database: Database,
    /// What hubs share besides the database, if there may be several.
    pub redis: Option<RedisAddress>,
    /// Whose tokens are taken, or that the hub is open.
    pub keys: Keys,
    /// Web pages that may use the hub; empty: those of its own host.
    pub origins: Vec<String>,
    /// Whose word on a client's address counts.
    pub proxies: Proxies,
    /// Whether limits are kept.
    pub rate_limits: RateLimits,
    /// Sockets at once.
    pub connections_max: usize,
    /// Over how long clients are sent away at the end.
    pub drain: Duration,
    /// Days that events are kept, if not for ever.
    pub history_days: Option<u32>,
    /// Days that edit records are kept.
    pub idempotency_days: u32,
    /// How to log.
    pub log_format: LogFormat,
    /// What is allowed, but worth a word at start.
    pub warnings: Vec<String>,
}

impl Config {
    /// Checks the settings together and fills in the defaults. Reads the public key's file if one is named.
    pub fn check(settings: Settings) -> Result<Self, ConfigError> {
        let mut wrong = Findings::default();
        let warnings = warnings(&settings);
        let keys = wrong.note(keys(&settings)).unwrap_or(Keys::Open);
        let listen = wrong.note(listen(settings.listen.as_deref())).unwrap_or(LISTEN);
        wrong.note(open_stays_here(&keys, listen));
        let config = Self {
            hub: wrong.note(hub(settings.hub_id)).unwrap_or_else(|| HubId::from("")),
            database: wrong
                .note(database(settings.database_url, settings.db_pool_min, settings.db_pool_max))
                .unwrap_or_else(|| Database { url: Secret::from(DATABASE), pool_min: 0, pool_max: 0 }),
            redis: wrong.note(redis(settings.redis_url.as_ref())).flatten(),
            origins: wrong.note(origins(settings.allowed_origins.as_deref())).unwrap_or_default(),
            proxies: wrong.note(proxies(settings.trusted_proxies.as_deref())).unwrap_or_default(),
            rate_limits: wrong.note(rate_limits(settings.rate_limits.as_deref(), &keys)).unwrap_or_default(),
            connections_max: wrong.note(connections(settings.max_connections)).unwrap_or_default(),
            drain: wrong.note(drain(settings.drain_secs)).unwrap_or_default(),
            history_days: wrong.note(history(settings.history_days)).flatten(),
            idempotency_days: wrong.note(idempotency(settings.idempotency_days)).unwrap_or_default(),
            log_format: wrong.note(log_format(settings.log_format.as_deref())).unwrap_or_default(),
            listen,
            keys,
            warnings,
        };
        if wrong.0.is_empty() { Ok(config) } else { Err(ConfigError::Wrong(wrong.0)) }
    }

    /// Where a hub with these settings listens, for the command that asks it.
    pub fn check_listen(settings: &Settings) -> Result<SocketAddr, ConfigError> {
        listen(settings.listen.as_deref()).map_err(|wrong| ConfigError::Wrong(vec![wrong]))
    }

    /// Which database, for the commands that need nothing else.
    pub fn check_database(settings: Settings) -> Result<Database, ConfigError> {
        database(settings.database_url, settings.db_pool_min, settings.db_pool_max)
            .map_err(|wrong| ConfigError::Wrong(vec![wrong]))
    }

    /// What the hub says when it starts, one fact a line: where it listens, on what it stores, who may use it.
    pub fn first_lines(&self, listens: SocketAddr, stores: &str) -> String {
        let who = match &self.keys {
            Keys::Open => "open to this machine only, without tokens: everybody on it may do everything".to_owned(),
            Keys::Token(key) => format!("takes {} tokens", key.algorithm()),
        };
        let version = env!("CARGO_PKG_VERSION");
        format!("BlockHub {version} listening on http://{listens}\nstores in {stores}\n{who}\n")
    }
}

/// Names in the environment that look like settings but do nothing in this version: a slip of the pen, or a setting of
/// another version. Whoever set them should know.
pub fn idle_names<'a>(environment: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let known = command::environment();
    let ours = |name: &&str| {
        name.starts_with("BLOCKHUB_") && !name.starts_with("BLOCKHUB_TEST_") || *name == "DATABASE_REPLICA_URL"
    };
    environment.into_iter().filter(ours).filter(|name| !known.contains(*name)).map(str::to_owned).collect()
}

#[derive(Default)]
struct Findings(Vec<Wrong>);

impl Findings {
    fn note<T>(&mut self, checked: Result<T, Wrong>) -> Option<T> {
        checked.map_err(|wrong| self.0.push(wrong)).ok()
    }
}

fn wrong<T>(setting: &'static str, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { setting, message: message.into() })
}

fn warnings(settings: &Settings) -> Vec<String> {
    let short = settings.auth_secret.as_ref().is_some_and(|secret| secret.reveal().len() < SECRET_BYTES_MIN);
    let weak = "BLOCKHUB_AUTH_SECRET is shorter than 32 characters and may be guessed; make one with \
                `openssl rand -hex 32`";
    short.then(|| weak.to_owned()).into_iter().collect()
}

fn listen(text: Option<&str>) -> Result<SocketAddr, Wrong> {
    let Some(text) = text else { return Ok(LISTEN) };
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    match numeric.as_deref().unwrap_or(text).parse() {
        Ok(address) => Ok(address),
        Err(_) => wrong(
            "BLOCKHUB_LISTEN",
            format!("`{text}` is no address with a port; give one such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080"),
        ),
    }
}

/// [CN6]
fn open_stays_here(keys: &Keys, listen: SocketAddr) -> Result<(), Wrong> {
    if !matches!(keys, Keys::Open) || listen.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    wrong(
        "BLOCKHUB_LISTEN",
        format!(
            "{listen} can be reached from other machines, and without a key the hub is open to everybody who reaches \
             it. Set BLOCKHUB_AUTH_SECRET (`openssl rand -hex 32` makes one) or BLOCKHUB_AUTH_PUBLIC_KEY, or listen on \
             127.0.0.1:{}",
            listen.port()
        ),
    )
}

fn keys(settings: &Settings) -> Result<Keys, Wrong> {
    match (&settings.auth_secret, &settings.auth_public_key) {
        (None, None) => Ok(Keys::Open),
        (Some(secret), None) => Ok(Keys::Token(TokenKey::secret(secret.reveal()))),
        (None, Some(key)) => public_key(key),
        (Some(_), Some(_)) => wrong(
            "BLOCKHUB_AUTH_PUBLIC_KEY",
            "BLOCKHUB_AUTH_SECRET is set too, and a hub takes tokens of one kind; leave one of the two away",
        ),
    }
}

/// `key` is a PEM (in which `\n` may stand for a line's end, as environment files have it) or the path of one.
fn public_key(key: &str) -> Result<Keys, Wrong> {
    const NAME: &str = "BLOCKHUB_AUTH_PUBLIC_KEY";
    let pem = if key.trim_start().starts_with("-----BEGIN") {
        key.replace("\\n", "\n")
    } else {
        match std::fs::read_to_string(key) {
            Ok(pem) => pem,
            Err(error) => return wrong(NAME, format!("neither a PEM nor a file that can be read: {error}")),
        }
    };
    TokenKey::public(&pem).map(Keys::Token).or_else(|error| wrong(NAME, error.to_string()))
}

fn hub(id: Option<String>) -> Result<HubId, Wrong> {
    let Some(id) = id else { return Ok(own_name()) };
    if is_hub_name(&id) {
        return Ok(HubId::from(id.as_str()));
    }
    wrong("BLOCKHUB_HUB_ID", "give a name of at most 64 letters, digits and signs, without spaces, such as hub-1")
}

fn is_hub_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The machine's name, which in a container is the container's; where there is none, one that is drawn.
fn own_name() -> HubId {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        name if is_hub_name(name) => HubId::from(name),
        _ => HubId::from(format!("hub-{}", &Uuid::new_v4().simple().to_string()[..8]).as_str()),
    }
}

fn database(url: Option<Secret>, pool_min: Option<u32>, pool_max: Option<u32>) -> Result<Database, Wrong> {
    let url = url.unwrap_or_else(|| Secret::from(DATABASE));
    if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.reveal().starts_with(scheme)) {
        return wrong(
            "DATABASE_URL",
            "give sqlite:PATH, such as sqlite:data/blockhub.db, or postgres://USER:PASSWORD@HOST/NAME",
        );
    }
    let pool_max = pool_max.unwrap_or(200);
    let pool_min = pool_min.unwrap_or(20.min(pool_max));
    if pool_max < 4 {
        return wrong("BLOCKHUB_DB_POOL_MAX", format!("{pool_max} is too few: commits and reads need 4 at least"));
    }
    if pool_min > pool_max {
        return wrong(
            "BLOCKHUB_DB_POOL_MIN",
            format!("{pool_min} is more than BLOCKHUB_DB_POOL_MAX, which is {pool_max}"),
        );
    }
    Ok(Database { url, pool_min, pool_max })
}

fn redis(url: Option<&Secret>) -> Result<Option<RedisAddress>, Wrong> {
    let address = url.map(|url| RedisAddress::parse(url.reveal())).transpose();
    address.or_else(|error| wrong("REDIS_URL", error.to_string()))
}

fn origins(text: Option<&str>) -> Result<Vec<String>, Wrong> {
    let given = text.unwrap_or_default().split(',').map(str::trim).filter(|origin| !origin.is_empty());
    given.map(origin).collect()
}

/// An origin as browsers send it (RFC 6454): scheme, host and port, in lower case.
fn origin(text: &str) -> Result<String, Wrong> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let odd = |byte: u8| byte.is_ascii_uppercase() || b"/*@?# ".contains(&byte) || !byte.is_ascii_graphic();
    if !host.is_empty() && !host.bytes().any(odd) {
        return Ok(text.to_owned());
    }
    wrong(
        "BLOCKHUB_ALLOWED_ORIGINS",
        format!(
            "`{}` is no origin; name each one exactly, in lower case and without a path, such as https://app.example \
             or http://localhost:3000",
            text.escape_debug()
        ),
    )
}

/// Where anybody may say that they are anybody, a limit by user limits nobody.
fn rate_limits(text: Option<&str>, keys: &Keys) -> Result<RateLimits, Wrong> {
    match text {
        None if matches!(keys, Keys::Open) => Ok(RateLimits::Off),
        None | Some("on") => Ok(RateLimits::On),
        Some("off") => Ok(RateLimits::Off),
        Some(other) => wrong("BLOCKHUB_RATE_LIMITS", format!("`{}` is neither on nor off", other.escape_debug())),
    }
}

fn proxies(text: Option<&str>) -> Result<Proxies, Wrong> {
    Proxies::parse(text.unwrap_or_default()).or_else(|error| {
        wrong(
            "BLOCKHUB_TRUSTED_PROXIES",
            format!("{error}; name each proxy or network, separated by commas, such as 10.0.0.0/8,192.0.2.7"),
        )
    })
}

fn connections(given: Option<u32>) -> Result<usize, Wrong> {
    match given.unwrap_or(20_000) {
        0 => wrong("BLOCKHUB_MAX_CONNECTIONS", "0 would serve nobody; give 1 or more"),
        // u32 fits into usize on every machine that the hub is built for.
        count => Ok(count as usize),
    }
}

fn drain(given: Option<u32>) -> Result<Duration, Wrong> {
    match given.unwrap_or(20) {
        secs @ 0..=3_600 => Ok(Duration::from_secs(secs.into())),
        _ => wrong("BLOCKHUB_DRAIN_SECS", "an hour (3600) at most; clients wait for it"),
    }
}

fn history(given: Option<u32>) -> Result<Option<u32>, Wrong> {
    match given {
        Some(0) => wrong("BLOCKHUB_HISTORY_DAYS", "give 1 or more, or leave it away to keep history for ever"),
        days => Ok(days),
    }
}

/// [ED2]
fn idempotency(given: Option<u32>) -> Result<u32, Wrong> {
    match given.unwrap_or(30) {
        days if days < 30 => wrong("BLOCKHUB_IDEMPOTENCY_DAYS", "30 at least: the protocol promises that to clients"),
        days => Ok(days),
    }
}

fn log_format(text: Option<&str>) -> Result<LogFormat, Wrong> {
    match text {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => wrong("BLOCKHUB_LOG_FORMAT", format!("`{}` is neither text nor json", other.escape_debug())),
    }
}
