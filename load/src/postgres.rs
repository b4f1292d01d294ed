//! A throwaway Postgres with `fsync` on, in a temporary folder, on a port of its own.
//!
//! Promises: it is stopped when this is dropped, and its folder is gone; it comes back on the same port.
//! Must never: touch another server of the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::LoadError;
use crate::ports::Ports;

/// A server.
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
}

/// How a server is told to stop.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// Connections are cut, what is committed is written out.
    Fast,
    /// As a crash: the next start recovers from the log.
    Immediate,
}

impl Stop {
    fn mode(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        }
    }
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start(ports: &mut Ports) -> Result<Self, LoadError> {
        let folder = tempfile::Builder::new().prefix("blockhub-load-").tempdir()?;
        let server = Self { folder, binaries: binaries()?, port: ports.take()? };
        if is_root() {
            check("chown", Command::new("chown").arg("postgres").arg(server.folder.path()).output()?)?;
        }
        let initdb = server.command("initdb").args(["-A", "trust", "-U", "blockhub", "-D"]).arg(server.data()).output();
        check("initdb", initdb?)?;
        server.start_again()?;
        Ok(server)
    }

    /// Starts it, after a stop, and waits until it is ready.
    pub fn start_again(&self) -> Result<(), LoadError> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=500",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log");
        let mut start = self.command("pg_ctl");
        start.args(["-w", "-o", &options, "-D"]).arg(self.data()).arg("-l").arg(log).arg("start");
        check("pg_ctl start", start.output()?)
    }

    /// Stops it and waits until it has stopped.
    pub fn stop(&self, how: Stop) -> Result<(), LoadError> {
        let mut stop = self.command("pg_ctl");
        stop.args(["-m", how.mode(), "-w", "-D"]).arg(self.data()).arg("stop");
        check("pg_ctl stop", stop.output()?)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.url_at(&format!("127.0.0.1:{}", self.port))
    }

    /// The same database, reached by another address.
    pub fn url_at(&self, address: &str) -> String {
        format!("postgres://blockhub@{address}/postgres")
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Processor time of the server and all its processes, in seconds; those that have ended are counted too.
    pub fn cpu_seconds(&self) -> f64 {
        let Some(server) = self.id() else { return 0.0 };
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        let ids = children.split_whitespace().filter_map(|id| id.parse().ok()).chain([server]);
        ids.map(crate::hub::cpu_seconds).sum::<f64>() + crate::hub::cpu_seconds_of_ended(server)
    }

    /// Where a program is that comes with the server.
    pub fn program(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    fn id(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        file.lines().next()?.trim().parse().ok()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Postgres refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let path = self.binaries.join(program);
        if !is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(path);
        command.current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.stop(Stop::Immediate);
    }
}

fn check(what: &str, output: Output) -> Result<(), LoadError> {
    if output.status.success() {
        return Ok(());
    }
    Err(LoadError::Start(format!("{what} failed: {}", String::from_utf8_lossy(&output.stderr))))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn binaries() -> Result<PathBuf, LoadError> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin")).filter(|bin| has_server(bin)).collect();
    found.sort();
    found.pop().ok_or_else(|| LoadError::Start("no Postgres server found; install the package postgresql".into()))
}

fn has_server(bin: &Path) -> bool {
    bin.join("initdb").exists() && bin.join("pg_ctl").exists()
}
