//! `docker-compose.yml`, read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file of the project.
pub fn file(name: &str) -> String {
    fs::read_to_string(place(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Where a file of the project is.
pub fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The compose file as it is written, nothing filled in.
pub fn compose() -> Value {
    serde_yaml_ng::from_str(&file("docker-compose.yml")).unwrap()
}

/// A service's environment, its variables filled in.
pub fn environment(service: &Value, given: &BTreeMap<&str, &str>) -> Result<BTreeMap<String, String>, String> {
    let variables = service["environment"].as_object().unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    variables.iter().map(|(name, value)| Ok((name.clone(), filled_in(&text(value), given)?))).collect()
}

/// `${NAME:?what to do}` and `${NAME:-default}`, as compose fills them in; the error is the message.
pub fn filled_in(text: &str, given: &BTreeMap<&str, &str>) -> Result<String, String> {
    let Some((before, rest)) = text.split_once("${") else { return Ok(text.to_owned()) };
    let (inside, after) = rest.split_once('}').unwrap();
    let (name, other) = inside.split_once(':').unwrap();
    let value = match (given.get(name), other.split_at(1)) {
        (Some(value), _) => *value,
        (None, ("-", default)) => default,
        (None, ("?", message)) => return Err(message.to_owned()),
        _ => panic!("{inside}"),
    };
    Ok(format!("{before}{value}{}", filled_in(after, given)?))
}
