//! `blockhub epoch bump`: what clients are told when an operator says that the log is another one.

use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::contract::on_both;
use crate::end_to_end::scene::{fresh, insert, launch};
use crate::harness::client::{Client, Followed};
use crate::harness::database::Database;
use crate::harness::hub::TestHub;

on_both!(
    jn5_everybody_is_reset_and_goes_on,
    jn2_who_comes_back_with_an_old_epoch_or_a_future_seq_gets_a_snapshot,
    ed14_an_edit_of_the_old_epoch_has_an_unknown_base,
    one_project_may_be_bumped_alone,
);

/// Runs `blockhub epoch bump`; whether it succeeded, and what it said.
async fn bump(database: &Database, args: &[&str]) -> (bool, String) {
    let command = launch(database).arg("epoch").arg("bump");
    let (status, said, complaint) = args.iter().fold(command, |command, arg| command.arg(arg)).run().await;
    (status.success(), said + &complaint)
}

/// A hub, a project with a block in it, and somebody in its room.
async fn scene(database: &Database) -> (TestHub, String, String, Client) {
    let hub = launch(database).start().await;
    let project = hub.project("bumped").await;
    let mut ann = hub.client("ann").await;
    ann.join(&project).await;
    let block = ann.insert(&project, "before").await;
    ann.reach(&project, 1).await;
    (hub, project, block, ann)
}

async fn jn5_everybody_is_reset_and_goes_on(database: &Database) {
    let (hub, project, block, mut ann) = scene(database).await;
    let mut bob = hub.client("bob").await;
    bob.join(&project).await;
    let before = ann.followed(&project).epoch.clone();
    assert_eq!(bump(database, &[]).await, (true, "projects with a new epoch: 1\n".into()));
    for client in [&mut ann, &mut bob] {
        let reset = client.expect("reset").await;
        assert_eq!((&reset["reason"], &reset["seq"], &reset["more"]), (&json!("epoch"), &json!(1), &json!(false)));
        assert_eq!(reset["blocks"][0]["id"], *block);
        assert_ne!(reset["epoch"], *before);
    }
    ann.insert(&project, "after").await;
    bob.reach(&project, 2).await;
}

async fn jn2_who_comes_back_with_an_old_epoch_or_a_future_seq_gets_a_snapshot(database: &Database) {
    let (hub, project, _, ann) = scene(database).await;
    let old = ann.followed(&project).clone();
    drop(ann);
    assert!(bump(database, &["--project", &project]).await.0);
    // The first to come meets a room that may not have looked yet, and then is reset; later ones meet one that has.
    let mut first = hub.client("ann").await;
    if first.resume(&project, &old).await["recovered"] == true {
        first.expect("reset").await;
    }
    let current = first.followed(&project).clone();
    let future = Followed { seq: 99, ..current.clone() };
    for (since, recovered) in [(&old, false), (&future, false), (&current, true)] {
        let mut client = hub.client("bob").await;
        let joined = client.resume(&project, since).await;
        assert_eq!(joined["recovered"], recovered, "{joined}");
        assert_eq!((&joined["seq"], &joined["epoch"]), (&json!(1), &json!(current.epoch)));
    }
}

async fn ed14_an_edit_of_the_old_epoch_has_an_unknown_base(database: &Database) {
    let (_hub, project, block, mut ann) = scene(database).await;
    let old = ann.followed(&project).epoch.clone();
    assert!(bump(database, &[]).await.0);
    ann.expect("reset").await;
    let edit = |mode: &str, op: Value| json!({"type": "edit", "project": project, "editId": fresh(), "epoch": old, "onConflict": mode, "ops": [op]});
    let update = json!({"op": "update", "block": block, "baseVersion": 1, "patch": {"text": "late"}});
    let text = json!({"op": "text", "block": block, "baseVersion": 1, "path": "/text",
                      "changes": [{"at": 0, "delete": 0, "insert": "late"}]});
    for (mode, op) in
        [("merge", &update), ("reject", &update), ("merge", &text), ("reject", &text), ("overwrite", &text)]
    {
        let answer = ann.ask(edit(mode, op.clone())).await;
        assert_eq!(answer["type"], "conflict", "{mode}: {answer}");
        assert_eq!(answer["conflicts"][0]["paths"], json!(["/text"]));
        assert!(answer["conflicts"][0]["base"].is_null(), "{answer}");
        assert_eq!(answer["conflicts"][0]["current"]["version"], 1);
    }
    let answer = ann.ask(edit("overwrite", update)).await;
    assert_eq!((&answer["type"], &answer["seq"]), (&json!("ack"), &json!(2)), "{answer}");
}

async fn one_project_may_be_bumped_alone(database: &Database) {
    let (hub, project, _, mut ann) = scene(database).await;
    let other = hub.project("left alone").await;
    let mut bob = hub.client("bob").await;
    bob.join(&other).await;
    assert_eq!(bump(database, &["--project", &project]).await, (true, "projects with a new epoch: 1\n".into()));
    ann.expect("reset").await;
    // One comparison looked at both: whoever is to be told has been.
    bob.insert(&other, "nothing happened").await;
    bob.reach(&other, 1).await;
    assert!(bob.received.iter().all(|message| message["type"] != "reset"));
    let (succeeded, complaint) = bump(database, &["--project", &fresh()]).await;
    assert!(!succeeded && complaint.contains("no such project"), "{complaint}");
}

/// The whole of it, as an operator does it: a backup, what comes after it, the end, the backup again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jn2_after_a_backup_was_restored_and_bumped_nobody_keeps_what_it_does_not_hold() {
    let database = Database::sqlite();
    let (hub, project, block, mut ann) = scene(&database).await;
    let file = database.url().strip_prefix("sqlite:").unwrap().to_owned();
    let backup = format!("{file}.backup");
    let mut running = SqliteConnection::connect(database.url()).await.unwrap();
    sqlx::query("VACUUM INTO ?1").bind(&backup).execute(&mut running).await.unwrap();
    running.close().await.unwrap();
    for text in ["lost", "lost too"] {
        let ops = json!([insert(&fresh(), json!({"text": text}))]);
        assert_eq!(ann.edit(&project, ops).await["type"], "ack");
    }
    ann.reach(&project, 3).await;
    hub.kill().await;
    for left in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{file}{left}"));
    }
    std::fs::copy(&backup, &file).unwrap();
    assert!(bump(&database, &[]).await.0);

    // Somebody is quicker: by numbers alone, ann would seem to have it all.
    let hub = launch(&database).start().await;
    let mut bob = hub.client("bob").await;
    bob.join(&project).await;
    for text in ["new", "newer"] {
        bob.insert(&project, text).await;
    }
    let joined = hub.client("ann").await.resume(&project, ann.followed(&project)).await;
    assert_eq!((&joined["recovered"], &joined["seq"]), (&json!(false), &json!(3)));
    let texts: Vec<_> = joined["blocks"].as_array().unwrap().iter().map(|block| &block["content"]["text"]).collect();
    assert_eq!(texts, ["newer", "new", "before"]);
    assert_eq!(joined["blocks"][2]["id"], *block);
}
