//! BlockHub.
pub mod document;
pub mod domain;
pub mod hub;
pub mod protocol;
pub mod store;
