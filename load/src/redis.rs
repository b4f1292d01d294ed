//! A throwaway Redis, in a temporary folder, on a port of its own.
//!
//! Promises: it is ended when this is dropped; it comes back on the same port: empty after a kill, and with what it
//! held after a stop.
//! Must never: touch another server of the machine.

use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::LoadError;
use crate::hub::{Signal, tell};
use crate::ports::Ports;

/// How long a start may take, and an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server.
pub struct Redis {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub async fn start(ports: &mut Ports) -> Result<Self, LoadError> {
        let folder = tempfile::Builder::new().prefix("blockhub-redis-").tempdir()?;
        let mut redis = Self { folder, port: ports.take()?, process: None };
        redis.start_again().await?;
        Ok(redis)
    }

    /// Starts it, after a kill, and waits until it answers.
    pub async fn start_again(&mut self) -> Result<(), LoadError> {
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &self.port.to_string()])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| LoadError::Start(format!("redis-server cannot be started: {error}")))?;
        self.process = Some(process);
        let until = Instant::now() + PATIENCE;
        while self.command(&["PING"]).await.is_err() {
            if Instant::now() > until {
                return Err(LoadError::Start("redis-server does not answer".into()));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Stops it in good order, and waits until it is gone: what it holds is in a file then, and there again after a start.
    pub async fn stop(&mut self) -> Result<(), LoadError> {
        // It ends instead of answering.
        let _ = self.command(&["SHUTDOWN", "SAVE"]).await;
        match self.process.take() {
            Some(mut process) => Ok(process.wait().await.map(drop)?),
            None => Ok(()),
        }
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<(), LoadError> {
        match self.process.take() {
            Some(mut process) => Ok(process.kill().await?),
            None => Ok(()),
        }
    }

    /// Lets it stand still, or go on.
    pub async fn tell(&self, signal: Signal) -> Result<(), LoadError> {
        match self.process.as_ref().and_then(Child::id) {
            Some(id) => tell(id, signal).await,
            None => Err(LoadError::Start("redis-server does not run".into())),
        }
    }

    /// Sends one command and returns the first line of its answer, without its type: `PONG`, `3`.
    pub async fn command(&self, words: &[&str]) -> Result<String, LoadError> {
        let late = || LoadError::Start(format!("redis-server did not answer {words:?}"));
        timeout(PATIENCE, ask(self.port, words)).await.map_err(|_| late())?
    }

    /// Its process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

async fn ask(port: u16, words: &[&str]) -> Result<String, LoadError> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    socket.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::new(socket);
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    let rest = line.get(1..).unwrap_or_default().trim().to_owned();
    match line.as_bytes().first() {
        Some(b'+' | b':') => Ok(rest),
        // The length of a text, which follows.
        Some(b'$') => {
            let length = rest.parse().unwrap_or(0);
            let mut text = vec![0; length];
            reader.read_exact(&mut text).await?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        _ => Err(LoadError::Wrong(format!("Redis answered {line:?} to {words:?}"))),
    }
}
