//! BlockHub.

pub mod app;
pub mod bus;
pub mod config;
pub mod document;
pub mod domain;
pub mod exchange;
pub mod hub;
pub mod protocol;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod transport;
