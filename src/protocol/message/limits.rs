//! Limits of the wire, told in `welcome`.
//!
//! Promises: what is told is what is kept.
//! Must never: differ between transports.

/// Limits of the wire, told in `welcome`; bytes of JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireLimits {
    /// A frame over this closes the socket (1009).
    pub message_bytes_max: usize,
    /// An edit over this is `too_large`.
    pub edit_bytes_max: usize,
    /// A block's content may not grow over this.
    pub block_bytes_max: usize,
    /// Ops in one edit.
    pub ops_max: usize,
    /// Versions back that a text base may be.
    pub text_window_max: u64,
    /// A presence state over this is `too_large`.
    pub presence_bytes_max: usize,
    /// Projects that one connection may have joined at once.
    pub projects_per_connection_max: usize,
    /// How often the hub pings.
    pub ping_interval_ms: u64,
    /// How long a pong may take.
    pub pong_timeout_ms: u64,
    /// Frames from this size on are sent compressed to those who negotiated it.
    pub compress_bytes_min: usize,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self {
            message_bytes_max: 1 << 20,
            edit_bytes_max: 256 << 10,
            block_bytes_max: 256 << 10,
            ops_max: 100,
            text_window_max: 10_000,
            presence_bytes_max: 4 << 10,
            projects_per_connection_max: 32,
            ping_interval_ms: 25_000,
            pong_timeout_ms: 5_000,
            compress_bytes_min: 1 << 10,
        }
    }
}
