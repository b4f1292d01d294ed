//! The hub by its rules, without a socket: what is said and heard is the contract's JSON.

mod editing;
mod joining;
