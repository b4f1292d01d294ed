//! Documents in and out by the command line, with a hub in between.

use blockhub::document::markdown;
use blockhub::domain::ids::BlockId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract::on_both;
use crate::harness::database::Database;
use crate::harness::hub::{Launch, TestHub};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// Kinds and contents of a document, in order.
fn contents(document: &str) -> Vec<Value> {
    let blocks = markdown::read(document, || BlockId(Uuid::new_v4()));
    blocks.iter().map(|block| json!([&*block.kind, block.content])).collect()
}

async fn the_readme_is_imported_joined_edited_and_exported_again(database: &Database) {
    let import = Launch::on(database).arg("import").arg(README).arg("--title").arg("Read me");
    let (status, printed, error) = import.run().await;
    assert!(status.success(), "{error}");
    let project = printed.lines().next().unwrap();
    assert!(printed.contains(&format!("http://127.0.0.1:0/#{project}")), "{printed}");

    let hub = TestHub::start(database).await;
    let mut ann = hub.client("ann").await;
    let joined = ann.join(project).await;
    assert_eq!(joined["title"], "Read me");
    let heading = joined["blocks"].as_array().unwrap().iter().find(|block| block["kind"] == "heading").unwrap();
    let change = json!({ "op": "text", "block": heading["id"], "baseVersion": 1, "path": "/text",
                         "changes": [{ "at": 0, "delete": 0, "insert": "The " }] });
    assert_eq!(ann.edit(project, json!([change])).await["type"], "ack");

    let (status, exported, error) = Launch::on(database).arg("export").arg(project).run().await;
    assert!(status.success(), "{error}");
    let before = std::fs::read_to_string(README).unwrap();
    assert_eq!(contents(&exported), contents(&before.replacen("# BlockHub", "# The BlockHub", 1)));
    ann.close().await;
}

async fn an_export_of_what_is_not_there_fails_with_words(database: &Database) {
    let unknown = Uuid::new_v4().to_string();
    Launch::on(database).arg("migrate").run().await;
    let (status, printed, error) = Launch::on(database).arg("export").arg(&unknown).run().await;
    assert!(!status.success() && printed.is_empty());
    assert!(error.contains(&unknown), "{error}");
}

on_both!(the_readme_is_imported_joined_edited_and_exported_again, an_export_of_what_is_not_there_fails_with_words,);
