//! `busy` and `internal`: the codes for which the client can do nothing but come again.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::scene::{Scene, fresh, goes_on, insert, refused};
use crate::harness::database::Database;

async fn sql(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ms4_a_project_that_somebody_holds_is_busy_and_others_are_not() {
    let database = Database::postgres().await;
    let mut scene = Scene::open(&database).await;
    let held = scene.hub.project("held").await;
    let mut ann = scene.attacker().await;
    ann.join(&held).await;
    let mut holder = PgConnection::connect(database.url()).await.unwrap();
    sql(&mut holder, &format!("BEGIN; SELECT 1 FROM projects WHERE id = '{held}' FOR UPDATE")).await;
    let edit =
        json!({"type": "edit", "id": "bad", "project": held, "editId": fresh(), "ops": [insert(&fresh(), json!({}))]});
    let waiting = ann.begin(edit.clone()).await;
    scene.unharmed("a project that is held").await;
    let error = ann.reply(&waiting).await;
    assert_eq!(error["code"], "busy", "{error}");
    assert!(error["retryAfterMs"].is_u64(), "{error}");
    sql(&mut holder, "COMMIT").await;
    let again = ann.ask(edit).await;
    assert_eq!((&again["type"], &again["seq"]), (&json!("ack"), &json!(1)), "{again}");
    holder.close().await.unwrap();
    drop(scene);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ms4_a_database_that_fails_is_internal_without_a_word_of_why_and_a_retry_tells() {
    let database = Database::postgres().await;
    let scene = Scene::open(&database).await;
    let mut ann = scene.attacker().await;
    let mut breaker = PgConnection::connect(database.url()).await.unwrap();
    sql(&mut breaker, "ALTER TABLE events RENAME TO events_gone").await;
    let edit = scene.edit(json!([insert(&fresh(), json!({}))]));
    let error = refused(&mut ann, &edit.to_string()).await;
    assert_eq!((&error["code"], &error["id"]), (&json!("internal"), &json!("bad")), "{error}");
    assert!(!error["message"].as_str().unwrap().contains("events"), "{error}");
    goes_on(&mut ann).await;
    sql(&mut breaker, "ALTER TABLE events_gone RENAME TO events").await;
    let again = ann.ask(edit.clone()).await;
    assert_eq!((&again["type"], &again["duplicate"]), (&json!("ack"), &json!(false)), "{again}");
    let twice = ann.ask(edit).await;
    assert_eq!((&twice["seq"], &twice["duplicate"]), (&again["seq"], &json!(true)), "{twice}");
    let mut scene = scene.caught_up().await;
    scene.unharmed("a database that failed").await;
    breaker.close().await.unwrap();
    drop(scene);
    database.drop().await;
}
