//! Themes: named colours, fonts and spacing.
//!
//! Promises: no value of a theme that was read can end a CSS declaration or begin another.
//! Must never: hold anything else; fields that are not known are not kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Named colours, fonts and spacing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Theme {
    /// CSS colours by name: `"accent": "#3366ff"`.
    pub colors: BTreeMap<String, String>,
    /// CSS font families by name: `"body": "Inter, sans-serif"`.
    pub fonts: BTreeMap<String, String>,
    /// CSS pixels by name: `"gap": 8`.
    pub spacing: BTreeMap<String, f64>,
}

/// A theme and its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThemeView<'a> {
    /// Its name.
    pub id: &'a str,
    /// Who may change it: who wrote it first.
    pub owner: &'a str,
    /// The rest.
    #[serde(flatten)]
    pub theme: Theme,
}

impl Theme {
    /// The first thing that is wrong with it, for people.
    pub fn flaw(&self) -> Option<String> {
        let names = self.colors.keys().chain(self.fonts.keys()).chain(self.spacing.keys());
        let flaws = [
            names.into_iter().find(|name| !is_name(name)).map(|name| ("the name", name, "1–64 letters, digits, - _ .")),
            bad(&self.colors, |colour| is_colour(colour))
                .map(|name| ("colors:", name, "a CSS colour of at most 64 characters")),
            bad(&self.fonts, |families| is_font(families))
                .map(|name| ("fonts:", name, "CSS font families, at most 256 characters")),
            bad(&self.spacing, |pixels| is_length(*pixels))
                .map(|name| ("spacing:", name, "between -10000 and 10000 pixels")),
        ];
        flaws.into_iter().flatten().next().map(|(what, name, must)| format!("{what} `{name}` must be {must}"))
    }
}

fn bad<T>(values: &BTreeMap<String, T>, good: impl Fn(&T) -> bool) -> Option<&String> {
    values.iter().find(|(_, value)| !good(value)).map(|(name, _)| name)
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_colour(colour: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"#%(),./ -".contains(&byte);
    (1..=64).contains(&colour.len()) && colour.bytes().all(allowed)
}

fn is_font(families: &str) -> bool {
    let ends = |c: char| c.is_control() || ";{}<>\\".contains(c);
    !families.is_empty() && families.chars().count() <= 256 && !families.contains(ends)
}

fn is_length(pixels: f64) -> bool {
    (-10_000.0..=10_000.0).contains(&pixels)
}
