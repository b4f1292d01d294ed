//! A WebSocket client that costs next to nothing, for load: a handshake, masked frames out, frames in by reference.
//!
//! Promises: a message is handed out where it was read, neither copied nor understood; pings are answered while somebody
//! waits for the next message; several messages go out in one write; waiting can be given up without losing anything.
//! Must never: be slower than what it measures: the load shares its processors with the servers.

mod frame;
pub mod handshake;
mod inbox;
mod inflate;
pub mod scan;

use std::io::ErrorKind;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};

use self::frame::Kind;
use self::inbox::Inbox;
use crate::LoadError;
use crate::chance::Chance;
use crate::way::Way;

pub use self::frame::Form;
pub use self::inflate::Inflater;

/// The code of a connection that ended without saying why (RFC 6455, section 7.4.1).
const NO_CODE: u16 = 1006;
/// What a system holds for somebody who does not read.
const NARROW_BYTES: u32 = 64 << 10;
/// The head of an answer may be so long.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// A connection.
pub struct Socket {
    stream: TcpStream,
    inbox: Inbox,
    /// Frames that are to be written.
    outbox: Vec<u8>,
    /// How much of it is.
    written: usize,
    /// What may be sent to us.
    form: Form,
    masks: Chance,
    bytes_read: u64,
}

/// A text or binary message, where it was read.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its bytes.
    pub payload: &'a [u8],
    /// How they are written.
    pub form: Form,
}

impl<'a> Message<'a> {
    /// What it says, inflated if need be.
    pub fn read<'b>(self, inflater: &'b mut Inflater) -> Result<&'b [u8], LoadError>
    where
        'a: 'b,
    {
        match self.form {
            Form::Plain => Ok(self.payload),
            Form::Deflated => inflater.inflate(self.payload),
        }
    }

    /// What it says, which must not be deflated.
    pub fn plain(self) -> Result<&'a [u8], LoadError> {
        match self.form {
            Form::Plain => Ok(self.payload),
            Form::Deflated => Err(LoadError::Wrong("a message is deflated that nobody wanted so".into())),
        }
    }
}

impl Socket {
    /// Connects to `ADDRESS:PORT` and upgrades; with `Form::Deflated` compression is asked for.
    pub async fn connect(address: &str, path: &str, form: Form) -> Result<Self, LoadError> {
        Self::over(TcpStream::connect(address).await?, address, path, form).await
    }

    /// The same, by a way.
    pub async fn connect_by(way: &Way, path: &str, form: Form) -> Result<Self, LoadError> {
        Self::over(way.open().await?, &way.to, path, form).await
    }

