//! The real binary, as a process of its own on a port of its own.
//!
//! Promises: what is started here ends with its `TestHub`, whatever the test does. Several tests at once never meet.
//! Must never: wait for time to pass; only for a line, an end, an answer.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::client::Client;
use super::database::Database;

/// Longer than anything takes: it only turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a hub is started.
#[derive(Clone, Debug)]
pub struct Launch {
    settings: Vec<(String, String)>,
    args: Vec<String>,
}

impl Launch {
    /// An open hub on this database, on any free port.
    pub fn on(database: &Database) -> Self {
        Self::at(database.url())
    }

    /// An open hub on the database that this URL names, on any free port.
    pub fn at(url: &str) -> Self {
        Self { settings: Vec::new(), args: Vec::new() }
            .set("DATABASE_URL", url)
            .set("BLOCKHUB_LISTEN", "127.0.0.1:0")
            .set("RUST_LOG", "info")
    }

    /// With this setting in its environment.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.into()));
        self
    }

    /// With this on its command line.
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// The process, with nothing of our own environment but what it needs to run.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_blockhub"));
        command.args(&self.args).env_clear().envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.envs(std::env::vars().filter(|(name, _)| matches!(&**name, "PATH" | "HOME" | "TMPDIR")));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Starts it, and waits until it says where it listens.
    pub async fn start(self) -> TestHub {
        let mut child = self.command().spawn().unwrap();
        let log = Log::default();
        log.follow(BufReader::new(child.stderr.take().unwrap()).lines());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(address) = timeout(PATIENCE, address(&mut lines, &log)).await.expect("the hub says nothing") else {
            let status = child.wait().await.unwrap();
            panic!("the hub did not start: {status}\n{}", log.text());
        };
        log.follow(lines);
        TestHub { address, child, launch: self, log }
    }

    /// Runs it to its end, for commands and for hubs that refuse to start: its status, what it printed, what it
    /// complained of.
    pub async fn run(self) -> (ExitStatus, String, String) {
        let output = timeout(PATIENCE, self.command().output()).await.expect("the command does not end").unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status, text(&output.stdout), text(&output.stderr))
    }
}

/// Reads up to the line that names the address.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>, log: &Log) -> Option<String> {
    while let Some(line) = lines.next_line().await.unwrap() {
        log.add(&line);
        if let Some((_, address)) = line.split_once("listening on http://") {
            return Some(address.split_whitespace().next().unwrap().to_owned());
        }
    }
    None
}

/// A running hub.
#[derive(Debug)]
pub struct TestHub {
    address: String,
    child: Child,
    launch: Launch,
    log: Log,
}

impl TestHub {
    /// An open hub on this database.
    pub async fn start(database: &Database) -> Self {
        Launch::on(database).start().await
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where WebSockets go.
    pub fn ws(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// The process' number.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the hub runs")
    }

    /// Everything it has said so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until it has said this.
    pub async fn says(&self, words: &str) {
        self.log.wait_for(words).await;
    }

    /// A client that has said hello as this user.
    pub async fn client(&self, user: &str) -> Client {
        Client::hello(&self.ws(), json!({ "type": "hello", "user": { "id": user } })).await
    }

    /// A new project that everybody may edit, and its id; made over HTTP by `guest`.
    pub async fn project(&self, title: &str) -> String {
        self.project_with(json!({ "title": title })).await
    }

    /// A new project with whatever `body` says, and its id.
    pub async fn project_with(&self, body: Value) -> String {
        let answer = reqwest::Client::new().post(self.url("/api/projects")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        let project: Value = answer.json().await.unwrap();
        project["id"].as_str().unwrap().to_owned()
    }

    /// SIGKILL: nothing is finished, nothing is said.
    pub async fn kill(mut self) -> Launch {
        self.child.kill().await.unwrap();
        self.launch.clone()
    }

    /// SIGKILL, and another on the same database.
    pub async fn restart(self) -> Self {
        self.kill().await.start().await
    }

    /// SIGTERM: it begins to drain.
    pub async fn terminate(&self) {
        let order = format!("kill -TERM {}", self.pid());
        assert!(Command::new("sh").args(["-c", &order]).status().await.unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("the hub does not end").unwrap()
    }
}

/// What a process says, gathered as it comes.
#[derive(Clone, Debug)]
struct Log {
    text: Arc<Mutex<String>>,
    length: watch::Sender<usize>,
}

impl Default for Log {
    fn default() -> Self {
        Self { text: Arc::default(), length: watch::Sender::new(0) }
    }
}

impl Log {
    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Lets go of the text before it tells: who waits reads the text while it holds the length.
    fn add(&self, line: &str) {
        let length = {
            let mut text = self.text.lock().unwrap();
            text.push_str(line);
            text.push('\n');
            text.len()
        };
        self.length.send_replace(length);
    }

    fn follow<R: AsyncRead + Unpin + Send + 'static>(&self, mut lines: Lines<BufReader<R>>) {
        let log = self.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                log.add(&line);
            }
        });
    }

    async fn wait_for(&self, words: &str) {
        let mut length = self.length.subscribe();
        let said = length.wait_for(|_| self.text().contains(words));
        let said = timeout(PATIENCE, said).await.map(|length| length.is_ok());
        assert!(matches!(said, Ok(true)), "the hub never said {words:?}:\n{}", self.text());
    }
}
