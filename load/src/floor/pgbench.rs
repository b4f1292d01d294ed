//! What Postgres itself charges: `pgbench` with a statement or two, and no hub.
//!
//! Promises: the statements are what the contract needs at least: a version that is compared, and what is logged with it.
//! Must never: be given an easier disk than the hub has: it is the same server.

use std::path::Path;

use tokio::process::Command;

use crate::LoadError;
use crate::postgres::Postgres;

/// Rows that are updated.
const ROWS: usize = 10_000;
/// Edits in one statement, as a hub under load has them.
pub const BATCH: usize = 64;
/// Connections.
pub const CLIENTS: usize = 16;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS floor_blocks (id int PRIMARY KEY, version bigint NOT NULL, content text NOT NULL)
        WITH (fillfactor = 80);
    CREATE TABLE IF NOT EXISTS floor_events (id bigserial PRIMARY KEY, block int NOT NULL, body text NOT NULL);
    TRUNCATE floor_blocks, floor_events;
    INSERT INTO floor_blocks SELECT id, 1, repeat('x', 100) FROM generate_series(1, 10000) id;";

/// What each client does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// One row, if it has the version: the bare `UPDATE`.
    VersionedUpdate,
    /// The same for many rows, and a row in a log for each, in one statement.
    Batch,
}

impl Script {
    fn text(self) -> String {
        let pick = format!("\\set id random(1, {ROWS})\n");
        match self {
            Self::VersionedUpdate => {
                pick + "UPDATE floor_blocks SET version = version + 1, content = repeat('y', 100) \
                        WHERE id = :id AND version > 0;\n"
            }
            Self::Batch => format!(
                "\\set first random(0, {})\n\
                 WITH changed AS (UPDATE floor_blocks SET version = version + 1, content = repeat('y', 100) \
                 WHERE id BETWEEN :first * {BATCH} + 1 AND :first * {BATCH} + {BATCH} AND version > 0 \
                 RETURNING id, content) \
                 INSERT INTO floor_events (block, body) SELECT id, content FROM changed;\n",
                ROWS / BATCH - 1
            ),
        }
    }
}

/// Transactions a second, with so many clients.
pub async fn run(postgres: &Postgres, script: Script, clients: usize, seconds: u64) -> Result<f64, LoadError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script.sql");
    std::fs::write(&file, script.text())?;
    prepare(postgres).await?;
    let output = program(postgres, "pgbench")
        .args(["-n", "-M", "prepared", "-c", &clients.to_string(), "-j", "1", "-T", &seconds.to_string(), "-f"])
        .arg(&file)
        .arg(postgres.url())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")).and_then(|rest| rest.split(' ').next());
    let failed = || LoadError::Start(format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)));
    rate.and_then(|rate| rate.parse().ok()).ok_or_else(failed)
}

/// Whether this machine has it.
pub fn is_there(postgres: &Postgres) -> bool {
    postgres.binary("pgbench").exists()
}

async fn prepare(postgres: &Postgres) -> Result<(), LoadError> {
    let mut psql = program(postgres, "psql");
    let output = psql.arg(postgres.url()).args(["-q", "-v", "ON_ERROR_STOP=1", "-c", TABLES]).output().await?;
    if output.status.success() {
        return Ok(());
    }
    Err(LoadError::Start(format!("psql: {}", String::from_utf8_lossy(&output.stderr))))
}

fn program(postgres: &Postgres, name: &str) -> Command {
    let mut command = Command::new(postgres.binary(name));
    command.current_dir(Path::new("/")).kill_on_drop(true);
    command
}
