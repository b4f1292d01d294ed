//! Ports for servers that come and go on the same port.
//!
//! Promises: a port that nobody listens on, below those that the kernel gives to outgoing connections: while its server
//! is down, no client can be given it, and none can connect to itself.
//! Must never: hand out a port twice.

use std::net::TcpListener;

use crate::LoadError;

const FIRST: u32 = 18_000;
const COUNT: u32 = 14_000;

/// The ports of one run.
#[derive(Debug)]
pub struct Ports {
    next: u32,
    left: u32,
}

impl Default for Ports {
    /// Programs that run side by side begin at different places.
    fn default() -> Self {
        Self { next: std::process::id().wrapping_mul(97) % COUNT, left: COUNT }
    }
}

impl Ports {
    /// A port of 127.0.0.1.
    pub fn take(&mut self) -> Result<u16, LoadError> {
        while self.left > 0 {
            let port = u16::try_from(FIRST + self.next).unwrap_or(u16::MAX);
            (self.next, self.left) = ((self.next + 1) % COUNT, self.left - 1);
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return Ok(port);
            }
        }
        Err(LoadError::Start("no port is free".into()))
    }
}
