//! A throwaway Postgres with `fsync` on, in a temporary folder, on a free port.
//!
//! Promises: it is stopped when this is dropped, and its folder is gone.
//! Must never: touch another server of the machine.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::LoadError;

/// A server.
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Result<Self, LoadError> {
        let folder = tempfile::Builder::new().prefix("blockhub-load-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Self { folder, binaries: binaries()?, port };
        if is_root() {
            check("chown", Command::new("chown").arg("postgres").arg(server.folder.path()).output()?)?;
        }
        let data = server.data();
        check("initdb", server.command("initdb").args(["-A", "trust", "-U", "blockhub", "-D"]).arg(&data).output()?)?;
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=100",
            server.folder.path().display()
        );
        let log = server.folder.path().join("log");
        let start = server
            .command("pg_ctl")
            .args(["-w", "-o", &options, "-D"])
            .arg(&data)
            .arg("-l")
            .arg(log)
            .arg("start")
            .output()?;
        check("pg_ctl start", start)?;
        Ok(server)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgres://blockhub@127.0.0.1:{}/postgres", self.port)
    }

    /// Processor time of the server and all its processes that live, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let Some(server) = self.id() else { return 0.0 };
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        let ids = children.split_whitespace().filter_map(|id| id.parse().ok()).chain([server]);
        ids.map(crate::hub::cpu_seconds).sum()
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
        let data = self.data();
        let _ = self.command("pg_ctl").args(["-m", "immediate", "-w", "-D"]).arg(data).arg("stop").output();
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
