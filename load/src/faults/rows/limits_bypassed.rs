//! S10: somebody wants more than their budget: over many connections to both hubs, with addresses that they claim, with
//! Redis and without.
//!
//! Promises: whoever is refused waits as long as told and tries again, so that nobody gets more who waits better; what
//! counts is the most that was let pass within any minute.
//! Must never: take a limit that lets nothing pass for one that holds: most of each budget must be had.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::claimed_addresses::{CLAIMS, claim};
use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::gate::{Gate, Mouth, join, overwrite};
use crate::faults::report::Findings;
use crate::hub::Setting;
use crate::line::Tongue;
use crate::socket::{Form, handshake};
use crate::token::LONG;
use crate::way::Way;

/// What budgets are counted in.
const WINDOW: Duration = Duration::from_secs(60);
/// Edits that a user who pays nothing has in that time.
const EDITS: usize = 1_000;
/// Connections that an address has in that time.
const CONNECTIONS: usize = 6_000;
/// Of each kind of connection, on each hub.
const MOUTHS: usize = 2;
/// Who connect at once.
const KNOCKERS: usize = 16;
/// What the hubs take for a proxy's address.
const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Clients of which nobody knows but by their address (RFC 5737), one for each state of Redis.
const CLIENTS: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 7), Ipv4Addr::new(198, 51, 100, 8)];
/// Until both hubs know of each other, or that Redis is gone.
const SETTLING: Duration = Duration::from_secs(4);
/// Who is refused without being told for how long.
const AGAIN_MS: u64 = 100;

/// Whether there is a Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bus {
    Up,
    Down,
}

/// Attempts at more than one's budget, with Redis first.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let mut gate = Gate::open_with(run, settings(run)).await?;
    sleep(SETTLING).await;
    let mut findings = Findings::default();
    for bus in [Bus::Up, Bus::Down] {
        if bus == Bus::Down {
            gate.rig.redis.kill().await?;
            sleep(SETTLING).await;
        }
        let words = format!("Redis {}", if bus == Bus::Up { "up" } else { "down" });
        let edits = edit(&gate, &format!("eager-{bus:?}"), run.pick(3 * WINDOW, Duration::from_secs(6))).await?;
        tell(&mut findings, &format!("{words}: edits of a user, by minute"), edits, EDITS);
        // Thousands of connections take long with a debug build.
        if bus == Bus::Down || run.pick(true, false) {
            let knocks = Knocks { address: CLIENTS[bus as usize], ways: ways(run, CLIENTS[bus as usize]).await? };
            let passed = knocks.all(&gate, CONNECTIONS * 5 / 4).await?;
            tell(&mut findings, &format!("{words}: connections of an address, by minute"), passed, CONNECTIONS);
        }
        run.say(&words);
    }
    findings.figure("shapes of claimed addresses", CLAIMS as f64);
    findings.remarks.push(match run.drops {
        Some(_) => "addresses were claimed to the hub, and to a proxy before it".into(),
        None => "no network namespace here: addresses were claimed to a proxy only".into(),
    });
    Ok(findings)
}

fn settings(run: &Run) -> Vec<Setting> {
    let limits = if run.planted { "off" } else { "on" };
    let proxies = ("BLOCKHUB_TRUSTED_PROXIES", PROXY.to_string());
    vec![("BLOCKHUB_RATE_LIMITS", limits.to_owned()), proxies]
}

fn tell(findings: &mut Findings, what: &str, passed: Vec<Instant>, budget: usize) {
    let most = most_within(passed);
    findings.bars.push(Bar::count_at_most(format!("{what}, at most"), most as u64, (budget + budget / 10) as u64));
    findings.bars.push(Bar::count_at_least(format!("{what}, at least"), most as u64, (budget * 9 / 10) as u64));
}

