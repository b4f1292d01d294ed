//! What a run counts.
//!
//! Promises: every request id that anybody was told is kept, so that one that comes twice is found.
//! Must never: count a request as served that was not answered rightly in the end.

use std::collections::HashSet;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::LoadError;
use crate::times::Times;

/// By what a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A text frame.
    WebSocket,
    /// An event with an ack.
    SocketIo,
    /// A call.
    Http,
}

impl Transport {
    /// All, in the order in which figures are kept.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::SocketIo, Self::Http];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::SocketIo => "Socket.IO",
            Self::Http => "HTTP",
        }
    }
}

/// Counts of all users.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

/// What was counted.
#[derive(Default)]
pub struct Counts {
    /// Of requests that were served, by transport.
    pub times: [Times; 3],
    /// Of these, refused for now at first.
    pub served_later: u64,
    /// Refusals for now.
    pub refusals: u64,
    /// Requests that got no answer in time, and those that their users never came to then.
    pub unserved: u64,
    /// Requests that are over, one way or the other.
    pub done: u64,
    /// HTTP connections that were opened again.
    pub reopened: u64,
    /// Answers that were one's own, but not what one had written last.
    pub stale: u64,
    /// Request ids that came a second time.
    pub doubled: u64,
    /// Why requests were refused: the first few.
    pub words: Vec<String>,
    ids: HashSet<Uuid>,
}

impl Counts {
    /// Requests that were served.
    pub fn served(&self) -> u64 {
        self.times.iter().map(Times::count).sum()
    }

    /// Different request ids.
    pub fn ids(&self) -> u64 {
        self.ids.len() as u64
    }
}

/// Refusals of which the words are kept.
const WORDS_MAX: usize = 5;

impl Tally {
    /// A request was served.
    pub fn served(&self, transport: Transport, micros: u64, refused_before: u64) {
        let mut counts = self.0.lock();
        counts.times[transport as usize].add_micros(micros);
        counts.served_later += u64::from(refused_before > 0);
        counts.done += 1;
    }

    /// So many were not.
    pub fn unserved(&self, requests: u64) {
        let mut counts = self.0.lock();
        counts.unserved += requests;
        counts.done += requests;
    }

    /// Somebody was told to come again.
    pub fn refused(&self, words: &str) {
        let mut counts = self.0.lock();
        counts.refusals += 1;
        if counts.words.len() < WORDS_MAX {
            counts.words.push(words.to_owned());
        }
    }

    /// An answer was behind one's own last write.
    pub fn stale(&self) {
        self.0.lock().stale += 1;
    }

    /// An HTTP connection was opened again.
    pub fn reopened(&self) {
        self.0.lock().reopened += 1;
    }

    /// An answer had this request id, which every answer must have.
    pub fn request_id(&self, id: Option<&str>, answer: &str) -> Result<Uuid, LoadError> {
        let id = id.and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| LoadError::Wrong(format!("an answer without a request id: {answer}")))?;
        let mut counts = self.0.lock();
        counts.doubled += u64::from(!counts.ids.insert(id));
        Ok(id)
    }

    /// Requests that are over.
    pub fn done(&self) -> u64 {
        self.0.lock().done
    }

    /// All of it.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock())
    }
}
