//! [CN3], S1: forty shapes of `Origin`; [CN6]: names of the loopback.

use blockhub::transport::origin::{is_loopback, origin_allowed};

#[test]
fn cn3_with_a_list_an_origin_must_be_exactly_in_it() {
    let allowed = ["https://app.example".to_owned(), "http://localhost:3000".to_owned()];
    let cases = [
        (None, true),
        (Some("https://app.example"), true),
        (Some("http://localhost:3000"), true),
        (Some(""), false),
        (Some("null"), false),
        (Some("*"), false),
        (Some("http://app.example"), false),
        (Some("https://APP.example"), false),
        (Some("https://app.example/"), false),
        (Some("https://app.example:443"), false),
        (Some("https://app.example:8443"), false),
        (Some("https://app.example.evil.com"), false),
        (Some("https://evil-app.example"), false),
        (Some("https://sub.app.example"), false),
        (Some("https://app.example@evil.com"), false),
        (Some("https://app.example, https://evil.com"), false),
        (Some(" https://app.example"), false),
        (Some("http://localhost"), false),
        (Some("https://hub.example"), false),
    ];
    for (origin, expected) in cases {
        assert_eq!(origin_allowed(origin, Some("hub.example"), &allowed), expected, "{origin:?}");
    }
}

#[test]
fn cn3_without_a_list_an_origin_must_be_the_hubs_own_host() {
    let cases = [
        (None, "hub.example", true),
        (Some("http://hub.example"), "hub.example", true),
        (Some("https://hub.example"), "hub.example", true),
        (Some("https://hub.example"), "hub.example:443", true),
        (Some("http://hub.example:80"), "hub.example", true),
        (Some("http://hub.example:8080"), "hub.example:8080", true),
        (Some("http://hub.example"), "HUB.example", true),
        (Some("http://[::1]:8080"), "[::1]:8080", true),
        (Some("http://127.0.0.1:8080"), "127.0.0.1:8080", true),
        (Some("http://127.0.0.1:8080"), "localhost:8080", false),
        (Some("http://hub.example:8081"), "hub.example:8080", false),
        (Some("http://hub.example"), "hub.example:8080", false),
        (Some("https://hub.example"), "hub.example:80", false),
        (Some("null"), "null", false),
        (Some(""), "hub.example", false),
        (Some("hub.example"), "hub.example", false),
        (Some("ws://hub.example"), "hub.example", false),
        (Some("file://"), "hub.example", false),
        (Some("HTTP://hub.example"), "hub.example", false),
        (Some("http://hub.example/"), "hub.example", false),
        (Some("http://hub.example?x"), "hub.example", false),
        (Some("http://hub.example#x"), "hub.example", false),
        (Some("http://ann@hub.example"), "hub.example", false),
        (Some("http://hub.example.evil.com"), "hub.example", false),
        (Some("http://evil.com/hub.example"), "hub.example", false),
        (Some("http://hub.example:80:80"), "hub.example", false),
        (Some("http://hub.example:+80"), "hub.example", false),
        (Some("http://hub.example:"), "hub.example:", false),
        (Some("http://hub.example:99999"), "hub.example:99999", false),
        (Some("http://"), "", false),
    ];
    for (origin, host, expected) in cases {
        assert_eq!(origin_allowed(origin, Some(host), &[]), expected, "{origin:?} at {host}");
    }
    assert!(!origin_allowed(Some("http://hub.example"), None, &[]));
}

#[test]
fn cn6_the_loopback_has_these_names_only() {
    for host in ["localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:8080", "127.9.9.9", "[::1]", "[::1]:80"] {
        assert!(is_loopback(host), "{host}");
    }
    for host in [
        "",
        ":80",
        "localhost.",
        "localhost.evil.com",
        "evil.localhost",
        "127.0.0.1.evil.com",
        "127.1",
        "0.0.0.0",
        "[::]",
        "[::1",
        "::1",
        "10.0.0.1",
        "localhost:x",
        "user@localhost",
        "[::ffff:127.0.0.1]",
    ] {
        assert!(!is_loopback(host), "{host}");
    }
}
