//! What only Postgres promises: projects are locked one by one.

use std::sync::Arc;
use std::time::Duration;

use blockhub::domain::access::Role;
use blockhub::domain::block::Block;
use blockhub::domain::ids::{GroupId, UserId};
use blockhub::domain::sequence::{Seq, Timestamp, Version};
use blockhub::store::postgres::{PostgresOptions, PostgresStore};
use blockhub::store::{
    Commit, Committed, ListQuery, Patience, ProjectChange, Retention, SharedProjects, Span, Store, StoreError,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::scene::{NOW, Scene};
use crate::harness::database::Database;
use crate::harness::forwarder::Forwarder;

const DONE: Committed = Committed::Done { first: Seq(1) };

async fn statement(connection: &mut PgConnection, statement: &'static str, project: &Scene) {
    sqlx::query(statement).bind(project.project.0).execute(connection).await.unwrap();
}

/// A connection of another program's, with a transaction under way.
async fn intruder(database: &Database) -> PgConnection {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
    connection
}

/// Asks until some statement of this test's waits for a lock.
async fn until_somebody_waits(database: &Database) {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE application_name = current_setting('application_name') AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut connection).await.unwrap() == 0 {}
}

#[tokio::test]
async fn a_locked_project_does_not_hold_up_the_others() {
    let database = Database::postgres().await;
    let locked = Scene::new(&database).await;
    let free = Scene::on(Arc::clone(&locked.store)).await;
    let mut intruder = intruder(&database).await;
    statement(&mut intruder, "SELECT 1 FROM projects WHERE id = $1 FOR UPDATE", &locked).await;
    let batch = [locked.commit(None, vec![], vec![]), free.commit(None, vec![], vec![])];
    let answers = locked.store.commit(&batch, Patience::None).await.unwrap();
    assert_eq!(answers, vec![Committed::Locked, DONE]);

    let batch = [batch[0].clone(), free.commit(None, vec![], vec![])];
    let answers = locked.store.commit(&batch, Patience::Ms(20)).await.unwrap();
    assert_eq!(answers, vec![Committed::Locked, Committed::Done { first: Seq(2) }]);

    sqlx::raw_sql("ROLLBACK").execute(&mut intruder).await.unwrap();
    assert_eq!(locked.store.commit(&batch[..1], Patience::None).await.unwrap(), vec![DONE]);
    database.drop().await;
}

#[tokio::test]
async fn who_waited_for_a_lock_sees_what_its_holder_did() {
    let database = Database::postgres().await;
    let scene = Scene::new(&database).await;
    let (touched, _) = scene.with_block().await;
    let (untouched, tree) = scene.with_block().await;
    for (commit, expected) in [
        (scene.update(&touched), Committed::Stale),
        (scene.update(&untouched), Committed::Done { first: Seq(tree + 11) }),
    ] {
        let mut intruder = intruder(&database).await;
        statement(&mut intruder, "UPDATE projects SET seq = seq + 10 WHERE id = $1 AND seq < 10", &scene).await;
        statement(&mut intruder, "SELECT 1 FROM projects WHERE id = $1 FOR UPDATE", &scene).await;
        let bump = "UPDATE blocks SET version = version + 1 WHERE project_id = $1 AND position = 'a0'";
        statement(&mut intruder, bump, &scene).await;
        let store = Arc::clone(&scene.store);
        let waiting = tokio::spawn(async move { store.commit(&[commit], Patience::Ms(60_000)).await.unwrap() });
        until_somebody_waits(&database).await;
        sqlx::raw_sql("COMMIT").execute(&mut intruder).await.unwrap();
        assert_eq!(waiting.await.unwrap(), vec![expected]);
    }
    database.drop().await;
}

/// Another hub's insert of the same name, not yet committed, is not seen by the check, but by the unique index.
async fn raced(insert: &'static str, commit: impl Fn(&Scene) -> Commit) {
    let database = Database::postgres().await;
    let scene = Scene::new(&database).await;
    let other = Scene::on(Arc::clone(&scene.store)).await;
    let commit = commit(&scene);
    let name = commit.blocks.first().map_or(commit.events[0].edit.0, |write| write.id.0);
    let mut intruder = intruder(&database).await;
    sqlx::query(insert).bind(scene.project.0).bind(name).execute(&mut intruder).await.unwrap();
    let batch = [commit, other.commit(None, vec![], vec![])];
    let store = Arc::clone(&scene.store);
    let waiting = tokio::spawn(async move { store.commit(&batch, Patience::None).await.unwrap() });
    until_somebody_waits(&database).await;
    sqlx::raw_sql("COMMIT").execute(&mut intruder).await.unwrap();
    assert_eq!(waiting.await.unwrap(), vec![Committed::Stale, DONE]);
    assert_eq!((scene.head().await, other.head().await), (Seq(0), Seq(1)));
    database.drop().await;
}

