//! Keeps one connection for commands, and remakes it when it is lost.
//!
//! Promises: one attempt at a time, with pauses that grow from `PAUSE_MIN` to `PAUSE_MAX` and jitter; each loss and each
//! return is logged once.
//! Must never: hold up a call; calls look at the state and decide for themselves.

use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::PushKind;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::address::{RedisAddress, Topology};
use super::reach;
use super::wire::Wire;
use crate::pause::Pause;

/// Between a loss and the second attempt.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Between attempts, at most.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A connection that did not live as long counts as an attempt that failed.
const LIVED: Duration = Duration::from_secs(1);

/// How things stand.
#[derive(Clone)]
pub(super) enum State {
    /// The first attempt, after the start or a loss, is under way: worth waiting for.
    Connecting,
    /// It can be used; `number` tells it from those before it.
    Ready { wire: Wire, number: u64 },
    /// The last attempt failed: calls fail at once.
    Away,
}

/// Written by the keeper, by calls that find the connection broken, and by the connection itself when it ends; read by
/// calls.
pub(super) type Shared = Arc<watch::Sender<State>>;

/// Connection `number` is of no use any more, unless another one has taken its place already.
pub(super) fn lose(state: &watch::Sender<State>, lost: u64) {
    state.send_if_modified(|state| {
        let current = matches!(state, State::Ready { number, .. } if *number == lost);
        if current {
            *state = State::Connecting;
        }
        current
    });
}

/// Runs until it is dropped.
pub(super) async fn keep(address: RedisAddress, state: Shared) {
    let (mut number, mut pause, mut away) = (0, Pause::between(PAUSE_MIN, PAUSE_MAX), Away::No);
    loop {
        number += 1;
        let attempt = connect(&address, &state, number).await;
        let failure = match attempt {
            Ok(wire) => {
                away.ends(&address);
                let since = Instant::now();
                state.send_replace(State::Ready { wire, number });
                // Its sender is in our hands, so this ends only when the connection is lost.
                let _ = state.subscribe().wait_for(|state| !matches!(state, State::Ready { .. })).await;
                if since.elapsed() >= LIVED {
                    pause.reset();
                    continue;
                }
                "the connection was lost at once".to_owned()
            }
            Err(error) => error.to_string(),
        };
        away.begins(&address, &failure);
        state.send_replace(State::Away);
        sleep(pause.draw()).await;
    }
}

async fn connect(address: &RedisAddress, state: &Shared, number: u64) -> redis::RedisResult<Wire> {
    if let Topology::Cluster(nodes) = &address.topology {
        return reach::cluster(nodes).await.map(Wire::Cluster);
    }
    let ended: Weak<watch::Sender<State>> = Arc::downgrade(state);
    let config = reach::patience().set_push_sender(move |push: redis::PushInfo| {
        if push.kind == PushKind::Disconnection
            && let Some(state) = ended.upgrade()
        {
            lose(&state, number);
        }
        Ok::<(), ()>(())
    });
    reach::node(address, 0, config).await.map(Wire::Node)
}

/// What the log knows.
enum Away {
    No,
    Since(Instant),
}

impl Away {
    fn begins(&mut self, address: &RedisAddress, failure: &str) {
        if matches!(self, Self::No) {
            tracing::warn!(redis = address.describe(), failure, "Redis is away");
            *self = Self::Since(Instant::now());
        }
    }

    fn ends(&mut self, address: &RedisAddress) {
        if let Self::Since(since) = self {
            tracing::info!(redis = address.describe(), away = ?since.elapsed(), "Redis is back");
            *self = Self::No;
        }
    }
}
