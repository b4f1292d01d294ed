//! How somebody reaches the hubs: where to, and from which of this machine's addresses.
//!
//! Promises: users of one machine can come from addresses of their own, as users do, so that what a balancer lets one
//! address do is not what is measured.
//! Must never: leave this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

use crate::LoadError;

/// A way.
#[derive(Clone, Debug)]
pub struct Way {
    /// `127.0.0.1:PORT`.
    pub to: String,
    /// One's own address.
    pub from: Ipv4Addr,
}

impl Way {
    /// From the usual address.
    pub fn to(address: &str) -> Self {
        Self { to: address.to_owned(), from: Ipv4Addr::LOCALHOST }
    }

    /// From an address that only this user of a run has, as long as there are not 60,000.
    pub fn of_user(address: &str, number: u32) -> Self {
        const LAST_BYTES: u32 = 250;
        // Proven: 250 and less is a byte; of more users some share an address.
        let byte = |number: u32| u8::try_from(number % LAST_BYTES).unwrap_or(0) + 1;
        Self { to: address.to_owned(), from: Ipv4Addr::new(127, 77, byte(number / LAST_BYTES), byte(number)) }
    }

    /// Connects.
    pub async fn open(&self) -> Result<TcpStream, LoadError> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(IpAddr::V4(self.from), 0))?;
        let place = self.to.parse().map_err(|_| LoadError::Start(format!("{} is no address", self.to)))?;
        let stream = socket.connect(place).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
