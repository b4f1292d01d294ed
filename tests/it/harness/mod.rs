//! What tests stand on.
#![allow(dead_code)] // Each suite uses the part that it needs.

pub mod client;
pub mod database;
pub mod desk;
pub mod hub;
pub mod keystrokes;
pub mod typist;
