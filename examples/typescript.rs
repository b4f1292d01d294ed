//! Writes the types of all messages for the TypeScript client: `cargo run --example typescript`.

use std::io;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/typescript/src/protocol.ts");

fn main() -> io::Result<()> {
    std::fs::write(FILE, blockhub::protocol::typescript::file())
}
