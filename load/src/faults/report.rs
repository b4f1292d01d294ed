//! What a run found, for people and for files.
//!
//! Promises: every bar stands beside its figure, whether it was judged or not.
//! Must never: pass a run whose history was not judged, if it has one.

use std::path::Path;

use histcheck::file::records;
use histcheck::judge::judge;
use histcheck::verdict::Verdict;
use serde_json::{Map, Value, json};

use super::Run;
use super::driver::figures::Stretch;
use crate::LoadError;
use crate::bar::{Bar, rounded};

/// What a row found out.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was promised.
    pub bars: Vec<Bar>,
    /// What else was measured: names with units, and figures.
    pub figures: Vec<(String, f64)>,
    /// Who never came to rest, in words.
    pub stuck: Vec<String>,
    /// What else there is to say about how it was done.
    pub remarks: Vec<String>,
}

impl Findings {
    /// Adds a figure.
    pub fn figure(&mut self, name: &str, figure: f64) {
        self.figures.push((name.to_owned(), figure));
    }

    /// Adds what every run measures.
    pub fn stretch(&mut self, stretch: &Stretch) {
        self.figure("acks", stretch.acks as f64);
        self.figure("conflicts", stretch.conflicts as f64);
        self.figure("ack p50, ms", stretch.ack.quantile_ms(0.5));
        self.figure("ack p99, ms", stretch.ack.quantile_ms(0.99));
        self.figure("seen on another hub p50 after the ack, ms", stretch.lag.quantile_ms(0.5));
        self.figure("seen on another hub p99 after the ack, ms", stretch.lag.quantile_ms(0.99));
        self.figure("seen on another hub at the latest, ms", stretch.lag.max_ms());
        self.figure("connections lost", stretch.losses as f64);
        self.figure("came back p50, ms", stretch.resume.quantile_ms(0.5));
        self.figure("came back p99, ms", stretch.resume.quantile_ms(0.99));
        self.figure("came back without a snapshot", stretch.recovered as f64);
        self.figure("came back with a snapshot", stretch.snapshots as f64);
        self.figure("told busy", stretch.busy as f64);
        self.figure("resets", stretch.resets as f64);
        self.figure("errors a user would see", stretch.errors as f64);
        self.remarks.extend(stretch.error_words.iter().take(5).map(|words| format!("error: {words}")));
    }
}

/// A run's outcome.
pub struct Report {
    run: Run,
    findings: Findings,
    judged: Judged,
}

/// How a run is judged beside its bars.
enum Judged {
    /// What the judge says of its history.
    ByHistory(Verdict),
    /// It has none: bars alone.
    ByBars,
    /// Why there is no verdict.
    Not(String),
}

impl Report {
    /// Judges the history, if the row has one.
    pub fn of(run: &Run, findings: Findings) -> Result<Self, LoadError> {
        let judged = match run.row.has_history() {
            false => Judged::ByBars,
            true => match judge(records(&run.history())?) {
                Ok(verdict) => Judged::ByHistory(verdict),
                Err(error) => Judged::Not(error.to_string()),
            },
        };
        Ok(Self { run: run.clone(), findings, judged })
    }

    /// Of a run that did not come to its end.
    pub fn broken(run: &Run, error: &LoadError) -> Self {
        Self { run: run.clone(), findings: Findings::default(), judged: Judged::Not(error.to_string()) }
    }

    /// Whether everything is as promised.
    pub fn passed(&self) -> bool {
        let missed = self.findings.bars.iter().any(|bar| bar.counts(self.run.form) && !bar.is_met());
        let is_sound = match &self.judged {
            Judged::ByHistory(verdict) => verdict.is_sound(),
            Judged::ByBars => true,
            Judged::Not(_) => false,
        };
        !missed && self.findings.stuck.is_empty() && is_sound
    }

    /// Whether it came to its end.
    pub fn is_whole(&self) -> bool {
        !matches!(self.judged, Judged::Not(_))
    }

    /// For people.
    pub fn print(&self) {
        self.findings.bars.iter().for_each(|bar| println!("{}", bar.line(self.run.form)));
        for (name, figure) in &self.findings.figures {
            println!("  {name:<56} {:>14}", rounded(*figure));
        }
        self.findings.remarks.iter().for_each(|remark| println!("  {remark}"));
        self.findings.stuck.iter().for_each(|stuck| println!("  TROUBLE: {stuck}"));
        match &self.judged {
            Judged::Not(error) => println!("  no verdict: {error}"),
            Judged::ByBars => {}
            Judged::ByHistory(verdict) => {
                let checked = &verdict.checked;
                let words = if verdict.is_sound() { "0-loss" } else { "LOSS" };
                println!(
                    "  judged: {words}, {} edits, {} acks, {} events shown",
                    checked.edits, checked.acks, checked.shown
                );
                verdict.found.iter().for_each(|(kind, count)| println!("  {count} × {kind}"));
                verdict.violations.iter().take(10).for_each(|violation| println!("    {violation}"));
            }
        }
    }

    /// As a file.
    pub fn write(&self, path: &Path) -> Result<(), LoadError> {
        let figures: Map<String, Value> =
            self.findings.figures.iter().map(|(name, figure)| (name.clone(), json!(figure))).collect();
        let verdict = match &self.judged {
            Judged::ByHistory(verdict) => json!({"Ok": verdict}),
            Judged::ByBars => Value::Null,
            Judged::Not(error) => json!({"Err": error}),
        };
        let origin = &self.run.origin;
        let result = json!({
            "row": self.run.row.name(),
            "promise": self.run.row.promise(),
            "form": self.run.form_in_words(),
            "build": origin.build,
            "seed": self.run.seed,
            "date": origin.date,
            "commit": origin.commit,
            "passed": self.passed(),
            "bars": self.findings.bars,
            "figures": figures,
            "stuck": self.findings.stuck,
            "remarks": self.findings.remarks,
            "verdict": verdict,
        });
        // Proven: there is nothing in it that has no JSON.
        Ok(std::fs::write(path, serde_json::to_string_pretty(&result).unwrap_or_default() + "\n")?)
    }
}
