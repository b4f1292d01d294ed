//! The balancers' files as they are: that the programs take them, and that their figures fit the hub's.

use super::behind_both;
use crate::harness::balancer::{Balancer, Front, Kind};

behind_both!(the_program_takes_the_file);

/// The hub pings every 25 s, and lets a socket go 30 s without progress ([CN8]).
const SOCKET_SILENCE_SECS: u32 = 25 + 30;
/// A call is answered within 30 s.
const CALL_SECS: u32 = 30;
/// The hub closes an HTTP connection that idles for 10 s.
const IDLE_SECS: u32 = 10;

async fn the_program_takes_the_file(kind: Kind) {
    for front in [Front::Plain, Front::Tls] {
        // Started once, so that there is a certificate.
        let folder = tempfile::tempdir().unwrap();
        let balancer = Balancer::start(kind, front, &["127.0.0.1:1"]).await;
        let (right, complaints) = kind.judges(&balancer.at.text, folder.path()).await;
        assert!(right, "{complaints}");
        assert!(!complaints.to_lowercase().contains("warn"), "{complaints}");
    }
}

/// The one value of a setting, in seconds. `after` is what stands before it in its part of the file.
fn secs(file: &str, after: &str, setting: &str) -> u32 {
    let part = &file[file.find(after).unwrap_or_else(|| panic!("no {after}"))..];
    let line = part.lines().find_map(|line| line.trim().strip_prefix(setting)).unwrap_or_else(|| panic!("{setting}"));
    let value = line.split_whitespace().next().unwrap().trim_end_matches(';');
    value.strip_suffix('s').unwrap().parse().unwrap()
}

#[test]
fn cn8_a_socket_may_be_silent_for_longer_than_a_call_may_take_behind_nginx() {
    let file = Kind::Nginx.file();
    for setting in ["proxy_read_timeout", "proxy_send_timeout"] {
        assert!(secs(&file, "location = /ws {", setting) > SOCKET_SILENCE_SECS);
        assert!(secs(&file, "location / {", setting) > CALL_SECS);
    }
    assert!(secs(&file, "upstream hubs {", "keepalive_timeout") < IDLE_SECS);
}

#[test]
fn cn8_a_socket_may_be_silent_for_longer_than_a_call_may_take_behind_haproxy() {
    let file = Kind::Haproxy.file();
    assert!(secs(&file, "defaults", "timeout tunnel") > SOCKET_SILENCE_SECS);
    assert!(secs(&file, "defaults", "timeout server") > CALL_SECS);
    assert!(secs(&file, "defaults", "timeout client") > CALL_SECS);
    let idle = file.split("pool-purge-delay ").nth(1).unwrap();
    assert!(secs(idle, "", "") < IDLE_SECS / 2);
}

#[test]
fn the_figures_that_operators_rely_on_stand_in_the_files() {
    for (kind, figures) in [
        (Kind::Nginx, &["least_conn;", "keepalive 32;", "max_fails=3 fail_timeout=30s"][..]),
        (Kind::Haproxy, &["balance leastconn", "pool-max-conn 32", "inter 5s rise 2 fall 3", "uri /api/health/ready"]),
    ] {
        let file = kind.file();
        figures.iter().for_each(|figure| assert!(file.contains(figure), "{figure}"));
    }
}
