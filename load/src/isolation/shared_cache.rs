//! A planted fault: what a cache does that several users share and whose key is the path alone, without whose it is.
//!
//! Promises: whoever asks for what somebody has asked for before gets that one's answer.
//! Must never: be in a run that is not meant to fail.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::LoadError;
use crate::http::{Http, header};
use crate::ports::Ports;
use crate::way::Way;

/// Answers by path.
type Kept = Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>;

/// A proxy.
pub struct SharedCache {
    address: String,
    accepting: JoinHandle<()>,
}

impl SharedCache {
    /// Before a server.
    pub async fn start(ports: &mut Ports, target: &str) -> Result<Self, LoadError> {
        let listener = TcpListener::bind(("127.0.0.1", ports.take()?)).await?;
        let (address, target, kept) = (listener.local_addr()?.to_string(), target.to_owned(), Kept::default());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, kept) = (target.clone(), kept.clone());
                // Whoever is cut off connects again.
                tokio::spawn(async move { drop(serve(client, &target, &kept).await) });
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where clients come: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for SharedCache {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut client: TcpStream, target: &str, kept: &Kept) -> Result<(), LoadError> {
    let mut server = Http::connect_by(&Way::to(target), "").await?;
    let mut waiting = Vec::new();
    loop {
        let request = request(&mut client, &mut waiting).await?;
        let path = request.strip_prefix(b"GET ").and_then(|rest| rest.split(|byte| *byte == b' ').next());
        let known = path.and_then(|path| kept.lock().get(path).cloned());
        let answer = match known {
            Some(answer) => answer,
            None => {
                let answer = server.pass(&request).await?;
                let whole = [answer.head, answer.body].concat();
                if let (Some(path), 200) = (path, answer.status) {
                    kept.lock().insert(path.to_vec(), whole.clone());
                }
                whole
            }
        };
        client.write_all(&answer).await?;
    }
}

/// The next whole request.
async fn request(client: &mut TcpStream, waiting: &mut Vec<u8>) -> Result<Vec<u8>, LoadError> {
    loop {
        if let Some(end) = memchr::memmem::find(waiting, b"\r\n\r\n").map(|end| end + 4) {
            let length = header(&waiting[..end], "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if waiting.len() >= end + length {
                return Ok(waiting.drain(..end + length).collect());
            }
        }
        if client.read_buf(waiting).await? == 0 {
            return Err(LoadError::Closed { code: 0, reason: "an HTTP connection ended".into() });
        }
    }
}
