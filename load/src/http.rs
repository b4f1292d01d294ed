//! HTTP/1.1 by hand: one connection that is kept, one call at a time.
//!
//! Promises: an answer is read whole, and handed out where it was read.
//! Must never: understand more of HTTP than the hub speaks: answers have a length.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::LoadError;
use crate::way::Way;

/// What the buffer begins with, and what a read asks for at least.
const READ_BYTES: usize = 8 << 10;

/// A connection.
pub struct Http {
    stream: TcpStream,
    address: String,
    /// A header that says whose it is, with its line's end.
    whose: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// Its status line and headers.
    pub head: &'a [u8],
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

impl Http {
    /// Connects to `ADDRESS:PORT`, as a user of an open hub.
    pub async fn connect(address: &str, user: &str) -> Result<Self, LoadError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream, address, format!("X-BlockHub-User: {user}\r\n")))
    }

    /// Connects with a token.
    pub async fn connect_by(way: &Way, token: &str) -> Result<Self, LoadError> {
        Ok(Self::over(way.open().await?, &way.to, format!("Authorization: Bearer {token}\r\n")))
    }

    fn over(stream: TcpStream, address: &str, whose: String) -> Self {
        let (request, answer) = (Vec::new(), Vec::with_capacity(READ_BYTES));
        Self { stream, address: address.to_owned(), whose, request, answer }
    }

    /// One call, with more headers (each with its line's end) if need be, and its answer.
    pub async fn call(&mut self, method: &str, path: &str, more: &str, body: &[u8]) -> Result<Answer<'_>, LoadError> {
        self.request.clear();
        let (address, whose, length) = (&self.address, &self.whose, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{whose}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
        );
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.read().await
    }

    /// Passes on a whole request as it is; its answer.
    pub async fn pass(&mut self, request: &[u8]) -> Result<Answer<'_>, LoadError> {
        self.stream.write_all(request).await?;
        self.read().await
    }

    /// One call that must succeed; its body.
    pub async fn must(&mut self, method: &str, path: &str, body: &[u8]) -> Result<&[u8], LoadError> {
        let answer = self.call(method, path, "", body).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        Err(answer.wrong())
    }

    async fn read(&mut self) -> Result<Answer<'_>, LoadError> {
        self.answer.clear();
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.answer, b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let status = std::str::from_utf8(&self.answer[..end]).ok().and_then(|head| head.get(9..12)?.parse().ok());
        let length = match status {
            // These have no body, whatever length they name.
            Some(204 | 304) => 0,
            _ => header(&self.answer[..end], "content-length").and_then(|length| length.parse().ok()).unwrap_or(0),
        };
        while self.answer.len() < end + length {
            self.fill().await?;
        }
        let status = status.ok_or_else(|| LoadError::Wrong("an HTTP answer without a status".into()))?;
        Ok(Answer { status, head: &self.answer[..end], body: &self.answer[end..] })
    }

    async fn fill(&mut self) -> Result<(), LoadError> {
        self.answer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.answer).await? {
            0 => Err(LoadError::Closed { code: 0, reason: "an HTTP connection ended".into() }),
            _ => Ok(()),
        }
    }
}

impl<'a> Answer<'a> {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }

    /// What it says, as an error.
    pub fn wrong(&self) -> LoadError {
        LoadError::Wrong(format!("{}: {}", self.status, String::from_utf8_lossy(self.body)))
    }
}

/// A header's value, in a head.
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = std::str::from_utf8(head).ok()?.lines();
    let mut named = lines.filter_map(|line| line.split_once(": ")).filter(|(key, _)| key.eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value)
}