    /// The same; the network brings little while nobody reads.
    pub async fn connect_narrow(address: &str, path: &str, form: Form) -> Result<Self, LoadError> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW_BYTES)?;
        let place = address.parse().map_err(|_| LoadError::Start(format!("{address} is no address")))?;
        Self::over(socket.connect(place).await?, address, path, form).await
    }

    async fn over(stream: TcpStream, address: &str, path: &str, form: Form) -> Result<Self, LoadError> {
        stream.set_nodelay(true)?;
        let masks = Chance::new(u64::from(stream.local_addr()?.port()));
        let (inbox, outbox) = (Inbox::default(), handshake::request(address, path, form).into_bytes());
        let mut socket = Self { stream, inbox, outbox, written: 0, form, masks, bytes_read: 0 };
        socket.flush().await?;
        let length = socket.head().await?;
        let head = String::from_utf8_lossy(&socket.inbox.waiting()[..length]).into_owned();
        socket.inbox.pass(length);
        socket.form = handshake::judge(&head, form)?;
        Ok(socket)
    }

    /// Reads until the head of the answer is there; its length.
    async fn head(&mut self) -> Result<usize, LoadError> {
        loop {
            let waiting = self.inbox.waiting();
            if let Some(end) = memchr::memmem::find(waiting, b"\r\n\r\n") {
                return Ok(end + 4);
            }
            if waiting.len() > HEAD_BYTES_MAX {
                return Err(LoadError::Wrong("the answer to an upgrade does not end".into()));
            }
            self.fill().await?;
        }
    }

    /// Whether messages to us may be deflated.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Bytes that were read so far, headers included.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Adds a text message to what is written with the next `flush`.
    pub fn put_text(&mut self, text: &[u8]) {
        self.put(Kind::Text, text);
    }

    /// Adds a binary message to what is written with the next `flush`.
    pub fn put_binary(&mut self, bytes: &[u8]) {
        self.put(Kind::Binary, bytes);
    }

    fn put(&mut self, kind: Kind, payload: &[u8]) {
        // Proven: a shift by 32 leaves 32 bits.
        let mask = u32::try_from(self.masks.bits() >> 32).unwrap_or_default();
        frame::put(&mut self.outbox, kind, payload, mask.to_ne_bytes());
    }

    /// Writes all that was put. Reads while the server does not take it: one that waits for us to read would wait for
    /// ever.
    pub async fn flush(&mut self) -> Result<(), LoadError> {
        while self.written < self.outbox.len() {
            match self.stream.try_write(&self.outbox[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_for_either().await?,
                Err(error) => return Err(error.into()),
            }
        }
        self.outbox.clear();
        self.written = 0;
        Ok(())
    }

    async fn wait_for_either(&mut self) -> Result<(), LoadError> {
        let (mut reading, writing) = self.stream.split();
        let count = tokio::select! {
            writable = writing.writable() => return Ok(writable?),
            count = reading.read(self.inbox.room()) => count?,
        };
        self.note_read(count)
    }

    /// Puts a text message and writes it.
    pub async fn send_text(&mut self, text: &[u8]) -> Result<(), LoadError> {
        self.put_text(text);
        self.flush().await
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> Result<Message<'_>, LoadError> {
        let found = loop {
            match self.inbox.take()? {
                None => self.fill().await?,
                Some(found) => match found.kind {
                    Kind::Text | Kind::Binary => break found,
                    Kind::Pong => {}
                    Kind::Close => return Err(closed(self.inbox.payload(&found))),
                    Kind::Ping => {
                        let payload = self.inbox.payload(&found).to_vec();
                        self.put(Kind::Pong, &payload);
                        self.flush().await?;
                    }
                },
            }
        };
        Ok(Message { payload: self.inbox.payload(&found), form: found.form })
    }

    /// Whether a whole frame has been read already, so that `next` need not wait for the network.
    pub fn has_more(&self) -> bool {
        frame::whole_length(self.inbox.waiting()).is_some_and(|length| length <= self.inbox.waiting().len())
    }

    async fn fill(&mut self) -> Result<(), LoadError> {
        let count = self.stream.read(self.inbox.room()).await?;
        self.note_read(count)
    }

    fn note_read(&mut self, count: usize) -> Result<(), LoadError> {
        if count == 0 {
            return Err(LoadError::Closed { code: NO_CODE, reason: "the connection ended".into() });
        }
        self.bytes_read += count as u64;
        self.inbox.filled(count);
        Ok(())
    }
}

/// What a close frame says.
fn closed(payload: &[u8]) -> LoadError {
    let code = payload.first_chunk().map_or(NO_CODE, |code| u16::from_be_bytes(*code));
    let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
    LoadError::Closed { code, reason }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio_tungstenite::tungstenite::Message as Heard;

    use super::{Form, Socket};
    use crate::LoadError;

    /// Sends back what it hears, each after a ping, and closes when told to.
    async fn echo(listener: TcpListener) {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Heard::Text(text) if text.as_str() == "end" => socket.close(None).await.unwrap(),
                Heard::Text(_) | Heard::Binary(_) => {
                    socket.send(Heard::Ping("are you there".into())).await.unwrap();
                    socket.send(message).await.unwrap();
                }
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn what_is_sent_comes_back_and_an_end_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(echo(listener));
        let mut socket = Socket::connect(&address, "/ws", Form::Plain).await.unwrap();
        let texts: Vec<Vec<u8>> = [1, 125, 126, 5_000, 70_000, 400_000].map(|length| vec![b'x'; length]).to_vec();
        texts.iter().for_each(|text| socket.put_text(text));
        socket.put_binary(&[0, 1, 2]);
        socket.flush().await.unwrap();
        for text in &texts {
            assert_eq!(socket.next().await.unwrap().plain().unwrap(), text);
        }
        assert_eq!(socket.next().await.unwrap().plain().unwrap(), [0, 1, 2]);
        socket.send_text(b"end").await.unwrap();
        assert!(matches!(socket.next().await, Err(LoadError::Closed { .. })));
        // The server waits for an answer to its close, or for this.
        drop(socket);
        server.await.unwrap();
    }
}
