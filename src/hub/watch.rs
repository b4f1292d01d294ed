//! Looks again and again where the open projects stand in the store, and listens to other hubs' hints (design,
//! invariant 4).
//!
//! Promises: what another hub, or another program, did to an open project is seen within about a second, with the bus
//! or without.
//! Must never: ask the store more than once a turn.

use std::collections::{HashMap, HashSet};
use std::sync::Weak;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};

use super::Hub;
use super::heads::Known;
use super::room::command::Command;
use crate::bus::{EVERYBODY, Heard, Hint, News};
use crate::cache::key::{Group, Kind, NoGroup};
use crate::domain::ids::ProjectId;
use crate::store::Head;

/// How often heads are compared: so that with the question, and what was on its way, a withdrawn role ends within a
/// second also while the bus is away ([AC2]).
const INTERVAL: Duration = Duration::from_millis(600);
/// Projects that are only read, in one comparison; those beyond are asked for when somebody reads them.
const READ_MAX: usize = 1_000;

/// What is cached of this is known to be old by what hubs tell each other alone: projects are confirmed by the store, and
/// snapshots are named by what they are.
const TOLD: Group = Group::Kind(Kind::Themes);

/// Compares heads until the hub is gone.
pub async fn compare_heads(hub: Weak<Hub>) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let Some(look_now) = hub.upgrade().map(|hub| hub.look_now.clone()) else { return };
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = look_now.notified() => {}
        }
        let Some(hub) = hub.upgrade() else { return };
        compare(&hub).await;
    }
}

/// Where do the open projects stand, and those that are read of late?
async fn compare(hub: &Hub) {
    let (rooms, read) = (hub.registry.projects(), hub.cached.heads.read_of_late(READ_MAX));
    hub.cached.tell_sizes();
    let projects: Vec<_> = rooms.iter().chain(&read).copied().collect::<HashSet<_>>().into_iter().collect();
    if projects.is_empty() {
        return;
    }
    let asked = Instant::now();
    match hub.store.heads(&projects).await {
        Ok(heads) => {
            let heads: HashMap<_, _> = heads.into_iter().map(|head| (head.project, head)).collect();
            for project in &projects {
                hub.cached.heads.confirm(*project, Known { asked, head: heads.get(project).copied() });
            }
            tell(hub, &rooms, &heads);
        }
        Err(error) => tracing::warn!(%error, rooms = rooms.len(), "heads could not be compared"),
    }
}

/// Rooms that are behind, or whose project is gone, look for themselves.
fn tell(hub: &Hub, projects: &[ProjectId], heads: &HashMap<ProjectId, Head>) {
    for project in projects {
        let command = match heads.get(project) {
            None => Command::Changed,
            Some(head) => match hub.registry.standing(*project) {
                Some(standing) if standing.is_behind(head) => Command::Ahead(*head),
                _ => continue,
            },
        };
        metrics::counter!("blockhub_heads_behind_total").increment(1);
        // A full or closing room: the next turn comes in a second.
        drop(hub.registry.send_if_open(*project, command));
    }
}

/// Brings what is heard on the bus to the rooms it concerns, until the hub is gone.
pub async fn listen(hub: Weak<Hub>) {
    let Some((bus, mut heard)) = hub.upgrade().map(|hub| (hub.bus.clone(), hub.bus.hints())) else { return };
    bus.follow(EVERYBODY).await;
    // The bus ends with the hub, and this with the bus.
    drop(bus);
    loop {
        let heard = heard.recv().await;
        let Some(hub) = hub.upgrade() else { return };
        match heard {
            Ok(Heard::Hint(hint)) if hint.from == hub.run => {}
            Ok(Heard::Hint(Hint { news: News::Forget(group), .. })) => forget(&hub, &group),
            Ok(Heard::Hint(Hint { from, project, news })) => {
                let brought = if hub.registry.hear(project, from, news) { "yes" } else { "no" };
                metrics::counter!("blockhub_hints_total", "brought" => brought).increment(1);
            }
            Ok(Heard::Gap) => {
                // What this hub told may not have been heard either.
                hub.forget(&TOLD);
                look_everywhere(&hub);
            }
            Err(RecvError::Lagged(lost)) => {
                metrics::counter!("blockhub_hints_lost_total").increment(lost);
                hub.cached.forget(&TOLD);
                look_everywhere(&hub);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Another hub says that what is cached of this is old.
fn forget(hub: &Hub, group: &str) {
    match group.parse() {
        Ok(group) => hub.cached.forget(&group),
        // A later version's.
        Err(NoGroup) => tracing::debug!(group, "another hub names a group that this version does not know"),
    }
}

/// Hints were lost: heads are compared now, and the rooms ask each other who is here.
fn look_everywhere(hub: &Hub) {
    metrics::counter!("blockhub_bus_gaps_total").increment(1);
    for project in hub.registry.projects() {
        drop(hub.registry.send_if_open(project, Command::Gap));
    }
    // Not here: a database that is slow must not hold up what else is heard.
    hub.look_now.notify_one();
}
