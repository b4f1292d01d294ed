//! What stands in for a hub where a test must see what the balancer sends.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request, but for the balancer's checks, which it passes.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Answers 200.
    Answers,
    /// Answers 503.
    Refuses,
    /// Reads it and hangs up.
    HangsUp,
}

/// A stand-in, as long as the test's runtime lives.
pub struct StandIn {
    pub address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    /// The heads of the requests that came, in small letters, without the balancer's checks.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, seen: Arc<Mutex<Vec<String>>>) {
    let mut text = Vec::new();
    while stream.read_buf(&mut text).await.is_ok_and(|length| length > 0) {
        while let Some(end) = text.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head: Vec<_> = text.drain(..end + 4).collect();
            let head = String::from_utf8(head).unwrap().to_lowercase();
            let is_check = head.starts_with("get /api/health/ready ");
            if !is_check {
                seen.lock().push(head);
            }
            let status = match manner {
                _ if is_check => "200 OK",
                Manner::Answers => "200 OK",
                Manner::Refuses => "503 Service Unavailable",
                Manner::HangsUp => return,
            };
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
