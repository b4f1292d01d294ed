//! Redis for tests: the one that all share, and servers of a test's own that it may kill.
//!
//! Promises: what is started here ends with its value; keys of one test never meet those of another, because each test
//! has names of its own.
//! Must never: touch a server that was not started for tests: `BLOCKHUB_TEST_REDIS` names one, and `./test` starts it.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use blockhub::redis_link::RedisLink;
use blockhub::redis_link::address::RedisAddress;
use redis::{Client, FromRedisValue};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// Longer than anything takes: it only turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The Redis that tests share.
pub fn shared_url() -> String {
    std::env::var("BLOCKHUB_TEST_REDIS")
        .expect("BLOCKHUB_TEST_REDIS names no Redis server for tests: run ./test, which starts one")
}

/// A link to this address.
pub fn link(url: &str) -> RedisLink {
    RedisLink::open(RedisAddress::parse(url).unwrap())
}

/// A port that nobody has just now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks a server directly, past the hub's own way to it.
pub async fn ask<T: FromRedisValue>(url: &str, words: &[&str]) -> redis::RedisResult<T> {
    let mut connection = Client::open(url)?.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await
}

/// Asks until the answer is good: for what servers do among themselves in their own time.
pub async fn until<T, A: AsyncFnMut() -> Option<T>>(what: &str, mut good: A) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = good().await {
            return value;
        }
        assert!(Instant::now() < end, "never: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A server of a test's own.
pub struct RedisServer {
    port: u16,
    args: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    /// A server with these arguments besides the usual ones, on a free port.
    pub async fn start(args: &[&str]) -> Self {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = Self { port: free_port(), args, folder: tempfile::tempdir().unwrap(), child: None };
        server.again().await;
        server
    }

    /// Starts it after it was killed, on the same port and with what it had saved.
    pub async fn again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--port", &self.port.to_string()]);
        command.args(&self.args).current_dir(self.folder.path()).kill_on_drop(true);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        until("the server answers", async || ask::<String>(&self.url(), &["PING"]).await.ok()).await;
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }
}
