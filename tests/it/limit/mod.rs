//! How much of what anybody may do: windows, leases, blocks; over HTTP, over sockets, on one hub and on several.

mod answers;
mod hubs;
mod shares;
mod windows;

use std::time::Duration;

use blockhub::domain::access::Tier;
use blockhub::domain::ids::UserId;
use blockhub::domain::quota::Resource;
use blockhub::limit::{Denied, Limits, Spender};

/// What comes until then may have been on its way when its sender was told to wait.
const ON_ITS_WAY: Duration = Duration::from_secs(11);

/// A user that no other test has.
fn somebody() -> UserId {
    UserId::from(uuid::Uuid::new_v4().to_string().as_str())
}

/// Spends one of a user who pays nothing.
async fn spend(limits: &Limits, user: &UserId, resource: Resource) -> Result<(), Denied> {
    let spender = Spender { user: Some((user, Tier::Free)), ..Spender::default() };
    limits.spend(resource, spender).await.map(drop)
}

/// How many of so many pass.
async fn passed(limits: &Limits, user: &UserId, resource: Resource, tries: usize) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        passed += usize::from(spend(limits, user, resource).await.is_ok());
    }
    passed
}

/// What a user who pays nothing has left.
async fn left(limits: &Limits, user: &UserId, resource: Resource) -> u32 {
    let quotas = limits.quotas(user, Tier::Free).await;
    quotas.iter().find(|quota| quota.resource == resource).unwrap().standing.unwrap().left
}
