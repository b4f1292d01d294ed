//! A relay between a hub and Redis that knows Redis' protocol: published messages come late, twice, and in any order.
//!
//! Promises: answers to commands pass at once and in order; a message is never lost, and never torn.
//! Must never: hold more than `WAITING_MAX` messages of a connection: then it reads no further.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::LoadError;
use crate::chance::Chance;
use crate::ports::Ports;

/// Messages that wait for their time, of one connection.
const WAITING_MAX: usize = 50_000;
/// A message waits for up to this.
const LATE_MS_MAX: usize = 500;
/// Of so many messages, one comes twice.
const TWICE_ONE_IN: usize = 5;

/// A relay.
pub struct Relay {
    address: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    target: String,
    chance: Mutex<Chance>,
    delayed: AtomicU64,
    repeated: AtomicU64,
    overtaken: AtomicU64,
}

impl Relay {
    /// Listens on a port of its own.
    pub async fn start(ports: &mut Ports, target: &str, chance: Chance) -> Result<Self, LoadError> {
        let listener = TcpListener::bind(("127.0.0.1", ports.take()?)).await?;
        let address = listener.local_addr()?.to_string();
        let zero = AtomicU64::default;
        let (target, chance) = (target.to_owned(), Mutex::new(chance));
        let shared = Arc::new(Shared { target, chance, delayed: zero(), repeated: zero(), overtaken: zero() });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Messages that were delayed.
    pub fn delayed(&self) -> u64 {
        self.shared.delayed.load(Ordering::Relaxed)
    }

    /// Messages that came twice.
    pub fn repeated(&self) -> u64 {
        self.shared.repeated.load(Ordering::Relaxed)
    }

    /// Messages that came after one that was published later.
    pub fn overtaken(&self) -> u64 {
        self.shared.overtaken.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connections end with this.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut lines = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Too many open files: the next one may have more luck.
                let Ok((hub, _)) = accepted else { continue };
                lines.spawn(connect(hub, shared.clone()));
            }
            Some(_) = lines.join_next() => {}
        }
    }
}

async fn connect(hub: TcpStream, shared: Arc<Shared>) {
    let Ok(redis) = TcpStream::connect(&shared.target).await else { return };
    let _ = (hub.set_nodelay(true), redis.set_nodelay(true));
    let ((mut from_hub, to_hub), (from_redis, mut to_redis)) = (hub.into_split(), redis.into_split());
    let back = Back { shared, waiting: BTreeMap::new(), number: 0, latest: 0 };
    // Whichever ends, both end.
    tokio::select! {
        _ = tokio::io::copy(&mut from_hub, &mut to_redis) => {}
        () = back.carry(from_redis, to_hub) => {}
    }
}

/// What Redis says to one hub.
struct Back {
    shared: Arc<Shared>,
    /// By the time at which each goes on; its own number makes it distinct.
    waiting: BTreeMap<(Instant, u64), Vec<u8>>,
    number: u64,
    /// The highest number that has gone on.
    latest: u64,
}

impl Back {
    async fn carry(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut said = Vec::new();
        loop {
            let due = self.waiting.first_key_value().map(|((at, _), _)| *at);
            tokio::select! {
                count = from.read_buf(&mut said), if self.waiting.len() < WAITING_MAX => {
                    if !count.is_ok_and(|count| count > 0) {
                        return;
                    }
                    let whole = self.take(&said);
                    if to.write_all(&whole.at_once).await.is_err() {
                        return;
                    }
                    said.drain(..whole.bytes);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let Some(((_, number), message)) = self.waiting.pop_first() else { continue };
                    self.note_order(number);
                    if to.write_all(&message).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Takes all whole replies: messages wait, the others are given back.
    fn take(&mut self, said: &[u8]) -> Whole {
        let mut whole = Whole { bytes: 0, at_once: Vec::new() };
        while let Some(length) = reply_length(&said[whole.bytes..]) {
            let reply = &said[whole.bytes..whole.bytes + length];
            whole.bytes += length;
            if is_message(reply) {
                self.delay(reply);
            } else {
                whole.at_once.extend_from_slice(reply);
            }
        }
        whole
    }

    fn delay(&mut self, message: &[u8]) {
        let mut chance = self.shared.chance.lock();
        let times = 1 + u64::from(chance.one_in(TWICE_ONE_IN));
        self.shared.delayed.fetch_add(1, Ordering::Relaxed);
        self.shared.repeated.fetch_add(times - 1, Ordering::Relaxed);
        for _ in 0..times {
            let late = Duration::from_millis(chance.below(LATE_MS_MAX) as u64);
            self.number += 1;
            self.waiting.insert((Instant::now() + late, self.number), message.to_vec());
        }
    }

    fn note_order(&mut self, number: u64) {
        self.shared.overtaken.fetch_add(u64::from(number < self.latest), Ordering::Relaxed);
        self.latest = self.latest.max(number);
    }
}

/// What was taken of the bytes that Redis said.
struct Whole {
    /// How many.
    bytes: usize,
    /// What goes on now.
    at_once: Vec<u8>,
}

/// The length of the reply that these bytes begin with (RESP2 and RESP3); none if it is not whole.
fn reply_length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).ok()?.parse::<i64>().ok();
    let items = match bytes[0] {
        b'$' | b'=' | b'!' => {
            let length = usize::try_from(number()?).map_or(line, |text| line + text + 2);
            return (bytes.len() >= length).then_some(length);
        }
        b'*' | b'~' | b'>' => number()?.max(0),
        b'%' => 2 * number()?,
        // What it says of a reply, and the reply.
        b'|' => 2 * number()? + 1,
        _ => 0,
    };
    (0..items).try_fold(line, |length, _| Some(length + reply_length(&bytes[length..])?))
}

/// Whether a reply is something that was published.
fn is_message(reply: &[u8]) -> bool {
    let word = reply.split(|byte| *byte == b'\n').nth(2).unwrap_or_default();
    matches!(reply[0], b'*' | b'>') && matches!(word, b"message\r" | b"smessage\r" | b"pmessage\r")
}

#[cfg(test)]
mod tests {
    use super::{is_message, reply_length};

    #[test]
    fn a_reply_is_whole_or_not_there() {
        let replies: [&[u8]; 6] = [
            b"+OK\r\n",
            b"$-1\r\n",
            b"$4\r\na\r\nb\r\n",
            b"*2\r\n$1\r\na\r\n:7\r\n",
            b"%1\r\n+server\r\n*0\r\n",
            b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n",
        ];
        for reply in replies {
            let followed = [reply, b"+more\r\n"].concat();
            assert_eq!(reply_length(&followed), Some(reply.len()));
            for cut in 0..reply.len() {
                assert_eq!(reply_length(&reply[..cut]), None, "{}", String::from_utf8_lossy(&reply[..cut]));
            }
            assert_eq!(is_message(reply), reply.starts_with(b">"));
        }
    }
}
