//! A project held for one commit: the two ends of it.
//!
//! Promises: the transaction lives in a task of its own, which owns its connection; who asked for it may go away at any
//! moment. It ends with the commit, when the `Hold` is dropped, or after `HOLD_MAX`, whichever comes first.
//! Must never: leave it open whether a commit that came just as the time was up was done.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::failure::Refused;
use super::{Commit, Committed, Hold, StoreError};

/// How long a project is held for a commit that does not come.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(5);

type Opened = Result<Option<Box<dyn Hold>>, StoreError>;
type Answer = Result<Committed, StoreError>;

/// The store's end. It is closed by the task that holds the project; if that panics, whoever waits is told.
pub(super) struct Door {
    waiting: Waiting,
}

/// Who waits at the other end, and for what.
enum Waiting {
    /// `Store::hold`, for the lock.
    ForLock(oneshot::Sender<Opened>),
    /// `Hold::commit`.
    ForAnswer(oneshot::Sender<Answer>),
    Nobody,
}

/// What is asked of a hold.
struct Order {
    commit: Commit,
    answer: oneshot::Sender<Answer>,
}

/// The caller's end.
struct Handle {
    /// The task that holds the project waits at the other end, at most `HOLD_MAX`.
    orders: oneshot::Sender<Order>,
}

/// Runs `task` by itself, with a door that it must close; what it says of the lock.
pub(super) async fn hold<F>(task: impl FnOnce(Door) -> F) -> Opened
where
    F: Future<Output = ()> + Send + 'static,
{
    let (opened, opening) = oneshot::channel();
    tokio::spawn(task(Door { waiting: Waiting::ForLock(opened) }));
    opening.await.unwrap_or_else(|_| Err(StoreError::Broken("a lock's task ended early".into())))
}

impl Door {
    /// Says that the project is held, and waits for what to commit; `None`: nothing, let go.
    pub(super) async fn held(&mut self) -> Option<Commit> {
        let Waiting::ForLock(opened) = std::mem::replace(&mut self.waiting, Waiting::Nobody) else { return None };
        let (orders, mut ordered) = oneshot::channel();
        // Whoever went away has dropped the handle, and so the wait below ends at once.
        let _ = opened.send(Ok(Some(Box::new(Handle { orders }))));
        let order = match timeout(HOLD_MAX, &mut ordered).await {
            Ok(order) => order.ok(),
            Err(_) => last_order(ordered),
        }?;
        self.waiting = Waiting::ForAnswer(order.answer);
        Some(order.commit)
    }

    /// Tells whoever waits how it ended. `Refused::Taken` and `Late` mean what they mean to a commit.
    pub(super) fn close(self, ended: Result<Committed, Refused>) {
        // Nobody there to hear it is nothing to worry about: the database knows.
        match (self.waiting, ended) {
            (Waiting::ForLock(opened), Err(Refused::Late)) => drop(opened.send(Ok(None))),
            (Waiting::ForLock(opened), Err(refused)) => drop(opened.send(Err(refused.into_error()))),
            (Waiting::ForAnswer(answer), ended) => drop(answer.send(answer_of(ended))),
            (Waiting::ForLock(_) | Waiting::Nobody, _) => {}
        }
    }
}

/// The time is up: from now on nobody can order, and an order that was quicker than that still counts.
fn last_order(mut ordered: oneshot::Receiver<Order>) -> Option<Order> {
    ordered.close();
    ordered.try_recv().ok()
}

fn answer_of(ended: Result<Committed, Refused>) -> Answer {
    match ended {
        Ok(committed) => Ok(committed),
        Err(Refused::Taken) => Ok(Committed::Stale),
        Err(Refused::Late) => Ok(Committed::Locked),
        Err(Refused::Failed(error)) => Err(error),
    }
}

#[async_trait]
impl Hold for Handle {
    async fn commit(self: Box<Self>, commit: Commit) -> Answer {
        let (answer, answered) = oneshot::channel();
        match self.orders.send(Order { commit, answer }) {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(StoreError::Broken("a held commit ended early".into()))),
            // The time was up before: the project is not ours, and nothing was written.
            Err(_) => Ok(Committed::Locked),
        }
    }
}
