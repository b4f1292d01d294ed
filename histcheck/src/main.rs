//! The judge, as a command.
fn main() {}
