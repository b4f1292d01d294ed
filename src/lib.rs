//! BlockHub.
pub mod bus;
pub mod domain;
pub mod hub;
pub mod protocol;
pub mod session;
pub mod store;