#[tokio::test]
async fn ed2_an_edit_id_that_is_taken_while_we_look_is_stale_for_its_project_alone() {
    let insert = "INSERT INTO events (project_id, seq, edit_id, user_id, at, answer, body)
                  VALUES ($1, 99, $2, 'bob', 0, '{}', '{}')";
    raced(insert, |scene| scene.commit(None, vec![], vec![])).await;
}

#[tokio::test]
async fn ed9_a_block_id_that_is_taken_while_we_look_is_stale_for_its_project_alone() {
    let insert = "INSERT INTO blocks (project_id, id, version, deleted, position, kind, content)
                  VALUES ($1, $2, 1, false, 'a0', 'text', '{}')";
    raced(insert, |scene| scene.insert(0, &super::scene::block("a0"))).await;
}

#[tokio::test]
async fn a_connection_that_cannot_write_is_unavailable() {
    let database = Database::postgres().await;
    Scene::new(&database).await;
    let url = format!("{}&options[default_transaction_read_only]=on", database.url());
    let refused = PostgresStore::connect(&PostgresOptions { url, ..database.options() }).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    database.drop().await;
}

#[tokio::test]
async fn a_store_goes_on_after_its_connections_were_cut() {
    let database = Database::postgres().await;
    let scene = Scene::new(&database).await;
    let mut intruder = PgConnection::connect(database.url()).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
    sqlx::query(cut).execute(&mut intruder).await.unwrap();
    let mut refusals = 0;
    let answer = loop {
        match scene.store.commit(&[scene.commit(None, vec![], vec![])], Patience::None).await {
            Ok(answer) => break answer,
            Err(StoreError::Unavailable(_)) => refusals += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(refusals < 9, "no connection is left alone");
    };
    assert_eq!(answer, vec![DONE]);
    database.drop().await;
}

#[tokio::test]
async fn tables_are_brought_up_to_date_any_number_of_times() {
    let database = Database::postgres().await;
    PostgresStore::migrate(database.url()).await.unwrap();
    PostgresStore::migrate(database.url()).await.unwrap();
    let store = PostgresStore::connect(&database.options()).await.unwrap();
    let place = Store::describe(&store);
    assert!(place.starts_with("postgres ") && !place.contains('@'), "{place}");
    store.close().await;
    database.drop().await;
}

/// Rows of others in every table but `projects`, of which compaction looks at all.
const OTHERS: &str = "
    INSERT INTO members SELECT gen_random_uuid(), n::text, 'viewer' FROM generate_series(1, 5000) n;
    INSERT INTO themes SELECT n::text, 'bob', '{}', 0 FROM generate_series(1, 5000) n;
    INSERT INTO blocks SELECT gen_random_uuid(), gen_random_uuid(), 1, n % 2 = 0, NULL, 'a0', 'text', '{}'
        FROM generate_series(1, 5000) n;
    INSERT INTO events SELECT gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), 'bob', n, '{}', '{}'
        FROM generate_series(1, 5000) n;
    INSERT INTO block_versions SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 0 FROM generate_series(1, 5000) n;
    ANALYZE";

/// How many rows were read so far: of each table as a whole, and of each index.
async fn rows_read(database: &Database) -> Vec<(String, i64)> {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()";
    // A connection's figures are there when it has ended.
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut connection).await.unwrap() > 0 {}
    let read = "SELECT relname::text, seq_tup_read FROM pg_stat_user_tables
                WHERE schemaname = current_schema() AND relname <> '_sqlx_migrations'
                UNION ALL SELECT indexrelname::text, idx_tup_read FROM pg_stat_user_indexes
                WHERE schemaname = current_schema() ORDER BY 1";
    sqlx::query_as(read).fetch_all(&mut connection).await.unwrap()
}

