//! Projects as JSON files and back.

use blockhub::document::json::{JsonError, read, write};
use blockhub::domain::ids::{BlockId, ProjectId};
use serde_json::json;
use uuid::Uuid;

fn id(number: u128) -> BlockId {
    BlockId(Uuid::from_u128(number))
}

#[test]
fn what_was_written_reads_as_the_same_blocks() {
    let file = json!({
        "title": "T",
        "blocks": [
            { "id": id(1), "kind": "quote", "parent": null, "content": {} },
            { "id": id(2), "kind": "paragraph", "parent": id(1), "content": { "text": "a \u{1f600}", "n": 1.5 } },
        ],
    });
    let document = read(&file.to_string()).unwrap();
    let written = write(ProjectId(Uuid::nil()), &document.title, document.blocks.iter().map(Into::into));
    assert_eq!(read(&written).unwrap(), document);
}

#[test]
fn what_cannot_be_a_project_is_refused_with_words() {
    let block = |own: u128, parent: Option<u128>| json!({ "id": id(own), "kind": "k", "parent": parent.map(id), "content": {} });
    let file = |blocks: &[serde_json::Value]| json!({ "blocks": blocks }).to_string();
    assert!(matches!(read("[]"), Err(JsonError::Shape(_))));
    assert!(matches!(read(&"[".repeat(100_000)), Err(JsonError::Shape(_))));
    assert!(matches!(read(&file(&[block(1, None), block(1, None)])), Err(JsonError::Twice(twice)) if twice == id(1)));
    assert!(
        matches!(read(&file(&[block(2, Some(1)), block(1, None)])), Err(JsonError::Orphan { parent, .. }) if parent == id(1))
    );
    assert!(matches!(read(&file(&[block(1, Some(1))])), Err(JsonError::Orphan { .. })));
}
