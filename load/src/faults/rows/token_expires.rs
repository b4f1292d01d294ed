//! S4: a token ends in the middle of a flood of edits, over every transport and on both hubs.
//!
//! Promises: what was applied is read from the log, by somebody whose token lasts; times are of this machine's one clock.
//! Must never: count a connection's end as proof: what counts is that nothing was applied.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::gate::{Flood, Gate, Mouth, join};
use crate::faults::report::Findings;
use crate::isolation::desk::Desk;
use crate::line::{Line, Push, Tongue};
use crate::token::since_1970;

/// After that an edit must not be applied ([CN7]).
const ALLOWED: Duration = Duration::from_secs(30);
/// An edit that was decided in time may be written down as that much later.
const COMMIT: Duration = Duration::from_secs(1);
/// If the fault is planted, the token really lasts longer than the row thinks by this.
const LONGER: Duration = Duration::from_secs(60);
/// Flooders: each transport on each hub.
const FLOODERS: usize = 6;

/// What all rounds found.
#[derive(Default)]
struct Found {
    acks: u64,
    late: u64,
    reopened: u64,
    /// Milliseconds after the token's end, at most.
    applied_ms: f64,
    acked_ms: f64,
    shown_ms: f64,
    ends: Vec<String>,
}

/// Rounds.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let (gate, rounds, mut found) = (Gate::open(run).await?, run.times(10, 1), Found::default());
    for round in 1..=rounds {
        // Once it is watched how long somebody silent is shown what others do.
        let watched = if round == 1 { run.pick(ALLOWED, COMMIT) + 2 * COMMIT } else { 2 * COMMIT };
        expire(run, &gate, &format!("brief-{round}"), watched, &mut found).await?;
        run.say(&format!("{round} of {rounds} tokens"));
    }
    let mut findings = Findings::default();
    let bars = &mut findings.bars;
    bars.push(Bar::count_at_least("edits acked before a token's end", found.acks, 20 * rounds as u64));
    bars.push(Bar::count_at_most("edits applied after a token's end (and 1 s for their commit)", found.late, 0));
    bars.push(Bar::count_at_most("connections and calls with a token that had ended", found.reopened, 0));
    bars.push(Bar::ms_at_most("a silent member was shown its last event, after the end", found.shown_ms, 31_000.0));
    findings.figure("last edit applied, after the token's end, ms", found.applied_ms);
    findings.figure("last ack, after the token's end, ms", found.acked_ms);
    found.ends.sort();
    found.ends.dedup();
    findings.remarks.extend(found.ends.iter().take(FLOODERS).map(|end| format!("a flood ended with: {end}")));
    Ok(findings)
}

async fn expire(run: &Run, gate: &Gate, user: &str, watched: Duration, found: &mut Found) -> Result<(), LoadError> {
    let mut keeper = gate.desk(0, &gate.token("keeper")?);
    let (project, blocks) = gate.project(&mut keeper, FLOODERS + 1, &[user]).await?;
    let lasts = Duration::from_secs(run.pick(10, 4));
    let (begun, since_1970) = (Instant::now(), since_1970());
    let token = gate.signer.user(user, user, if run.planted { lasts + LONGER } else { lasts })?;
    let (end, end_1970) = (begun + lasts, since_1970 + lasts);
    let patience = end + if run.planted { 3 * COMMIT } else { ALLOWED + COMMIT };
    let (push, mut pushes) = unbounded_channel();
    let mut silent = gate.line(0, Tongue::WebSocket, &token, Some(push)).await?;
    join(&mut silent, &project).await?;
    let mut floods = JoinSet::new();
    for (mouth, block) in mouths(gate, &token, &project).await?.into_iter().zip(blocks.clone()) {
        let (mut mouth, project): (Mouth, _) = (mouth, project.clone());
        floods.spawn(async move { mouth.flood(&project, &block, patience).await });
    }
    // Somebody whose token lasts goes on, so that there is something to be shown.
    let (token_of_keeper, last) = (gate.token("keeper")?, blocks[FLOODERS].clone());
    let mut other = Mouth::Desk(gate.desk(1, &token_of_keeper));
    let quiet = end + watched;
    let (_, floods) = tokio::join!(other.flood(&project, &last, quiet), floods.join_all());
    sleep_until(quiet).await;
    floods.into_iter().for_each(|flood| found.take(flood, end));
    while let Ok(push) = pushes.try_recv() {
        found.shown(&push, end);
    }
    found.applied(&mut keeper, &project, user, end_1970).await?;
    found.again(gate, &token, &project).await
}

