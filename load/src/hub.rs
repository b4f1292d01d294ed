//! The hub under load: the release binary beside this one, as a process of its own.
//!
//! Promises: it is ended, by its process id, when this is dropped.
//! Must never: end anything else.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::LoadError;

/// A hub process.
pub struct Hub {
    process: Child,
    address: String,
}

impl Hub {
    /// Starts one on a free port and waits until it listens.
    pub async fn start(database: &str) -> Result<Self, LoadError> {
        let binary = binary()?;
        let mut process = Command::new(&binary)
            .env("BLOCKHUB_LISTEN", "127.0.0.1:0")
            .env("DATABASE_URL", database)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| LoadError::Start(format!("{} cannot be started: {error}", binary.display())))?;
        let output = process.stdout.take().ok_or_else(|| LoadError::Start("the hub has no output".into()))?;
        let mut lines = BufReader::new(output).lines();
        let first = lines.next_line().await?.unwrap_or_default();
        let address = first.split("http://").nth(1).map(str::to_owned);
        let address = address.ok_or_else(|| LoadError::Start(format!("the hub did not start: {first}")))?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { process, address })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
    }

    /// Processor time so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let id = self.process.id().unwrap_or(0);
        cpu_seconds(id)
    }

    fn proc(&self, file: &str) -> String {
        let id = self.process.id().unwrap_or(0);
        std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default()
    }
}

/// Processor time of one process so far, in seconds; the kernel counts hundredths.
pub fn cpu_seconds(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) as f64 / 100.0
}

fn binary() -> Result<PathBuf, LoadError> {
    let this = std::env::current_exe()?;
    let hub = this.with_file_name("blockhub");
    if hub.exists() {
        return Ok(hub);
    }
    Err(LoadError::Start(format!("{} is not there; build it first: cargo build --release", hub.display())))
}

/// Posts JSON and returns the `id` of what was made. HTTP by hand: one call that needs no library.
pub async fn post(address: &str, path: &str, body: &str) -> Result<String, LoadError> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await?;
    socket.write_all(body.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let json = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(json).map_err(|_| LoadError::Wrong(answer.clone()))?;
    value["id"].as_str().map(str::to_owned).ok_or(LoadError::Wrong(answer))
}
