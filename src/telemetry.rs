//! Logs and metrics.
//!
//! Promises: one event is one line, whatever a user put into it; logs go to standard error.
//! Must never: be where something is decided.

use std::io::{self, Write};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::TryInitError;

/// How often histograms are folded together while nobody reads them.
pub const UPKEEP: Duration = Duration::from_secs(5);
/// Bounds of the histograms named `…_seconds`, in seconds.
const SECONDS: [f64; 13] = [0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0];

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why logs or metrics cannot be had: both are set up once in a process.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Logs.
    #[error("logs cannot be set up: {0}")]
    Logs(#[from] Box<TryInitError>),
    /// Metrics.
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] BuildError),
}

/// Sets this process's logs up; `RUST_LOG` says how much, `info` unless given.
pub fn log(format: LogFormat) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let done = match format {
        LogFormat::Text => lines.with_ansi(false).with_writer(OneLine(io::stderr)).finish().try_init(),
        LogFormat::Json => lines.json().with_writer(io::stderr).finish().try_init(),
    };
    done.map_err(|error| TelemetryError::Logs(Box::new(error)))
}

/// Makes this process's metrics readable.
pub fn measure() -> Result<PrometheusHandle, TelemetryError> {
    Ok(recorder()?.install_recorder()?)
}

/// Metrics that nobody writes to: for a second hub in one process.
pub fn measure_apart() -> Result<PrometheusHandle, TelemetryError> {
    Ok(recorder()?.build_recorder().handle())
}

fn recorder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
}

/// Writes each event as one line: control characters inside it are written as escapes, so that a user's text can
/// neither forge a line nor steer a terminal. The subscriber hands over one whole event at a time.
#[derive(Clone, Copy, Debug)]
pub struct OneLine<M>(pub M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = OneLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine(self.0.make_writer())
    }
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        self.0.write_all(escaped(line).as_bytes())?;
        self.0.write_all(end.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Control characters, and the two separators that some viewers take for a line's end.
fn escaped(line: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if breaks(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}
