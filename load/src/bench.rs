//! How a scenario is run, whatever it is about.
//!
//! Promises: every scenario is printed and written in the same way.
//! Must never: know what a scenario does.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use crate::LoadError;
use crate::bar::Form;
use crate::machine::Origin;
use crate::report::{Report, Sheet};
use crate::world::{Database, Setting};

/// What every scenario can be told.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// What is started.
    #[command(flatten)]
    pub setting: Setting,
    /// A short form: seconds; times are printed, not judged.
    #[arg(long)]
    short: bool,
    /// Where results go.
    #[arg(long, default_value = "load/reports")]
    out: PathBuf,
}

/// How a scenario is run.
#[derive(Clone, Debug)]
pub struct Bench {
    /// What is started.
    pub setting: Setting,
    /// How long it is.
    pub form: Form,
}

impl Bench {
    /// What was given, or that of the form.
    pub fn pick<T>(&self, given: Option<T>, long: T, short: T) -> T {
        given.unwrap_or_else(|| self.form.pick(long, short))
    }

    /// Whether bars for a Postgres beside the hub apply.
    pub fn is_plain_postgres(&self) -> bool {
        self.setting.database == Database::Postgres && self.setting.database_delay_ms == 0
    }
}

/// Runs a scenario, prints and writes what it found; whether all bars were met.
pub async fn run(
    scenario: &'static str,
    about: &'static str,
    common: &Common,
    found: impl AsyncFnOnce(Bench) -> Result<Sheet, LoadError>,
) -> Result<bool, LoadError> {
    let (form, begun) = (if common.short { Form::Short } else { Form::Long }, Instant::now());
    let bench = Bench { setting: common.setting.clone(), form };
    println!("{scenario}, {}: {about}", form.pick("long", "short"));
    let origin = Origin::of_now();
    let mut sheet = found(bench).await?;
    let mut options = setting_in_words(&common.setting);
    options.append(&mut sheet.options);
    let scenario = sheet.variant.map_or_else(|| scenario.to_owned(), |variant| format!("{scenario}-{variant}"));
    let report = Report { scenario: name(&scenario, &common.setting), about, form, options, origin, sheet };
    report.print();
    report.write(&common.out)?;
    println!("  took {:.0} s\n", begun.elapsed().as_secs_f64());
    Ok(report.passed())
}

/// Results on other databases stand beside the usual ones.
fn name(scenario: &str, setting: &Setting) -> String {
    let mut name = scenario.to_owned();
    if setting.database == Database::Sqlite {
        name.push_str("-sqlite");
    }
    if setting.database_delay_ms > 0 {
        name.push_str(&format!("-delay-{}ms", setting.database_delay_ms));
    }
    name
}

fn setting_in_words(setting: &Setting) -> Vec<(String, String)> {
    let pairs = [
        ("database", format!("{:?}", setting.database)),
        ("database delay", format!("{} ms", setting.database_delay_ms)),
        ("hubs", setting.hubs.to_string()),
        ("Redis", if setting.redis || setting.hubs > 1 { "yes" } else { "no" }.to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}
