//! Logs that were lost or rewritten: a backup that was restored, a standby that was promoted ([JN2], [JN5], [ED14]).
//!
//! Promises: real hubs, and for the standby real Postgres servers; what a client has after it is what the database has.
//! Must never: take the silence of a hub for its answer.

mod bump;
mod failover;
