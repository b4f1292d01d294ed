//! What tests are driven with.

pub mod keystrokes;
pub mod string_hub;
pub mod typist;
