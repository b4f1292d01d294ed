//! What Postgres holds, asked directly: no hub and no proxy stands between.
//!
//! Promises: turns stored events and blocks into the wire's form by itself; a hub that shows something else is found out.
//! Must never: write.

use std::collections::HashMap;

use histcheck::digest::digest_of_event;
use histcheck::file::Writer;
use histcheck::history::{Body, Record};
use histcheck::id::Id;
use histcheck::log::{Log, head};
use serde_json::{Map, Value, json};
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::LoadError;

/// Events that are read at once.
const PAGE: i64 = 5_000;

/// Where each project ends.
pub type Heads = HashMap<Id, Head>;

/// Where a project ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its log.
    pub epoch: String,
    /// Its last event.
    pub seq: u64,
}

/// The database, by connections of our own.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// Connects when it is first asked.
    pub fn at(url: &str) -> Result<Self, LoadError> {
        Ok(Self { pool: PgPoolOptions::new().max_connections(4).connect_lazy(url)? })
    }

    /// The place of an edit in its project's log, if it is there.
    pub async fn place_of(&self, project: Id, edit: Id) -> Result<Option<u64>, LoadError> {
        let query = sqlx::query_scalar::<_, i64>("SELECT seq FROM events WHERE project_id = $1 AND edit_id = $2");
        let seq = query.bind(uuid(project)).bind(uuid(edit)).fetch_optional(&self.pool).await?;
        Ok(seq.map(i64::cast_unsigned))
    }

    /// One number of the server: what a query with one row of one `bigint` says.
    pub async fn number(&self, query: &'static str) -> Result<i64, LoadError> {
        Ok(sqlx::query_scalar(query).fetch_one(&self.pool).await?)
    }

    /// All projects, always in the same order.
    pub async fn projects(&self) -> Result<Vec<Id>, LoadError> {
        let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM projects ORDER BY id").fetch_all(&self.pool).await?;
        Ok(ids.into_iter().map(named).collect())
    }

    /// Where these projects end.
    pub async fn heads(&self, projects: &[Id]) -> Result<Heads, LoadError> {
        const TIMELINE: &str = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";
        let timeline: i32 = sqlx::query_scalar(TIMELINE).fetch_one(&self.pool).await?;
        let ids: Vec<Uuid> = projects.iter().copied().map(uuid).collect();
        let rows: Vec<(Uuid, i64, i64)> = sqlx::query_as("SELECT id, log, seq FROM projects WHERE id = ANY ($1)")
            .bind(ids)
            .fetch_all(&self.pool)
            .await?;
        let head = |log: i64, seq: i64| Head {
            epoch: format!("{:016x}-{timeline}", log.cast_unsigned()),
            seq: seq.cast_unsigned(),
        };
        Ok(rows.into_iter().map(|(id, log, seq)| (named(id), head(log, seq))).collect())
    }

    /// Writes down logs and blocks of these projects; which logs make no sense, in words.
    pub async fn write_down(&self, heads: &Heads, history: &Writer) -> Result<Vec<String>, LoadError> {
        let mut broken = Vec::new();
        for (project, Head { epoch, seq }) in heads {
            broken.extend(self.write_log(*project, history).await?);
            let blocks = self.blocks(*project).await?;
            history.write(&head(*project, epoch.clone(), *seq, &blocks).map_err(wrong)?);
        }
        Ok(broken)
    }

    async fn write_log(&self, project: Id, history: &Writer) -> Result<Option<String>, LoadError> {
        const EVENTS: &str = "SELECT seq, edit_id, group_id, user_id, at, answer, body FROM events
                              WHERE project_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let (mut log, mut after, mut broken) = (Some(Log::of(project)), 0, None);
        loop {
            let rows: Vec<EventRow> =
                sqlx::query_as(EVENTS).bind(uuid(project)).bind(after).bind(PAGE).fetch_all(&self.pool).await?;
            let Some(last) = rows.last() else { return Ok(broken) };
            after = last.0;
            for row in rows {
                // Where compaction has dropped the beginning, the rest cannot be folded.
                log = log.filter(|_| !row.6.is_empty());
                let folded = match &mut log {
                    Some(log) => log.event(&event(&row)?).map(Some),
                    None => Ok(None),
                };
                if let Err(misfit) = &folded {
                    broken =
                        Some(format!("the log of {project} cannot be followed beyond seq {}: {misfit}", row.0 - 1));
                    log = None;
                }
                history.write(&match folded {
                    Ok(Some(record)) => record,
                    _ => kept(project, &row)?,
                });
            }
        }
    }

    async fn blocks(&self, project: Id) -> Result<Vec<Value>, LoadError> {
        const BLOCKS: &str = "SELECT id, kind, parent, position, content, version FROM blocks
                              WHERE project_id = $1 AND NOT deleted";
        let rows: Vec<(Uuid, String, Option<Uuid>, String, String, i64)> =
            sqlx::query_as(BLOCKS).bind(uuid(project)).fetch_all(&self.pool).await?;
        let block = |row: (Uuid, String, Option<Uuid>, String, String, i64)| {
            let (id, kind, parent, position, content, version) = row;
            let content: Value = serde_json::from_str(&content).map_err(wrong)?;
            Ok(
                json!({"id": named(id), "kind": kind, "parent": parent.map(named), "position": position, "content": content, "version": version}),
            )
        };
        rows.into_iter().map(block).collect()
    }
}

