//! Postgres servers of a test's own: a primary, and a standby that follows it.
//!
//! Promises: what is started here ends with its value.
//! Must never: touch a server that was not started here.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::redis::until;

/// A server that was told to drop everything has ended long before.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A server.
pub struct PostgresServer {
    pub port: u16,
    _folder: TempDir,
    process: Child,
}

impl PostgresServer {
    /// An empty one that standbys may follow.
    pub async fn primary() -> Self {
        let folder = folder().await;
        let data = data(&folder);
        run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]).await;
        Self::start(folder).await
    }

    /// One that follows this one, and has all it has.
    pub async fn standby(&self) -> Self {
        let folder = folder().await;
        let (data, port) = (data(&folder), self.port.to_string());
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres"];
        run("pg_basebackup", &[&from[..], &["-D", &data, "-R", "--checkpoint=fast", "--no-sync"]].concat()).await;
        let standby = Self::start(folder).await;
        let follows = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'";
        until("the standby follows", async || self.says(follows).await.then_some(())).await;
        standby
    }

    async fn start(folder: TempDir) -> Self {
        let (port, data) = (free_port(), data(&folder));
        let sockets = folder.path().display();
        let settings = ["listen_addresses=127.0.0.1", "shared_buffers=16MB", "max_connections=60", "fsync=off"];
        let own = [format!("port={port}"), format!("unix_socket_directories={sockets}")];
        let mut command = command("postgres");
        command.args(["-D", &data]);
        settings.iter().map(|setting| (*setting).to_owned()).chain(own).for_each(|setting| {
            command.args(["-c", &setting]);
        });
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let server = Self { port, _folder: folder, process };
        until("the server answers", async || server.connection().await).await;
        server
    }

    async fn connection(&self) -> Option<PgConnection> {
        let options = PgConnectOptions::new().host("127.0.0.1").port(self.port).username("postgres");
        options.database("postgres").connect().await.ok()
    }

    /// Runs a statement.
    pub async fn run(&self, statement: &str) -> Option<PgRow> {
        let mut connection = self.connection().await.expect("the server answers");
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).fetch_optional(&mut connection).await.unwrap()
    }

    /// Whether a query's only value is true.
    pub async fn says(&self, query: &str) -> bool {
        let mut connection = self.connection().await.expect("the server answers");
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
    }

    /// Sets something for all connections, those that are there too.
    pub async fn set(&self, setting: &str) {
        self.run(&format!("ALTER SYSTEM SET {setting}")).await;
        self.run("SELECT pg_reload_conf()").await;
    }

    /// Makes a standby the primary.
    pub async fn promote(&self) {
        assert!(self.says("SELECT pg_promote()").await);
    }

    /// Ends it at once, as a crash does.
    pub async fn crash(mut self) {
        signal(&self.process);
        self.process.wait().await.unwrap();
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        signal(&self.process);
        // Killed before it has ended by itself, it would leave its part of the system's memory behind.
        let end = Instant::now() + END_WITHIN;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// SIGQUIT: it drops everything, but what it holds of the system goes with it.
fn signal(process: &Child) {
    if let Some(pid) = process.id() {
        let _ = std::process::Command::new("kill").args(["-QUIT", &pid.to_string()]).status();
    }
}

/// A port that nobody has just now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn data(folder: &TempDir) -> String {
    folder.path().join("data").display().to_string()
}

async fn run(program: &str, args: &[&str]) {
    let output = command(program).args(args).output().await.unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A folder that belongs to whom the server runs as.
async fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if is_root() {
        let own = Command::new("chown").arg("postgres").arg(folder.path()).status().await.unwrap();
        assert!(own.success());
    }
    folder
}

/// Postgres does not run as root.
fn command(program: &str) -> Command {
    let program = newest(program);
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Debian keeps a server's programs in a folder for each version.
fn newest(program: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin").join(program)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| Path::new(program).to_owned())
}
