//! Pauses between tries: each longer than the one before, and none quite like a neighbour's.
//!
//! Promises: a pause lasts between half and all of its step; steps double from `min` up to `max`.
//! Must never: sleep; whoever tries knows what else to wait for.

use std::time::Duration;

use uuid::Uuid;

/// The pauses of somebody who tries again and again.
#[derive(Clone, Debug)]
pub struct Pause {
    min: Duration,
    max: Duration,
    step: Duration,
}

impl Pause {
    /// The first pause is at most `min`, none is more than `max`.
    pub fn between(min: Duration, max: Duration) -> Self {
        Self { min, max, step: min }
    }

    /// How long to wait now.
    pub fn draw(&mut self) -> Duration {
        let chance = f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
        let pause = self.step.mul_f64(0.5 + chance / 2.0);
        self.step = (self.step * 2).min(self.max);
        pause
    }

    /// It went well: the next pause is a short one again.
    pub fn reset(&mut self) {
        self.step = self.min;
    }
}
