//! Joining, and coming back.

use std::collections::BTreeSet;
use std::sync::Arc;

use blockhub::bus::local::LocalBus;
use blockhub::transport::auth::Keys;
use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::desk::{Desk, fresh, parts};
use crate::harness::faulty::{Fault, FaultyStore};

on_both!(
    jn2_a_client_that_was_here_gets_just_what_it_missed,
    jn2_a_client_of_a_newer_log_is_not_sent_back_to_the_older_one,
    jn4_a_large_snapshot_comes_in_parts_that_make_up_the_whole,
    jn1_what_was_not_joined_is_refused_and_a_project_that_is_not_there_is_not_found,
    pr1_presence_comes_in_one_message_and_says_who_left,
    pr1_all_who_join_at_once_hear_of_each_other_and_those_before_them_too,
    jn2_who_joins_beside_one_from_the_future_misses_nothing,
);

async fn jn2_a_client_that_was_here_gets_just_what_it_missed(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    for at in 0..5 {
        ann.insert(&project, json!({"at": at})).await;
    }
    let mut bob = desk.peer("bob").await;
    let joined = bob.ask(json!({"type": "join", "project": project})).await;
    assert_eq!((&joined["recovered"], &joined["seq"], &joined["more"]), (&json!(false), &json!(5), &json!(false)));
    assert_eq!(joined["blocks"].as_array().unwrap().len(), 5);
    assert_eq!(joined["members"].as_array().unwrap().len(), 2);
    let since = json!({"epoch": joined["epoch"], "seq": 3});
    let again = bob.ask(json!({"type": "join", "project": project, "since": since})).await;
    assert_eq!(again["recovered"], true, "{again}");
    let seqs: Vec<_> = again["events"].as_array().unwrap().iter().map(|event| event["seq"].clone()).collect();
    assert_eq!(seqs, [json!(4), json!(5)]);
    for since in [json!({"epoch": "another", "seq": 3}), json!({"epoch": joined["epoch"], "seq": 6})] {
        let anew = bob.ask(json!({"type": "join", "project": project, "since": since})).await;
        assert_eq!((&anew["recovered"], &anew["seq"]), (&json!(false), &json!(5)), "{anew}");
    }
}

async fn jn2_a_client_of_a_newer_log_is_not_sent_back_to_the_older_one(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let block = ann.insert(&project, json!({"n": 0})).await;
    let mut bob = desk.peer("bob").await;
    let id = project.parse().unwrap();
    for log in [98, 99] {
        assert!(desk.store.bump_epoch(id, log).await.unwrap());
        let head = desk.store.heads(&[id]).await.unwrap()[0];
        let epoch = head.epoch.to_string();
        if log == 98 {
            let since = json!({"epoch": epoch, "seq": 1});
            let joined = bob.ask(json!({"type": "join", "project": project, "since": since})).await;
            assert_eq!((&joined["epoch"], &joined["recovered"]), (&json!(epoch), &json!(true)), "{joined}");
        } else {
            // [ED14]: so it is with an edit.
            let ops = json!([{"op": "update", "block": block, "baseVersion": 1, "patch": {"n": log}}]);
            let edit = json!({"type": "edit", "project": project, "editId": fresh(), "epoch": epoch, "ops": ops});
            assert_eq!(bob.ask(edit).await["type"], "ack");
        }
    }
}

async fn jn4_a_large_snapshot_comes_in_parts_that_make_up_the_whole(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    for _ in 0..8 {
        ann.insert(&project, json!({"text": "x".repeat(100_000)})).await;
    }
    let mut bob = desk.peer("bob").await;
    let joined = bob.ask(json!({"type": "join", "project": project})).await;
    assert_eq!(joined["more"], true);
    let mut count = joined["blocks"].as_array().unwrap().len();
    loop {
        let part = bob.next().await;
        assert_eq!(part["type"], "snapshot", "{part}");
        count += part["blocks"].as_array().unwrap().len();
        if part["last"] == true {
            break;
        }
    }
    assert_eq!(count, 8);
}

