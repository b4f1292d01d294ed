//! BlockHub.
pub mod domain;
pub mod hub;
pub mod protocol;
pub mod store;
pub mod transport;
