//! A socket layer with a peer of the test's own behind it, and a client that can break every rule.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use blockhub::hub::connection::Arrival;
use blockhub::hub::outbox::Outbox;
use blockhub::protocol::code::CloseCode;
use blockhub::protocol::frame::Frame;
use blockhub::protocol::message::limits::WireLimits;
use blockhub::transport::listener::{listen, serve};
use blockhub::transport::origin::{Names, OriginPolicy};
use blockhub::transport::websocket::{Gate, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What happened at the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    Came { token: Option<String> },
    Text(usize),
    Binary,
    Gone,
}

/// A peer that does what it is told: `say N` answers with N bytes, `flood N` with N answers of 1 KiB, `close` closes,
/// `hold` waits until the test lets go; anything else is an echo.
pub struct Obedient {
    outbox: Arc<Outbox>,
    seen: mpsc::UnboundedSender<Seen>,
    release: Arc<Notify>,
}

impl Peer for Obedient {
    fn outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.outbox)
    }

    async fn text(&mut self, text: &str) {
        let _ = self.seen.send(Seen::Text(text.len()));
        match text.split_once(' ').unwrap_or((text, "")) {
            ("say", n) => self.outbox.reply(words(n.parse().unwrap())),
            ("flood", n) => (0..n.parse().unwrap()).for_each(|_| self.outbox.reply(words(1024))),
            ("close", _) => self.outbox.close(CloseCode::Restart, "as you wish"),
            ("hold", _) => self.release.notified().await,
            _ => self.outbox.reply(Frame::new(text.as_bytes().to_vec())),
        }
    }

    async fn binary(&mut self) {
        let _ = self.seen.send(Seen::Binary);
    }

    fn next_time(&self) -> Option<Duration> {
        None
    }

    async fn on_time(&mut self) {}

    async fn on_progress(&mut self) {}

    async fn gone(self) {
        let _ = self.seen.send(Seen::Gone);
    }
}

/// Text of that many bytes.
pub fn words(len: usize) -> Arc<Frame> {
    Frame::new(b"all work and no play, ".iter().copied().cycle().take(len).collect())
}

/// A running socket layer.
pub struct Server {
    pub address: SocketAddr,
    pub seen: mpsc::UnboundedReceiver<Seen>,
    pub release: Arc<Notify>,
    pub shutdown: CancellationToken,
    pub tracker: TaskTracker,
}

pub struct Setup {
    pub limits: WireLimits,
    pub allowed: Vec<String>,
    pub connections_max: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self { limits: WireLimits::default(), allowed: Vec::new(), connections_max: 100 }
    }
}

impl Setup {
    pub fn pinging(ping_interval_ms: u64, pong_timeout_ms: u64) -> Self {
        Self { limits: WireLimits { ping_interval_ms, pong_timeout_ms, ..WireLimits::default() }, ..Self::default() }
    }

    pub fn serve(self) -> Server {
        let (seen_by_peer, seen) = mpsc::unbounded_channel();
        let (release, tracker, shutdown) = (Arc::new(Notify::new()), TaskTracker::new(), CancellationToken::new());
        let origins = OriginPolicy { allowed: self.allowed, names: Names::Loopback };
        let gate = Arc::new(Gate::new(origins, self.limits, self.connections_max, tracker.clone()));
        let held = Arc::clone(&release);
        let enter = move |request: Request| {
            let (seen, release) = (seen_by_peer.clone(), Arc::clone(&held));
            let peer = move |arrival: Arrival| {
                let _ = seen.send(Seen::Came { token: arrival.token });
                Obedient { outbox: Outbox::new(1 << 20), seen, release }
            };
            let answer = gate.upgrade(request, peer);
            std::future::ready(answer.unwrap_or_else(|refused| (refused.status(), refused.message()).into_response()))
        };
        let router = Router::new().route("/ws", get(enter)).route("/", get(|| async { Response::new(Body::empty()) }));
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, router, shutdown.clone(), tracker.clone()));
        Server { address, seen, release, shutdown, tracker }
    }
}

impl Server {
    pub async fn next_seen(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// A client without extensions.
    pub async fn connect(&self) -> RawClient {
        self.connect_with("").await
    }

    /// A client that offers compression.
    pub async fn connect_deflating(&self) -> RawClient {
        let client = self.connect_with("Sec-WebSocket-Extensions: permessage-deflate\r\n").await;
        assert!(client.head.contains("permessage-deflate"));
        client
    }

    pub async fn connect_with(&self, headers: &str) -> RawClient {
        let client = RawClient::open(self.address, &ask(headers), &[]).await;
        assert!(client.head.starts_with("HTTP/1.1 101 "), "{}", client.head);
        client
    }
}

/// A request for a WebSocket with these headers besides.
pub fn ask(headers: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// A frame as a client masks it; `first` is the byte with FIN, RSV and opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    let mask = [0x12, 0x34, 0x56, 0x78];
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A client that writes what it likes.
pub struct RawClient {
    pub stream: TcpStream,
    pub head: String,
}

impl RawClient {
    /// Sends a request, with bytes right behind it, and reads the head of the answer.
    pub async fn open(address: SocketAddr, request: &str, behind: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[request.as_bytes(), behind].concat()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        Self { stream, head: String::from_utf8(head).unwrap() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already: what it said then is still to be read.
        let _ = self.stream.write_all(bytes).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.send(&frame(0x81, text.as_bytes())).await;
    }

    /// The next frame: its first byte and its payload.
    pub async fn read(&mut self) -> (u8, Vec<u8>) {
        let first = self.stream.read_u8().await.unwrap();
        let len = match self.stream.read_u8().await.unwrap() {
            126 => u64::from(self.stream.read_u16().await.unwrap()),
            127 => self.stream.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.stream.read_exact(&mut payload).await.unwrap();
        (first, payload)
    }

    /// The next text; pings before it are answered.
    pub async fn read_text(&mut self) -> String {
        loop {
            match self.read().await {
                (0x81, payload) => return String::from_utf8(payload).unwrap(),
                (0x89, payload) => self.send(&frame(0x8A, &payload)).await,
                (first, _) => panic!("neither text nor ping: {first:#x}"),
            }
        }
    }

    /// The code of the close frame, which must come next but for pings, and then the end of the stream.
    pub async fn read_close(&mut self) -> u16 {
        let payload = loop {
            match self.read().await {
                (0x89, _) => {}
                (first, payload) => {
                    assert_eq!(first, 0x88, "{}", String::from_utf8_lossy(&payload));
                    break payload;
                }
            }
        };
        assert_eq!(self.stream.read(&mut [0]).await.unwrap(), 0, "the end");
        u16::from_be_bytes(payload[..2].try_into().unwrap())
    }
}
