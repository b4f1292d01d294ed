//! The socket under a connection's WebSocket, as Socket.IO gets it.
//!
//! Promises: is not read while the inbox is full; tells what the socket has taken, and that the hub pinged; ends when the
//! connection is shut, and when it is cut even in the middle of a write that the client does not take.
//! Must never: change a byte.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::DropGuard;

use super::way::{Stage, Way};

/// What the system may hold that is not on its way yet; the same as for the hub's own sockets.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 64 << 10;
/// A frame of one character: Engine.IO's ping.
const PING: &[u8] = b"\x81\x012";

/// One client's socket.
pub struct Valve {
    stream: TcpStream,
    /// What came behind the handshake.
    first: Vec<u8>,
    way: Arc<Way>,
    /// Tells who gave it to Socket.IO that it is gone.
    _gone: DropGuard,
}

impl Valve {
    /// A socket whose handshake is done; `first` came behind it. `gone` goes with it.
    pub fn new(stream: TcpStream, first: Vec<u8>, way: Arc<Way>, gone: DropGuard) -> Self {
        // Without it nothing is wrong, only later.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
        Self { stream, first, way, _gone: gone }
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.way.leave();
    }
}

impl AsyncRead for Valve {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = self.way.inbox.poll_room(context);
        if self.way.stage() >= Stage::Shut {
            return Poll::Ready(Ok(()));
        }
        ready!(room);
        if !self.first.is_empty() {
            let len = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..len]);
            self.first = self.first.split_off(len);
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.way.heard();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Valve {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.way.register_writer(context.waker());
        if self.way.stage() == Stage::Cut {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.way.took(written);
        if bytes == PING {
            self.way.ping_sent();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
