//! Socket.IO: the same messages for `socket.io-client`, each an event of its type's name.
//!
//! The way of a message: `Entry` lets in HTTP calls and sockets; socketioxide speaks Engine.IO and Socket.IO; a `Door`
//! makes a hub's connection of whoever connects; what the client says goes through an `Inbox` to the connection's task,
//! and what waits in the connection's outbox goes out by its `Wire`.
//!
//! Promises: who may not come is refused before anything is allocated; what is held for one client is bounded in both
//! directions, and a client that is not read, or does not read, is the only one to wait.
//! Must never: look into a message.

mod ask;
mod door;
mod inbox;
mod packet;
mod task;
mod valve;
mod way;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::SEC_WEBSOCKET_EXTENSIONS;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use socketioxide::service::SocketIoService;
use socketioxide::socket::Sid;
use socketioxide::{ParserConfig, SocketIo};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use self::ask::{Ask, Transport, opened};
use self::door::Door;
use self::valve::Valve;
use self::way::{Stage, Way, Ways};
use super::arrived::Arrived;
use super::http;
use super::origin::OriginPolicy;
use super::websocket::handshake::agree;
use super::websocket::{Refused, arrival, upgraded};
use crate::domain::quota::Resource;
use crate::hub::Hub;
use crate::protocol::message::limits::WireLimits;

/// How long a client may take to connect once it has a transport ([CN4]).
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A client that asks for a better transport has to go on with that.
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);
/// What a message may be over `maxMessageBytes` and still be answered, before its transport is lost ([MS2]).
const SPARE_BYTES: usize = 64 << 10;
/// For the body of a POST.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Of an event that is refused for having them.
const ATTACHMENTS_MAX: usize = 16;
/// What is read of a socket at once.
const READ_BYTES: usize = 2048;

/// Where clients of Socket.IO come in.
pub struct Entry {
    hub: Arc<Hub>,
    origins: OriginPolicy,
    /// Places for connections, of all transports.
    slots: Arc<Semaphore>,
    tracker: TaskTracker,
    ways: Arc<Ways>,
    service: SocketIoService<Router>,
}

impl Entry {
    /// An entry to `hub`; connections take their places from `slots`, and `tracker` knows their tasks.
    pub fn new(hub: Arc<Hub>, origins: OriginPolicy, slots: Arc<Semaphore>, tracker: TaskTracker) -> Arc<Self> {
        let (service, io) = builder(&hub.limits).build_with_inner_svc(Router::new());
        io.ns("/", Door { hub: Arc::clone(&hub), tracker: tracker.clone() });
        Arc::new(Self { hub, origins, slots, tracker, ways: Arc::default(), service })
    }

    /// Answers a call, or makes it a socket.
    pub async fn answer(&self, request: Request) -> Response {
        let origin = request.headers().get(axum::http::header::ORIGIN).cloned();
        let answer = match self.origins.check(&request) {
            Err(stranger) => return refused(Refused::Stranger(stranger)),
            Ok(()) if request.method() == Method::OPTIONS => http::preflight(),
            Ok(()) => self.admit(request).await,
        };
        http::for_pages_of(&self.origins.allowed, origin.as_ref(), answer)
    }

    async fn admit(&self, request: Request) -> Response {
        let ask = Ask::of(&request);
        match (ask.transport, ask.sid) {
            // Engine.IO reads queries less strictly, and would begin a session that has no place.
            (None, _) => http::refused(StatusCode::BAD_REQUEST, "this is no call of Engine.IO 4"),
            (Some(transport), Some(sid)) => match self.ways.get(&sid).and_then(|way| way.upgrade()) {
                Some(way) if way.stage() < Stage::Shut => self.go_on(request, transport, sid, way).await,
                Some(_) => ended(),
                None => http::refused(StatusCode::BAD_REQUEST, "this session is not known, or has ended"),
            },
            (Some(transport), None) => self.begin(request, transport).await,
        }
    }

