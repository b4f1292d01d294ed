//! What a comparison found, for people and for files.
//!
//! Promises: every subject's figure stands beside BlockHub's, and how many times better BlockHub's is; a subject that
//! failed, lost something, or could not keep up has it said in the same table.
//! Must never: give a ratio for a subject that failed.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::ledger::Flaws;
use super::subject::Subject;
use crate::LoadError;

/// Which is the better of two figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Better {
    /// The larger.
    More,
    /// The smaller.
    Less,
    /// Neither: it is told, not judged.
    Neither,
}

/// Something measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What, with its unit.
    pub what: &'static str,
    /// How much.
    pub value: f64,
    /// What is better.
    pub better: Better,
}

/// What one subject gave.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Which.
    pub subject: Subject,
    /// What it is, and what its acks are worth.
    pub described: String,
    /// The same ones, in the same order, for every subject that did not fail.
    pub figures: Vec<Figure>,
    /// What has to be said beside them.
    pub remarks: Vec<String>,
    /// Why there are no figures.
    pub failed: Option<String>,
}

/// What a comparison gave.
pub struct Report {
    /// Its name: `edits`, `room`, `idle`.
    pub scenario: &'static str,
    /// What was done, in words.
    pub how: String,
    /// One for each subject.
    pub outcomes: Vec<Outcome>,
    /// Figures of the machine in the same run.
    pub floors: Vec<Figure>,
    /// What everything ran on.
    pub versions: String,
}

impl Outcome {
    /// Nothing yet.
    pub fn of(subject: Subject) -> Self {
        Self { subject, described: subject.described(), figures: Vec::new(), remarks: Vec::new(), failed: None }
    }

    /// Adds a figure.
    pub fn figure(&mut self, what: &'static str, value: f64, better: Better) {
        self.figures.push(Figure { what, value, better });
    }

    /// Says what went wrong with deliveries, if anything did.
    pub fn remark_flaws(&mut self, flaws: Flaws, unseen: u64) {
        let Flaws { missing, repeated, late } = flaws;
        let found = [
            (missing, "deliveries missing between others"),
            (unseen, "deliveries not there 20 s after the last ack"),
            (repeated, "deliveries repeated"),
            (late, "deliveries after a later one"),
        ];
        let found = found.iter().filter(|(count, _)| *count > 0);
        self.remarks.extend(found.map(|(count, what)| format!("WRONG: {count} {what}")));
    }

    fn value(&self, what: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.what == what).map(|figure| figure.value)
    }
}

impl Report {
    /// Prints the table, and what has to be said beside it.
    pub fn print(&self) {
        println!("\n{}: {}", self.scenario, self.how);
        println!("{}\n", self.versions);
        print!("{:<34}", "");
        self.outcomes.iter().for_each(|outcome| print!("{:>21}", outcome.subject.name()));
        println!();
        let rows = self.outcomes.iter().find(|outcome| outcome.failed.is_none());
        for figure in rows.map_or(&[][..], |outcome| outcome.figures.as_slice()) {
            print!("{:<34}", figure.what);
            self.outcomes.iter().for_each(|outcome| print!("{:>21}", self.cell(outcome, figure)));
            println!();
        }
        for floor in &self.floors {
            println!("{:<34}{:>21}", floor.what, rounded(floor.value));
        }
        println!("In brackets: how many times better BlockHub's figure is, in this run.");
        for outcome in &self.outcomes {
            println!("* {}", outcome.described);
            outcome.remarks.iter().for_each(|remark| println!("  {}: {remark}", outcome.subject.name()));
            outcome.failed.iter().for_each(|why| println!("  {} FAILED: {why}", outcome.subject.name()));
        }
    }

    /// Whether no subject failed, and BlockHub did nothing wrong. What a peer does wrong is told, not judged.
    pub fn is_well(&self) -> bool {
        let ours = self.outcomes.iter().filter(|outcome| outcome.subject == Subject::BlockHub);
        let wrong = ours.flat_map(|outcome| &outcome.remarks).any(|remark| remark.starts_with("WRONG"));
        !wrong && self.outcomes.iter().all(|outcome| outcome.failed.is_none())
    }

    /// Writes it as JSON.
    pub fn write(&self, file: &Path) -> Result<(), LoadError> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let json = json!({
            "scenario": self.scenario, "how": self.how, "versions": self.versions, "outcomes": self.outcomes,
            "ratios": self.ratios(), "floors": self.floors,
        });
        let text = serde_json::to_string_pretty(&json).map_err(|error| LoadError::Start(error.to_string()))?;
        Ok(std::fs::write(file, text + "\n")?)
    }

    /// By figure and subject: how many times better BlockHub's is.
    fn ratios(&self) -> Value {
        let mut ratios = Vec::new();
        for outcome in &self.outcomes {
            for figure in &outcome.figures {
                let times = self.ratio(outcome, figure);
                ratios.extend(
                    times.map(|times| json!({"what": figure.what, "subject": outcome.subject, "times": times})),
                );
            }
        }
        Value::Array(ratios)
    }

    fn cell(&self, outcome: &Outcome, figure: &Figure) -> String {
        let Some(value) = outcome.value(figure.what) else { return "–".into() };
        match self.ratio(outcome, figure) {
            Some(ratio) => format!("{} ({ratio:.1}×)", rounded(value)),
            None => rounded(value),
        }
    }

    fn ratio(&self, outcome: &Outcome, figure: &Figure) -> Option<f64> {
        let ours = self.outcomes.iter().find(|outcome| outcome.subject == Subject::BlockHub)?.value(figure.what)?;
        let theirs = outcome.value(figure.what).filter(|_| outcome.subject != Subject::BlockHub)?;
        let ratio = match figure.better {
            Better::More => ours / theirs,
            Better::Less => theirs / ours,
            Better::Neither => return None,
        };
        ratio.is_finite().then_some(ratio)
    }
}

fn rounded(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Better, Outcome, Report};
    use crate::peers::subject::Subject;

    fn outcome(subject: Subject, rate: f64, cost: f64) -> Outcome {
        let mut outcome = Outcome::of(subject);
        outcome.figure("rate", rate, Better::More);
        outcome.figure("cost", cost, Better::Less);
        outcome.figure("other", 1.0, Better::Neither);
        outcome
    }

    #[test]
    fn a_ratio_says_how_many_times_better_blockhub_is() {
        let outcomes = vec![outcome(Subject::BlockHub, 100.0, 2.0), outcome(Subject::SocketIo, 10.0, 8.0)];
        let (how, versions) = (String::new(), String::new());
        let report = Report { scenario: "edits", how, outcomes, floors: Vec::new(), versions };
        let peer = &report.outcomes[1];
        let cells: Vec<String> = peer.figures.iter().map(|figure| report.cell(peer, figure)).collect();
        assert_eq!(cells, ["10.0 (10.0×)", "8.00 (4.0×)", "1.00"]);
        assert!(report.is_well());
        assert_eq!(report.ratios().as_array().map(Vec::len), Some(2));
    }
}
