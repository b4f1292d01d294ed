//! Two hubs in one process on one database: what one does, the other's clients get.

use std::sync::Arc;

use blockhub::bus::Bus;
use blockhub::bus::local::LocalBus;
use blockhub::transport::auth::Keys;
use serde_json::json;

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh, parts};

on_both!(
    jn5_edits_of_another_hub_arrive_in_order_with_the_bus_and_without,
    ed5_two_hubs_editing_one_block_both_get_an_answer_that_can_be_settled,
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
