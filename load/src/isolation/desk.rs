//! One user's HTTP calls, on a connection that is kept.
//!
//! Promises: head and body of every answer are looked through for marks; every answer has a request id of its own, the
//! same in its header and in its body; who is told to come again does, until an answer is too late.
//! Must never: send anything else the second time.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::tally::Tally;
use crate::LoadError;
use crate::http::{Answer, Http};
use crate::marks::{Marks, Sight};
use crate::way::Way;

/// After that an answer is too late.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Who is told to come again without being told when.
const AGAIN_MS: u64 = 200;

/// A user's.
pub struct Desk {
    way: Way,
    token: String,
    user: u32,
    http: Option<Http>,
    marks: Arc<Marks>,
    tally: Arc<Tally>,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    /// The status.
    pub status: u16,
    /// Its JSON; null if it has none.
    pub body: Value,
    /// How often one was told to come again before.
    pub refusals: u64,
}

/// What one try brought.
enum Tried {
    Answered(u16, Value),
    /// Come again, after so many milliseconds.
    Refused(u64),
    /// The connection had ended.
    Ended,
}

impl Desk {
    /// Of a user with a token.
    pub fn new(way: Way, token: &str, user: u32, marks: Arc<Marks>, tally: Arc<Tally>) -> Self {
        Self { way, token: token.to_owned(), user, http: None, marks, tally }
    }

    /// One call. None if there was no answer in time.
    pub async fn call(&mut self, method: &str, path: &str, body: &Value) -> Result<Option<Got>, LoadError> {
        let (until, mut refusals) = (Instant::now() + DEADLINE, 0);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        while Instant::now() < until {
            match self.attempt(method, path, text.as_bytes()).await? {
                Tried::Answered(status, body) => return Ok(Some(Got { status, body, refusals })),
                Tried::Refused(after_ms) => {
                    refusals += 1;
                    sleep(Duration::from_millis(after_ms)).await;
                }
                Tried::Ended => {
                    self.http = None;
                    self.tally.reopened();
                }
            }
        }
        Ok(None)
    }

    /// One call that must succeed; its answer.
    pub async fn must(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, LoadError> {
        match self.call(method, path, body).await? {
            Some(got) if (200..300).contains(&got.status) => Ok(got.body),
            Some(got) => Err(LoadError::Wrong(format!("{method} {path}: {} {}", got.status, got.body))),
            None => Err(LoadError::Wrong(format!("{method} {path}: no answer in time"))),
        }
    }

    async fn attempt(&mut self, method: &str, path: &str, body: &[u8]) -> Result<Tried, LoadError> {
        let http = match &mut self.http {
            Some(http) => http,
            none => none.insert(Http::connect_by(&self.way, &self.token).await?),
        };
        match http.call(method, path, "", body).await {
            Ok(answer) => judge(&answer, self.user, &self.marks, &self.tally),
            // One that idles is closed by whoever is tired of it first.
            Err(LoadError::Closed { .. } | LoadError::Io(_)) => Ok(Tried::Ended),
            Err(error) => Err(error),
        }
    }
}

fn judge(answer: &Answer<'_>, user: u32, marks: &Marks, tally: &Tally) -> Result<Tried, LoadError> {
    marks.check(Sight { reader: user, place: "the head of an HTTP answer" }, answer.head)?;
    marks.check(Sight { reader: user, place: "an HTTP answer" }, answer.body)?;
    if matches!(answer.status, 429 | 502..=504) && answer.header("x-request-id").is_none() {
        // The balancer's own, without a hub behind it.
        tally.refused(&format!("{} of nginx", answer.status));
        return Ok(Tried::Refused(AGAIN_MS));
    }
    let words = String::from_utf8_lossy(answer.body);
    let id = tally.request_id(answer.header("x-request-id"), &words)?;
    let body: Value = if answer.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(answer.body).map_err(|_| answer.wrong())?
    };
    // An event names the request that made it.
    let is_event = !body["actor"].is_null();
    if !is_event && body["requestId"].as_str().is_some_and(|named| named != id.to_string()) {
        return Err(LoadError::Wrong(format!("header and body name two requests, {id} and {}", body["requestId"])));
    }
    match answer.status {
        429 | 500 | 503 => {
            tally.refused(&words);
            Ok(Tried::Refused(body["retryAfterMs"].as_u64().unwrap_or(AGAIN_MS)))
        }
        status => Ok(Tried::Answered(status, body)),
    }
}
