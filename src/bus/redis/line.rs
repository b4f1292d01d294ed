//! The one connection of the bus: publishes, subscribes, finds out that it is dead, comes back.
//!
//! Promises: a connection that is silently dead is given up within a few seconds; attempts pause with growing back-off
//! and jitter; what is followed is subscribed to again before anybody is told that the bus is back.
//! Must never: publish what waited while Redis was away: it is old.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisResult};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{Shared, Wish, count_dropped, queue_bytes};
use crate::bus::{Heard, Hint, packet};
use crate::domain::ids::ProjectId;
use crate::pause::Pause;
use crate::redis_link::{RedisLink, RedisLinkError};

/// Hints in one round trip.
const HINTS_PER_TRIP_MAX: usize = 256;
/// Channels in one command.
const CHANNELS_PER_TRIP_MAX: usize = 512;
/// How often the connection is asked whether it lives, and what is subscribed to is compared with what is followed.
const PULSE: Duration = Duration::from_secs(2);
/// Between a loss and the next attempt, at first.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Between attempts, at most.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A connection that lived as long was a good one.
const LIVED: Duration = Duration::from_secs(5);

/// What the bus is asked to do. The bus holds the other ends.
pub(super) struct Inbox {
    pub(super) hints: mpsc::Receiver<Hint>,
    pub(super) wishes: mpsc::Receiver<Wish>,
}

/// Keeps a connection until it is dropped.
pub(super) async fn run(link: RedisLink, shared: Arc<Shared>, mut inbox: Inbox) {
    let mut pause = Pause::between(PAUSE_MIN, PAUSE_MAX);
    let mut told = false;
    loop {
        let begun = Instant::now();
        let loss = match Line::connect(&link, shared.clone()).await {
            Ok(mut line) => {
                tracing::info!(redis = link.describe(), "the bus is connected");
                told = false;
                let ended = line.serve(&mut inbox).await;
                shared.connected.store(false, Ordering::Release);
                metrics::gauge!("blockhub_bus_connected").set(0.0);
                ended.map_or_else(|error| error.to_string(), |()| "the connection ended".to_owned())
            }
            Err(error) => error.to_string(),
        };
        if !told {
            tracing::warn!(
                redis = link.describe(),
                loss,
                "the bus is away; the edits of other hubs are found by comparing heads"
            );
            told = true;
        }
        inbox.empty(&shared);
        if begun.elapsed() > LIVED {
            pause.reset();
        }
        sleep(pause.draw()).await;
    }
}

impl Inbox {
    /// What waits is of no use any more.
    fn empty(&mut self, shared: &Shared) {
        while let Ok(hint) = self.hints.try_recv() {
            shared.queued_bytes.fetch_sub(queue_bytes(&hint), Ordering::Relaxed);
            count_dropped(1);
        }
        while self.wishes.try_recv().is_ok() {}
    }
}

/// A connection.
struct Line {
    shared: Arc<Shared>,
    connection: MultiplexedConnection,
    subscribed: HashSet<ProjectId>,
    /// Told by the connection when it ends.
    ended: Arc<Notify>,
}

