//! What tests are driven with.

pub mod keystrokes;
pub mod typist;
