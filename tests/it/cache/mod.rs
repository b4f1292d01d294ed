//! What is kept at hand: loaded once, never too old, nobody else's.

mod http;
mod roles;
mod shared;
mod stampede;
mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blockhub::cache::key::{Key, Kind};
use blockhub::cache::local::Weighed;
use blockhub::cache::redis::Portable;
use blockhub::cache::{Cache, Missed, Options, Using};
use blockhub::domain::ids::ProjectId;
use blockhub::domain::sequence::{Epoch, Seq};
use uuid::Uuid;

use crate::harness::redis::link;

/// What these tests keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl Weighed for Text {
    fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl Portable for Text {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

pub type TextCache = Cache<Text, &'static str>;

/// A cache as one hub has it; with this Redis, if one is named.
pub fn cache(redis: Option<&str>) -> TextCache {
    Cache::new(Kind::Snapshots, &Options { using: Using::On, bytes_max: 1 << 20, redis: redis.map(link) })
}

/// A key that nobody has used.
pub fn fresh_key() -> Key {
    Key::snapshot(ProjectId(Uuid::new_v4()), Epoch { log: 7, timeline: 1 }, Seq(1))
}

pub fn fine(text: &str) -> Result<Text, Missed<&'static str>> {
    Ok(Text(text.to_owned()))
}

/// Counts loads.
#[derive(Clone, Debug, Default)]
pub struct Loads(Arc<AtomicUsize>);

impl Loads {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A load that gives this.
    pub fn of(&self, text: &str) -> impl Future<Output = Result<Text, &'static str>> + Send + 'static {
        let (loads, text) = (self.clone(), Text(text.to_owned()));
        async move {
            loads.0.fetch_add(1, Ordering::SeqCst);
            Ok(text)
        }
    }
}
