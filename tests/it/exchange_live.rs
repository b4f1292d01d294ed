//! The repository's README through the commands of the binary and a hub that is running: imported, joined, edited,
//! exported again.

use serde_json::{Value, json};

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const README: &str = include_str!("../../README.md");

on_both!(the_readme_is_imported_joined_edited_and_exported_again);

/// Runs a command of the binary on the database; what it printed.
async fn command(database: &Database, arguments: &[&str]) -> String {
    let launch = arguments.iter().fold(Launch::on(database), |launch, argument| launch.arg(argument));
    let (status, output, errors) = launch.run().await;
    assert!(status.success(), "{arguments:?}: {errors}");
    output
}

fn the_sentence(blocks: &[Value]) -> &Value {
    let is_it = |block: &&Value| block["content"]["text"].as_str().is_some_and(|text| text.contains("exactly once"));
    blocks.iter().find(is_it).unwrap()
}

async fn the_readme_is_imported_joined_edited_and_exported_again(database: &Database) {
    let hub = TestHub::start(database).await;
    let printed = command(database, &["import", FILE, "--title", "Read me"]).await;
    let project = printed.split_whitespace().next().unwrap().to_owned();

    let mut ann = hub.client("ann").await;
    let joined = ann.join(&project).await;
    assert_eq!((&joined["title"], &joined["seq"]), (&json!("Read me"), &json!(1)));
    let block = the_sentence(joined["blocks"].as_array().unwrap());
    let at = block["content"]["text"].as_str().unwrap().find("exactly once").unwrap();
    let op = json!([{"op": "text", "block": block["id"], "baseVersion": 1, "path": "/text",
        "changes": [{"at": at, "delete": "exactly once".len(), "insert": "once and only once"}]}]);
    assert_eq!(ann.edit(&project, op).await["type"], "ack");

    let exported = command(database, &["export", &project, "--format", "md"]).await;
    let untouched = command(database, &["import", FILE]).await;
    let untouched = untouched.split_whitespace().next().unwrap().to_owned();
    let before = command(database, &["export", &untouched, "--format", "md"]).await;
    assert_eq!(exported, before.replacen("exactly once", "once and only once", 1));
    assert!(README.contains("exactly once"));
    let json: Value =
        serde_json::from_str(&command(database, &["export", &project, "--format", "json"]).await).unwrap();
    assert_eq!(json["title"], "Read me");
}