async fn jn1_what_was_not_joined_is_refused_and_a_project_that_is_not_there_is_not_found(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.peer("ann").await;
    let refused = ann.edit(&project, json!([{"op": "delete", "block": fresh(), "baseVersion": 1}])).await;
    assert_eq!(refused["code"], "not_joined", "{refused}");
    assert_eq!(ann.ask(json!({"type": "join", "project": fresh()})).await["code"], "not_found");
    assert_eq!(ann.ask(json!({"type": "leave", "project": project})).await["type"], "left");
}

async fn pr1_presence_comes_in_one_message_and_says_who_left(database: &Database) {
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut ann = desk.joined("ann", &project).await;
    let mut bob = desk.joined("bob", &project).await;
    for offset in 0..5 {
        bob.say(json!({"type": "presence", "project": project, "state": {"offset": offset}})).await;
    }
    let is_last = |message: &Value| {
        let updates = message["updates"].as_array();
        updates.is_some_and(|updates| updates.iter().any(|update| update["state"] == json!({"offset": 4})))
    };
    ann.hear_where("the last state", is_last).await;
    let connection = bob.connection.id.to_string();
    bob.connection.gone().await;
    let is_gone = |message: &Value| {
        let updates = message["updates"].as_array();
        updates.is_some_and(|updates| updates.contains(&json!({"connection": connection, "left": true})))
    };
    ann.hear_where("bob's leaving", is_gone).await;
}

async fn pr1_all_who_join_at_once_hear_of_each_other_and_those_before_them_too(database: &Database) {
    const EARLY: usize = 3;
    const ALL: usize = 20;
    let desk = Desk::open(database).await;
    let project = desk.project().await;
    let mut peers = Vec::new();
    for number in 0..ALL {
        peers.push((desk.peer(&format!("user-{number}")).await, BTreeSet::new()));
    }
    let join = json!({"type": "join", "project": project});
    for some in [0..EARLY, EARLY..ALL] {
        // All ask before anybody is answered.
        for (peer, _) in &mut peers[some.clone()] {
            peer.say(join.clone()).await;
        }
        for (peer, here) in &mut peers[some] {
            let joined = peer.hear("joined").await;
            here.append(&mut connections(&joined["members"]));
            assert!(here.contains(&peer.connection.id.to_string()), "{joined}");
        }
    }
    for (peer, here) in &mut peers {
        while here.len() < ALL {
            let presence = peer.hear("presence").await;
            here.append(&mut connections(&presence["updates"]));
        }
    }
}

fn connections(of: &Value) -> BTreeSet<String> {
    of.as_array().unwrap().iter().map(|one| one["connection"].as_str().unwrap().to_owned()).collect()
}

async fn jn2_who_joins_beside_one_from_the_future_misses_nothing(database: &Database) {
    let store = FaultyStore::over(database.store().await);
    let (here, there) =
        (Desk::of(parts(store.clone(), Arc::new(LocalBus::default()), Keys::Open)), Desk::open(database).await);
    let project = here.project().await;
    let mut zoe = there.joined("zoe", &project).await;
    zoe.insert(&project, json!({"n": 1})).await;
    let epoch = here.peer("ann").await.ask(json!({"type": "join", "project": project})).await["epoch"].clone();
    let join = |seq: u64| json!({"type": "join", "project": project, "since": {"epoch": epoch, "seq": seq}});
    let (mut dan, mut bob, mut cid) = (here.peer("dan").await, here.peer("bob").await, here.peer("cid").await);
    // The room is held up by one join, so that the next two are answered next to each other.
    store.plant(Fault::EventsHeld);
    dan.say(join(0)).await;
    store.something_is_held().await;
    zoe.insert(&project, json!({"n": 2})).await;
    zoe.insert(&project, json!({"n": 3})).await;
    // This hub learns of the last events by cid's join only.
    bob.say(join(1)).await;
    cid.say(join(3)).await;
    store.go_on();
    let mut seq = 1;
    let mut follow = |events: &Value| {
        for event in events.as_array().unwrap() {
            seq += 1;
            assert_eq!(event["seq"], seq);
        }
        seq
    };
    let joined = bob.hear("joined").await;
    assert_eq!(joined["seq"], follow(&joined["events"]), "it says that it brings more than it does: {joined}");
    while follow(&bob.hear("events").await["events"]) < 3 {}
    assert_eq!(cid.hear("joined").await["seq"], 3);
}