    /// A client without a session: it gets one, if there is a place.
    async fn begin(&self, request: Request, transport: Transport) -> Response {
        if self.hub.roll.draining().is_some() {
            return http::draining();
        }
        if let Err(denied) = self.hub.spend_from(Arrived::of(request.extensions()).address, Resource::Connection).await
        {
            return http::denied(Resource::Connection, denied);
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else { return http::full() };
        let way = Way::new(arrival(&request), slot);
        match transport {
            Transport::WebSocket => self.upgrade(request, None, way),
            Transport::Polling => {
                let (parts, _) = request.into_parts();
                let (answer, body) = whole(self.call(bare(&parts.uri, parts.method, &way, Body::empty())).await).await;
                if let Some(sid) = opened(&body) {
                    way.list(sid, &self.ways);
                }
                answer
            }
        }
    }

    /// A client with a session: it polls, says something, or goes on by a socket.
    async fn go_on(&self, request: Request, transport: Transport, sid: Sid, way: Arc<Way>) -> Response {
        match (transport, request.method()) {
            (Transport::WebSocket, _) => self.upgrade(request, Some(sid), way),
            (Transport::Polling, &Method::POST) => tokio::select! {
                biased;
                answer = self.post(request, &way) => answer,
                () = way.shut() => ended(),
            },
            (Transport::Polling, _) => {
                let answer = tokio::select! {
                    biased;
                    answer = self.call(request) => answer,
                    () = way.shut() => return ended(),
                };
                let (answer, body) = whole(answer).await;
                way.took(body.len());
                answer
            }
        }
    }

    /// A client says something, once what it said before leaves room.
    async fn post(&self, request: Request, way: &Way) -> Response {
        let _turn = way.posting.lock().await;
        way.inbox.has_room().await;
        let too_slow = |_| http::refused(StatusCode::REQUEST_TIMEOUT, "the body took too long");
        timeout(BODY_WITHIN, self.call(request)).await.unwrap_or_else(too_slow)
    }

    /// Answers the handshake; the socket is Socket.IO's then, through a valve. `polled`: the session that polled until now.
    fn upgrade(&self, mut request: Request, polled: Option<Sid>, way: Arc<Way>) -> Response {
        let mut agreement = match agree(request.headers()) {
            Ok(agreement) => agreement,
            Err(mismatch) => return refused(Refused::Mismatch(mismatch)),
        };
        // Socket.IO's sockets do not compress.
        agreement.headers.remove(SEC_WEBSOCKET_EXTENSIONS);
        let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
            return http::refused(StatusCode::BAD_REQUEST, "this HTTP connection cannot be upgraded");
        };
        let (uri, mut service) = (request.uri().clone(), self.service.clone());
        self.tracker.spawn(async move {
            if let Some((stream, first)) = upgraded(upgrade).await {
                let request = bare(&uri, Method::GET, &way, ());
                let gone = CancellationToken::new();
                let valve = Valve::new(stream, first, way, gone.clone().drop_guard());
                let begun = service.call((valve, request)).await;
                tracing::trace!(is_session = begun.is_ok(), "a socket was given to Socket.IO");
                if let Some(sid) = polled {
                    gone.cancelled().await;
                    end_polling(service, sid).await;
                }
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = agreement.headers;
        response
    }

    async fn call(&self, request: Request) -> Response {
        let Ok(answer) = self.service.clone().call(request).await;
        answer.map(Body::new)
    }
}

fn builder(limits: &WireLimits) -> socketioxide::SocketIoBuilder {
    let (interval, pong) =
        (Duration::from_millis(limits.ping_interval_ms), Duration::from_millis(limits.pong_timeout_ms));
    let message_bytes_max = limits.message_bytes_max + SPARE_BYTES;
    SocketIo::builder()
        .ping_interval(interval)
        // Its pings wait behind what a slow client has not taken; a socket without a sign of life is noticed earlier, by
        // the connection's task.
        .ping_timeout(interval + pong)
        .connect_timeout(CONNECT_WITHIN)
        .upgrade_timeout(UPGRADE_WITHIN)
        .max_buffer_size(wire::PACKETS_MAX)
        .max_payload(message_bytes_max as u64)
        .ws_max_message_size(message_bytes_max)
        .ws_max_frame_size(message_bytes_max)
        .ws_read_buffer_size(READ_BYTES)
        .with_parser(
            ParserConfig::common()
                .max_incoming_binaries(ATTACHMENTS_MAX)
                .max_incoming_binary_buf_size(limits.message_bytes_max)
                .packet_completion_timeout(CONNECT_WITHIN),
        )
}

/// What an Engine.IO session keeps of its first request, as long as it lives: its way, and nothing else.
fn bare<B>(uri: &axum::http::Uri, method: Method, way: &Arc<Way>, body: B) -> axum::http::Request<B> {
    let mut request = axum::http::Request::new(body);
    (*request.uri_mut(), *request.method_mut()) = (uri.clone(), method);
    request.extensions_mut().insert(Arc::clone(way));
    request
}

/// Ends a session that still polls though the socket it was to go on with is gone: Engine.IO would wait for that for
/// ever, without a ping, and answer every poll with nothing. One that went over to its socket is not touched.
async fn end_polling(mut service: SocketIoService<Router>, sid: Sid) {
    const CLOSE: &str = "1";
    let request = Request::post(format!("/socket.io/?EIO=4&transport=polling&sid={sid}")).body(Body::from(CLOSE));
    if let Ok(request) = request {
        let Ok(_) = service.call(request).await;
    }
}

/// An answer with its body, which is there already.
async fn whole(answer: Response) -> (Response, Bytes) {
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (Response::from_parts(parts, Body::from(body.clone())), body)
}

fn refused(refused: Refused) -> Response {
    http::refused(refused.status(), refused.message())
}

fn ended() -> Response {
    http::refused(StatusCode::BAD_REQUEST, "this session has ended")
}
