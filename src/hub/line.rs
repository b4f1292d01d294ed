//! The way from an outbox to its client's socket, for those who fill the outbox.
//!
//! Waking a connection's task for every message costs as much as the message itself: a room of a thousand would wake a
//! thousand tasks for one edit. Who has put something in carries it instead.
//!
//! Promises: what is carried goes out in the outbox's order.
//! Must never: wait: what the socket does not take now is the connection's task's.

/// What the transport gives an outbox. It ends with the connection.
pub trait Line: Send + Sync {
    /// Sends what waits in the outbox as far as the socket takes it now, and leaves the rest to the connection's task.
    fn carry(&self);
}
