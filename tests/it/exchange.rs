//! Import and export, on both stores.

use blockhub::document::{json, markdown};
use blockhub::domain::access::Access;
use blockhub::domain::ids::{BlockId, ProjectId, UserId};
use blockhub::exchange::{ExchangeError, Format, Import, export, import};
use uuid::Uuid;

use crate::contract::on_both;
use crate::harness::database::Database;

const README: &str = include_str!("../../README.md");

fn document(format: Format, text: &str) -> Import {
    Import { title: None, owner: UserId::from("ann"), access: Access::Editor, format, text: text.to_owned() }
}

/// Kinds and contents, in order.
fn contents(markdown: &str) -> Vec<(String, String)> {
    let blocks = markdown::read(markdown, || BlockId(Uuid::new_v4()));
    blocks.iter().map(|block| (block.kind.to_string(), format!("{:?}", block.content))).collect()
}

async fn a_document_that_was_imported_is_exported_as_the_same_blocks(database: &Database) {
    let store = database.store().await;
    let project = import(&*store, document(Format::Markdown, README)).await.unwrap();
    let exported = export(&*store, project, Format::Markdown).await.unwrap();
    assert_eq!(contents(&exported), contents(README));
    let opened = store.open(project).await.unwrap().unwrap();
    assert_eq!(opened.info.title, "BlockHub");
    assert_eq!(opened.project.seq.0, 1);
}

async fn a_project_goes_from_one_hub_to_another_as_json(database: &Database) {
    let store = database.store().await;
    let first = import(&*store, document(Format::Markdown, README)).await.unwrap();
    let file = export(&*store, first, Format::Json).await.unwrap();
    let second = import(&*store, document(Format::Json, &file)).await.unwrap();
    let again = export(&*store, second, Format::Json).await.unwrap();
    assert_eq!(json::read(&again).unwrap(), json::read(&file).unwrap());
}

async fn what_is_not_there_cannot_be_exported(database: &Database) {
    let store = database.store().await;
    let unknown = ProjectId(Uuid::new_v4());
    let refused = export(&*store, unknown, Format::Markdown).await;
    assert!(matches!(refused, Err(ExchangeError::NoProject(id)) if id == unknown));
}

async fn what_cannot_be_a_project_leaves_nothing_behind(database: &Database) {
    let store = database.store().await;
    let untitled = import(&*store, document(Format::Markdown, "no heading")).await;
    assert!(matches!(untitled, Err(ExchangeError::Title)));
    let huge = format!("# T\n\n{}", "x".repeat(1 << 20));
    assert!(matches!(import(&*store, document(Format::Markdown, &huge)).await, Err(ExchangeError::Seed(_))));
    assert!(matches!(import(&*store, document(Format::Json, "{}")).await, Err(ExchangeError::Json(_))));
}

on_both!(
    a_document_that_was_imported_is_exported_as_the_same_blocks,
    a_project_goes_from_one_hub_to_another_as_json,
    what_is_not_there_cannot_be_exported,
    what_cannot_be_a_project_leaves_nothing_behind,
);