impl Line {
    async fn connect(link: &RedisLink, shared: Arc<Shared>) -> Result<Self, RedisLinkError> {
        let ended = Arc::new(Notify::new());
        let pushes = {
            let (shared, ended) = (shared.clone(), ended.clone());
            move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    ended.notify_one();
                }
                shared.hear(&push);
                Ok::<(), ()>(())
            }
        };
        let connection = link.connect_subscriber(pushes).await?;
        Ok(Self { shared, connection, subscribed: HashSet::new(), ended })
    }

    /// Works until the connection ends.
    async fn serve(&mut self, inbox: &mut Inbox) -> RedisResult<()> {
        self.follow_all().await?;
        self.shared.connected.store(true, Ordering::Release);
        metrics::gauge!("blockhub_bus_connected").set(1.0);
        metrics::counter!("blockhub_bus_connections_total").increment(1);
        // An error means that nobody listens yet.
        let _ = self.shared.heard.send(Heard::Gap);
        let (mut hints, mut wishes) = (Vec::new(), Vec::new());
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = self.ended.clone();
        loop {
            tokio::select! {
                biased;
                () = ended.notified() => return Ok(()),
                _ = inbox.wishes.recv_many(&mut wishes, CHANNELS_PER_TRIP_MAX) => {
                    self.grant(std::mem::take(&mut wishes)).await?;
                }
                _ = pulse.tick() => self.beat().await?,
                count = inbox.hints.recv_many(&mut hints, HINTS_PER_TRIP_MAX) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.publish(std::mem::take(&mut hints)).await?;
                }
            }
        }
    }

    async fn publish(&mut self, hints: Vec<Hint>) -> RedisResult<()> {
        let begun = Instant::now();
        let mut pipe = redis::pipe();
        for hint in &hints {
            pipe.cmd("PUBLISH").arg(channel(hint.project)).arg(packet::write(hint)).ignore();
        }
        let bytes: usize = hints.iter().map(queue_bytes).sum();
        let published = pipe.exec_async(&mut self.connection).await;
        self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        metrics::counter!("blockhub_bus_published_total").increment(hints.len() as u64);
        metrics::histogram!("blockhub_bus_publish_seconds").record(begun.elapsed().as_secs_f64());
        published
    }

    /// Subscribes and unsubscribes, and tells those who wait.
    async fn grant(&mut self, wishes: Vec<Wish>) -> RedisResult<()> {
        self.align(wishes.iter().map(|wish| wish.project).collect()).await?;
        let waiting: Vec<_> =
            wishes.into_iter().filter_map(|wish| wish.others.map(|others| (wish.project, others))).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let mut count = redis::cmd("PUBSUB");
        count.arg("NUMSUB");
        for (project, _) in &waiting {
            count.arg(channel(*project));
        }
        let counts: Vec<(String, usize)> = count.query_async(&mut self.connection).await?;
        for ((_, others), (_, followers)) in waiting.into_iter().zip(counts) {
            // One is this hub.
            let _ = others.send(followers.saturating_sub(1));
        }
        Ok(())
    }

    /// Asks whether the connection lives, and makes up for wishes that found no place.
    async fn beat(&mut self) -> RedisResult<()> {
        redis::cmd("PING").exec_async(&mut self.connection).await?;
        self.follow_all().await
    }

    async fn follow_all(&mut self) -> RedisResult<()> {
        let followed = self.shared.followed.iter().map(|followed| *followed.key());
        let all: HashSet<_> = followed.chain(self.subscribed.iter().copied()).collect();
        let differs =
            |project: &ProjectId| self.shared.followed.contains_key(project) != self.subscribed.contains(project);
        let differing: Vec<_> = all.into_iter().filter(differs).collect();
        for some in differing.chunks(CHANNELS_PER_TRIP_MAX) {
            self.align(some.iter().copied().collect()).await?;
        }
        Ok(())
    }

    /// Brings the subscriptions of these projects to what is followed now.
    async fn align(&mut self, projects: HashSet<ProjectId>) -> RedisResult<()> {
        let followed = |project: &ProjectId| self.shared.followed.contains_key(project);
        let (wanted, unwanted): (Vec<_>, Vec<_>) = projects.into_iter().partition(followed);
        let begin: Vec<_> = wanted.into_iter().filter(|project| !self.subscribed.contains(project)).collect();
        let end: Vec<_> = unwanted.into_iter().filter(|project| self.subscribed.contains(project)).collect();
        if !begin.is_empty() {
            self.connection.subscribe(channels(&begin)).await?;
            self.subscribed.extend(begin);
        }
        if !end.is_empty() {
            self.connection.unsubscribe(channels(&end)).await?;
            self.subscribed.retain(|project| !end.contains(project));
        }
        Ok(())
    }
}

/// Where hints about a project go.
fn channel(project: ProjectId) -> String {
    format!("blockhub:project:{project}")
}

fn channels(projects: &[ProjectId]) -> Vec<String> {
    projects.iter().map(|project| channel(*project)).collect()
}
