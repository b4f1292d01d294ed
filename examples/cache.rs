//! What a read costs that a cache answers in process: `cargo run --release --example cache`.
//!
//! Promises: nothing is loaded while it counts, and what is printed is the mean of all reads.
//! Must never: be a test; machines differ.

use std::sync::Arc;
use std::time::Instant;

use blockhub::cache::key::{Key, Kind};
use blockhub::cache::local::Weighed;
use blockhub::cache::{Cache, Found, Options};
use blockhub::domain::ids::{ProjectId, UserId};
use uuid::Uuid;

const KEYS: usize = 1_000;
const READS: u32 = 2_000_000;

#[derive(Clone)]
struct Value(Arc<[u8]>);

impl Weighed for Value {
    fn bytes(&self) -> usize {
        self.0.len()
    }
}

#[tokio::main]
async fn main() {
    let cache: Cache<Value, ()> = Cache::new(Kind::Projects, &Options::default());
    let keys: Vec<Key> =
        (0..KEYS).map(|n| Key::project(ProjectId(Uuid::new_v4()), &UserId::from(&*format!("user-{n}")))).collect();
    for key in &keys {
        cache.put(key.clone(), Value(Arc::from(&[0; 200][..]))).await;
    }
    for tasks in [1, 4] {
        let began = Instant::now();
        let readers = (0..tasks).map(|_| tokio::spawn(read(cache.clone(), keys.clone(), READS / tasks)));
        for reader in readers.collect::<Vec<_>>() {
            reader.await.expect("a reader panicked");
        }
        println!("{tasks} readers: {:.0} ns for each hit", began.elapsed().as_nanos() as f64 / f64::from(READS));
    }
    let figures = cache.figures().await;
    println!("{} hits, {} loads, {} entries in {} bytes", figures.hits, figures.loads, figures.entries, figures.bytes);
}

async fn read(cache: Cache<Value, ()>, keys: Vec<Key>, reads: u32) {
    for key in keys.iter().cycle().take(reads as usize) {
        let found = cache.get(key.clone(), Found::Hit, |_| true, || async { Err(()) }).await;
        assert!(found.is_ok(), "a read was not answered in process");
    }
}
