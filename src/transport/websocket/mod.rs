//! WebSocket: one task per connection, which reads, writes, pings, and hands messages to the connection's context.
//!
//! Promises: what waits for a client is written while the client's own messages are handled; a client that is gone is
//! noticed within the times of [CN8]; an idle connection holds no buffer.
//! Must never: look into a message.

pub mod handshake;
mod inflate;
mod pulse;
pub mod reader;
mod sending;
mod task;
mod wire;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use self::handshake::{Deflate, Mismatch, agree};
use super::arrived::Arrived;
use super::origin::{OriginPolicy, Stranger};
use crate::hub::connection::{Arrival, Connection};
use crate::hub::outbox::Outbox;
use crate::protocol::message::limits::WireLimits;

/// What a socket speaks to. It answers into the outbox.
pub trait Peer: Send + 'static {
    /// What waits for the client.
    fn outbox(&self) -> Arc<Outbox>;
    /// Takes a text message; may wait, and no more is read meanwhile.
    fn text(&mut self, text: &str) -> impl Future<Output = ()> + Send;
    /// Takes a binary message.
    fn binary(&mut self) -> impl Future<Output = ()> + Send;
    /// How long until `on_time` wants to be called.
    fn next_time(&self) -> Option<Duration>;
    /// Waits until `next_time` has another answer though nothing was said or done.
    fn rescheduled(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
    /// A time that `next_time` named has come.
    fn on_time(&mut self) -> impl Future<Output = ()> + Send;
    /// The outbox has lags to hand out.
    fn on_progress(&mut self) -> impl Future<Output = ()> + Send;
    /// The socket is gone.
    fn gone(self) -> impl Future<Output = ()> + Send;
}

/// Boxed, so that an idle connection's task does not keep room for the largest of them.
impl Peer for Connection {
    fn outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.outbox)
    }

    async fn text(&mut self, text: &str) {
        Box::pin(Self::text(self, text)).await;
    }

    async fn binary(&mut self) {
        Self::binary(self, None).await;
    }

    fn next_time(&self) -> Option<Duration> {
        Self::next_time(self)
    }

    async fn rescheduled(&self) {
        Self::rescheduled(self).await;
    }

    async fn on_time(&mut self) {
        Box::pin(Self::on_time(self)).await;
    }

    async fn on_progress(&mut self) {
        Box::pin(Self::on_progress(self)).await;
    }

    async fn gone(self) {
        Self::gone(self).await;
    }
}

/// Where sockets come in.
#[derive(Debug)]
pub struct Gate {
    origins: OriginPolicy,
    limits: WireLimits,
    slots: Arc<Semaphore>,
    tracker: TaskTracker,
}

/// Why a request does not become a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nobody who may call.
    Stranger(Stranger),
    /// Not in a way that can be answered.
    Mismatch(Mismatch),
}

impl Refused {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Stranger(_) => StatusCode::FORBIDDEN,
            Self::Mismatch(mismatch) => mismatch.status(),
        }
    }

    /// For people.
    pub fn message(self) -> &'static str {
        match self {
            Self::Stranger(Stranger::Origin) => "this origin may not call the hub",
            Self::Stranger(Stranger::Host) => "an open hub answers to the loopback's names only",
            Self::Mismatch(mismatch) => mismatch.message(),
        }
    }
}

impl Gate {
    /// A gate for at most `connections_max` sockets at once, whose tasks `tracker` knows.
    pub fn new(origins: OriginPolicy, limits: WireLimits, connections_max: usize, tracker: TaskTracker) -> Self {
        let slots = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
        Self { origins, limits, slots, tracker }
    }

    /// Its places, for sockets that come in elsewhere.
    pub fn slots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.slots)
    }

    /// Makes a request a socket. `peer` is asked for only once it is one, and there is a place for it; where there is
    /// none, the socket is closed with 1013.
    pub fn upgrade<P: Peer>(
        &self,
        mut request: Request,
        peer: impl FnOnce(Arrival) -> P + Send + 'static,
    ) -> Result<Response, Refused> {
        self.origins.check(&request).map_err(Refused::Stranger)?;
        let agreement = agree(request.headers()).map_err(Refused::Mismatch)?;
        let not_upgradable = Refused::Mismatch(Mismatch::NotWebSocket("this HTTP connection cannot be upgraded"));
        let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(not_upgradable)?;
        let arrival = arrival(&request);
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
        let limits = self.limits;
        self.tracker.spawn(async move {
            if let Some((stream, first)) = upgraded(upgrade).await {
                admit(stream, &first, slot, agreement.deflate, &limits, || peer(arrival)).await;
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = agreement.headers;
        Ok(response)
    }
}

async fn admit<P: Peer>(
    stream: TcpStream,
    first: &[u8],
    slot: Option<OwnedSemaphorePermit>,
    deflate: Deflate,
    limits: &WireLimits,
    peer: impl FnOnce() -> P,
) {
    match slot {
        Some(_slot) => task::run(stream, first, deflate, limits, peer()).await,
        None => task::turn_away(stream).await,
    }
}

/// The socket under an upgraded HTTP connection, and what the client sent behind its request.
pub(super) async fn upgraded(upgrade: OnUpgrade) -> Option<(TcpStream, Vec<u8>)> {
    let parts = upgrade.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf.to_vec()))
}

/// What is known of a request that opens a connection.
pub(super) fn arrival(request: &Request) -> Arrival {
    let address = Arrived::of(request.extensions()).address;
    Arrival { token: bearer(request.headers()), address }
}

/// The token of an `Authorization: Bearer` header.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
