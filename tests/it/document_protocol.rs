//! The published contract and the code say the same.

use std::collections::BTreeSet;

use blockhub::protocol::message::decode::decode;
use blockhub::protocol::message::limits::WireLimits;
use serde_json::Value;

/// Each example of `docs/protocol.md`: who says it, which type its heading names, the message.
fn examples() -> Vec<(char, String, String)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md")).unwrap();
    let mut found = Vec::new();
    let mut heading = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with(['→', '←']) {
            heading = Some((line.chars().next().unwrap(), line.split('`').nth(1).unwrap().to_owned()));
        } else if line == "```json" {
            let (who, kind) = heading.take().expect("an example without a heading");
            let message = lines.by_ref().take_while(|line| *line != "```").collect::<Vec<_>>().join("\n");
            found.push((who, kind, message));
        }
    }
    found
}

#[test]
fn ms2_every_message_of_a_client_that_the_contract_shows_is_understood() {
    for (_, kind, message) in examples().into_iter().filter(|(who, ..)| *who == '→') {
        let refused = decode(&message, &WireLimits::default()).err().map(|(_, refusal)| refusal);
        assert_eq!(refused, None, "{kind}:\n{message}");
    }
}

#[test]
fn every_example_is_of_the_type_that_its_heading_names() {
    for (_, kind, message) in examples() {
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["type"], *kind);
    }
}

#[test]
fn the_contract_shows_every_type_of_message() {
    let shown = |by: char| examples().into_iter().filter(|(who, ..)| *who == by).map(|(_, kind, _)| kind).collect();
    let client: BTreeSet<String> = shown('→');
    let hub: BTreeSet<String> = shown('←');
    let all = |types: &str| types.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(client, all("hello refresh ping join leave edit presence signal history undo restore"));
    let answers = "welcome refreshed tokenExpiring pong error joined snapshot reset left project role ack conflict";
    assert_eq!(hub, all(&format!("{answers} events conflicted presence signal history draining")));
}
