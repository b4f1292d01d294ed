//! What a scenario found, for people and for files.
//!
//! Promises: the printed table, the JSON and the page say the same; every result says where and of what it is.
//! Must never: judge by anything but bars.

mod html;
mod plot;

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::LoadError;
use crate::bar::{Bar, Form, rounded};
use crate::machine::Origin;

pub use self::plot::{Line, Plot, Scale};

/// What a scenario found.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// How it was run, if not as usual: its results stand beside the usual ones.
    pub variant: Option<&'static str>,
    /// What it was run with: names and values.
    pub options: Vec<(String, String)>,
    /// What was promised.
    pub bars: Vec<Bar>,
    /// What else was measured.
    pub figures: Vec<Figure>,
    /// The same in pictures.
    pub plots: Vec<Plot>,
    /// What else there is to say about how it was done.
    pub remarks: Vec<String>,
}

/// Something measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What it belongs to: the part of the run.
    pub group: String,
    /// What it is.
    pub name: String,
    /// How much.
    pub figure: f64,
    /// Of what.
    pub unit: &'static str,
}

impl Sheet {
    /// Adds a figure.
    pub fn figure(&mut self, group: &str, name: &str, figure: f64, unit: &'static str) {
        self.figures.push(Figure { group: group.to_owned(), name: name.to_owned(), figure, unit });
    }

    /// Adds what it was run with.
    pub fn option(&mut self, name: &str, value: impl ToString) {
        self.options.push((name.to_owned(), value.to_string()));
    }

    /// The figures, part by part, in the order in which the parts first came.
    fn groups(&self) -> Vec<(&str, Vec<&Figure>)> {
        let mut groups: Vec<(&str, Vec<&Figure>)> = Vec::new();
        for figure in &self.figures {
            match groups.iter_mut().find(|(group, _)| *group == figure.group) {
                Some((_, figures)) => figures.push(figure),
                None => groups.push((&figure.group, vec![figure])),
            }
        }
        groups
    }
}

/// A finished run of a scenario.
pub struct Report {
    /// The scenario's name, and what it was run on if that is not the usual.
    pub scenario: String,
    /// What it is about, in one sentence.
    pub about: &'static str,
    /// How long it was.
    pub form: Form,
    /// What it was run with: names and values.
    pub options: Vec<(String, String)>,
    /// Where and of what it is.
    pub origin: Origin,
    /// What came out.
    pub sheet: Sheet,
}

impl Report {
    /// Whether everything is as promised.
    pub fn passed(&self) -> bool {
        self.sheet.bars.iter().all(|bar| bar.is_met() || !bar.counts(self.form))
    }

    /// For people.
    pub fn print(&self) {
        for (group, figures) in self.sheet.groups() {
            println!("\n  {group}");
            for Figure { name, figure, unit, .. } in figures {
                println!("    {name:<54} {:>12} {unit}", rounded(*figure));
            }
        }
        println!();
        self.sheet.remarks.iter().for_each(|remark| println!("  {remark}"));
        self.sheet.bars.iter().for_each(|bar| println!("{}", bar.line(self.form)));
    }

    /// As JSON and as a page, side by side in a folder.
    pub fn write(&self, folder: &Path) -> Result<(), LoadError> {
        std::fs::create_dir_all(folder)?;
        let name = format!("{}{}", self.scenario, self.form.pick("", "-short"));
        // Proven: there is nothing in it that has no JSON.
        let text = serde_json::to_string_pretty(&self.json()).unwrap_or_default() + "\n";
        std::fs::write(folder.join(format!("{name}.json")), text)?;
        let page = folder.join(format!("{name}.html"));
        std::fs::write(&page, html::page(self))?;
        println!("  {}", page.display());
        Ok(())
    }

    fn json(&self) -> Value {
        let options: serde_json::Map<String, Value> =
            self.options.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "scenario": self.scenario,
            "about": self.about,
            "form": self.form.pick("long", "short"),
            "options": options,
            "origin": self.origin,
            "passed": self.passed(),
            "bars": self.sheet.bars,
            "figures": self.sheet.figures,
            "remarks": self.sheet.remarks,
            "plots": self.sheet.plots,
        })
    }
}
