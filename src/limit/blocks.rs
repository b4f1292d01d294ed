//! Who is blocked altogether, because they went on when they were told to wait.
//!
//! A block is a minute long, the next one twice as long as the last, an hour at most; an hour after its end it is
//! forgotten. With Redis blocks are everybody's, without it this hub's.
//!
//! Promises: every block ends; one that all hubs know ends here within `LOOK_AGAIN` of when it was lifted.
//! Must never: cost those who are not blocked more than a look.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::time::Instant;

use super::ledger::Ledger;
use super::subject::Subject;

const FIRST_MS: u64 = 60_000;
const LONGEST_MS: u64 = 3_600_000;
/// How long strikes are remembered after their block.
const KEPT_MS: u64 = 3_600_000;
/// After so long it is asked again whether a block still stands.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Subjects whose strikes are remembered here; beyond it those whose strikes are oldest are forgiven.
const SUBJECTS_MAX: usize = 100_000;

/// A block, as this hub knows it.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its end.
    pub until: Instant,
    /// How many there were, with this one, as long as they are remembered.
    pub strikes: u32,
    known: Known,
}

/// By whom.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// All hubs, as was seen then.
    ToAll { looked: Instant },
    /// This hub: the others could not be told, when that was tried last.
    Here { tried: Instant },
}

impl Block {
    /// How long it lasts from now on, in milliseconds; none if it has ended.
    pub fn left_ms(&self, now: Instant) -> Option<u64> {
        let left = self.until.saturating_duration_since(now);
        u64::try_from(left.as_millis()).ok().filter(|left| *left > 0)
    }
}

/// Who is blocked, and who was.
pub struct Blocks {
    ledger: Option<Arc<Ledger>>,
    known: RwLock<HashMap<Subject, Block>>,
}

impl Blocks {
    /// Nobody yet; with a ledger, blocks are shared.
    pub fn new(ledger: Option<Arc<Ledger>>) -> Self {
        Self { ledger, known: RwLock::default() }
    }

    /// How long a subject is still blocked, in milliseconds.
    pub async fn left_ms(&self, subject: &Subject, now: Instant) -> Option<u64> {
        let block = self.find(subject)?;
        let left_ms = block.left_ms(now)?;
        let Some(ledger) = &self.ledger else { return Some(left_ms) };
        match block.known {
            Known::ToAll { looked } if now >= looked + LOOK_AGAIN => self.look_again(ledger, subject, now).await,
            Known::Here { tried } if now >= tried + LOOK_AGAIN => {
                let told = ledger.block(subject, block.strikes, left_ms).await;
                let known = told.map_or(Known::Here { tried: now }, |()| Known::ToAll { looked: now });
                self.note(subject, left_ms, block.strikes, now, known);
                Some(left_ms)
            }
            _ => Some(left_ms),
        }
    }

    /// What stands elsewhere counts, if it can be asked for.
    async fn look_again(&self, ledger: &Ledger, subject: &Subject, now: Instant) -> Option<u64> {
        match ledger.blocked(subject).await {
            Ok(None) => {
                self.known.write().remove(subject);
                None
            }
            Ok(Some((for_ms, strikes))) => {
                self.note(subject, for_ms, strikes, now, Known::ToAll { looked: now });
                Some(for_ms)
            }
            Err(_) => self.find(subject).and_then(|block| block.left_ms(now)),
        }
    }

    /// Another hub has blocked a subject.
    pub fn heard_of(&self, subject: &Subject, for_ms: u64, now: Instant) {
        let strikes = self.find(subject).map_or(1, |block| block.strikes);
        self.note(subject, for_ms, strikes, now, Known::ToAll { looked: now });
    }

    /// One more strike against a subject: how long it is blocked, in milliseconds.
    pub async fn strike(&self, subject: &Subject, now: Instant) -> u64 {
        let remembered = |block: &Block| now < block.until + Duration::from_millis(KEPT_MS);
        let strikes = 1 + self.find(subject).filter(remembered).map_or(0, |block| block.strikes);
        let alone = FIRST_MS.saturating_mul(1 << strikes.saturating_sub(1).min(16)).min(LONGEST_MS);
        let told = match &self.ledger {
            Some(ledger) => ledger.strike(subject, FIRST_MS, LONGEST_MS, KEPT_MS).await.ok(),
            None => None,
        };
        let (for_ms, known) =
            told.map_or((alone, Known::Here { tried: now }), |for_ms| (for_ms, Known::ToAll { looked: now }));
        tracing::warn!(%subject, for_ms, strikes, "blocked: too many requests in spite of retryAfterMs");
        metrics::counter!("blockhub_limit_blocks_total").increment(1);
        self.make_room(now);
        self.note(subject, for_ms, strikes, now, known);
        for_ms
    }

    /// Ends a block, and forgets the strikes.
    pub fn forget(&self, subject: &Subject) {
        self.known.write().remove(subject);
    }

    /// The blocks that stand, as far as this hub knows.
    pub fn standing(&self, now: Instant) -> Vec<(Subject, Block)> {
        let known = self.known.read();
        let standing = known.iter().filter(|(_, block)| block.left_ms(now).is_some());
        standing.map(|(subject, block)| (subject.clone(), *block)).collect()
    }

    fn find(&self, subject: &Subject) -> Option<Block> {
        self.known.read().get(subject).copied()
    }

    fn note(&self, subject: &Subject, for_ms: u64, strikes: u32, now: Instant, known: Known) {
        let until = now + Duration::from_millis(for_ms);
        self.known.write().insert(subject.clone(), Block { until, strikes, known });
    }

    fn make_room(&self, now: Instant) {
        let mut known = self.known.write();
        if known.len() >= SUBJECTS_MAX {
            known.retain(|_, block| now < block.until + Duration::from_millis(KEPT_MS));
        }
        if known.len() >= SUBJECTS_MAX {
            known.retain(|_, block| block.left_ms(now).is_some());
        }
    }
}
