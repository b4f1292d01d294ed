//! The composition root: from settings to a hub that serves, and to its end in good order.
//!
//! Promises: `run` returns when everybody has been sent away as [DR1] says, with all that it started ended.
//! Must never: hold a rule; it only puts together.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{any, get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::bus::Bus;
use crate::bus::local::LocalBus;
use crate::bus::redis::RedisBus;
use crate::config::{Config, Database, RateLimits};
use crate::domain::ids::{HubRun, ProjectId};
use crate::domain::quota::Resource;
use crate::hub::connection::Connection;
use crate::hub::housekeeping::{self, Keeping};
use crate::hub::{Hub, HubParts};
use crate::limit::{self, Limits};
use crate::protocol::message::limits::WireLimits;
use crate::redis_link::RedisLink;
use crate::session::Sessions;
use crate::session::local::LocalSessions;
use crate::session::redis::RedisSessions;
use crate::store::postgres::{PostgresOptions, PostgresStore};
use crate::store::sqlite::{HubLock, SqliteStore};
use crate::store::{Store, StoreError};
use crate::telemetry;
use crate::transport::arrived::Arrived;
use crate::transport::auth::Keys;
use crate::transport::http::{self, Http};
use crate::transport::listener;
use crate::transport::origin::{Names, OriginPolicy};
use crate::transport::socketio::Entry;
use crate::transport::websocket::Gate;

/// What may wait for one client ([JN6]).
const OUTBOX_BYTES_MAX: usize = 1 << 20;
/// Sessions kept in the process; the oldest make room.
const SESSIONS_MAX: usize = 100_000;
/// After the drain's window, how long connections have to say what is left.
const FAREWELL: Duration = Duration::from_secs(10);

/// A store, and what goes with having it to oneself.
pub struct Opened {
    /// Durable truth.
    pub store: Arc<dyn Store>,
    /// Held as long as the hub serves: no second hub on the same file.
    lock: Option<HubLock>,
}

/// Opens the database for a hub: tables are brought up to date, and a SQLite file is this hub's alone.
pub async fn open_for_hub(database: &Database) -> Result<Opened, StoreError> {
    let url = database.url.reveal();
    let lock = if is_sqlite(url) { Some(SqliteStore::lock_hub(url)?) } else { None };
    Ok(Opened { store: open(database).await?, lock })
}

/// Opens the database beside a hub that may be running.
pub async fn open(database: &Database) -> Result<Arc<dyn Store>, StoreError> {
    let url = database.url.reveal();
    if is_sqlite(url) {
        return Ok(Arc::new(SqliteStore::connect(url).await?));
    }
    let options = PostgresOptions {
        url: url.to_owned(),
        replica_url: None,
        pool_min: database.pool_min,
        pool_max: database.pool_max,
    };
    Ok(Arc::new(PostgresStore::connect(&options).await?))
}

/// Brings the tables up to date.
pub async fn migrate(database: &Database) -> Result<(), StoreError> {
    let url = database.url.reveal();
    if is_sqlite(url) { SqliteStore::migrate(url).await } else { PostgresStore::migrate(url).await }
}

