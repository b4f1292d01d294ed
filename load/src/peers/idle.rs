//! Memory of connections that say nothing: first connected, then each in a project with nine others.
//!
//! Promises: memory is the server's resident set; what a server needs once is not counted, as far as the first
//! connections wake it.
//! Must never: ask a server to tidy up first: nobody does so in production.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Size;
use super::member::Member;
use super::report::Better::Less;
use super::report::Outcome;
use super::subject::Stage;
use super::tongue::{Place, Speaker};
use crate::LoadError;

/// These are not counted.
const FIRST: usize = 100;
const ROOM: usize = 10;
/// A server gives back what it needed for the opening within this.
const SETTLE: Duration = Duration::from_secs(2);

/// In words.
pub fn how(size: &Size) -> String {
    format!("{} connections, alone and then in projects of {ROOM}; the first {FIRST} not counted", size.connections)
}

/// Measures one subject.
pub async fn run(stage: &Stage, size: &Size, outcome: &mut Outcome) -> Result<(), LoadError> {
    let places = open_places(stage, size.connections.div_ceil(ROOM)).await?;
    let first = FIRST.min(size.connections / 2);
    let (join, told) = watch::channel(false);
    let (joined, mut all_joined) = mpsc::channel(size.connections.max(1));
    let mut tasks = JoinSet::new();
    let mut empty = 0;
    for number in 0..size.connections {
        if number == first {
            sleep(SETTLE).await;
            empty = stage.staff().hub_kib();
        }
        let speaker = Speaker { place: places[number / ROOM].clone(), number, own: 0..0 };
        let member = Member::connect(stage, speaker).await?;
        tasks.spawn(idle(member, told.clone(), joined.clone()));
    }
    drop(joined);
    sleep(SETTLE).await;
    let connected = stage.staff().hub_kib();
    join.send_replace(true);
    for _ in 0..size.connections {
        tokio::select! {
            _ = all_joined.recv() => {}
            Some(ended) = tasks.join_next() => ended.map_err(|error| LoadError::Wrong(error.to_string()))??,
        }
    }
    sleep(SETTLE).await;
    let in_rooms = stage.staff().hub_kib();
    let each = |after: u64| after.saturating_sub(empty) as f64 / (size.connections - first).max(1) as f64;
    outcome.figure("KiB a connection, alone", each(connected), Less);
    outcome.figure("KiB a connection, in a project", each(in_rooms), Less);
    outcome.figure("the server alone, MiB", empty as f64 / 1_024.0, Less);
    Ok(())
}

async fn open_places(stage: &Stage, count: usize) -> Result<Vec<Arc<Place>>, LoadError> {
    let mut places = Vec::with_capacity(count);
    for _ in 0..count {
        places.push(stage.place(1).await?);
    }
    Ok(places)
}

/// Answers what the protocol wants answered; joins when told to.
async fn idle(mut member: Member, mut join: watch::Receiver<bool>, joined: mpsc::Sender<()>) -> Result<(), LoadError> {
    let mut waiting = Some(joined);
    loop {
        if let Some(joined) = waiting.take_if(|_| *join.borrow_and_update()) {
            member.join().await?;
            // The run is over if nobody listens.
            let _ = joined.send(()).await;
        }
        tokio::select! {
            heard = member.step() => { heard?; }
            changed = join.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}
