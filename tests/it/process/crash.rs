//! `kill -9` while fifty people edit: what was acked is there, once, and everybody comes back with what they missed.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::contract::on_both;
use crate::harness::client::{Client, Followed};
use crate::harness::database::Database;
use crate::harness::hub::TestHub;

const WRITERS: usize = 50;
const PROJECTS: usize = 5;
/// The hub is killed when each project has at least this many acks.
const ACKS: usize = 40;

/// What a writer has when its socket is gone.
struct Survivor {
    user: String,
    project: String,
    followed: Followed,
    /// Edits that were acked, with their seqs.
    acked: HashMap<String, u64>,
    /// The last edit, sent and not answered.
    open: Value,
}

fn edit(project: &str) -> Value {
    let op = json!({ "op": "insert", "block": Uuid::new_v4(), "kind": "text", "parent": null, "after": null, "content": {} });
    json!({ "type": "edit", "project": project, "editId": Uuid::new_v4(), "ops": [op] })
}

/// Edits without pause until the socket is gone.
async fn write(mut client: Client, user: String, project: String, acks: watch::Sender<usize>) -> Survivor {
    client.join(&project).await;
    let mut acked = HashMap::new();
    loop {
        let open = edit(&project);
        match client.try_ask(open.clone()).await {
            Some(ack) => {
                assert_eq!(ack["type"], "ack", "{ack}");
                acked.insert(open["editId"].as_str().unwrap().to_owned(), ack["seq"].as_u64().unwrap());
                acks.send_modify(|count| *count += 1);
            }
            None => {
                let followed = client.followed(&project).clone();
                return Survivor { user, project, followed, acked, open };
            }
        }
    }
}

/// Comes back, sends the open edit again, and sees everything that it was acked exactly once.
async fn come_back(hub: &TestHub, survivor: &Survivor) {
    let mut client = hub.client(&survivor.user).await;
    let joined = client.resume(&survivor.project, &survivor.followed).await;
    assert_eq!(joined["recovered"], true, "{joined}");
    assert_eq!(joined["epoch"], survivor.followed.epoch);
    let ack = client.ask(survivor.open.clone()).await;
    assert_eq!(ack["type"], "ack", "{ack}");
    client.reach(&survivor.project, ack["seq"].as_u64().unwrap()).await;
    client.close().await;
}

/// The whole log of a project, as a newcomer reads it.
async fn log(client: &mut Client, project: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut before = Value::Null;
    loop {
        let ask = json!({ "type": "history", "project": project, "before": before, "limit": 500 });
        let page = client.ask(ask).await;
        events.extend(page["events"].as_array().unwrap().clone());
        if page["more"] != true {
            events.reverse();
            return events;
        }
        before = events.last().unwrap()["seq"].clone();
    }
}

async fn ed1_jn3_what_was_acked_before_kill_9_is_there_once_and_all_resume(database: &Database) {
    let hub = TestHub::start(database).await;
    let mut projects = Vec::new();
    for number in 0..PROJECTS {
        projects.push(hub.project(&format!("Project {number}")).await);
    }
    let (acks, mut counted) = watch::channel(0);
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let (user, project) = (format!("user-{number}"), projects[number % PROJECTS].clone());
        let client = hub.client(&user).await;
        writers.push(tokio::spawn(write(client, user, project, acks.clone())));
    }
    counted.wait_for(|count| *count >= ACKS * PROJECTS).await.unwrap();
    let hub = hub.restart().await;

    let mut survivors = Vec::new();
    for writer in writers {
        survivors.push(writer.await.unwrap());
    }
    for survivor in &survivors {
        come_back(&hub, survivor).await;
    }
    let mut reader = hub.client("reader").await;
    for project in &projects {
        reader.join(project).await;
        let log = log(&mut reader, project).await;
        let seqs: Vec<_> = log.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "the log has a hole");
        let names: HashMap<_, _> =
            log.iter().map(|event| (event["editId"].as_str().unwrap(), event["seq"].as_u64().unwrap())).collect();
        assert_eq!(names.len(), log.len(), "an edit is in the log twice");
        let mine = || survivors.iter().filter(|survivor| survivor.project == *project);
        for (edit, seq) in mine().flat_map(|survivor| &survivor.acked) {
            assert_eq!(names.get(&**edit), Some(seq), "an acked edit is not where its ack said");
        }
        let sent: HashSet<_> = mine()
            .flat_map(|survivor| survivor.acked.keys().map(String::as_str).chain(survivor.open["editId"].as_str()))
            .collect();
        assert!(names.keys().all(|name| sent.contains(name)), "an edit that nobody sent");
    }
    reader.close().await;
}

on_both!(ed1_jn3_what_was_acked_before_kill_9_is_there_once_and_all_resume);
