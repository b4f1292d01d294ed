//! The bus over a real Redis: hubs of one process that share nothing but Redis and the database.

use std::sync::Arc;
use std::time::Duration;

use blockhub::bus::redis::RedisBus;
use blockhub::bus::{Bus, BusState, Heard, Hint, News};
use blockhub::domain::ids::{HubRun, ProjectId};
use blockhub::hub::HubParts;
use blockhub::transport::auth::Keys;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh, parts};
use crate::harness::redis::{RedisServer, ask, link, shared_url, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A bus that has reached Redis, and what is heard on it from then on.
pub async fn bus(url: &str) -> (Arc<RedisBus>, HubRun, Receiver<Heard>) {
    let run = HubRun(Uuid::new_v4());
    let bus = Arc::new(RedisBus::start(link(url), run));
    let heard = bus.hints();
    until("the bus is connected", async || (bus.state() == BusState::Connected).then_some(())).await;
    (bus, run, heard)
}

/// A hub on this database and this Redis.
pub async fn desk(database: &Database, url: &str) -> Desk {
    let (bus, run, _) = bus(url).await;
    Desk::of(HubParts { run, ..parts(database.store().await, bus, Keys::Open) })
}

async fn hint(heard: &mut Receiver<Heard>) -> Hint {
    loop {
        match timeout(PATIENCE, heard.recv()).await.expect("nothing is heard").unwrap() {
            Heard::Hint(hint) => return hint,
            Heard::Gap => {}
        }
    }
}

fn wave(from: HubRun, project: ProjectId) -> Hint {
    Hint { from, project, news: News::Changed }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_hears_of_just_the_projects_that_it_follows_and_not_of_itself() {
    let url = shared_url();
    let ((here, me, mut heard_here), (there, other, mut heard_there)) = (bus(&url).await, bus(&url).await);
    let [followed, unheard] = [0; 2].map(|_| ProjectId(Uuid::new_v4()));
    assert_eq!(here.follow(followed).await, 0);
    assert_eq!(there.follow(followed).await, 1);
    assert_eq!(there.follow(unheard).await, 0);
    there.publish(wave(other, unheard));
    there.publish(wave(other, followed));
    assert_eq!(hint(&mut heard_here).await.project, followed);
    here.publish(wave(me, followed));
    // Had it heard its own, that would have come first.
    let first = hint(&mut heard_there).await;
    assert_eq!((first.from, first.project), (me, followed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_follows_any_more_is_unsubscribed_from_and_what_two_follow_is_not() {
    let url = shared_url();
    let (bus, ..) = bus(&url).await;
    let project = ProjectId(Uuid::new_v4());
    bus.follow(project).await;
    bus.follow(project).await;
    let channel = format!("blockhub:project:{project}");
    let followers = async || ask::<(String, u64)>(&url, &["PUBSUB", "NUMSUB", &channel]).await.unwrap().1;
    assert_eq!(followers().await, 1);
    bus.unfollow(project);
    // The next question is answered after what was asked before it.
    bus.follow(ProjectId(Uuid::new_v4())).await;
    assert_eq!(followers().await, 1);
    bus.unfollow(project);
    bus.follow(ProjectId(Uuid::new_v4())).await;
    assert_eq!(followers().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_comes_back_subscribed_and_is_told_as_a_gap() {
    let mut server = RedisServer::start(&[]).await;
    let ((here, _, mut heard), (there, other, _)) = (bus(&server.url()).await, bus(&server.url()).await);
    let project = ProjectId(Uuid::new_v4());
    here.follow(project).await;
    server.kill().await;
    assert!(matches!(heard.recv().await, Ok(Heard::Gap)), "the first connection is told too");
    let away = |bus: &RedisBus| (bus.state() == BusState::Away).then_some(());
    until("the loss is noticed", async || away(&here).and_then(|()| away(&there))).await;
    // Nobody waits for a Redis that is away, and nothing is kept for it.
    here.publish(wave(other, project));
    assert_eq!(here.follow(ProjectId(Uuid::new_v4())).await, 0);
    server.again().await;
    let told = timeout(PATIENCE, heard.recv()).await.expect("no gap is told").unwrap();
    assert!(matches!(told, Heard::Gap), "{told:?}");
    until("the other is back", async || (there.state() == BusState::Connected).then_some(())).await;
    there.publish(wave(other, project));
    assert_eq!(hint(&mut heard).await.project, project);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_not_there_holds_nothing_up() {
    let server = RedisServer::start(&[]).await;
    let url = server.url();
    drop(server);
    let database = Database::sqlite();
    let bus = Arc::new(RedisBus::start(link(&url), HubRun(Uuid::new_v4())));
    let desk = Desk::of(parts(database.store().await, bus, Keys::Open));
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    ann.insert(&project, json!({"n": 1})).await;
    ann.event(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jn5_two_hubs_on_one_redis_bring_each_other_the_same_bytes() {
    let database = Database::postgres().await;
    let (here, there) = (desk(&database, &shared_url()).await, desk(&database, &shared_url()).await);
    let project = here.project().await;
    let (mut ann, mut bob) = (here.joined("ann", &project).await, there.joined("bob", &project).await);
    let block = ann.insert(&project, json!({"text": "long enough to be compressed ".repeat(100)})).await;
    for n in 1..10 {
        let (hers, his) = (ann.event(n).await, bob.event(n).await);
        assert_eq!(hers, his);
        let author = if n % 2 == 0 { &mut ann } else { &mut bob };
        let op = json!([{"op": "update", "block": block, "baseVersion": n, "patch": {"n": n}}]);
        assert_eq!(author.edit(&project, op).await["type"], "ack");
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pr3_ed7_signals_and_notices_of_conflicts_reach_the_other_hub() {
    let database = Database::postgres().await;
    let (here, there) = (desk(&database, &shared_url()).await, desk(&database, &shared_url()).await);
    let project = here.project().await;
    let (mut ann, mut bob) = (here.joined("ann", &project).await, there.joined("bob", &project).await);
    ann.say(json!({"type": "signal", "project": project, "event": "wave", "data": {"n": 1}})).await;
    assert_eq!(bob.hear("signal").await["data"], json!({"n": 1}));
    let block = ann.insert(&project, json!({"n": 0})).await;
    let update = |base: u64| json!([{"op": "update", "block": block, "baseVersion": base, "patch": {"n": base}}]);
    assert_eq!(ann.edit(&project, update(1)).await["type"], "ack");
    let late = json!({"type": "edit", "project": project, "editId": fresh(), "onConflict": "reject", "ops": update(1)});
    let id = ann.say(late).await;
    assert_eq!(ann.answer(&id).await["type"], "conflict");
    let notice: Value = bob.hear("conflicted").await;
    assert_eq!(notice["blocks"], json!([block]));
    database.drop().await;
}
