//! Many connections that work at once, in stretches.
//!
//! Promises: after each stretch every edit is answered, and every member has every event of its projects; one that has
//! not ends the run.
//! Must never: give out figures of a stretch in which something was wrong.

pub mod author;
pub mod desk;
pub mod ledger;
pub mod memo;
pub mod part;
pub mod projects;
pub mod schedule;
pub mod seat;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep_until, timeout};

use self::ledger::{Clock, Ledger, Tally};
use self::part::{Part, Plan, Tools, hear};
use self::seat::Seat;
use crate::LoadError;
use crate::watch::{Staff, Usage, Watch};

/// How long the last answers may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// For what is on its way and is not answered, such as signals.
const GRACE: Duration = Duration::from_millis(200);

/// A time to work in, of the run's clock, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From.
    pub begin: u64,
    /// To.
    pub until: u64,
}

/// What came of a stretch.
pub struct Stretch {
    /// The connections, for the next.
    pub seats: Vec<Seat>,
    /// What was counted.
    pub tally: Tally,
    /// What it cost.
    pub usage: Usage,
    /// How long something was sent.
    pub seconds: f64,
}

/// Lets all work for so many seconds, each as planned for its number.
pub async fn perform(
    staff: &Staff,
    seats: Vec<Seat>,
    seconds: f64,
    plan: impl Fn(usize, Span) -> Plan,
) -> Result<Stretch, LoadError> {
    let clock = Clock::start();
    let begin = clock.micros() + 20_000;
    let span = Span { begin, until: begin + (seconds * 1e6) as u64 };
    let ledger = Arc::new(Ledger::new(clock));
    let tools = Tools { ledger: ledger.clone(), scan: Arc::default(), memo: Arc::default() };
    let (stop, stopped) = watch::channel(false);
    let (mut tasks, watch) = (JoinSet::new(), Watch::begin(staff.clone()));
    for (number, seat) in seats.into_iter().enumerate() {
        let part = Part::new(seat, plan(number, span), tools.clone());
        let stopped = stopped.clone();
        tasks.spawn(async move { Ok((number, part.play(stopped).await?)) });
    }
    tokio::select! {
        () = sleep_until(clock.instant(span.until) + GRACE) => {}
        Some(ended) = tasks.join_next() => return Err(early(ended)),
    }
    stop.send_replace(true);
    let late = |_| LoadError::Wrong("edits were not answered".into());
    let mut seats = timeout(PATIENCE, gather(tasks)).await.map_err(late)??;
    let late = |_| LoadError::Wrong("events were not delivered".into());
    timeout(PATIENCE, settle(&mut seats, &tools)).await.map_err(late)??;
    Ok(Stretch { seats, tally: ledger.take(), usage: watch.end(), seconds })
}

type Ended = Result<Result<(usize, Seat), LoadError>, JoinError>;

fn early(ended: Ended) -> LoadError {
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(_)) => LoadError::Wrong("a member left early".into()),
        Err(error) => LoadError::Wrong(error.to_string()),
    }
}

async fn gather(mut tasks: JoinSet<Result<(usize, Seat), LoadError>>) -> Result<Vec<Seat>, LoadError> {
    let mut seats = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        seats.push(ended.map_err(|error| LoadError::Wrong(error.to_string()))??);
    }
    seats.sort_by_key(|(number, _)| *number);
    Ok(seats.into_iter().map(|(_, seat)| seat).collect())
}

/// Reads on until every member has every event.
pub async fn settle(seats: &mut [Seat], tools: &Tools) -> Result<(), LoadError> {
    let heads = heads(seats);
    for seat in seats {
        let Seat { socket, rooms, author } = seat;
        while rooms.iter().any(|room| heads.get(&room.project).is_some_and(|head| room.seq < *head)) {
            hear(rooms, author, tools, socket.next().await?)?;
        }
    }
    Ok(())
}

/// The last seq of each project that anybody knows of.
fn heads(seats: &[Seat]) -> HashMap<String, u64> {
    let mut heads = HashMap::new();
    for room in seats.iter().flat_map(|seat| &seat.rooms) {
        let head = heads.entry(room.project.clone()).or_insert(0);
        *head = room.seq.max(room.acked).max(*head);
    }
    heads
}
