//! The result files as the table that `docs/reliability.md` shows.
//!
//! Promises: says of each row what its newest long run found, else its short run, and which it was.
//! Must never: hide a row: one that was not run says so, and one that fell short, too.

use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use super::rows::Row;

/// The tables: of the reliability rows, and of the security rows.
pub fn tables(folder: &Path) -> [String; 2] {
    [false, true].map(|security| {
        let rows = Row::value_variants().iter().filter(|row| row.is_security() == security);
        let lines = rows.map(|row| line(*row, folder));
        let head = ["| row | what came out | passed | run |".to_owned(), "|---|---|---|---|".to_owned()];
        head.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    })
}

fn line(row: Row, folder: &Path) -> String {
    let name = row.name();
    let Some(result) = read(folder, &name) else { return format!("| {name} | | not run yet | |") };
    let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
    let bars = result["bars"].as_array().map_or(&[][..], Vec::as_slice).iter().map(bar);
    let what: Vec<String> = loss(row, &result).into_iter().chain(bars).collect();
    let passed = if result["passed"] == true { "yes" } else { "**no**" };
    let date = text("date").split('T').next().unwrap_or_default().to_owned();
    let run = format!("{}, {}, seed {}, {date}, `{}`", text("form"), text("build"), result["seed"], text("commit"));
    format!("| {name} | {} | {passed} | {run} |", what.join("; "))
}

fn read(folder: &Path, name: &str) -> Option<Value> {
    let files = [format!("{name}.json"), format!("{name}-short.json")];
    let text = files.iter().find_map(|file| std::fs::read_to_string(folder.join(file)).ok())?;
    serde_json::from_str(&text).ok()
}

/// What the judge of histories said, if the row has one; of those that broke off, that.
fn loss(row: Row, result: &Value) -> Option<String> {
    let verdict = &result["verdict"]["Ok"];
    let checked = &verdict["checked"];
    if !row.has_history() && result["verdict"].is_null() {
        return None;
    }
    Some(match verdict["found"].as_object() {
        None => "**no verdict**".into(),
        Some(found) if found.is_empty() => {
            format!("0-loss in {} acks, {} events shown", checked["acks"], checked["shown"])
        }
        Some(found) => format!("**loss**: {}", found.keys().cloned().collect::<Vec<_>>().join(", ")),
    })
}

fn bar(bar: &Value) -> String {
    let number = |value: &Value| {
        let number = value.as_f64().unwrap_or_default();
        if number.fract() == 0.0 || number >= 100.0 { format!("{number:.0}") } else { format!("{number:.1}") }
    };
    let (sign, bound) = match bar["bound"].get("atMost") {
        Some(bound) => ("≤", bound),
        None => ("≥", &bar["bound"]["atLeast"]),
    };
    let unit = bar["unit"].as_str().unwrap_or_default();
    let what = bar["what"].as_str().unwrap_or_default();
    format!("{what} {} {unit} ({sign} {})", number(&bar["figure"]), number(bound)).replace("  ", " ")
}
