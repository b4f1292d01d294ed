//! Single flight: what many ask for at once is done once, and all get the answer.
//!
//! Promises: the work runs in a task of its own: whoever asked first may go away, and the others get their answer all
//! the same. Work that panics, or takes longer than `WITHIN`, is `Lost` for those who wait; the next who asks begins
//! anew.
//! Must never: keep an answer.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use tokio::sync::watch;

/// For one piece of work. Stores and rooms give up before that.
const WITHIN: Duration = Duration::from_secs(60);

/// The work ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what was asked for ended without an answer")]
pub struct Lost;

type UnderWay<K, T> = Arc<DashMap<K, watch::Receiver<Option<T>>>>;

/// Work that is under way, by name.
#[derive(Debug)]
pub struct Flights<K: Eq + Hash, T> {
    /// The task at work holds the other end; its entry ends with it, however it ends.
    under_way: UnderWay<K, T>,
}

impl<K: Eq + Hash, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self { under_way: Arc::default() }
    }
}

impl<K, T> Flights<K, T>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The answer to what is under way by this name, or to `work`, which is begun if nothing is.
    pub async fn join<F>(&self, name: K, work: impl FnOnce() -> F) -> Result<T, Lost>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut told = self.begin(name, work);
        let answer = told.wait_for(Option::is_some).await.map_err(|_| Lost)?;
        answer.clone().ok_or(Lost)
    }

    /// Begins `work` unless it is under way; nobody need wait for it.
    pub fn begin<F>(&self, name: K, work: impl FnOnce() -> F) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        match self.under_way.entry(name.clone()) {
            Entry::Occupied(under_way) => under_way.get().clone(),
            Entry::Vacant(vacant) => {
                let (tell, told) = watch::channel(None);
                vacant.insert(told.clone());
                let (ending, work) = (Ending { under_way: self.under_way.clone(), name }, work());
                tokio::spawn(async move {
                    let answer = tokio::time::timeout(WITHIN, work).await;
                    // Before anybody is told: who comes then begins anew, and finds what this has left in the cache.
                    drop(ending);
                    if let Ok(answer) = answer {
                        tell.send_replace(Some(answer));
                    }
                });
                told
            }
        }
    }
}

/// Ends the entry, also if the work panics.
struct Ending<K: Eq + Hash, T> {
    under_way: UnderWay<K, T>,
    name: K,
}

impl<K: Eq + Hash, T> Drop for Ending<K, T> {
    fn drop(&mut self) {
        self.under_way.remove(&self.name);
    }
}