/// The most of these within any minute.
fn most_within(mut passed: Vec<Instant>) -> usize {
    passed.sort_unstable();
    let mut first = 0;
    let counts = passed.iter().enumerate().map(|(last, at)| {
        while at.duration_since(passed[first]) >= WINDOW {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or(0)
}

/// Edits as much as one can, by every transport, on both hubs; when each was acked.
async fn edit(gate: &Gate, user: &str, lasts: Duration) -> Result<Vec<Instant>, LoadError> {
    let mut owner = gate.desk(0, &gate.token("owner")?);
    let token = gate.signer.free(user, LONG)?;
    let (project, blocks) = gate.project(&mut owner, 6 * MOUTHS, &[user]).await?;
    let (mut floods, until) = (JoinSet::new(), Instant::now() + lasts);
    for (number, block) in blocks.into_iter().enumerate() {
        let (hub, way, project) = (number % 2, number / 2 % 3, project.clone());
        let mouth = match Tongue::ALL.get(way) {
            None => Mouth::Desk(gate.desk(hub, &token)),
            Some(tongue) => {
                let mut line = gate.line(hub, *tongue, &token, None).await?;
                join(&mut line, &project).await?;
                Mouth::Line(line)
            }
        };
        floods.spawn(insist(mouth, project, block, until));
    }
    Ok(floods.join_all().await.concat())
}

/// Edits until time is up, waiting when told to; when each was acked.
async fn insist(mut mouth: Mouth, project: String, block: String, until: Instant) -> Vec<Instant> {
    let mut acked = Vec::new();
    while Instant::now() < until && acked.len() < 2 * EDITS {
        let edit = overwrite(&project, &block, "more");
        match timeout_at(until, mouth.edit(&edit)).await {
            Ok(Ok(())) => acked.push(Instant::now()),
            // A desk waits by itself, as long as it takes.
            Err(_) => break,
            Ok(Err(words)) => {
                let told: Value = serde_json::from_str(&words).unwrap_or_default();
                let wait = Duration::from_millis(told["retryAfterMs"].as_u64().unwrap_or(AGAIN_MS));
                sleep(wait.min(until.saturating_duration_since(Instant::now()))).await;
            }
        }
    }
    acked
}

/// By which ways a client can come: through the proxy, and, where this machine has room for its address, by itself.
async fn ways(run: &Run, client: Ipv4Addr) -> Result<Vec<Ipv4Addr>, LoadError> {
    let Some(network) = run.drops else { return Ok(vec![PROXY]) };
    network.come_from(client).await?;
    Ok(vec![PROXY, client])
}

/// Attempts to connect for one client.
struct Knocks {
    /// Whose they are, in truth.
    address: Ipv4Addr,
    /// Where they come from, by turns.
    ways: Vec<Ipv4Addr>,
}

impl Knocks {
    /// So many, each under another claim; when each was let in.
    async fn all(&self, gate: &Gate, times: usize) -> Result<Vec<Instant>, LoadError> {
        let (hubs, mut knockers) = (gate.rig.addresses(), JoinSet::new());
        for knocker in 0..KNOCKERS {
            let numbers = (knocker..times).step_by(KNOCKERS);
            let knocks: Vec<(Way, String)> = numbers.map(|number| self.one(&hubs, number)).collect();
            knockers.spawn(async move {
                let mut let_in = Vec::new();
                for (way, claimed) in knocks {
                    if upgrades(&way, &claimed).await? {
                        let_in.push(Instant::now());
                    }
                }
                Ok::<_, LoadError>(let_in)
            });
        }
        let mut passed = Vec::new();
        while let Some(done) = knockers.join_next().await {
            passed.append(&mut done.map_err(|error| LoadError::Wrong(error.to_string()))??);
        }
        Ok(passed)
    }

    /// Where to, from where, and what is claimed. Every shape comes by every way to every hub.
    fn one(&self, hubs: &[String], number: usize) -> (Way, String) {
        let (to, number) = (hubs[number % hubs.len()].clone(), number / hubs.len());
        let (from, number) = (self.ways[number % self.ways.len()], number / self.ways.len());
        let by_proxy = (from == PROXY).then_some(self.address);
        (Way { to, from }, claim(number, by_proxy))
    }
}

/// Whether a WebSocket is let in that says this of where it comes from.
async fn upgrades(way: &Way, claimed: &str) -> Result<bool, LoadError> {
    let mut stream = way.open().await?;
    let request = handshake::request(&way.to, "/ws", Form::Plain);
    let (line, rest) = request.split_once("\r\n").unwrap_or_default();
    stream.write_all(format!("{line}\r\n{claimed}{rest}").as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    match &status[9..] {
        b"101" => Ok(true),
        b"429" => Ok(false),
        _ => Err(LoadError::Wrong(String::from_utf8_lossy(&status).into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::most_within;

    #[test]
    fn the_most_of_any_minute_counts() {
        let begun = Instant::now();
        let at = |secs: &[u64]| secs.iter().map(|secs| begun + Duration::from_secs(*secs)).collect();
        assert_eq!(most_within(at(&[])), 0);
        assert_eq!(most_within(at(&[0, 30, 59, 60, 61])), 4);
        assert_eq!(most_within(at(&[200, 0, 100])), 1);
    }
}
