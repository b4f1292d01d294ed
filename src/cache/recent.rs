//! Which projects were used last, over all hubs: what a hub that starts has ready before it is asked.
//!
//! Promises: at most `KEPT_MAX` of them, the latest.
//! Must never: hold anybody up; without Redis nothing is known.

use ::redis::cmd;

use crate::domain::ids::ProjectId;
use crate::domain::sequence::Timestamp;
use crate::redis_link::RedisLink;

/// How many are remembered.
pub const KEPT_MAX: usize = 256;

const PLACE: &str = "blockhub:cache:used";

/// The list, in Redis.
#[derive(Clone, Debug)]
pub struct Recent {
    link: RedisLink,
}

impl Recent {
    /// The list that is kept there.
    pub fn new(link: RedisLink) -> Self {
        Self { link }
    }

    /// These are in use now. A list that cannot be written is a little older.
    pub async fn note(&self, projects: &[ProjectId], now: Timestamp) {
        if projects.is_empty() {
            return;
        }
        let mut add = cmd("ZADD");
        add.arg(PLACE);
        for project in projects.iter().take(KEPT_MAX) {
            add.arg(now.0).arg(project.to_string());
        }
        if self.link.run::<i64>(&add).await.is_ok() {
            // Ranks count from the oldest; the last `KEPT_MAX` stay.
            let beyond = -(KEPT_MAX as i64) - 1;
            let _ = self.link.run::<i64>(cmd("ZREMRANGEBYRANK").arg(PLACE).arg(0).arg(beyond)).await;
        }
    }

    /// The latest first.
    pub async fn last(&self, count: usize) -> Vec<ProjectId> {
        let range = cmd("ZREVRANGE").arg(PLACE).arg(0).arg(count.saturating_sub(1)).to_owned();
        let names: Vec<String> = self.link.run(&range).await.unwrap_or_default();
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }
}
