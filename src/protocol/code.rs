//! Error and close codes, with the client's duty.

/// Why a message was refused; the table of `docs/protocol.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Fix it.
    Malformed,
    /// Fix it.
    UnknownType,
    /// Fix it.
    Unsupported,
    /// Get a token, connect again.
    Unauthenticated,
    /// Tell the user.
    Forbidden,
    /// Tell the user.
    NotFound,
    /// Join.
    NotJoined,
    /// Over HTTP: settle it.
    Conflict,
    /// Fix it.
    InvalidEdit,
    /// Split it.
    TooLarge,
    /// Wait, send the same again.
    RateLimited,
    /// Wait, send the same again.
    Busy,
    /// Wait, send the same again: answers only `hello` and HTTP.
    Draining,
    /// Retry with the same `editId`: that tells what became of it.
    Internal,
}

/// Why a socket is closed; the table of `docs/protocol.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// Either side is done.
    Normal,
    /// RFC 6455: a frame that breaks the protocol.
    Protocol,
    /// RFC 6455: text that is no UTF-8.
    NotText,
    /// A frame over `maxMessageBytes`.
    TooBig,
    /// The hub restarts: reconnect at once.
    Restart,
    /// The hub is full: reconnect with back-off.
    Full,
    /// Protocol violated repeatedly: do not reconnect.
    Violated,
    /// Not (any longer) authenticated: reconnect with a new token.
    Unauthenticated,
    /// The user is blocked: do not reconnect.
    Blocked,
    /// No `hello`, no pong, no progress, in time: reconnect.
    TimedOut,
    /// Limits ignored repeatedly: reconnect after `retryAfterMs` of the last error.
    Flooded,
}
