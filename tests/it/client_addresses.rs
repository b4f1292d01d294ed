//! S10: a client's address, behind proxies that are trusted and others; thirty shapes of what clients forge.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use blockhub::transport::proxies::Proxies;

const PEER: &str = "10.0.0.2";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    lines.iter().map(line).collect()
}

fn client(proxies: &str, peer: &str, lines: &[(&'static str, &str)]) -> IpAddr {
    Proxies::parse(proxies).unwrap().client(peer.parse().unwrap(), &headers(lines))
}

fn by_x(value: &str) -> String {
    client("10.0.0.0/8", PEER, &[("x-forwarded-for", value)]).to_string()
}

#[test]
fn s10_without_trusted_proxies_nobodys_word_counts() {
    for lines in [&[("x-forwarded-for", "1.1.1.1")][..], &[("forwarded", "for=1.1.1.1")], &[]] {
        assert_eq!(client("", "192.0.2.9", lines), "192.0.2.9".parse::<IpAddr>().unwrap());
        assert_eq!(client("10.0.0.0/8", "192.0.2.9", lines), "192.0.2.9".parse::<IpAddr>().unwrap());
    }
}

#[test]
fn s10_of_what_trusted_proxies_say_the_rightmost_untrusted_hop_counts() {
    let cases = [
        ("198.51.100.7", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("1.1.1.1,2.2.2.2,198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 10.0.0.9", "198.51.100.7"),
        ("1.1.1.1, 198.51.100.7, 10.1.1.1, 10.0.0.9", "198.51.100.7"),
        ("10.0.0.5, 10.0.0.9", "10.0.0.5"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),
    ];
    for (value, expected) in cases {
        assert_eq!(by_x(value), expected, "{value}");
    }
}

#[test]
fn s10_what_is_no_address_ends_the_walk_at_the_proxy_that_passed_it_on() {
    let nonsense = [
        "",
        ",",
        "unknown",
        "_hidden",
        "localhost",
        "1.1.1",
        "1.1.1.1.1",
        "256.1.1.1",
        "0x7f000001",
        "2130706433",
        "1.1.1.1:",
        "1.1.1.1:99999",
        "[::1",
        "::1]",
        "1.1.1.1/8",
        "\"1.1.1.1\"",
        "1.1.1.1; 2.2.2.2",
        "1.1.1.1 2.2.2.2",
        "<script>",
        "null",
        "-1",
        "１.１.１.１",
    ];
    for value in nonsense {
        assert_eq!(by_x(value), PEER, "{value}");
        assert_eq!(by_x(&format!("1.1.1.1, {value}, 10.0.0.9")), "10.0.0.9", "{value}");
    }
}

#[test]
fn s10_several_lines_are_one_list() {
    let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")];
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(name, value.parse().unwrap());
    }
    let proxies = Proxies::parse("10.0.0.0/8").unwrap();
    assert_eq!(proxies.client(PEER.parse().unwrap(), &headers).to_string(), "198.51.100.7");
}

#[test]
fn s10_the_standards_header_is_read_too() {
    let cases = [
        ("for=198.51.100.7", "198.51.100.7"),
        ("for=1.1.1.1, for=198.51.100.7;proto=https;by=10.0.0.2", "198.51.100.7"),
        ("proto=https;FOR=\"198.51.100.7:80\"", "198.51.100.7"),
        ("for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
        ("for=unknown", PEER),
        ("for=\"_secret\"", PEER),
        ("proto=https", PEER),
    ];
    for (value, expected) in cases {
        assert_eq!(client("10.0.0.0/8", PEER, &[("forwarded", value)]).to_string(), expected, "{value}");
    }
}

#[test]
fn s10_two_headers_that_say_different_things_count_for_nothing() {
    let both = |x, standard| client("10.0.0.0/8", PEER, &[("x-forwarded-for", x), ("forwarded", standard)]).to_string();
    // Not the proxy's address: that may be one that is not counted.
    assert_eq!(both("198.51.100.7", "for=1.1.1.1"), "0.0.0.0");
    assert_eq!(both("", "for=1.1.1.1"), "0.0.0.0");
    assert_eq!(both("198.51.100.7", "for=198.51.100.7"), "198.51.100.7");
}

#[test]
fn what_is_no_network_is_not_taken_for_one() {
    for text in ["10.0.0.0/33", "proxy.example", "10.0.0.0/8;192.0.2.1", "*"] {
        assert!(Proxies::parse(text).is_err(), "{text}");
    }
    assert_eq!(
        client("::1, 192.0.2.0/24,", "::ffff:192.0.2.3", &[("forwarded", "for=1.1.1.1")]).to_string(),
        "1.1.1.1"
    );
}
