//! The files' form: what they name exists, what they set is understood, what they require is said.

use std::collections::{BTreeMap, BTreeSet};

use blockhub::config::idle_names;
use serde_json::Value;

use super::compose::{compose, environment, file, filled_in, place};

const SERVICES: [&str; 4] = ["postgres", "redis", "hub", "nginx"];

fn words(command: &Value) -> Vec<&str> {
    command.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// `45s` is 45.
fn secs(value: &Value) -> u64 {
    value.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap()
}

fn given() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([("POSTGRES_PASSWORD", "word"), ("BLOCKHUB_AUTH_SECRET", "a secret of thirty-two characters")])
}

#[test]
fn every_service_starts_after_what_it_needs_and_is_asked_whether_it_is_well() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.keys().map(String::as_str).collect::<BTreeSet<_>>(), SERVICES.into());
    for (name, service) in services {
        for (needed, how) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(SERVICES.contains(&needed.as_str()) && how["condition"] == "service_healthy", "{name}: {needed}");
        }
        // A hub's check is its image's.
        assert!(name == "hub" || service["healthcheck"]["test"].is_array(), "{name}");
        assert_eq!(service["restart"], "unless-stopped");
    }
}

#[test]
fn images_are_pinned_and_what_is_to_be_kept_is_on_volumes() {
    let compose = compose();
    for name in ["postgres", "redis", "nginx"] {
        let image = compose["services"][name]["image"].as_str().unwrap();
        let (_, tag) = image.split_once(':').expect("a version");
        assert!(tag.starts_with(|first: char| first.is_ascii_digit()), "{image}");
    }
    let volumes: Vec<_> = compose["volumes"].as_object().unwrap().keys().collect();
    assert_eq!(volumes, ["postgres", "redis"]);
    assert_eq!(compose["services"]["postgres"]["volumes"][0], "postgres:/var/lib/postgresql/data");
    assert_eq!(compose["services"]["redis"]["volumes"][0], "redis:/data");
    assert!(words(&compose["services"]["redis"]["command"]).windows(2).any(|pair| pair == ["--appendonly", "yes"]));
}

#[test]
fn every_file_that_is_mounted_exists() {
    // With the lines for TLS; the folder for them is the operator's to make.
    let with_tls: Value = serde_yaml_ng::from_str(&file("docker-compose.yml").replace("#tls ", "")).unwrap();
    let mounted = with_tls["services"]["nginx"]["volumes"].as_array().unwrap();
    let sources: Vec<_> = mounted.iter().map(|mount| mount.as_str().unwrap().split(':').next().unwrap()).collect();
    assert_eq!(sources, ["./deploy/nginx.conf", "./deploy/tls"]);
    assert!(place("deploy/nginx.conf").is_file());
    assert_eq!(with_tls["services"]["nginx"]["ports"].as_array().unwrap().len(), 2);
}

#[test]
fn hubs_are_given_only_settings_that_they_have() {
    let compose = compose();
    let names: Vec<_> = compose["services"]["hub"]["environment"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(idle_names(names.iter().map(String::as_str)), Vec::<String>::new());
    // A name for all would be the same for each.
    assert!(!names.contains(&"BLOCKHUB_HUB_ID".to_owned()));
}

#[test]
fn secrets_that_are_not_given_are_asked_for() {
    let compose = compose();
    for (service, name) in
        [("hub", "BLOCKHUB_AUTH_SECRET"), ("hub", "POSTGRES_PASSWORD"), ("postgres", "POSTGRES_PASSWORD")]
    {
        let mut given = given();
        given.remove(name);
        let message = environment(&compose["services"][service], &given).unwrap_err();
        assert!(message.contains("openssl rand -hex"), "{message}");
    }
    assert_eq!(filled_in("${BLOCKHUB_PORT:-8080}:80", &given()).unwrap(), "8080:80");
}

#[test]
fn dr1_hubs_are_given_the_time_that_they_need_to_end() {
    let hub = &compose()["services"]["hub"];
    // Beside the drain's window: 10 s for sockets, 10 s for calls.
    assert!(secs(&hub["stop_grace_period"]) > hub["environment"]["BLOCKHUB_DRAIN_SECS"].as_u64().unwrap() + 20);
}

#[test]
fn postgres_has_connections_for_all_hubs() {
    let services = &compose()["services"];
    let command = words(&services["postgres"]["command"]);
    let most: u64 = command.iter().find_map(|word| word.strip_prefix("max_connections=")).unwrap().parse().unwrap();
    let (hubs, each) =
        (&services["hub"]["deploy"]["replicas"], &services["hub"]["environment"]["BLOCKHUB_DB_POOL_MAX"]);
    assert_eq!(hubs, 3);
    assert!(hubs.as_u64().unwrap() * each.as_u64().unwrap() + 20 <= most);
}

/// The words after this instruction of the Dockerfile, for each time it stands there.
fn instructions<'a>(dockerfile: &'a str, name: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    dockerfile.lines().filter_map(move |line| Some(line.strip_prefix(name)?.split_whitespace().collect()))
}

#[test]
fn what_the_image_is_built_of_is_there_and_is_let_through() {
    let (dockerfile, ignored) = (file("Dockerfile"), file(".dockerignore"));
    let passes: BTreeSet<_> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let mut copied = BTreeSet::new();
    for mut names in instructions(&dockerfile, "COPY ") {
        names.pop();
        if !names[0].starts_with("--from") {
            copied.extend(names);
        }
    }
    assert_eq!(copied, passes);
    copied.iter().for_each(|name| assert!(place(name).exists(), "{name}"));
    // Every member of the workspace, or cargo would not begin.
    let manifest: toml::Table = file("Cargo.toml").parse().unwrap();
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        let own = format!("{}/Cargo.toml", member.as_str().unwrap());
        assert!(own == "./Cargo.toml" || copied.contains(&*own), "{own}");
    }
}

#[test]
fn the_image_is_of_the_rust_we_need_and_does_not_run_as_root() {
    let (dockerfile, manifest) = (file("Dockerfile"), file("Cargo.toml").parse::<toml::Table>().unwrap());
    let rust = manifest["workspace"]["package"]["rust-version"].as_str().unwrap();
    let images: Vec<_> = instructions(&dockerfile, "FROM ").collect();
    assert_eq!(images[0], [&*format!("rust:{rust}-bookworm"), "AS", "build"]);
    assert_eq!(images.len(), 2);
    assert_eq!(instructions(&dockerfile, "USER ").last().unwrap(), ["blockhub"]);
}
