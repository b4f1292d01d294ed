//! How long something took, each time.
//!
//! Promises: three significant digits, in little memory; nothing is out of range.
//! Must never: keep every single time.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The quantiles that a distribution is drawn with: ever closer to the last one.
const DRAWN: [f64; 17] =
    [0.0, 0.1, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.999_5, 0.999_9, 0.999_99];

/// Times.
#[derive(Clone)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // Proven: three significant digits are within what the library takes.
        Self(Histogram::new(3).expect("three digits are allowed"))
    }
}

impl Times {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        self.add_micros(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// One more, in microseconds.
    pub fn add_micros(&mut self, took: u64) {
        // It grows by itself: nothing is out of its range.
        let _ = self.0.record(took);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// In milliseconds; 0 if there is none.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// In milliseconds; 0 if there is none.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1_000.0
    }

    /// Adds others.
    pub fn join(&mut self, other: &Self) {
        // Both grow by themselves.
        let _ = self.0.add(&other.0);
    }

    /// The distribution as points: how many nines, and milliseconds. As far as there are figures for it.
    pub fn distribution(&self) -> Vec<(f64, f64)> {
        let known = DRAWN.iter().filter(|quantile| (1.0 - **quantile) * self.count() as f64 >= 1.0);
        known.map(|quantile| (-(1.0 - quantile).log10(), self.quantile_ms(*quantile))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn a_distribution_ends_where_figures_end() {
        let mut times = Times::default();
        (1..=1_000).for_each(|took| times.add_micros(took * 1_000));
        let points = times.distribution();
        assert_eq!(times.count(), 1_000);
        assert!((times.quantile_ms(0.99) - 990.0).abs() < 2.0);
        assert!(points.last().is_some_and(|(nines, _)| (2.9..=3.1).contains(nines)), "{points:?}");
        assert!(points.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
