//! What a run found, for people and for files.
//!
//! Promises: every bar stands beside its figure, whether it was judged or not.
//! Must never: pass a run whose history was not judged.

use std::path::Path;

use histcheck::file::records;
use histcheck::judge::judge;
use histcheck::verdict::Verdict;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Run;
use super::driver::figures::Stretch;
use crate::LoadError;

/// A figure and what was promised of it.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// What is measured.
    what: &'static str,
    /// What came out.
    figure: f64,
    /// What was promised.
    bound: Bound,
    /// Of the figure and the bound.
    unit: &'static str,
    /// When it counts.
    judged: Judged,
}

/// A promise.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// When a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Judged {
    Always,
    InLongForm,
}

impl Bar {
    /// A count that may not be larger, in any form.
    pub fn count_at_most(what: &'static str, figure: u64, bound: u64) -> Self {
        let (figure, bound) = (figure as f64, Bound::AtMost(bound as f64));
        Self { what, figure, bound, unit: "", judged: Judged::Always }
    }

    /// A count that may not be smaller, in any form.
    pub fn count_at_least(what: &'static str, figure: u64, bound: u64) -> Self {
        let (figure, bound) = (figure as f64, Bound::AtLeast(bound as f64));
        Self { what, figure, bound, unit: "", judged: Judged::Always }
    }

    /// A time that may not be longer; judged in the long form.
    pub fn ms_at_most(what: &'static str, figure: f64, bound: f64) -> Self {
        Self { what, figure, bound: Bound::AtMost(bound), unit: "ms", judged: Judged::InLongForm }
    }

    /// A ratio that may not be larger; judged in the long form.
    pub fn ratio_at_most(what: &'static str, figure: f64, bound: f64) -> Self {
        Self { what, figure, bound: Bound::AtMost(bound), unit: "×", judged: Judged::InLongForm }
    }

    /// A share that may not be smaller; judged in the long form.
    pub fn percent_at_least(what: &'static str, figure: f64, bound: f64) -> Self {
        Self { what, figure, bound: Bound::AtLeast(bound), unit: "%", judged: Judged::InLongForm }
    }

    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.figure <= bound,
            Bound::AtLeast(bound) => self.figure >= bound,
        }
    }

    fn line(&self, counts: bool) -> String {
        let (sign, bound) = match self.bound {
            Bound::AtMost(bound) => ("≤", bound),
            Bound::AtLeast(bound) => ("≥", bound),
        };
        let word = match (self.is_met(), counts) {
            (true, _) => "ok",
            (false, true) => "MISSED",
            (false, false) => "missed, not judged in the short form",
        };
        format!("  {:<44} {:>10} {:<2} {sign} {:<8} {word}", self.what, rounded(self.figure), self.unit, rounded(bound))
    }
}

fn rounded(figure: f64) -> String {
    if figure.fract() == 0.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

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
    /// What the judge says, or why there is no verdict.
    verdict: Result<Verdict, String>,
}

impl Report {
    /// Judges the history.
    pub fn of(run: &Run, findings: Findings) -> Result<Self, LoadError> {
        let verdict = judge(records(&run.history())?).map_err(|error| error.to_string());
        Ok(Self { run: run.clone(), findings, verdict })
    }

    /// Of a run that did not come to its end.
    pub fn broken(run: &Run, error: &LoadError) -> Self {
        Self { run: run.clone(), findings: Findings::default(), verdict: Err(error.to_string()) }
    }

    /// Whether everything is as promised.
    pub fn passed(&self) -> bool {
        let missed = self.findings.bars.iter().any(|bar| self.counts(bar) && !bar.is_met());
        !missed && self.findings.stuck.is_empty() && self.verdict.as_ref().is_ok_and(Verdict::is_sound)
    }

    fn counts(&self, bar: &Bar) -> bool {
        bar.judged == Judged::Always || self.run.pick(true, false)
    }

    /// For people.
    pub fn print(&self) {
        self.findings.bars.iter().for_each(|bar| println!("{}", bar.line(self.counts(bar))));
        for (name, figure) in &self.findings.figures {
            println!("  {name:<44} {:>10}", rounded(*figure));
        }
        self.findings.remarks.iter().for_each(|remark| println!("  {remark}"));
        self.findings.stuck.iter().for_each(|stuck| println!("  TROUBLE: {stuck}"));
        match &self.verdict {
            Err(error) => println!("  no verdict: {error}"),
            Ok(verdict) => {
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
        let result = json!({
            "row": self.run.row.name(),
            "promise": self.run.row.promise(),
            "form": self.run.form_in_words(),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
            "seed": self.run.seed,
            "date": said_by("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
            "commit": self.run.commit,
            "passed": self.passed(),
            "bars": self.findings.bars,
            "figures": figures,
            "stuck": self.findings.stuck,
            "remarks": self.findings.remarks,
            "verdict": self.verdict,
        });
        // Proven: there is nothing in it that has no JSON.
        Ok(std::fs::write(path, serde_json::to_string_pretty(&result).unwrap_or_default() + "\n")?)
    }
}

/// Which commit the folder of the run is at.
pub fn commit() -> String {
    said_by("git", &["describe", "--always", "--dirty"])
}

/// A program's output, without the line's end; empty if it cannot be had.
fn said_by(program: &str, words: &[&str]) -> String {
    let output = std::process::Command::new(program).args(words).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
