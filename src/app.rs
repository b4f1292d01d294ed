//! The composition root: from settings to a hub that serves.
//!
//! Promises: `run` returns when the drain is over, with everything it started ended.
//! Must never: hold a rule; it only puts together.