/// Every transport on each hub.
async fn mouths(gate: &Gate, token: &str, project: &str) -> Result<Vec<Mouth>, LoadError> {
    let mut mouths = Vec::new();
    for hub in 0..2 {
        for tongue in Tongue::ALL {
            let mut line: Line = gate.line(hub, tongue, token, None).await?;
            join(&mut line, project).await?;
            mouths.push(Mouth::Line(line));
        }
        mouths.push(Mouth::Desk(gate.desk(hub, token)));
    }
    Ok(mouths)
}

fn ms_after(moment: Instant, end: Instant) -> f64 {
    moment.saturating_duration_since(end).as_secs_f64() * 1_000.0
}

impl Found {
    fn take(&mut self, flood: Flood, end: Instant) {
        self.acks += flood.good;
        self.acked_ms = flood.last.map_or(self.acked_ms, |last| self.acked_ms.max(ms_after(last, end)));
        let code =
            serde_json::from_str::<Value>(&flood.end).ok().and_then(|end| Some(end["code"].as_str()?.to_owned()));
        self.ends.push(code.unwrap_or(flood.end));
    }

    fn shown(&mut self, push: &Push, end: Instant) {
        if push.message["type"] == "events" {
            self.shown_ms = self.shown_ms.max(ms_after(push.at, end));
        }
    }

    /// Looks through the log, newest first, until all is before the token's end.
    async fn applied(&mut self, keeper: &mut Desk, project: &str, user: &str, end: Duration) -> Result<(), LoadError> {
        let mut before = u64::MAX >> 12;
        loop {
            let path = format!("/api/projects/{project}/events?before={before}&limit=500");
            let page = keeper.must("GET", &path, &Value::Null).await?;
            let events = page["events"].as_array().cloned().unwrap_or_default();
            let Some(oldest) = events.last() else { return Ok(()) };
            for event in events.iter().filter(|event| event["actor"]["id"] == *user) {
                let at = moment(event["at"].as_str().unwrap_or_default());
                let at = at.ok_or_else(|| LoadError::Wrong(event.to_string()))?;
                let after = at.saturating_sub(end);
                self.applied_ms = self.applied_ms.max(after.as_secs_f64() * 1_000.0);
                self.late += u64::from(after > COMMIT);
            }
            before = oldest["seq"].as_u64().unwrap_or(0);
            let oldest = oldest["at"].as_str().and_then(moment).unwrap_or_default();
            if oldest < end || before <= 1 {
                return Ok(());
            }
        }
    }

    /// With the same token, once more.
    async fn again(&mut self, gate: &Gate, token: &str, project: &str) -> Result<(), LoadError> {
        for hub in 0..2 {
            for tongue in Tongue::ALL {
                self.reopened += u64::from(gate.line(hub, tongue, token, None).await.is_ok());
            }
            for path in [format!("/api/projects/{project}"), "/api/projects".to_owned()] {
                let got = gate.desk(hub, token).call("GET", &path, &Value::Null).await?;
                self.reopened += u64::from(got.is_none_or(|got| got.status != 401));
            }
        }
        Ok(())
    }
}

/// Of `2026-01-31T12:00:00.000Z`, since 1970: days by the civil calendar (Hinnant, "chrono-compatible algorithms").
fn moment(text: &str) -> Option<Duration> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days - 719_468) * 86_400 + number(11..13)? * 3_600 + number(14..16)? * 60 + number(17..19)?;
    Some(Duration::from_millis(seconds * 1_000 + number(20..23)?))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_is_read_as_the_hub_writes_it() {
        let ms = |text| moment(text).map(|moment| moment.as_millis());
        assert_eq!(ms("1970-01-01T00:00:00.001Z"), Some(1));
        assert_eq!(ms("2000-02-29T12:34:56.789Z"), Some(951_827_696_789));
        assert_eq!(ms("soon"), None);
    }
}