#[tokio::test]
async fn no_query_reads_a_whole_table() {
    let database = Database::postgres().await;
    PostgresStore::migrate(database.url()).await.unwrap();
    let mut filling = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(OTHERS).execute(&mut filling).await.unwrap();
    filling.close().await.unwrap();
    let before = rows_read(&database).await;

    let store = Arc::new(PostgresStore::connect(&database.options()).await.unwrap());
    let scene = Scene::on(Arc::clone(&store) as Arc<dyn Store>).await;
    ask_for_everything(&scene).await;
    store.close().await;
    let after = rows_read(&database).await;
    let read: Vec<_> =
        before.into_iter().zip(after).map(|((name, before), (_, after))| (name, after - before)).collect();
    assert!(read.iter().all(|(_, rows)| *rows < 1_000), "{read:?}");
    assert!(read.iter().any(|(name, rows)| name == "events_pkey" && *rows > 0), "{read:?}");
    database.drop().await;
}

#[tokio::test]
async fn a_connection_that_dies_without_a_word_is_given_up_and_the_next_one_is_used() {
    let database = Database::postgres().await;
    let server: PgConnectOptions = database.url().parse().unwrap();
    let address = Forwarder::to(server.get_port()).await;
    let url = format!("postgres://postgres@127.0.0.1:{}/{}", address.port(), server.get_database().unwrap());
    let options = PostgresOptions { url, replica_url: None, pool_min: 0, pool_max: 2 };
    let store = Arc::new(PostgresStore::connect(&options).await.unwrap());
    let scene = Scene::on(store.clone()).await;
    store.heads(&[scene.project]).await.unwrap();
    address.fall_silent();
    tokio::time::pause();
    let projects = [scene.project];
    let answer = tokio::select! {
        answer = store.heads(&projects) => answer,
        _ = a_minute_of_the_machines() => panic!("an answer is waited for without end"),
    };
    // A connection that was asked first, whether it answers, was exchanged for a new one.
    assert!(matches!(answer, Ok(_) | Err(StoreError::Unavailable(_))), "{answer:?}");
    tokio::time::resume();
    store.heads(&projects).await.unwrap();
    // Not closed in good order: that would wait for a word from the dead one.
    database.drop().await;
}

/// Ends in a minute, whatever the runtime's clock does: a paused one jumps to the next timer whenever the network is all
/// that is waited for, so that a timer of the test's would end before a new connection is there.
fn a_minute_of_the_machines() -> oneshot::Receiver<()> {
    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(60));
        // Nobody waits any more, as it should be.
        let _ = end.send(());
    });
    ended
}

async fn ask_for_everything(scene: &Scene) {
    let (store, id, ann) = (&scene.store, scene.project, UserId::from("ann"));
    let (block, tree) = scene.with_block().await;
    let update = scene.update(&block);
    scene.must_commit(update.clone()).await;
    let deleted = Block { version: Version(2), ..block.clone() };
    store.commit(&[scene.delete(tree, &deleted)], Patience::Ms(9)).await.unwrap();
    store.open(id).await.unwrap();
    store.heads(&[id]).await.unwrap();
    store.project(id, &ann).await.unwrap();
    store.members(id).await.unwrap();
    store.set_member(id, &ann, Some(Role::Editor)).await.unwrap();
    store.set_member(id, &ann, None).await.unwrap();
    store.change(id, &ProjectChange::default(), NOW).await.unwrap();
    store.events(id, Span::After(Seq(0)), 9).await.unwrap();
    store.events(id, Span::Before(None), 9).await.unwrap();
    store.event_of_edit(id, update.events[0].edit).await.unwrap();
    store.events_of_group(id, GroupId(Uuid::new_v4())).await.unwrap();
    store.block_events(id, block.id, Version(0)).await.unwrap();
    store.graves(id, &[block.id]).await.unwrap();
    store.records(id, &[update.events[0].edit]).await.unwrap();
    store.bump_epoch(id, 1).await.unwrap();
    store.bump_all_epochs(2).await.unwrap();
    store.put_theme("dark", &ann, "{}", NOW).await.unwrap();
    store.theme("dark").await.unwrap();
    for shared in [SharedProjects::Listed, SharedProjects::Unlisted] {
        let query = ListQuery { user: ann.clone(), also: vec![id], shared, limit: 9, after: None };
        store.projects(&query).await.unwrap();
    }
    let late = Timestamp(NOW.0 + 1);
    store.set_deleted(id, Some(NOW)).await.unwrap();
    store.set_deleted(id, None).await.unwrap();
    let retention = Retention { events_before: Some(late), records_before: late, deleted_before: late };
    store.compact(&retention).await.unwrap();
    store.set_deleted(id, Some(NOW)).await.unwrap();
    store.compact(&retention).await.unwrap();
}
