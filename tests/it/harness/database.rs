//! Databases of their own for tests.
//!
//! Promises: no test sees another's data; a database goes when its test has passed.
//! Must never: touch a server that was not started for tests: `BLOCKHUB_TEST_POSTGRES` names one.

use std::sync::Arc;

use blockhub::store::Store;
use blockhub::store::sqlite::SqliteStore;
use tempfile::TempDir;

/// A database of one test.
pub struct Database {
    url: String,
    kept: Kept,
}

/// What goes with the database.
enum Kept {
    File(TempDir),
}

impl Database {
    /// An empty SQLite file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("blockhub.db").display());
        Self { url, kept: Kept::File(folder) }
    }

    /// What `DATABASE_URL` would be.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A store on it; each call is another hub's.
    pub async fn store(&self) -> Arc<dyn Store> {
        match &self.kept {
            Kept::File(_) => Arc::new(SqliteStore::connect(&self.url).await.unwrap()),
        }
    }

    /// Takes it away.
    pub async fn drop(self) {
        match self.kept {
            Kept::File(folder) => folder.close().unwrap(),
        }
    }
}
