//! What clients are told to do, and who they are.
//!
//! Promises: whoever gives an order hears what came of it, if the order has an answer.
//! Must never: be the only way in which a client acts; mostly it follows its habit.

use histcheck::id::Id;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::chance::Chance;

/// What a row can tell a client to do.
pub enum Order {
    /// Edit now, in these words; the edit's name is told at once, its answer when it has come.
    Edit {
        /// Words that stand in the edit.
        words: String,
        /// Hears what it is called.
        named: oneshot::Sender<Named>,
        /// Hears what became of it.
        answer: oneshot::Sender<Answer>,
    },
    /// Send somebody's edit once more, as one's own.
    Repeat(Repeat),
    /// Go to this hub now, unless it is there.
    Go(usize),
}

/// An edit that a client was told to make.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// What it is called.
    pub edit: Id,
    /// Where.
    pub project: Id,
}

/// An edit that is sent once more.
#[derive(Clone, Debug)]
pub struct Repeat {
    /// Where.
    pub project: Id,
    /// What it is called.
    pub edit: Id,
    /// The message, unchanged.
    pub message: String,
    /// Not before this.
    pub at: Instant,
}

/// What a client does by itself.
#[derive(Clone, Debug)]
pub enum Habit {
    /// It edits, and sends again what was not answered.
    Edits,
    /// It edits, has others send its edits once more, and now and then takes an ack for not seen.
    Insists {
        /// The same user's other client, on another hub. It takes its time; what does not fit is not sent.
        echo: mpsc::Sender<Order>,
    },
    /// It only does what it is told.
    Obeys,
}

/// What became of an edit, as far as rows need it; an `error` after which it is sent again is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is in the log.
    Acked {
        /// Its place there.
        seq: u64,
        /// Whether it had been applied before.
        duplicate: bool,
    },
    /// Somebody was faster: it was not applied.
    Conflicted,
}

/// Who a client is.
pub struct Person {
    /// In the history.
    pub number: u32,
    /// To the hubs.
    pub user: String,
    /// Where it wants to be.
    pub projects: Vec<Id>,
    /// The hub it likes best.
    pub home: usize,
    /// What it does by itself.
    pub habit: Habit,
    /// Its luck.
    pub chance: Chance,
}
