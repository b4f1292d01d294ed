//! Error and close codes, with the client's duty.
//!
//! Promises: a code's name, HTTP status and number are the contract's.
//! Must never: hold text that depends on what went wrong; that is a `Refusal`'s.

use ts_rs::TS;

/// Why a message was refused; the table of `docs/protocol.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, TS)]
#[ts(rename_all = "snake_case")]
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

impl ErrorCode {
    /// The code as the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownType => "unknown_type",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::NotJoined => "not_joined",
            Self::Conflict => "conflict",
            Self::InvalidEdit => "invalid_edit",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Draining => "draining",
            Self::Internal => "internal",
        }
    }

    /// The status of an HTTP answer with this code. `not_joined` is the socket's alone: over HTTP nothing is joined.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Malformed | Self::UnknownType | Self::Unsupported | Self::NotJoined => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::InvalidEdit => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Busy | Self::Draining => 503,
        }
    }
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

impl CloseCode {
    /// What an `error` says in its place, where the transport has no close codes; nothing if nobody listens any more.
    pub fn as_error(self) -> Option<ErrorCode> {
        match self {
            Self::Normal | Self::TimedOut => None,
            Self::TooBig => Some(ErrorCode::TooLarge),
            Self::Restart => Some(ErrorCode::Draining),
            Self::Full => Some(ErrorCode::Busy),
            Self::Protocol | Self::NotText | Self::Violated => Some(ErrorCode::Malformed),
            Self::Unauthenticated => Some(ErrorCode::Unauthenticated),
            Self::Blocked => Some(ErrorCode::Forbidden),
            Self::Flooded => Some(ErrorCode::RateLimited),
        }
    }

    /// Whether a client shall come back by itself, with what it has.
    pub fn invites_back(self) -> bool {
        !matches!(self, Self::Violated | Self::Unauthenticated | Self::Blocked | Self::Flooded)
    }

    /// The number in the close frame.
    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Protocol => 1002,
            Self::NotText => 1007,
            Self::TooBig => 1009,
            Self::Restart => 1012,
            Self::Full => 1013,
            Self::Violated => 4400,
            Self::Unauthenticated => 4401,
            Self::Blocked => 4403,
            Self::TimedOut => 4408,
            Self::Flooded => 4429,
        }
    }
}
