//! The TypeScript client and the hub mean the same: its types are written from the hub's, and both read the same
//! messages, one file each.

use std::collections::BTreeSet;
use std::path::Path;

use blockhub::protocol::message::decode::decode;
use blockhub::protocol::message::limits::WireLimits;
use blockhub::protocol::typescript;
use serde_json::Value;

const CLIENT: &str = "hello refresh ping join leave edit presence signal history undo restore";
const HUB: &str = "welcome refreshed tokenExpiring pong error joined snapshot reset left project role ack conflict events \
                   conflicted presence signal history draining";

/// Each file's name and text.
fn golden(side: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/messages").join(side);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| (file.display().to_string(), std::fs::read_to_string(file).unwrap())).collect()
}

#[test]
fn ms1_the_types_of_the_typescript_client_are_the_hubs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/typescript/src/protocol.ts");
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written == typescript::file(), "stale: run `cargo run --example typescript`");
}

#[test]
fn ms1_every_golden_message_of_a_client_is_understood() {
    for (name, message) in golden("client") {
        assert!(decode(&message, &WireLimits::default()).is_ok(), "{name}");
    }
}

#[test]
fn ms1_every_message_has_a_golden_file() {
    for (side, all) in [("client", CLIENT), ("hub", HUB)] {
        let types = golden(side).into_iter().map(|(_, text)| serde_json::from_str::<Value>(&text).unwrap());
        let types: BTreeSet<String> = types.map(|message| message["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, all.split_whitespace().map(str::to_owned).collect(), "{side}");
    }
}
