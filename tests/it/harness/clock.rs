//! The clock of a test on one thread, which can be moved.

use std::time::Duration;

/// So much later: what was to happen until then has happened, as far as it waits for nothing but time.
pub async fn forward(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
}