type EventRow = (i64, Uuid, Option<Uuid>, String, i64, String, String);

/// What can be said of an event alone, where the log before it is lost or broken: perhaps only how its edit was answered.
fn kept(project: Id, row: &EventRow) -> Result<Record, LoadError> {
    let (seq, edit, user) = (row.0.cast_unsigned(), named(row.1), row.3.clone());
    let answer: Value = serde_json::from_str(&row.5).map_err(wrong)?;
    let versions = serde_json::from_value(answer["versions"].clone()).map_err(wrong)?;
    let body = match row.6.is_empty() {
        true => None,
        false => Some(Body { digest: digest_of_event(&event(row)?), blocks: None }),
    };
    Ok(Record::Event { project, seq, edit, user, versions, body })
}

fn wrong(error: impl std::fmt::Display) -> LoadError {
    LoadError::Wrong(format!("the database holds what cannot be: {error}"))
}

fn uuid(id: Id) -> Uuid {
    Uuid::from_u128(id.0)
}

fn named(uuid: Uuid) -> Id {
    Id(uuid.as_u128())
}

/// An event in the wire's form.
fn event((seq, edit, group, user, at, _, body): &EventRow) -> Result<Value, LoadError> {
    let body: Value = serde_json::from_str(body).map_err(wrong)?;
    let mut actor = json!({"id": user, "kind": body.get("kind").unwrap_or(&json!("human"))});
    if let Some(name) = body.get("name") {
        actor["name"] = name.clone();
    }
    let changes = body["changes"].as_array().map_or(&[][..], Vec::as_slice);
    let ops: Vec<Value> = changes.iter().map(op).collect::<Option<_>>().ok_or_else(|| wrong("no change"))?;
    let mut event = json!({"seq": seq, "editId": named(*edit), "requestId": body["request"], "actor": actor, "at": moment(*at), "ops": ops});
    if let Some(group) = group {
        event["group"] = json!(named(*group));
    }
    for flag in ["merged", "overwrote"].into_iter().filter(|flag| body[*flag] == true) {
        event[flag] = true.into();
    }
    Ok(event)
}

/// A change as stored, `{"update": {…}}`, in the wire's form.
fn op(change: &Value) -> Option<Value> {
    let (kind, change) = change.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "insert" => json!({"op": kind, "block": block(change)?}),
        "update" => {
            json!({"op": kind, "block": change["block"], "version": change["version"], "patch": change["patch"]})
        }
        "text" => json!({"op": kind, "block": change["block"], "version": change["version"],
                         "path": pointer(&change["path"])?, "changes": splices(&change["splices"])?}),
        "move" => json!({"op": kind, "block": change["block"], "version": change["version"],
                         "parent": change["to"][0], "position": change["to"][1]}),
        "delete" => {
            let ids: Vec<&Value> = change.as_array()?.iter().map(|block| &block["id"]).collect();
            json!({"op": kind, "blocks": ids})
        }
        _ => return None,
    })
}

fn block(stored: &Value) -> Option<Value> {
    let mut block: Map<String, Value> = stored.as_object()?.clone();
    let place = block.remove("place")?;
    block.insert("parent".into(), place[0].clone());
    block.insert("position".into(), place[1].clone());
    Some(Value::Object(block))
}

/// RFC 6901.
fn pointer(names: &Value) -> Option<String> {
    let escape = |name: &Value| Some(format!("/{}", name.as_str()?.replace('~', "~0").replace('/', "~1")));
    names.as_array()?.iter().map(escape).collect()
}

/// `[at, deleted, inserted]` each; lengths are in UTF-16 code units.
fn splices(stored: &Value) -> Option<Vec<Value>> {
    let splice = |splice: &Value| {
        let deleted = splice[1].as_str()?.encode_utf16().count();
        Some(json!({"at": splice[0], "delete": deleted, "insert": splice[2]}))
    };
    stored.as_array()?.iter().map(splice).collect()
}

/// Milliseconds since 1970 as RFC 3339 (days to a date: Howard Hinnant, "chrono-compatible low-level date algorithms").
fn moment(ms: i64) -> String {
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let since = days + 719_468;
    let (era, day_of_era) = (since.div_euclid(146_097), since.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (second, ms) = (in_day / 1_000, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", second / 3_600, second / 60 % 60, second % 60)
}
