//! Asks a hub on this machine whether it may be sent work: for supervisors that can only run a command.
//!
//! Promises: an answer within `ANSWER_WITHIN`, whatever the hub does.
//! Must never: read more of an answer than its first line.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than the hub itself waits for its database.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
const LINE_BYTES_MAX: u64 = 256;

const QUESTION: &[u8] = b"GET /api/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Why a hub may not be sent work.
#[derive(Debug, thiserror::Error)]
pub enum Unready {
    /// It says so; the first line of what it said.
    #[error("the hub is not ready: {0}")]
    Says(String),
    /// Nobody is there, or it hung up.
    #[error("no hub answers at {0}: {1}")]
    Away(SocketAddr, io::Error),
    /// It did not answer in time.
    #[error("the hub at {0} does not answer")]
    Silent(SocketAddr),
}

/// Asks the hub that listens there.
///
/// # Errors
/// It is not ready, not there, or silent.
pub async fn ready(listens: SocketAddr) -> Result<(), Unready> {
    let hub = SocketAddr::new(reachable(listens.ip()), listens.port());
    let line = match timeout(ANSWER_WITHIN, first_line(hub)).await {
        Ok(line) => line.map_err(|error| Unready::Away(hub, error))?,
        Err(_) => return Err(Unready::Silent(hub)),
    };
    match line.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Unready::Says(line)),
    }
}

/// Who listens on all addresses is reached on the loopback's.
fn reachable(listens: IpAddr) -> IpAddr {
    match listens {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

async fn first_line(hub: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(hub).await?;
    stream.write_all(QUESTION).await?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}
