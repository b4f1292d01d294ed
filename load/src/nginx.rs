//! nginx before hubs, with the file of `deploy/`.
//!
//! Promises: only what the file's head says one may change is changed, and where it listens and writes: its limits for
//! one address hold here, too; it is ended, by its process id, when this is dropped.
//! Must never: touch another server of the machine.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::LoadError;
use crate::ports::Ports;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where it stands since this program was built.
const FILE: &str = include_str!("../../deploy/nginx.conf");

/// A server.
pub struct Nginx {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Nginx {
    /// Starts one before these hubs and waits until it can be reached.
    pub async fn start(ports: &mut Ports, hubs: &[&str]) -> Result<Self, LoadError> {
        let folder = tempfile::Builder::new().prefix("blockhub-nginx-").tempdir()?;
        let [address, status] = [ports.take()?, ports.take()?].map(|port| format!("127.0.0.1:{port}"));
        let file = folder.path().join("nginx.conf");
        fs::write(&file, rendered(hubs, [&address, &status], folder.path())?)?;
        let process = Command::new("nginx")
            // One process, so that its end is the end of all of it.
            .args(["-g", "daemon off; master_process off;", "-c"])
            .arg(&file)
            .env("PATH", path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("errors"))?)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| LoadError::Start(format!("nginx cannot be started: {error}")))?;
        let nginx = Self { process, address, _folder: folder };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(&nginx.address).await.is_err() {
            if Instant::now() > until {
                let errors = fs::read_to_string(nginx._folder.path().join("errors")).unwrap_or_default();
                return Err(LoadError::Start(format!("nginx does not listen: {errors}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(nginx)
    }

    /// Where clients come: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }
}

/// Debian puts servers where not everybody looks.
fn path() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}

fn rendered(hubs: &[&str], [address, status]: [&str; 2], folder: &Path) -> Result<String, LoadError> {
    let unlike = |what: &str| LoadError::Start(format!("deploy/nginx.conf has no line of {what}"));
    let folder = folder.display();
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary: String = kinds.iter().map(|kind| format!("    {kind}_temp_path {folder}/{kind};\n")).collect();
    let names_hubs = |line: &&str| line.trim_start().starts_with("server hub:8080");
    let line = FILE.lines().find(names_hubs).ok_or_else(|| unlike("hubs"))?;
    let lines: Vec<String> = hubs.iter().map(|hub| line.replace("hub:8080", hub)).collect();
    let text = FILE
        .replace(line, &lines.join("\n"))
        .replace("http {\n", &format!("http {{\n{temporary}"))
        .replace("listen 80 ", &format!("listen {address} "))
        .replace("listen 8081;", &format!("listen {status};"))
        .replace("/run/", &format!("{folder}/"))
        .replace("/var/log/nginx/error.log", "stderr")
        .replace("/var/log/nginx/", &format!("{folder}/"));
    if text.contains(address) && text.contains(status) { Ok(text) } else { Err(unlike("ports")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::rendered;

    #[test]
    fn the_limits_of_the_file_stay_and_every_hub_has_its_line() {
        let text = rendered(&["127.0.0.1:1", "127.0.0.1:2"], ["127.0.0.1:3", "127.0.0.1:4"], Path::new("/f")).unwrap();
        for part in ["server 127.0.0.1:1 max", "server 127.0.0.1:2 max", "listen 127.0.0.1:3 ", "pid /f/nginx.pid"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(text.contains("limit_conn connections 200") && !text.contains("hub:8080 max"));
    }
}
