//! The hub under load: the binary beside this one, as a process of its own.
//!
//! Promises: it is ended, by its process id, when this is dropped; it sees no settings but those it is launched with.
//! Must never: end anything else.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::LoadError;
use crate::http::Http;

/// What a hub is started with.
#[derive(Clone, Debug)]
pub struct Launch {
    /// `ADDRESS:PORT`; port 0 takes a free one.
    pub listen: String,
    /// The database's URL.
    pub database: String,
    /// The URL of Redis, if there is one.
    pub redis: Option<String>,
    /// The hub's name, if it is not to be drawn.
    pub name: Option<String>,
    /// Over how many seconds it sends its clients away, if not over the usual number.
    pub drain_secs: Option<u32>,
    /// After how many days it drops history, if ever.
    pub history_days: Option<u32>,
    /// Where its log is added to, if not to the standard error of this program.
    pub log: Option<PathBuf>,
    /// Further settings: names of variables, and values.
    pub more: Vec<Setting>,
}

/// A variable of the hub's environment, and its value.
pub type Setting = (&'static str, String);

impl Launch {
    /// One hub with nothing special, on a free port.
    pub fn on(database: &str) -> Self {
        Self {
            listen: "127.0.0.1:0".into(),
            database: database.into(),
            redis: None,
            name: None,
            drain_secs: None,
            history_days: None,
            log: None,
            more: Vec::new(),
        }
    }

    fn command(&self) -> Result<Command, LoadError> {
        let binary = binary()?;
        let mut command = Command::new(binary);
        let settings = ["REDIS_URL", "BLOCKHUB_AUTH_SECRET", "BLOCKHUB_AUTH_PUBLIC_KEY", "BLOCKHUB_CONFIG"];
        for name in settings {
            command.env_remove(name);
        }
        command.env("BLOCKHUB_LISTEN", &self.listen).env("DATABASE_URL", &self.database);
        // The hub is measured here, not what it lets one user do.
        command.env("BLOCKHUB_RATE_LIMITS", "off");
        command.env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()));
        if let Some(redis) = &self.redis {
            command.env("REDIS_URL", redis);
        }
        if let Some(name) = &self.name {
            command.env("BLOCKHUB_HUB_ID", name);
        }
        if let Some(secs) = self.drain_secs {
            command.env("BLOCKHUB_DRAIN_SECS", secs.to_string());
        }
        if let Some(days) = self.history_days {
            command.env("BLOCKHUB_HISTORY_DAYS", days.to_string());
        }
        command.envs(self.more.iter().map(|(name, value)| (name, value)));
        if let Some(log) = &self.log {
            command.stderr(OpenOptions::new().create(true).append(true).open(log)?);
        }
        command.stdout(Stdio::piped()).kill_on_drop(true);
        Ok(command)
    }
}

/// What a process can be told.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// End in good order: SIGTERM.
    Terminate,
    /// Stand still: SIGSTOP.
    Freeze,
    /// Go on: SIGCONT.
    Thaw,
}

/// Tells one process.
pub async fn tell(id: u32, signal: Signal) -> Result<(), LoadError> {
    let name = match signal {
        Signal::Terminate => "-TERM",
        Signal::Freeze => "-STOP",
        Signal::Thaw => "-CONT",
    };
    let told = Command::new("kill").arg(name).arg(id.to_string()).status().await?;
    if told.success() { Ok(()) } else { Err(LoadError::Start(format!("kill {name} {id} failed"))) }
}

/// A hub process.
pub struct Hub {
    process: Child,
    address: String,
}

impl Hub {
    /// Starts one and waits until it listens.
    pub async fn start(launch: &Launch) -> Result<Self, LoadError> {
        let mut process = launch
            .command()?
            .spawn()
            .map_err(|error| LoadError::Start(format!("the hub cannot be started: {error}")))?;
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

    /// Its process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// SIGKILL, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<(), LoadError> {
        Ok(self.process.kill().await?)
    }

    /// Waits until it has ended by itself; whether it said that all was well.
    pub async fn ended(&mut self) -> Result<bool, LoadError> {
        Ok(self.process.wait().await?.success())
    }
}

fn binary() -> Result<PathBuf, LoadError> {
    let this = std::env::current_exe()?;
    let hub = this.with_file_name("blockhub");
    if hub.exists() {
        return Ok(hub);
    }
    Err(LoadError::Start(format!("{} is not there; build it first: cargo build --release", hub.display())))
}

/// Gives a project a new epoch, as an operator would after a restore.
pub async fn bump_epoch(database: &str, project: &str) -> Result<(), LoadError> {
    let mut command = Command::new(binary()?);
    command.args(["epoch", "bump", "--project", project]).env("DATABASE_URL", database).kill_on_drop(true);
    let output = command.output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(LoadError::Start(format!("epoch bump failed: {}", String::from_utf8_lossy(&output.stderr))))
}

/// Posts JSON and returns the `id` of what was made.
pub async fn post(address: &str, path: &str, body: &str) -> Result<String, LoadError> {
    let value = call(address, "POST", path, body).await?;
    value["id"].as_str().map(str::to_owned).ok_or(LoadError::Wrong(value.to_string()))
}

/// Gets JSON.
pub async fn get(address: &str, path: &str) -> Result<serde_json::Value, LoadError> {
    call(address, "GET", path, "").await
}

async fn call(address: &str, method: &str, path: &str, body: &str) -> Result<serde_json::Value, LoadError> {
    let mut http = Http::connect(address, "load").await?;
    let answer = http.call(method, path, "", body.as_bytes()).await?;
    serde_json::from_slice(answer.body).map_err(|_| answer.wrong())
}
