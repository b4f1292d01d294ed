//! Who is here, across hubs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use blockhub::bus::local::LocalBus;
use blockhub::bus::{self, Bus, BusState, Hint, News};
use blockhub::domain::event::{Actor, ActorKind};
use blockhub::domain::ids::{ConnectionId, HubRun, ProjectId, UserId};
use blockhub::domain::presence::{Basis, Heard, Present, Roster, Told, Update};
use blockhub::transport::auth::Keys;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::redis::desk;
use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, Peer, parts};
use crate::harness::redis::shared_url;

on_both!(pr1_who_joins_on_one_hub_sees_at_once_who_is_on_the_other, pr1_what_changes_on_one_hub_is_told_on_the_other,);

async fn two(database: &Database) -> (Desk, Desk) {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
    let hub = async || Desk::of(parts(database.store().await, bus.clone(), Keys::Open));
    (hub().await, hub().await)
}

fn users(members: &Value) -> Vec<&str> {
    let mut users: Vec<_> =
        members.as_array().unwrap().iter().map(|member| member["user"]["id"].as_str().unwrap()).collect();
    users.sort_unstable();
    users
}

async fn pr1_who_joins_on_one_hub_sees_at_once_who_is_on_the_other(database: &Database) {
    let (here, there) = two(database).await;
    sees_at_once(&here, &there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pr1_the_same_over_redis() {
    let database = Database::postgres().await;
    let (here, there) = (desk(&database, &shared_url()).await, desk(&database, &shared_url()).await);
    sees_at_once(&here, &there).await;
    database.drop().await;
}

async fn sees_at_once(here: &Desk, there: &Desk) {
    let project = here.project().await;
    let mut ann = here.peer("ann").await;
    ann.say(json!({"type": "join", "project": project, "presence": {"at": 1}})).await;
    ann.hear("joined").await;
    let mut bob = there.peer("bob").await;
    bob.say(json!({"type": "join", "project": project})).await;
    let joined = bob.hear("joined").await;
    assert_eq!(users(&joined["members"]), ["ann", "bob"]);
    let of_ann = joined["members"].as_array().unwrap().iter().find(|member| member["user"]["id"] == "ann").unwrap();
    assert_eq!(of_ann["state"], json!({"at": 1}));
}

/// Waits until somebody is told this of somebody else's connection.
async fn told(peer: &mut Peer, is: impl Fn(&Value) -> bool) {
    loop {
        let presence = peer.hear("presence").await;
        if presence["updates"].as_array().unwrap().iter().any(&is) {
            return;
        }
    }
}

async fn pr1_what_changes_on_one_hub_is_told_on_the_other(database: &Database) {
    let (here, there) = two(database).await;
    let project = here.project().await;
    let (mut ann, mut bob) = (here.joined("ann", &project).await, there.joined("bob", &project).await);
    told(&mut ann, |update| update["user"]["id"] == "bob").await;
    for n in 0..5 {
        bob.say(json!({"type": "presence", "project": project, "state": {"n": n}})).await;
    }
    told(&mut ann, |update| update["state"] == json!({"n": 4})).await;
    bob.say(json!({"type": "leave", "project": project})).await;
    told(&mut ann, |update| update["left"] == true).await;
    let mut carl = here.peer("carl").await;
    carl.say(json!({"type": "join", "project": project})).await;
    assert_eq!(users(&carl.hear("joined").await["members"]), ["ann", "carl"]);
}

/// Carries everything but signs of life, which would tell too, but later.
#[derive(Default)]
struct NoSignsOfLife(LocalBus);

#[async_trait]
impl Bus for NoSignsOfLife {
    fn publish(&self, hint: Hint) {
        if !matches!(&hint.news, News::Presence(Told { basis: Basis::Revision(_), updates, .. }) if updates.is_empty())
        {
            self.0.publish(hint);
        }
    }
    fn is_heard(&self) -> bool {
        self.0.is_heard()
    }
    fn hints(&self) -> broadcast::Receiver<bus::Heard> {
        self.0.hints()
    }
    async fn follow(&self, project: ProjectId) -> usize {
        self.0.follow(project).await
    }
    fn unfollow(&self, project: ProjectId) {
        self.0.unfollow(project);
    }
    fn state(&self) -> BusState {
        self.0.state()
    }
}

#[tokio::test]
async fn pr1_who_joins_on_a_third_hub_just_after_others_is_told_at_once() {
    let database = Database::sqlite();
    let bus: Arc<dyn Bus> = Arc::new(NoSignsOfLife::default());
    let hub = async || Desk::of(parts(database.store().await, bus.clone(), Keys::Open));
    let (first, second, third) = (hub().await, hub().await, hub().await);
    let project = first.project().await;
    let mut ann = first.joined("ann", &project).await;
    let mut bob = second.joined("bob", &project).await;
    told(&mut ann, |update| update["user"]["id"] == "bob").await;
    let _carl = third.joined("carl", &project).await;
    told(&mut ann, |update| update["user"]["id"] == "carl").await;
    told(&mut bob, |update| update["user"]["id"] == "carl").await;
}

/// A hub in whose room ann is, and a bus on which a test speaks for other hubs.
async fn overheard(database: &Database) -> (Desk, Arc<LocalBus>, ProjectId, Peer) {
    let bus = Arc::new(LocalBus::default());
    let hub = Desk::of(parts(database.store().await, bus.clone(), Keys::Open));
    let project = hub.project().await;
    let ann = hub.joined("ann", &project).await;
    (hub, bus, project.parse().unwrap(), ann)
}

#[tokio::test]
async fn pr1_news_that_are_missed_just_after_asking_are_asked_for_too() {
    let database = Database::sqlite();
    let (_hub, bus, project, _ann) = overheard(&database).await;
    let mut hints = bus.hints();
    for other in [1, 2] {
        let told = Told { basis: Basis::Revision(1), revision: 2, updates: vec![Update::Left(connection(9))] };
        bus.publish(Hint { from: HubRun(Uuid::from_u128(other)), project, news: News::Presence(told) });
    }
    let asked_twice = async {
        let mut asked = 0;
        while asked < 2 {
            let hint = hints.recv().await.unwrap();
            asked += usize::from(matches!(hint, bus::Heard::Hint(Hint { news: News::WhoIsHere, .. })));
        }
    };
    tokio::time::timeout(30 * SECOND, asked_twice).await.expect("it asks but once");
}

const SECOND: Duration = Duration::from_secs(1);

fn connection(n: u128) -> ConnectionId {
    ConnectionId(Uuid::from_u128(n))
}

fn comes(roster: &mut Roster, n: u128) {
    roster.join(connection(n), Arc::new(Actor { id: UserId::from("ann"), name: None, kind: ActorKind::Human }), None);
}

fn here(roster: &Roster) -> Vec<ConnectionId> {
    roster.everybody().map(|(id, _)| id).collect()
}

fn hears(roster: &mut Roster, told: &Told, at: u32) -> Heard {
    roster.hear(HubRun(Uuid::from_u128(9)), told.clone(), SECOND * at)
}

#[test]
fn pr1_news_without_the_news_before_them_are_asked_for_and_the_whole_mends_it() {
    let (mut there, mut roster) = (Roster::beginning(100), Roster::default());
    comes(&mut there, 1);
    let first = there.take_own_changes().unwrap();
    assert_eq!(hears(&mut roster, &first, 0), Heard::Hole, "nothing is known of that hub");
    let whole = there.own();
    assert_eq!(hears(&mut roster, &whole, 0), Heard::Taken);
    comes(&mut there, 2);
    let lost = there.take_own_changes().unwrap();
    there.leave(connection(1));
    let next = there.take_own_changes().unwrap();
    assert_eq!(hears(&mut roster, &next, 1), Heard::Hole);
    assert_eq!(here(&roster), [connection(1)]);
    assert_eq!(hears(&mut roster, &there.sign_of_life(), 1), Heard::Hole, "a sign of life tells it too");
    assert_eq!(hears(&mut roster, &there.own(), 1), Heard::Taken);
    assert_eq!(here(&roster), [connection(2)]);
    assert_eq!(hears(&mut roster, &lost, 2), Heard::Hole, "what comes late changes nothing");
    assert_eq!(here(&roster), [connection(2)]);
    assert_eq!(hears(&mut roster, &there.sign_of_life(), 2), Heard::Taken);
}

#[test]
fn pr2_everybody_on_a_hub_that_is_silent_is_withdrawn_and_nobody_else() {
    let (mut there, mut roster) = (Roster::default(), Roster::default());
    comes(&mut roster, 7);
    comes(&mut there, 1);
    hears(&mut roster, &there.own(), 0);
    roster.take_changes();
    hears(&mut roster, &there.sign_of_life(), 10);
    roster.expire(SECOND * 41, SECOND * 32);
    assert_eq!(here(&roster), [connection(1), connection(7)]);
    roster.expire(SECOND * 43, SECOND * 32);
    assert_eq!(here(&roster), [connection(7)]);
    let changes = roster.take_changes();
    assert!(matches!(changes[..], [Update::Left(gone)] if gone == connection(1)), "{changes:?}");
    assert!(!roster.knows_others());
}

#[tokio::test]
async fn pr1_everybody_on_a_crowded_hub_is_heard_of_however_much_they_say() {
    let database = Database::sqlite();
    let (_hub, bus, project, mut ann) = overheard(&database).await;
    let _another_hub = bus.hints();
    let state: Arc<RawValue> = RawValue::from_string(format!("\"{}\"", "x".repeat(1 << 20))).unwrap().into();
    let actor = Arc::new(Actor { id: UserId::from("bob"), name: None, kind: ActorKind::Human });
    let here = |n| Update::Here(connection(n), Present { actor: actor.clone(), state: Some(state.clone()) });
    let told = Told { basis: Basis::Whole, revision: 2, updates: (0..5).map(here).collect() };
    bus.publish(Hint { from: HubRun(Uuid::from_u128(1)), project, news: News::Presence(told) });
    let heard = async {
        while users(&ann.ask(json!({"type": "join", "project": project.to_string()})).await["members"]).len() < 6 {}
    };
    tokio::time::timeout(30 * SECOND, heard).await.expect("they are never heard of");
}
