//! The way to Redis: addresses, a connection for commands, connections to publish and subscribe, seals for what is kept.
//!
//! Promises: every call ends within `CALL_TIMEOUT`, and at once while Redis is known to be away; a lost connection comes
//! back by itself.
//! Must never: repeat a command whose fate is unknown; whoever sent it knows whether it may be sent twice.

pub mod address;
mod keeper;
mod reach;
pub mod seal;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ScriptInvocation, ServerErrorKind};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use address::RedisAddress;
use keeper::State;
use wire::Wire;

/// For one call, from the wait for a connection to the answer.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// Why Redis is of no help.
#[derive(Debug, thiserror::Error)]
pub enum RedisLinkError {
    /// It cannot be reached, is not ready or did not answer in time; what was asked may have happened. Later.
    #[error("Redis is not available: {0}")]
    Unavailable(String),
    /// It answered with something else than what was asked for. Asking again would not help.
    #[error("Redis refused: {0}")]
    Refused(RedisError),
}

/// One hub's way to Redis. Copies share the connection for commands, which ends with the last of them.
#[derive(Clone)]
pub struct RedisLink {
    held: Arc<Held>,
}

struct Held {
    address: RedisAddress,
    /// How the connection for commands stands.
    state: keeper::Shared,
    /// Which node of a cluster is asked first by the next who subscribes.
    turn: AtomicUsize,
    _keeper: AbortOnDropHandle<()>,
}

impl RedisLink {
    /// A link that begins to connect; inside a Tokio runtime. Whether Redis answers shows with the first call.
    pub fn open(address: RedisAddress) -> Self {
        let state = Arc::new(watch::Sender::new(State::Connecting));
        let keeper = AbortOnDropHandle::new(tokio::spawn(keeper::keep(address.clone(), state.clone())));
        Self { held: Arc::new(Held { address, state, turn: AtomicUsize::new(0), _keeper: keeper }) }
    }

    /// Where it leads, without secrets.
    pub fn describe(&self) -> &str {
        self.held.address.describe()
    }

    /// Runs one command.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisLinkError> {
        self.call(async |wire| command.query_async(wire).await).await
    }

    /// Runs a script, which Redis keeps after the first time. All its keys have the same hash tag.
    pub async fn run_script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, RedisLinkError> {
        self.call(async |wire| script.invoke_async(wire).await).await
    }

    /// A connection of its own (RESP3) that can publish and subscribe: to the server, to the master as the Sentinels
    /// know it now, or to a node of the cluster, another one each time. It does not come back when it is lost: `pushes`
    /// hears `PushKind::Disconnection` then. `pushes` must not block.
    pub async fn connect_subscriber(
        &self,
        pushes: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisLinkError> {
        let turn = self.held.turn.fetch_add(1, Ordering::Relaxed);
        let config = reach::patience().set_push_sender(pushes);
        reach::node(&self.held.address, turn, config).await.map_err(|error| unavailable(&error))
    }

    async fn call<T>(&self, call: impl AsyncFnOnce(&mut Wire) -> RedisResult<T>) -> Result<T, RedisLinkError> {
        let mut silent = None;
        let answer = timeout(CALL_TIMEOUT, async {
            let (mut wire, number) = self.wire().await?;
            silent = Some(number).filter(|_| wire.ends_in_silence());
            call(&mut wire).await.map_err(|error| {
                if wire.ends_with(&error) {
                    keeper::lose(&self.held.state, number);
                }
                sorted(error)
            })
        });
        answer.await.unwrap_or_else(|_| {
            if let Some(number) = silent {
                keeper::lose(&self.held.state, number);
            }
            Err(RedisLinkError::Unavailable("it did not answer in time".to_owned()))
        })
    }

    /// The connection; waits only while the first attempt after a loss is under way.
    async fn wire(&self) -> Result<(Wire, u64), RedisLinkError> {
        let mut state = self.held.state.subscribe();
        let known = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        match known.as_deref() {
            Ok(State::Ready { wire, number }) => Ok((wire.clone(), *number)),
            _ => Err(RedisLinkError::Unavailable("it is away".to_owned())),
        }
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisLink({})", self.describe())
    }
}

/// By what the caller can do.
fn sorted(error: RedisError) -> RedisLinkError {
    let later = matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::AuthenticationFailed
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::Moved
                    | ServerErrorKind::Ask
            )
    );
    if later || wire::only_reads(&error) || full(&error) { unavailable(&error) } else { RedisLinkError::Refused(error) }
}

/// Redis has no room, cannot write to its disk, or lacks replicas: it says so, and may have it again.
fn full(error: &RedisError) -> bool {
    matches!(error.code(), Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY"))
}

fn unavailable(error: &RedisError) -> RedisLinkError {
    RedisLinkError::Unavailable(error.to_string())
}
