//! Databases of their own for tests.
//!
//! Promises: no test sees another's data; a database goes when its test has passed.
//! Must never: touch a server that was not started for tests: `BLOCKHUB_TEST_POSTGRES` names one, and `./test` starts it.

use std::sync::Arc;

use blockhub::store::Store;
use blockhub::store::postgres::{PostgresOptions, PostgresStore};
use blockhub::store::sqlite::SqliteStore;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// A database of one test.
pub struct Database {
    url: String,
    kept: Kept,
}

/// What goes with the database.
enum Kept {
    File(TempDir),
    Postgres { name: String },
}

impl Database {
    /// An empty SQLite file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("blockhub.db").display());
        Self { url, kept: Kept::File(folder) }
    }

    /// An empty schema on the Postgres server for tests: quicker than a database, and as far from the others. What
    /// connects by its URL bears its name, so that a test can tell its own connections.
    pub async fn postgres() -> Self {
        let (server, name) = (server(), format!("it_{}", Uuid::new_v4().simple()));
        on_server(format!("CREATE SCHEMA {name}")).await;
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options[search_path]={name}&application_name={name}");
        Self { url, kept: Kept::Postgres { name } }
    }

    /// What `DATABASE_URL` would be.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A store on it; each call is another hub's.
    pub async fn store(&self) -> Arc<dyn Store> {
        match &self.kept {
            Kept::File(_) => Arc::new(SqliteStore::connect(&self.url).await.unwrap()),
            Kept::Postgres { .. } => Arc::new(PostgresStore::connect(&self.options()).await.unwrap()),
        }
    }

    /// How a hub would reach it, if it is Postgres.
    pub fn options(&self) -> PostgresOptions {
        PostgresOptions { url: self.url.clone(), replica_url: None, pool_min: 0, pool_max: 8 }
    }

    /// Takes it away.
    pub async fn drop(self) {
        match self.kept {
            Kept::File(folder) => folder.close().unwrap(),
            Kept::Postgres { name } => on_server(format!("DROP SCHEMA {name} CASCADE")).await,
        }
    }
}

/// `postgres://…/database` of the server for tests.
fn server() -> String {
    std::env::var("BLOCKHUB_TEST_POSTGRES")
        .expect("BLOCKHUB_TEST_POSTGRES names no Postgres server for tests: run ./test, which starts one")
}

async fn on_server(statement: String) {
    let mut connection = PgConnection::connect(&server()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
