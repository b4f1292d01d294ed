//! A figure beside what was promised of it.
//!
//! Promises: every bar shows its figure, whether it is judged or not.
//! Must never: round before it judges.

use std::borrow::Cow;

use serde::Serialize;

/// A figure and what was promised of it.
#[derive(Clone, Debug, Serialize)]
pub struct Bar {
    /// What is measured.
    what: Cow<'static, str>,
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
pub enum Bound {
    /// The figure may not be larger.
    AtMost(f64),
    /// The figure may not be smaller.
    AtLeast(f64),
}

/// When a bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Judged {
    Always,
    InLongForm,
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the scorecard says.
    Long,
    /// Scaled down; times are not judged.
    Short,
}

impl Form {
    /// The one of the long form or that of the short one.
    pub fn pick<T>(self, long: T, short: T) -> T {
        match self {
            Self::Long => long,
            Self::Short => short,
        }
    }
}

impl Bar {
    /// A count that may not be larger, in any form.
    pub fn count_at_most(what: impl Into<Cow<'static, str>>, figure: u64, bound: u64) -> Self {
        let (figure, bound) = (figure as f64, Bound::AtMost(bound as f64));
        Self { what: what.into(), figure, bound, unit: "", judged: Judged::Always }
    }

    /// A count that may not be smaller, in any form.
    pub fn count_at_least(what: impl Into<Cow<'static, str>>, figure: u64, bound: u64) -> Self {
        let (figure, bound) = (figure as f64, Bound::AtLeast(bound as f64));
        Self { what: what.into(), figure, bound, unit: "", judged: Judged::Always }
    }

    /// A time that may not be longer; judged in the long form.
    pub fn ms_at_most(what: impl Into<Cow<'static, str>>, figure: f64, bound: f64) -> Self {
        Self::in_long_form(what, figure, Bound::AtMost(bound), "ms")
    }

    /// A ratio that may not be larger; judged in the long form.
    pub fn ratio_at_most(what: impl Into<Cow<'static, str>>, figure: f64, bound: f64) -> Self {
        Self::in_long_form(what, figure, Bound::AtMost(bound), "×")
    }

    /// A share that may not be smaller; judged in the long form.
    pub fn percent_at_least(what: impl Into<Cow<'static, str>>, figure: f64, bound: f64) -> Self {
        Self::in_long_form(what, figure, Bound::AtLeast(bound), "%")
    }

    /// Anything that this machine decides, too; judged in the long form.
    pub fn in_long_form(what: impl Into<Cow<'static, str>>, figure: f64, bound: Bound, unit: &'static str) -> Self {
        Self { what: what.into(), figure, bound, unit, judged: Judged::InLongForm }
    }

    /// Whether the promise is kept.
    pub fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.figure <= bound,
            Bound::AtLeast(bound) => self.figure >= bound,
        }
    }

    /// Whether it is judged in this form.
    pub fn counts(&self, form: Form) -> bool {
        self.judged == Judged::Always || form == Form::Long
    }

    /// What is measured.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The figure with its unit.
    pub fn figure_in_words(&self) -> String {
        format!("{} {}", rounded(self.figure), self.unit).trim_end().to_owned()
    }

    /// The promise with its unit.
    pub fn bound_in_words(&self) -> String {
        let (sign, bound) = match self.bound {
            Bound::AtMost(bound) => ("≤", bound),
            Bound::AtLeast(bound) => ("≥", bound),
        };
        format!("{sign} {} {}", rounded(bound), self.unit).trim_end().to_owned()
    }

    /// What came of it.
    pub fn outcome(&self, form: Form) -> &'static str {
        match (self.is_met(), self.counts(form)) {
            (true, _) => "met",
            (false, true) => "MISSED",
            (false, false) => "missed, not judged in the short form",
        }
    }

    /// For people.
    pub fn line(&self, form: Form) -> String {
        let (figure, bound) = (self.figure_in_words(), self.bound_in_words());
        format!("  {:<56} {figure:>14}  {bound:<14} {}", self.what, self.outcome(form))
    }
}

/// As many digits as people want to read.
pub fn rounded(figure: f64) -> String {
    let size = figure.abs();
    if figure.fract() == 0.0 || size >= 1_000.0 {
        format!("{figure:.0}")
    } else if size >= 100.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, Form, rounded};

    #[test]
    fn a_bar_counts_in_its_form_only() {
        let missed = Bar::ms_at_most("a time", 10.5, 10.0);
        assert_eq!((missed.is_met(), missed.counts(Form::Long), missed.counts(Form::Short)), (false, true, false));
        assert_eq!(missed.outcome(Form::Long), "MISSED");
        assert!(Bar::count_at_most("a count", 3, 3).is_met());
        assert!(Bar::count_at_least("a count", 2, 3).counts(Form::Short));
        assert_eq!([rounded(3.0), rounded(12_345.6), rounded(123.45), rounded(1.234)], ["3", "12346", "123.5", "1.23"]);
    }
}
