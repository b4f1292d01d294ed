//! Redis for tests: the one that all share, and servers, Sentinels and clusters of a test's own that it may kill.
//!
//! Promises: what is started here ends with its value; keys of one test never meet those of another, because each test
//! has names of its own.
//! Must never: touch a server that was not started for tests: `BLOCKHUB_TEST_REDIS` names one, and `./test` starts it.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use blockhub::redis_link::RedisLink;
use blockhub::redis_link::address::RedisAddress;
use futures_util::future::join_all;
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

/// A port that nobody has just now. A cluster's nodes take the one that is 10,000 higher too.
pub fn free_port() -> u16 {
    let free = std::iter::repeat_with(|| TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    free.into_iter().find(|port| *port < 55_000).unwrap()
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
        let usual = ["--bind", "127.0.0.1", "--save", ""];
        let args = usual.iter().chain(args).map(|&arg| arg.to_owned()).collect();
        let mut server = Self { port: free_port(), args, folder: tempfile::tempdir().unwrap(), child: None };
        server.again().await;
        server
    }

    /// A Sentinel that watches this master under the name `main`, and needs this many to agree that it is gone.
    pub async fn sentinel(master: u16, quorum: usize, orders: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sentinel.conf");
        let watch = format!(
            "bind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master} {quorum}\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n"
        );
        std::fs::write(&file, watch + orders).unwrap();
        let args = vec![file.display().to_string(), "--sentinel".to_owned()];
        let mut server = Self { port: free_port(), args, folder, child: None };
        server.again().await;
        server
    }

    /// Starts it, and starts it after it was killed: on the same port and with what it had saved.
    pub async fn again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(&self.args).args(["--port", &self.port.to_string()]).current_dir(self.folder.path());
        command.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        // One that wants a password answers too, if only to say so.
        let answers = async || match ask::<String>(&self.url(), &["PING"]).await {
            Err(error) if error.code() != Some("NOAUTH") => None,
            _ => Some(()),
        };
        until("the server answers", answers).await;
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.host())
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SIGSTOP: it takes connections, and says nothing.
    pub async fn stall(&self) {
        self.signal("STOP").await;
    }

    /// SIGCONT.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let order = format!("kill -{name} {}", self.child.as_ref().unwrap().id().unwrap());
        assert!(Command::new("sh").args(["-c", &order]).status().await.unwrap().success());
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }

    async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        ask(&self.url(), words).await
    }
}

/// A master, its replica, and three Sentinels that know both.
pub struct Watched {
    pub master: RedisServer,
    pub replica: RedisServer,
    sentinels: Vec<RedisServer>,
}

impl Watched {
    pub async fn start() -> Self {
        let master = RedisServer::start(&["--repl-diskless-sync-delay", "0"]).await;
        let follow = ["--replicaof", "127.0.0.1", &master.port().to_string()];
        let (replica, sentinels) = tokio::join!(
            RedisServer::start(&follow),
            join_all((0..3).map(|_| RedisServer::sentinel(master.port(), 2, "")))
        );
        for sentinel in &sentinels {
            until("the Sentinels know each other", async || {
                let known: redis::Value = sentinel.ask(&["SENTINEL", "MASTER", "main"]).await.ok()?;
                let known: std::collections::HashMap<String, String> = redis::from_redis_value(known).ok()?;
                (known["num-slaves"] == "1" && known["num-other-sentinels"] == "2").then_some(())
            })
            .await;
        }
        Self { master, replica, sentinels }
    }

    /// The address that names the Sentinels, and first one that nobody listens on.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(RedisServer::host).collect();
        format!("redis+sentinel://127.0.0.1:1,{}/main", hosts.join(","))
    }
}

/// A cluster of three nodes without replicas.
pub struct Cluster {
    pub nodes: Vec<RedisServer>,
}

impl Cluster {
    pub async fn start() -> Self {
        let args =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"];
        let nodes = join_all((0..3).map(|_| RedisServer::start(&args))).await;
        let hosts = nodes.iter().map(RedisServer::host);
        let created = Command::new("redis-cli").args(["--cluster", "create"]).args(hosts).arg("--cluster-yes").output();
        let created = created.await.unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self { nodes };
        cluster.ready().await;
        cluster
    }

    /// Waits until every node believes that the cluster is whole.
    pub async fn ready(&self) {
        for node in &self.nodes {
            until("the cluster is whole", async || {
                let info: String = node.ask(&["CLUSTER", "INFO"]).await.ok()?;
                (info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")).then_some(())
            })
            .await;
        }
    }

    /// The address that names all nodes.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(RedisServer::host).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }
}
