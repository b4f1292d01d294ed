//! The real balancers with the very files of `deploy/`, in front of hubs on this machine.
//!
//! Promises: only what a file's head says one may change is changed, and where it listens and writes.
//! Must never: leave a process behind: each is one process, which ends with its `Balancer`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Haproxy,
}

/// How clients reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// As the files come.
    Plain,
    /// With the lines for TLS.
    Tls,
}

/// What is changed in a file, and where that leads.
#[derive(Clone, Debug)]
pub struct Rendering {
    pub text: String,
    /// Where clients come, without TLS.
    pub plain: String,
    /// Where clients come, with TLS.
    pub tls: String,
    /// The balancer's own figures.
    pub status: String,
}

/// A running balancer.
pub struct Balancer {
    /// Where it listens.
    pub at: Rendering,
    folder: TempDir,
    _process: Child,
}

impl Kind {
    /// The file as it is in `deploy/`.
    pub fn file(self) -> String {
        let name = match self {
            Self::Nginx => "nginx.conf",
            Self::Haproxy => "haproxy.cfg",
        };
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)).unwrap()
    }

    /// The file for these hubs, on free ports, with all it writes in `folder`.
    pub fn render(self, front: Front, hubs: &[&str], folder: &Path) -> Rendering {
        let [plain, tls, status] = free_ports().map(|port| format!("127.0.0.1:{port}"));
        let text = match self {
            Self::Nginx => nginx(&self.file(), hubs, [&plain, &tls, &status], folder),
            Self::Haproxy => haproxy(&self.file(), hubs, [&plain, &tls, &status], folder),
        };
        let text = if front == Front::Tls { text.replace("#tls ", "") } else { text };
        Rendering { text, plain, tls, status }
    }

    /// What the program says of a file: whether it is right, and its complaints.
    pub async fn judges(self, text: &str, folder: &Path) -> (bool, String) {
        let file = folder.join("judged");
        fs::write(&file, text).unwrap();
        let command = match self {
            Self::Nginx => format!("nginx -t -q -c {}", file.display()),
            Self::Haproxy => format!("haproxy -c -q -f {}", file.display()),
        };
        let output = Command::new("sh").args(["-c", &command]).output().await.unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn command(self, file: &Path) -> Command {
        let mut command = Command::new(match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        });
        match self {
            Self::Nginx => command.args(["-g", "daemon off; master_process off;", "-c"]).arg(file),
            Self::Haproxy => command.args(["-db", "-f"]).arg(file),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Balancer {
    /// In front of these hubs (`127.0.0.1:port`), once it can be reached.
    pub async fn start(kind: Kind, front: Front, hubs: &[&str]) -> Self {
        Self::start_with(kind, front, hubs, |text| text).await
    }

    /// With a change besides.
    pub async fn start_with(kind: Kind, front: Front, hubs: &[&str], change: impl Fn(String) -> String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if front == Front::Tls {
            make_certificate(folder.path()).await;
        }
        let at = kind.render(front, hubs, folder.path());
        let file = folder.path().join("rendered");
        fs::write(&file, change(at.text.clone())).unwrap();
        let errors = File::create(folder.path().join("errors")).unwrap();
        let process = kind.command(&file).stderr(errors).spawn().unwrap();
        let mut balancer = Self { at, folder, _process: process };
        balancer.is_reached().await;
        balancer
    }

    async fn is_reached(&mut self) {
        for address in [self.at.plain.clone(), self.at.status.clone()] {
            while TcpStream::connect(&address).await.is_err() {
                let ended = self._process.try_wait().unwrap();
                assert!(ended.is_none(), "it ended, {ended:?}: {}", self.errors());
            }
        }
    }

    /// What it complained of.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("errors")).unwrap()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at.plain)
    }

    /// Where WebSockets go.
    pub fn ws(&self) -> String {
        format!("ws://{}/ws", self.at.plain)
    }

    /// The certificate that it shows, a PEM.
    pub fn certificate(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("hub.crt")).unwrap()
    }
}

fn nginx(file: &str, hubs: &[&str], [plain, tls, status]: [&str; 3], folder: &Path) -> String {
    let folder = folder.display();
    let mut temporary = "http {\n".to_owned();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(temporary, "    {kind}_temp_path {folder}/{kind};").unwrap();
    }
    for_each_hub(file, "server hub:8080", hubs, |line, _, hub| line.replace("hub:8080", hub))
        .replace("http {\n", &temporary)
        .replace("listen 80 ", &format!("listen {plain} "))
        .replace("listen 443 ", &format!("listen {tls} "))
        .replace("listen 8081;", &format!("listen {status};"))
        .replace("/etc/nginx/tls/", &format!("{folder}/"))
        .replace("/run/", &format!("{folder}/"))
        .replace("/var/log/nginx/error.log", "stderr")
        .replace("/var/log/nginx/", &format!("{folder}/"))
}

fn haproxy(file: &str, hubs: &[&str], [plain, tls, status]: [&str; 3], folder: &Path) -> String {
    for_each_hub(file, "server-template hub-", hubs, |_, n, hub| format!("    server hub-{n} {hub}"))
        .replace("bind :80\n", &format!("bind {plain}\n"))
        .replace("bind :443 ", &format!("bind {tls} "))
        .replace("bind :8404\n", &format!("bind {status}\n"))
        .replace("/etc/haproxy/tls/", &format!("{}/", folder.display()))
}

/// The one line that names the hubs becomes a line for each.
fn for_each_hub(file: &str, named: &str, hubs: &[&str], line_of: impl Fn(&str, usize, &str) -> String) -> String {
    let names = |line: &str| line.contains(named) && !line.starts_with('#');
    let line = file.lines().find(|line| names(line)).expect("a line that names the hubs");
    let lines: Vec<_> = hubs.iter().enumerate().map(|(n, hub)| line_of(line, n + 1, hub)).collect();
    file.replace(&format!("{line}\n"), &format!("{}\n", lines.join("\n")))
}

/// Three ports that nobody listens on; held together, so that they differ.
fn free_ports() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// A certificate for localhost, signed by itself, as both programs want it.
async fn make_certificate(folder: &Path) {
    let make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
                -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
                -keyout hub.key -out hub.crt && cat hub.crt hub.key > hub.pem";
    let made = Command::new("sh").args(["-c", make]).current_dir(folder).output().await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
