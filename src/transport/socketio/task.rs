//! The life of one connection over Socket.IO: reading and writing, in one task.
//!
//! Promises: the hub's connection is told when the client is gone, however that came to be; a client that takes nothing,
//! or does not answer pings, is noticed within the times of [CN8].
//! Must never: let reading wait for writing, or the other way round.

use std::future::pending;
use std::time::Duration;

use socketioxide::handler::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::inbox::Said;
use super::packet::{Event, read};
use super::way::Stage;
use super::wire::{Sent, Wire};
use crate::hub::connection::Connection;
use crate::protocol::code::CloseCode;
use crate::protocol::message::limits::WireLimits;

/// How long the client's side may take to end after its last word.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes of the packet that ends a client's namespace, at least.
const DISCONNECT_LEN: u64 = 2;

/// How a connection ends.
enum End {
    /// All was said.
    Closed(CloseCode),
    /// There is nobody to say anything to.
    Lost,
}

/// Runs a connection to its end. Its `hello` was said in the handshake.
pub async fn run(mut connection: Connection, wire: &Wire, hello: &str, limits: &WireLimits) {
    Box::pin(connection.event("hello", hello, None)).await;
    let end = tokio::select! {
        end = write(wire, limits) => end,
        end = hear(&mut connection, wire, limits) => end,
    };
    if wire.way.stage() == Stage::Over {
        // If a room does not take it in time, nobody was told that it did.
        let _ = timeout(LINGER, hear_out(&mut connection, wire, limits)).await;
    }
    tokio::join!(connection.gone(), leave(wire, &end));
    wire.way.give_place();
}

/// Takes what the client has said before it left.
async fn hear_out(connection: &mut Connection, wire: &Wire, limits: &WireLimits) {
    while let Some(said) = wire.way.inbox.pop() {
        Box::pin(take(connection, wire, &said, limits)).await;
    }
}

/// Ends the client's side. Whoever shall not come back by themselves is disconnected in Socket.IO's way; others lose
/// their transport, and `socket.io-client` connects again.
async fn leave(wire: &Wire, end: &End) {
    let way = &wire.way;
    if let End::Closed(code) = end
        && !code.invites_back()
    {
        let until = way.taken() + DISCONNECT_LEN;
        // If there is nobody any more, that is as good.
        let _ = wire.socket.clone().disconnect();
        let _ = timeout(LINGER, taken(wire, until)).await;
    }
    way.advance(Stage::Shut);
    // However it ends, it ends.
    let _ = timeout(LINGER, way.left()).await;
    way.advance(Stage::Cut);
}

async fn taken(wire: &Wire, until: u64) {
    while !wire.way.has_taken(until) {
        wire.way.stirred().await;
    }
}

/// The writing half: sends what waits, and judges whether the client is still there.
async fn write(wire: &Wire, limits: &WireLimits) -> End {
    loop {
        let gone_at = gone_at(wire, limits);
        if gone_at.is_some_and(|gone_at| gone_at <= Instant::now()) {
            return End::Lost;
        }
        let look_again = gone_at.unwrap_or_else(|| Instant::now() + Duration::from_millis(limits.ping_interval_ms));
        match wire.send() {
            Sent::Lost => return End::Lost,
            Sent::Closed(code) => return End::Closed(code),
            Sent::All => tokio::select! {
                biased;
                () = wire.outbox.filled() => {}
                () = wire.way.stirred() => {}
                () = sleep_until(look_again) => {}
            },
            Sent::Part => tokio::select! {
                biased;
                () = wire.way.stirred() => {}
                () = sleep_until(look_again) => {}
            },
        }
        tokio::task::consume_budget().await;
    }
}

/// When the client is to be held for gone, if nothing more is heard ([CN8]).
fn gone_at(wire: &Wire, limits: &WireLimits) -> Option<Instant> {
    let (ping_interval, pong) =
        (Duration::from_millis(limits.ping_interval_ms), Duration::from_millis(limits.pong_timeout_ms));
    if let Some(since) = wire.unsent_since() {
        return Some(since + ping_interval + pong);
    }
    // While it is not heard, its pong cannot be.
    let (pinged, heard_since) = (wire.way.pinged()?, wire.way.inbox.heard_since()?);
    Some(pinged.max(heard_since) + pong)
}

/// The reading half.
async fn hear(connection: &mut Connection, wire: &Wire, limits: &WireLimits) -> End {
    while !wire.outbox.is_closed() {
        let next_time = connection.next_time();
        if next_time == Some(Duration::ZERO) {
            Box::pin(connection.on_time()).await;
            continue;
        }
        let said = tokio::select! {
            biased;
            () = wire.outbox.lags_due() => None,
            said = next(wire) => Some(said),
            () = passed(next_time) => continue,
            () = connection.rescheduled() => continue,
        };
        match said {
            None => Box::pin(connection.on_progress()).await,
            Some(said) => Box::pin(take(connection, wire, &said, limits)).await,
        }
    }
    // The writing half says what waits, then ends it.
    pending().await
}

/// The next that the client has said, once its answers leave room. May be dropped and called again without loss.
async fn next(wire: &Wire) -> Said {
    wire.outbox.accepts_input().await;
    wire.way.inbox.next().await
}

async fn take(connection: &mut Connection, wire: &Wire, said: &Said, limits: &WireLimits) {
    let callback = said.callback;
    let Value::Str(array, None) = &said.value else { return connection.binary(callback).await };
    if array.len() > limits.message_bytes_max {
        return wire.outbox.close(CloseCode::TooBig, "the message is over maxMessageBytes");
    }
    match read(array) {
        Some(Event { name, object }) => connection.event(&name, object, callback).await,
        // As it is: it is no object, which is what the answer says.
        None => connection.event("", array, callback).await,
    }
}

async fn passed(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => pending().await,
    }
}
