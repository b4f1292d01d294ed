//! What was looked up in the caches of hubs, as they tell it themselves.
//!
//! Promises: every lookup counts, of all kinds, also those that could not be found at hand: what nobody had asked for
//! before, what had just changed.
//! Must never: judge a short run, which ends before caches are warm.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::LoadError;
use crate::bar::{Bar, Form};
use crate::http::Http;
use crate::report::Sheet;

/// How lookups of one kind ended.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    /// By an entry that nobody was asked about.
    hits: u64,
    /// By an entry that the database was asked about.
    confirmed: u64,
    /// By a load, or by what another hub had loaded.
    misses: u64,
}

/// The lookups of all hubs, by kind.
#[derive(Clone, Debug, Default)]
pub struct Lookups(BTreeMap<String, Kind>);

impl Lookups {
    /// Adds those of one more hub, asked by somebody who may see its figures.
    pub async fn add(&mut self, admin: &mut Http) -> Result<(), LoadError> {
        let answer = admin.must("GET", "/api/admin/cache/stats", b"").await?;
        let stats: Value = serde_json::from_slice(answer).map_err(|error| LoadError::Wrong(error.to_string()))?;
        let kinds = stats["kinds"].as_object().ok_or_else(|| LoadError::Wrong(stats.to_string()))?;
        for (name, told) in kinds {
            let (kind, count) =
                (self.0.entry(name.clone()).or_default(), |what: &str| told[what].as_u64().unwrap_or(0));
            kind.hits += count("hits");
            kind.confirmed += count("confirmed");
            kind.misses += count("misses");
        }
        Ok(())
    }

    /// Says how they ended.
    pub fn tell(&self, sheet: &mut Sheet) {
        for (name, Kind { hits, confirmed, misses }) in &self.0 {
            for (what, count) in [("hits", hits), ("confirmed", confirmed), ("misses", misses)] {
                sheet.figure("cache", &format!("{name}: {what}"), *count as f64, "");
            }
        }
        sheet.figure("cache", "hits, of all lookups", self.hits_percent(), "%");
    }

    /// Holds them to what is promised of a long run.
    pub fn judge(&self, form: Form, sheet: &mut Sheet) {
        if form == Form::Long {
            sheet.bars.push(Bar::percent_at_least("cache hits, of all lookups", self.hits_percent(), 85.0));
        }
    }

    fn hits_percent(&self) -> f64 {
        let hits: u64 = self.0.values().map(|kind| kind.hits).sum();
        let all: u64 = self.0.values().map(|kind| kind.hits + kind.confirmed + kind.misses).sum();
        hits as f64 * 100.0 / all.max(1) as f64
    }
}
