//! Two hubs in one process on one database: what one does, the other's clients get.

use std::sync::Arc;

use blockhub::bus::Bus;
use blockhub::bus::local::LocalBus;
use blockhub::domain::access::{Access, Role};
use blockhub::domain::ids::UserId;
use blockhub::domain::sequence::Timestamp;
use blockhub::transport::auth::Keys;
use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, Peer, fresh, parts};
use crate::harness::faulty::{Fault, FaultyStore};

on_both!(
    jn5_edits_of_another_hub_arrive_in_order_with_the_bus_and_without,
    ed5_two_hubs_editing_one_block_both_get_an_answer_that_can_be_settled,
    ed5_an_edit_that_loses_every_race_is_decided_while_nobody_else_can_commit,
    ed3_two_hubs_updating_different_blocks_never_race,
    ms5_the_reply_precedes_the_event_also_if_what_came_between_cannot_be_read,
    ac2_a_role_changed_on_one_hub_counts_on_the_other_with_the_bus_and_without,
    ac3_a_project_deleted_on_one_hub_is_over_on_the_other,
    pr3_a_signal_reaches_the_other_hub_once,
);

async fn two(database: &Database, first: Arc<dyn Bus>, second: Arc<dyn Bus>) -> (Desk, Desk) {
    let store = || database.store();
    (Desk::of(parts(store().await, first, Keys::Open)), Desk::of(parts(store().await, second, Keys::Open)))
}

