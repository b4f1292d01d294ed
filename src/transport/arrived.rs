//! What is known of a request before anybody looks at it.
//!
//! Promises: made once for each request, by the outermost layer.
//! Must never: hold what the client says of itself.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, Request};
use tokio::time::Instant;
use uuid::Uuid;

use super::proxies::Proxies;
use crate::domain::ids::RequestId;

/// A request's name, when it came in, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// Its name.
    pub request: RequestId,
    /// When it came in.
    pub at: Instant,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
}

impl Arrived {
    /// A request that comes in now.
    pub fn now<B>(request: &Request<B>, proxies: &Proxies) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|ConnectInfo(peer)| proxies.client(peer.ip(), request.headers()));
        Self { request: RequestId(Uuid::now_v7()), at: Instant::now(), address }
    }

    /// What the outermost layer said of a request. One that came past it has no name.
    pub fn of(extensions: &Extensions) -> Self {
        let unnamed = || Self { request: RequestId(Uuid::nil()), at: Instant::now(), address: None };
        extensions.get().copied().unwrap_or_else(unnamed)
    }
}
