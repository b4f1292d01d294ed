//! What Postgres alone can do: `pgbench` with a bare versioned `UPDATE`, each client on a row of its own.
//!
//! Promises: the rows' versions add up to what it says it did.
//! Must never: run beside anything that is measured.

use std::process::Stdio;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::LoadError;
use crate::ports::Ports;
use crate::postgres::Postgres;

const CLIENTS: i32 = 16;
const SCRIPT: &str = "\
\\set version :version + 1
UPDATE bare SET version = version + 1 WHERE id = :client_id AND version = :version - 1;
";

/// Updates a second.
pub async fn updates_per_second(window: Duration) -> Result<f64, LoadError> {
    let postgres = Postgres::start(&mut Ports::default())?;
    let mut connection = PgConnection::connect(&postgres.url()).await?;
    make_rows(&mut connection).await?;
    let said = bench(&postgres, window).await?;
    let figure = |before: &str| said.split(before).nth(1)?.split_whitespace().next()?.parse::<f64>().ok();
    let figures = figure("transactions actually processed:").zip(figure("tps ="));
    let (updates, rate) = figures.ok_or_else(|| LoadError::Start(format!("pgbench said {said}")))?;
    let sum: i64 = sqlx::query_scalar("SELECT sum(version)::bigint FROM bare").fetch_one(&mut connection).await?;
    if sum as f64 == updates { Ok(rate) } else { Err(LoadError::Wrong(format!("{sum} updates, not {updates}"))) }
}

async fn make_rows(connection: &mut PgConnection) -> Result<(), LoadError> {
    let table = "CREATE TABLE bare (id int PRIMARY KEY, version bigint NOT NULL) WITH (fillfactor = 50)";
    sqlx::query(table).execute(&mut *connection).await?;
    let rows = sqlx::query("INSERT INTO bare SELECT id, 0 FROM generate_series(0, $1 - 1) id");
    rows.bind(CLIENTS).execute(connection).await?;
    Ok(())
}

/// What it prints.
async fn bench(postgres: &Postgres, window: Duration) -> Result<String, LoadError> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("bare.sql");
    std::fs::write(&script, SCRIPT)?;
    let mut pgbench = Command::new(postgres.program("pgbench"));
    pgbench.args(["-n", "-M", "prepared", "-j", "2", "-D", "version=0"]).arg("-f").arg(&script);
    pgbench.args(["-c", &CLIENTS.to_string(), "-T", &window.as_secs().max(1).to_string()]).arg(postgres.url());
    let failed = |error| LoadError::Start(format!("pgbench cannot be started: {error}"));
    let output = pgbench.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(LoadError::Start(format!("pgbench failed: {}", String::from_utf8_lossy(&output.stderr))))
}
