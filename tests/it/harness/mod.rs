//! What tests stand on.
#![allow(dead_code)] // Each suite uses the part that it needs.

pub mod balancer;
pub mod chance;
pub mod client;
pub mod clock;
pub mod database;
pub mod desk;
pub mod faulty;
pub mod forwarder;
pub mod hub;
pub mod keystrokes;
pub mod postgres;
pub mod redis;
pub mod replica;
pub mod string_hub;
pub mod tell;
pub mod typist;
pub mod whim;
