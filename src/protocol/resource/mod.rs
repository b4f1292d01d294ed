//! The resources of HTTP as JSON: what is sent to them and what they answer.
//!
//! Promises: keys and shapes are those of the contract's HTTP table; the OpenAPI description is made from these types.
//! Must never: hold a rule; what a value may be, beyond its shape, the hub says.

pub mod edit;
pub mod health;
pub mod limits;
pub mod problem;
pub mod project;
pub mod session;
pub mod theme;
