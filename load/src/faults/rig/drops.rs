//! Packets that are dropped without a word, by rules of `nft` in a network namespace that holds this program alone.
//!
//! Promises: no packet of the machine's own network is touched: without a namespace of its own there are no drops. The
//! rules go with the namespace, and that with this program.
//! Must never: be asked for on the machine's network.

use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use tokio::process::Command;

use crate::LoadError;

/// Set for a program that was started again in a namespace of its own.
const ALONE: &str = "BLOCKHUB_LOAD_ALONE";

/// Rules that drop packets.
#[derive(Clone, Copy, Debug)]
pub struct Drops(());

/// Whether this program runs in a network namespace of its own.
pub fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Becomes this program once more, with the same words, in a network namespace of its own. Returns only where that is
/// not possible: this machine does not allow it, or has no `nft`.
pub async fn become_alone() -> Result<(), LoadError> {
    if is_alone() || !run("unshare", &["--net", "nft", "list", "ruleset"]).await {
        return Ok(());
    }
    let this = std::env::current_exe()?;
    let mut again = std::process::Command::new("unshare");
    again.args(["--net", "--"]).arg(this).args(std::env::args_os().skip(1)).env(ALONE, "1");
    Err(again.exec().into())
}

impl Drops {
    /// Sets the namespace up; `None` on the machine's own network.
    pub async fn begin() -> Result<Option<Self>, LoadError> {
        if !is_alone() {
            return Ok(None);
        }
        must("ip", &["link", "set", "lo", "up"]).await?;
        must("nft", &["add table inet faults"]).await?;
        must("nft", &["add chain inet faults out { type filter hook output priority 0; }"]).await?;
        Ok(Some(Self(())))
    }

    /// From now on packets to and from this port are dropped, in both directions.
    pub async fn drop_port(&self, port: u16) -> Result<(), LoadError> {
        must("nft", &[&format!("add rule inet faults out tcp dport {port} drop")]).await?;
        must("nft", &[&format!("add rule inet faults out tcp sport {port} drop")]).await
    }

    /// This program may come from that address too, which is not one of the loopback network.
    pub async fn come_from(&self, address: Ipv4Addr) -> Result<(), LoadError> {
        must("ip", &["addr", "add", &format!("{address}/32"), "dev", "lo"]).await
    }

    /// From now on no packet is dropped.
    pub async fn clear(&self) -> Result<(), LoadError> {
        must("nft", &["flush chain inet faults out"]).await
    }
}

async fn must(program: &str, words: &[&str]) -> Result<(), LoadError> {
    let failed = || LoadError::Start(format!("{program} {words:?} failed"));
    if run(program, words).await { Ok(()) } else { Err(failed()) }
}

async fn run(program: &str, words: &[&str]) -> bool {
    let status = Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    status.is_ok_and(|status| status.success())
}
