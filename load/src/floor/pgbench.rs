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
        WITH (fillfactor = 50);
    CREATE TABLE IF NOT EXISTS floor_events (id bigserial PRIMARY KEY, block int NOT NULL, body text NOT NULL);
    TRUNCATE floor_blocks, floor_events;
    INSERT INTO floor_blocks SELECT id, 0, repeat('x', 100) FROM generate_series(0, 9999) id;";

/// What each client does, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// One row, each client's own, if it has the version: the least that an edit can be.
    VersionedUpdate,
    /// The same for many rows, and a row in a log for each, in one statement.
    Batch,
}

impl Script {
    fn text(self) -> String {
        match self {
            Self::VersionedUpdate => "\\set version :version + 1\n\
                 UPDATE floor_blocks SET version = version + 1 WHERE id = :client_id AND version = :version - 1;\n"
                .to_owned(),
            Self::Batch => format!(
                "\\set first random(0, {})\n\
                 WITH changed AS (UPDATE floor_blocks SET version = version + 1, content = repeat('y', 100) \
                 WHERE id BETWEEN :first * {BATCH} AND :first * {BATCH} + {BATCH} - 1 AND version >= 0 \
                 RETURNING id, content) \
                 INSERT INTO floor_events (block, body) SELECT id, content FROM changed;\n",
                ROWS / BATCH - 1
            ),
        }
    }

    /// Rows that one transaction changes.
    fn rows(self) -> usize {
        match self {
            Self::VersionedUpdate => 1,
            Self::Batch => BATCH,
        }
    }
}

/// Transactions a second, with so many clients; the rows' versions must add up to them.
pub async fn run(postgres: &Postgres, script: Script, clients: usize, seconds: u64) -> Result<f64, LoadError> {
    prepare(postgres).await?;
    let said = bench(postgres, script, clients, seconds).await?;
    let figure = |before: &str| said.split(before).nth(1)?.split_whitespace().next()?.parse::<f64>().ok();
    let figures = figure("transactions actually processed:").zip(figure("tps ="));
    let (done, rate) = figures.ok_or_else(|| LoadError::Start(format!("pgbench said {said}")))?;
    let sum = postgres.number("SELECT sum(version)::bigint FROM floor_blocks").await?;
    if sum as f64 == done * script.rows() as f64 {
        return Ok(rate);
    }
    Err(LoadError::Wrong(format!("pgbench did {done} transactions, which changed {sum} rows")))
}

/// What it prints.
async fn bench(postgres: &Postgres, script: Script, clients: usize, seconds: u64) -> Result<String, LoadError> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script.sql");
    std::fs::write(&file, script.text())?;
    let mut pgbench = program(postgres, "pgbench");
    pgbench.args(["-n", "-M", "prepared", "-j", "2", "-D", "version=0"]).arg("-f").arg(&file);
    pgbench.args(["-c", &clients.to_string(), "-T", &seconds.max(1).to_string()]).arg(postgres.url());
    let output = pgbench.output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(LoadError::Start(format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr))))
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
