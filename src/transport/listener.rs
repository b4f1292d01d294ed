//! Accepts TCP connections and speaks HTTP on them until they become sockets.
//!
//! Promises: a connection that says nothing, or never ends its head, is closed in time (hyper alone waits for ever on
//! some of them); nothing is accepted any more once the shutdown has begun, which is when the drain has ended, and
//! requests under way are answered.
//! Must never: stop accepting because one connection failed.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections that wait to be accepted: after a restart, all clients come back at once.
const BACKLOG: u32 = 4096;
/// For the head of a request, from the connection's beginning or the answer before.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Before accepting again when there is no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens on an address; port 0 takes any that is free.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the shutdown begins. Connections go on in tasks that `tracker` knows; idle ones end by themselves.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken, tracker: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                tracker.spawn(speak_http(stream, address, router.clone(), shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn speak_http(stream: TcpStream, address: SocketAddr, router: Router, shutdown: CancellationToken) {
    // Without it nothing is wrong, only later.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %address, "an HTTP connection broke");
    }
}