/// Gives one project, or all of them, an epoch that was not there before; how many have one now. Hubs that serve them
/// notice by themselves.
pub async fn bump_epochs(database: &Database, project: Option<ProjectId>) -> Result<u64, StoreError> {
    migrate(database).await?;
    let (store, log) = (open(database).await?, Uuid::new_v4().as_u64_pair().0);
    match project {
        Some(project) => Ok(store.bump_epoch(project, log).await?.into()),
        None => store.bump_all_epochs(log).await,
    }
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Serves until `stop` resolves, then drains; a second `stop` ends it at once.
pub async fn run<Stop: Future<Output = ()>>(
    config: &Config,
    listener: TcpListener,
    opened: Opened,
    metrics: PrometheusHandle,
    mut stop: impl FnMut() -> Stop,
) {
    let (shutdown, calls, sockets) = (CancellationToken::new(), TaskTracker::new(), TaskTracker::new());
    let hub = Hub::start(parts(config, &opened));
    let housekeeping = tokio::spawn(housekeeping::run(Arc::downgrade(&hub), keeping(config)));
    let upkeep = tokio::spawn(keep_up(metrics.clone()));
    let router = router(config, &hub, metrics, &sockets);
    let serving = tokio::spawn(listener::serve(listener, router, shutdown.clone(), calls.clone()));
    stop().await;
    tracing::info!(connections = hub.roll.len(), window = ?config.drain, "draining");
    hub.roll.drain(config.drain);
    tokio::select! {
        // Calls are answered for as long as there are sockets: whoever asks whether the hub is ready must hear that it
        // is not.
        () = ended(&hub, &sockets, config.drain + FAREWELL) => {
            shutdown.cancel();
            ended(&hub, &calls, FAREWELL).await;
        }
        () = stop() => tracing::warn!("told to stop twice: stopping at once"),
    }
    serving.abort();
    housekeeping.abort();
    upkeep.abort();
    drop(opened.lock);
}

/// Waits for the tasks of connections.
async fn ended(hub: &Hub, tasks: &TaskTracker, patience: Duration) {
    tasks.close();
    match timeout(patience, tasks.wait()).await {
        Ok(()) => tracing::info!("drained"),
        Err(_) => tracing::warn!(connections = hub.roll.len(), "some connections did not end in time"),
    }
}

fn parts(config: &Config, opened: &Opened) -> HubParts {
    let run = HubRun(Uuid::new_v4());
    let link = config.redis.clone().map(RedisLink::open);
    HubParts {
        id: config.hub.clone(),
        run,
        store: opened.store.clone(),
        bus: bus(link.as_ref(), run),
        sessions: sessions(link.clone(), &config.database),
        authenticator: Arc::new(config.keys.clone()),
        limits: WireLimits::default(),
        outbox_bytes_max: OUTBOX_BYTES_MAX,
        rates: rates(config.rate_limits, link, run),
    }
}

/// Shared with the other hubs, if they have a Redis to share.
fn rates(kept: RateLimits, link: Option<RedisLink>, run: HubRun) -> Limits {
    match (kept, link) {
        (RateLimits::Off, _) => Limits::off(),
        (RateLimits::On, Some(link)) => Limits::shared(link, run, limit::PATIENCE),
        (RateLimits::On, None) => Limits::alone(),
    }
}

/// To the other hubs, if they have a Redis to share.
fn bus(link: Option<&RedisLink>, run: HubRun) -> Arc<dyn Bus> {
    match link {
        Some(link) => Arc::new(RedisBus::start(link.clone(), run)),
        None => Arc::new(LocalBus::default()),
    }
}

/// Shared with the other hubs, if they have a Redis to share.
fn sessions(link: Option<RedisLink>, database: &Database) -> Arc<dyn Sessions> {
    if let Some(link) = link {
        tracing::info!(redis = link.describe(), "this hub shares sessions and hints with others");
        return Arc::new(RedisSessions::new(link));
    }
    tracing::info!("REDIS_URL is not set: sessions and the like live in this process, which is right for one hub only");
    if !is_sqlite(database.url.reveal()) {
        tracing::warn!(
            "a second hub on this database would not share sessions with this one, and see its edits late: if there is \
             one, give both the same REDIS_URL"
        );
    }
    Arc::new(LocalSessions::new(SESSIONS_MAX, Arc::default()))
}

fn keeping(config: &Config) -> Keeping {
    Keeping { history_days: config.history_days, idempotency_days: config.idempotency_days }
}

fn router(config: &Config, hub: &Arc<Hub>, metrics: PrometheusHandle, tracker: &TaskTracker) -> Router {
    let origins = OriginPolicy {
        allowed: config.origins.clone(),
        names: if matches!(config.keys, Keys::Open) { Names::Loopback } else { Names::Any },
    };
    let gate = Arc::new(Gate::new(origins.clone(), hub.limits, config.connections_max, tracker.clone()));
    let entry = Entry::new(hub.clone(), origins, gate.slots(), tracker.clone());
    let socket_io = any(move |request: Request| async move { entry.answer(request).await });
    let http = Http { hub: hub.clone(), origins: config.origins.clone(), metrics, started: Instant::now() };
    let socket = {
        let hub = hub.clone();
        move |request: Request| async move { upgrade(&gate, &hub, request).await }
    };
    let sockets = Router::new().route("/ws", get(socket)).route("/socket.io/", socket_io);
    http::answered(http::router(http).merge(sockets), config.proxies.clone())
}

async fn upgrade(gate: &Gate, hub: &Arc<Hub>, request: Request) -> Response {
    if hub.roll.draining().is_some() {
        return http::draining();
    }
    if let Err(denied) = hub.spend_from(Arrived::of(request.extensions()).address, Resource::Connection).await {
        return http::denied(Resource::Connection, denied);
    }
    let hub = hub.clone();
    match gate.upgrade(request, move |arrival| Connection::new(hub, arrival)) {
        Ok(response) => response,
        Err(refused) => http::refused(refused.status(), refused.message()),
    }
}

async fn keep_up(metrics: PrometheusHandle) {
    let mut tick = tokio::time::interval(telemetry::UPKEEP);
    loop {
        tick.tick().await;
        metrics.run_upkeep();
    }
}
