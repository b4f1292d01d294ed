//! The life of one socket: its two halves, in one task.
//!
//! Promises: the peer is told when the socket is gone, however that came to be; the close frame has a chance to arrive.
//! Must never: let one half wait for the other.

use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::time::Duration;

use futures_util::FutureExt;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::Peer;
use super::handshake::Deflate;
use super::pulse::Listening;
use super::reader::{Input, Reader, Standing, Violation};
use super::sending::{Sending, Sent};
use super::wire::Wire;
use super::writer::{End, Patience, Writer};
use crate::protocol::code::CloseCode;
use crate::protocol::frame::Compressing;
use crate::protocol::message::limits::WireLimits;

/// How long the client may take to end its side. Ending ours while it still sends would reset the connection, and a
/// reset can overtake the close frame.
const LINGER: Duration = Duration::from_secs(2);

/// A hold-up shorter than this does not keep a pong from being noticed in time, so it does not excuse a missing one.
const HOLD_UP_BRIEF: Duration = Duration::from_millis(250);

/// Runs a socket to its end; `first` came behind the handshake.
pub async fn run<P: Peer>(stream: TcpStream, first: &[u8], deflate: Deflate, limits: &WireLimits, mut peer: P) {
    let compressing = match deflate {
        Deflate::Negotiated => Compressing::From(limits.compress_bytes_min),
        Deflate::Declined => Compressing::Never,
    };
    let wire = Wire::new(stream, peer.outbox(), compressing);
    let writer = Writer::new(&wire, Patience::from(limits));
    let reader = Reader::new(limits.message_bytes_max, deflate, first);
    let reading = Reading { wire: &wire, reader };
    let end = tokio::select! {
        end = writer.run() => end,
        end = reading.run(&mut peer) => end,
    };
    match end {
        End::Closed => {
            tokio::join!(peer.gone(), linger(&wire.stream));
        }
        End::Lost => {
            drop(wire);
            peer.gone().await;
        }
    }
}

/// Tells a client for whom there is no place.
pub async fn turn_away(stream: TcpStream) {
    let mut sending = Sending::default();
    sending.push_close(Some(CloseCode::Full.number()), "the hub is full");
    // Nothing was sent before, so the socket takes this little at once, or is lost.
    if stream.writable().await.is_ok() && sending.write(&stream) == Sent::All {
        linger(&stream).await;
    }
}

async fn linger(stream: &TcpStream) {
    let to_the_end = async {
        SockRef::from(stream).shutdown(Shutdown::Write)?;
        let mut rest = [0; 512];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut rest) {
                Ok(0) => return io::Result::Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    // However it ends, it ends.
    let _ = timeout(LINGER, to_the_end).await;
}

/// The reading half.
struct Reading<'a> {
    wire: &'a Wire,
    reader: Reader,
}

/// Why nothing more is read.
enum Stop {
    /// The client is gone.
    Lost,
    /// The client broke the rules of the socket.
    Violation(Violation),
}

impl Reading<'_> {
    async fn run(mut self, peer: &mut impl Peer) -> End {
        while !self.wire.outbox.is_closed() {
            let next_time = peer.next_time();
            if next_time == Some(Duration::ZERO) {
                self.held_up(peer.on_time()).await;
                continue;
            }
            let input = tokio::select! {
                biased;
                () = self.wire.outbox.lags_due() => None,
                input = self.input() => Some(input),
                () = passed(next_time) => continue,
                () = peer.rescheduled() => continue,
            };
            match input {
                None => self.held_up(peer.on_progress()).await,
                Some(Ok(input)) => self.take(input, peer).await,
                Some(Err(Stop::Lost)) => return End::Lost,
                Some(Err(Stop::Violation(Violation { code, reason }))) => self.wire.outbox.close(code, reason),
            }
        }
        // The writing half says what waits, then closes.
        pending().await
    }

    async fn take(&self, input: Input, peer: &mut impl Peer) {
        match input {
            Input::Text(text) => self.held_up(peer.text(&text)).await,
            Input::Binary => self.held_up(peer.binary()).await,
            Input::Ping(payload) => self.wire.pulse.pinged(payload),
            Input::Pong => self.wire.pulse.ponged(),
            Input::Close(code) => {
                self.wire.pulse.closed(code);
                pending().await
            }
        }
    }

    /// The next thing the client sent. May be dropped and called again without loss.
    async fn input(&mut self) -> Result<Input, Stop> {
        loop {
            self.accept_input().await;
            if let Some(input) = self.reader.read().map_err(Stop::Violation)? {
                return Ok(input);
            }
            if self.reader.standing() == Standing::Midway {
                self.wire.pulse.listens(Listening::Since(Instant::now()));
            }
            self.more().await.map_err(|_| Stop::Lost)?;
            tokio::task::consume_budget().await;
        }
    }

    async fn accept_input(&self) {
        if self.wire.outbox.accepts_input().now_or_never().is_none() {
            self.held_up(self.wire.outbox.accepts_input()).await;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        loop {
            match self.wire.stream.try_read_buf(self.reader.space()) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Whoever waits holds no buffer: most connections wait most of the time.
                    self.reader.tidy();
                    self.wire.stream.readable().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Does something for which reading waits.
    async fn held_up(&self, work: impl Future<Output = ()>) {
        let before = self.wire.pulse.hold_up();
        let began = Instant::now();
        work.await;
        let is_brief = began.elapsed() < HOLD_UP_BRIEF;
        self.wire.pulse.listens(if is_brief { before } else { Listening::Since(Instant::now()) });
    }
}

async fn passed(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => pending().await,
    }
}
