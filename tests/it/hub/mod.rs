//! The hub by its rules, without a socket: what is said and heard is the contract's JSON.

mod access;
mod draining;
mod editing;
mod fanout;
mod faults;
mod joining;
mod leaving;
mod pressing;
mod two_hubs;