async fn jn5_edits_of_another_hub_arrive_in_order_with_the_bus_and_without(database: &Database) {
    let shared: Arc<dyn Bus> = Arc::new(LocalBus::default());
    for bus in [Some(shared), None] {
        let own = || -> Arc<dyn Bus> { Arc::new(LocalBus::default()) };
        let (here, there) = two(database, bus.clone().unwrap_or_else(own), bus.clone().unwrap_or_else(own)).await;
        let project = here.project().await;
        let mut ann = here.joined("ann", &project).await;
        let mut bob = there.joined("bob", &project).await;
        let block = ann.insert(&project, json!({"n": 0})).await;
        for n in 1..5 {
            let op = json!([{"op": "update", "block": block, "baseVersion": n, "patch": {"n": n}}]);
            assert_eq!(ann.edit(&project, op).await["type"], "ack");
        }
        let mut seqs = Vec::new();
        while seqs.len() < 5 {
            let events = bob.hear("events").await;
            seqs.extend(events["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()));
        }
        assert_eq!(seqs, [1, 2, 3, 4, 5]);
    }
}

async fn ed5_two_hubs_editing_one_block_both_get_an_answer_that_can_be_settled(database: &Database) {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
    let (here, there) = two(database, bus.clone(), bus).await;
    let project = here.project().await;
    let mut ann = here.joined("ann", &project).await;
    let block = ann.insert(&project, json!({"n": 0})).await;
    let mut bob = there.joined("bob", &project).await;
    let (mut acks, mut version) = (0, 1);
    for round in 0..20 {
        let edit = |who: &str| {
            json!({"type": "edit", "project": project, "editId": fresh(), "ops": [
                {"op": "update", "block": block, "baseVersion": version, "patch": {"n": format!("{who} {round}")}}]})
        };
        let (hers, his) = (ann.say(edit("ann")).await, bob.say(edit("bob")).await);
        let answers = [ann.answer(&hers).await, bob.answer(&his).await];
        let won: Vec<_> = answers.iter().filter(|answer| answer["type"] == "ack").collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let lost = answers.iter().find(|answer| answer["type"] == "conflict").unwrap();
        assert_eq!(lost["conflicts"][0]["paths"], json!(["/n"]));
        assert_eq!(lost["conflicts"][0]["current"]["version"], won[0]["versions"][&block]);
        (acks, version) = (acks + 1, version + 1);
    }
    assert_eq!(here.head(&project).await.0, acks + 1);
}

async fn ed5_an_edit_that_loses_every_race_is_decided_while_nobody_else_can_commit(database: &Database) {
    let store = FaultyStore::over(database.store().await);
    let desk = Desk::of(parts(store.clone(), Arc::new(LocalBus::default()), Keys::Open));
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let block = ann.insert(&project, json!({"n": 0})).await;
    let update = |base: u64| json!([{"op": "update", "block": block, "baseVersion": base, "patch": {"n": base}}]);
    store.plant(Fault::LostRaces(3));
    assert_eq!(ann.edit(&project, update(1)).await["type"], "ack");
    assert_eq!(store.held(), 0);
    store.plant(Fault::LostRaces(4));
    assert_eq!(ann.edit(&project, update(2)).await["type"], "ack");
    assert_eq!(store.held(), 1);
    // The project was let go.
    assert_eq!(ann.edit(&project, update(3)).await["seq"], 4);
}

async fn ed3_two_hubs_updating_different_blocks_never_race(database: &Database) {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
    let stores = [FaultyStore::over(database.store().await), FaultyStore::over(database.store().await)];
    let [here, there] = stores.clone().map(|store| Desk::of(parts(store, bus.clone(), Keys::Open)));
    let project = here.project().await;
    let (mut ann, mut bob) = (here.joined("ann", &project).await, there.joined("bob", &project).await);
    let (hers, his) = (ann.insert(&project, json!({})).await, ann.insert(&project, json!({})).await);
    bob.event(2).await;
    let update = async |peer: &mut Peer, block: &str| {
        for base in 1..40 {
            let op = json!([{"op": "update", "block": block, "baseVersion": base, "patch": {"n": base}}]);
            assert_eq!(peer.edit(&project, op).await["type"], "ack");
        }
    };
    tokio::join!(update(&mut ann, &hers), update(&mut bob, &his));
    assert_eq!(here.head(&project).await.0, 2 + 2 * 39);
    assert_eq!(stores.map(|store| store.stale()), [0, 0]);
}

async fn ms5_the_reply_precedes_the_event_also_if_what_came_between_cannot_be_read(database: &Database) {
    let own = || -> Arc<dyn Bus> { Arc::new(LocalBus::default()) };
    let here = Desk::of(parts(database.store().await, own(), Keys::Open));
    let store = FaultyStore::over(database.store().await);
    let there = Desk::of(parts(store.clone(), own(), Keys::Open));
    let project = here.project().await;
    let mut ann = here.joined("ann", &project).await;
    let (first, second) = (ann.insert(&project, json!({"n": 0})).await, ann.insert(&project, json!({"n": 0})).await);
    let mut bob = there.joined("bob", &project).await;
    let update = |block: &str| json!([{"op": "update", "block": block, "baseVersion": 1, "patch": {"n": 1}}]);
    assert_eq!(ann.edit(&project, update(&first)).await["seq"], 3);
    // Bob's hub does not know of ann's edit yet: it numbers his anew, and needs hers for that.
    store.plant(Fault::EventsUnread);
    let edit = json!({"type": "edit", "project": project, "editId": fresh(), "ops": update(&second)});
    bob.say(edit.clone()).await;
    let is_about_it = |message: &Value| match message["type"].as_str() {
        Some("events") => message["events"].as_array().unwrap().iter().any(|event| event["editId"] == edit["editId"]),
        kind => matches!(kind, Some("ack" | "error")),
    };
    let reply = bob.hear_where("the reply, then the event", is_about_it).await;
    assert_ne!(reply["type"], "events", "{reply}");
    let again = bob.ask(edit).await;
    assert_eq!((&again["seq"], &again["duplicate"]), (&json!(4), &json!(true)), "{again}");
}

async fn ac2_a_role_changed_on_one_hub_counts_on_the_other_with_the_bus_and_without(database: &Database) {
    let shared: Arc<dyn Bus> = Arc::new(LocalBus::default());
    for bus in [Some(shared), None] {
        let own = || -> Arc<dyn Bus> { Arc::new(LocalBus::default()) };
        let (here, there) = two(database, bus.clone().unwrap_or_else(own), bus.clone().unwrap_or_else(own)).await;
        let project = here.project_of("ann", Access::Viewer).await;
        let mut bob = there.joined("bob", &project).await;
        let (id, user) = (project.parse().unwrap(), UserId::from("bob"));
        assert!(here.store.set_member(id, &user, Some(Role::Editor)).await.unwrap());
        here.hub.changed(id).await;
        assert_eq!(bob.hear("role").await["role"], "editor");
        bob.insert(&project, json!({})).await;
        assert!(here.store.set_member(id, &user, None).await.unwrap());
        here.hub.changed(id).await;
        assert_eq!(bob.hear("role").await["role"], "viewer");
        let refused = bob.edit(&project, json!([{"op": "delete", "block": fresh(), "baseVersion": 1}])).await;
        assert_eq!(refused["code"], "forbidden");
    }
}

async fn ac3_a_project_deleted_on_one_hub_is_over_on_the_other(database: &Database) {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
    let (here, there) = two(database, bus.clone(), bus).await;
    let project = here.project().await;
    let mut bob = there.joined("bob", &project).await;
    let id = project.parse().unwrap();
    assert!(here.store.set_deleted(id, Some(Timestamp(2))).await.unwrap());
    here.hub.changed(id).await;
    assert_eq!(bob.hear("left").await["reason"], "deleted");
}

async fn pr3_a_signal_reaches_the_other_hub_once(database: &Database) {
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::default());
    let (here, there) = two(database, bus.clone(), bus).await;
    let project = here.project().await;
    let mut ann = here.joined("ann", &project).await;
    let mut bob = there.joined("bob", &project).await;
    for n in 0..3 {
        ann.say(json!({"type": "signal", "project": project, "event": "wave", "data": n})).await;
    }
    for n in 0..3 {
        assert_eq!(bob.hear("signal").await["data"], n);
    }
    ann.insert(&project, json!({})).await;
    bob.event(1).await;
    assert!(bob.silent() || bob.hear("presence").await["type"] == "presence");
}
