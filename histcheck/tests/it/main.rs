//! The judge is judged: it finds nothing in what is sound, and each planted fault by its name.

#![allow(clippy::unwrap_used)]

mod command;
mod folds;
mod history;
mod planted;
mod sound;
