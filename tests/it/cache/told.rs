//! What hubs tell each other is old, when some of it is not heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use blockhub::bus::{Bus, BusState, Heard, Hint};
use blockhub::domain::ids::ProjectId;
use blockhub::transport::auth::Keys;
use tokio::sync::broadcast::{self, Sender};

use super::roles::caller;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, parts};
use crate::harness::redis::until;

/// One hub's end of a wire that can be cut.
struct End {
    own: Sender<Heard>,
    other: Sender<Heard>,
    cut: AtomicBool,
}

fn wire() -> [Arc<End>; 2] {
    let [one, other] = [(); 2].map(|()| broadcast::channel(64).0);
    let end = |own: &Sender<Heard>, other: &Sender<Heard>| {
        Arc::new(End { own: own.clone(), other: other.clone(), cut: AtomicBool::new(false) })
    };
    [end(&one, &other), end(&other, &one)]
}

#[async_trait]
impl Bus for End {
    fn publish(&self, hint: Hint) {
        if !self.cut.load(Ordering::SeqCst) {
            let _ = self.other.send(Heard::Hint(hint));
        }
    }
    fn is_heard(&self) -> bool {
        true
    }
    fn hints(&self) -> broadcast::Receiver<Heard> {
        self.own.subscribe()
    }
    async fn follow(&self, _: ProjectId) -> usize {
        1
    }
    fn unfollow(&self, _: ProjectId) {}
    fn state(&self) -> BusState {
        BusState::Connected
    }
}

#[tokio::test]
async fn a_theme_written_while_its_hub_was_not_heard_is_read_elsewhere_once_it_is() {
    let (database, ends) = (Database::sqlite(), wire());
    let hub = async |end: &Arc<End>| Desk::of(parts(database.store().await, end.clone(), Keys::Open));
    let here = hub(&ends[0]).await;
    let write = async |json: &str| here.hub.write_theme(&caller("ann"), "night".to_owned(), json.to_owned()).await;
    write("{}").await.unwrap();
    let there = hub(&ends[1]).await;
    let read = async || there.hub.read_theme(&caller("bob"), "night").await.ok().map(|(_, json)| json);
    assert_eq!(read().await.as_deref(), Some("{}"));
    ends[0].cut.store(true, Ordering::SeqCst);
    write(r#"{"colors":{}}"#).await.unwrap();
    assert_eq!(read().await.as_deref(), Some("{}"), "nobody could tell");
    // It hears again, and is told that it may have missed something; so may the others.
    ends[0].cut.store(false, Ordering::SeqCst);
    ends[0].own.send(Heard::Gap).unwrap();
    until("the other hub has it", async || (read().await.as_deref() == Some(r#"{"colors":{}}"#)).then_some(())).await;
}
