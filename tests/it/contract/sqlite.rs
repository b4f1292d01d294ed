//! What only SQLite promises.

use blockhub::domain::sequence::Seq;
use blockhub::store::sqlite::SqliteStore;
use blockhub::store::{Committed, Patience, Store, StoreError};
use sqlx::{Connection, SqliteConnection};

use super::scene::Scene;
use crate::harness::database::Database;

#[tokio::test]
async fn a_second_hub_on_the_same_file_is_refused_until_the_first_ends() {
    let database = Database::sqlite();
    let first = SqliteStore::lock_hub(database.url()).unwrap();
    assert!(matches!(SqliteStore::lock_hub(database.url()), Err(StoreError::Unavailable(_))));
    drop(first);
    SqliteStore::lock_hub(database.url()).unwrap();
}

#[tokio::test]
async fn the_folder_of_the_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/deep/blockhub.db");
    let store = SqliteStore::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    assert!(path.exists());
    assert_eq!(store.describe(), format!("sqlite {}", path.display()));
}

#[tokio::test]
async fn a_url_that_names_no_file_is_broken() {
    for url in ["sqlite:", "sqlite://", "postgres://localhost/x", ""] {
        assert!(matches!(SqliteStore::connect(url).await, Err(StoreError::Broken(_))), "{url}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "not a database, but longer than a header of one would be, by some bytes at least\n".repeat(9),
    )
    .unwrap();
    let refused = SqliteStore::connect(&format!("sqlite:{}", path.display())).await;
    assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
}

#[tokio::test]
async fn a_file_is_brought_up_to_date_any_number_of_times() {
    let database = Database::sqlite();
    SqliteStore::migrate(database.url()).await.unwrap();
    SqliteStore::migrate(database.url()).await.unwrap();
    Scene::new(&database).await;
}

#[tokio::test]
async fn while_another_program_writes_every_project_is_locked() {
    let database = Database::sqlite();
    let scene = Scene::new(&database).await;
    let mut other = SqliteConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let commit = scene.commit(None, vec![], vec![]);
    for patience in [Patience::None, Patience::Ms(20)] {
        let answers = scene.store.commit(std::slice::from_ref(&commit), patience).await.unwrap();
        assert_eq!(answers, vec![Committed::Locked]);
    }
    assert_eq!(scene.head().await, Seq(0));
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(scene.try_commit(commit).await, Committed::Done { first: Seq(1) });
}

#[tokio::test]
async fn what_was_committed_is_there_when_the_file_is_opened_again() {
    let database = Database::sqlite();
    let store = SqliteStore::connect(database.url()).await.unwrap();
    let scene = Scene::on(std::sync::Arc::new(store)).await;
    let (block, _) = scene.with_block().await;
    let again = scene.elsewhere(&database).await;
    drop(scene);
    assert!(again.store.open(again.project).await.unwrap().unwrap().project.get(block.id).is_some());
}
