//! Memory of connections that say nothing after `hello`.
//!
//! Promises: memory is the hub's resident set, read after all have been welcomed.
//! Must never: open more sockets than a process may hold.

use clap::Args;

use crate::LoadError;
use crate::client::Client;
use crate::hub::Hub;

/// How many.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Sockets.
    #[arg(long, default_value_t = 5_000)]
    connections: usize,
}

/// Opens them and prints what each costs.
pub async fn run(hub: &Hub, options: &Options) -> Result<(), LoadError> {
    let mut clients = Vec::with_capacity(options.connections);
    // The first ones wake what every hub needs once.
    for at in 0..100 {
        clients.push(Client::connect(hub.address(), &format!("user-{at}")).await?);
    }
    let before = hub.resident_kib();
    for at in 100..options.connections {
        clients.push(Client::connect(hub.address(), &format!("user-{at}")).await?);
        if at % 1_000 == 0 {
            println!("{at} connections");
        }
    }
    let after = hub.resident_kib();
    let each = (after.saturating_sub(before)) as f64 / (options.connections - 100) as f64;
    println!("{} idle connections", clients.len());
    println!("resident KiB     {after:>10} (before {before})");
    println!("KiB a connection {each:>10.2}");
    Ok(())
}
