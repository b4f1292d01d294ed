//! The page that is in the program: whole, kept as long as it may be, and closed to scripts of others.

use crate::http_server::Server;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The paths of the scripts and styles that the page names.
fn assets(page: &str) -> Vec<String> {
    let named = page.split('"').filter(|text| text.starts_with("/assets/"));
    named.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_page_is_at_the_root_and_at_each_projects_address_with_all_that_it_names() {
    let server = Server::keyed().await;
    let page = server.get("/").expect(200).await;
    assert!(page.headers["content-type"].starts_with("text/html"), "{page:?}");
    assert_eq!(server.get("/p/0192f0c1-7a1e-7c3b-9f52-3b1d8a6e4c01").expect(200).await.text, page.text);
    let assets = assets(&page.text);
    assert!(assets.iter().any(|path| path.ends_with(".js")) && assets.iter().any(|path| path.ends_with(".css")));
    for path in assets {
        let asset = server.get(&path).expect(200).await;
        assert!(!asset.text.is_empty(), "{path}");
        assert_eq!(asset.headers["cache-control"], IMMUTABLE, "{path}");
    }
    server.get("/assets/none.js").expect(404).await;
}

#[tokio::test]
async fn the_page_itself_is_asked_for_anew_and_not_sent_again_if_it_is_the_same() {
    let server = Server::keyed().await;
    let page = server.get("/").expect(200).await;
    assert_eq!(page.headers["cache-control"], "no-cache");
    let again = server.get("/").header("If-None-Match", &page.headers["etag"]).expect(304).await;
    assert!(again.text.is_empty() && again.headers["etag"] == page.headers["etag"], "{again:?}");
}

#[tokio::test]
async fn s14_only_the_hubs_own_scripts_run_in_the_page() {
    let server = Server::keyed().await;
    let page = server.get("/").expect(200).await;
    let policy = &page.headers["content-security-policy"];
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(page.text.split("<script").skip(1).all(|script| script.starts_with(" type=\"module\"")), "{}", page.text);
    assert!(page.text.split("<script").skip(1).all(|script| script.contains(" src=\"/assets/")), "{}", page.text);
    assert!(!page.text.contains("<style") && !page.text.contains(" style="), "{}", page.text);
    assert_eq!(
        (&*page.headers["referrer-policy"], &*page.headers["x-content-type-options"]),
        ("no-referrer", "nosniff")
    );
}

#[tokio::test]
async fn who_takes_gzip_gets_less() {
    let server = Server::keyed().await;
    let page = server.get("/").expect(200).await;
    let script = assets(&page.text).into_iter().find(|path| path.ends_with(".js")).unwrap();
    let len = async |accepted: &'static str| {
        let answer = server.get(&script).header("Accept-Encoding", accepted).expect(200).await;
        assert_eq!(answer.headers["vary"], "accept-encoding");
        (answer.headers.get("content-encoding").cloned(), answer.headers["content-length"].parse::<usize>().unwrap())
    };
    let (plain, small) = (len("identity").await, len("gzip").await);
    assert_eq!((plain.0, small.0), (None, Some("gzip".to_owned())));
    assert!(small.1 * 2 < plain.1, "{} of {}", small.1, plain.1);
}

#[tokio::test]
async fn gzip_that_is_worth_nothing_is_not_sent_and_another_coding_has_another_tag() {
    let server = Server::keyed().await;
    let coded = async |accepted: &'static str| {
        let answer = server.get("/").header("Accept-Encoding", accepted).expect(200).await;
        (answer.headers.get("content-encoding").is_some(), answer.headers["etag"].clone())
    };
    for refusing in ["gzip;q=0", "gzip; q=0.0, *", "br, deflate", "*;q=0", "gzip;q=none", "x-gzipped"] {
        assert!(!coded(refusing).await.0, "{refusing}");
    }
    for taking in ["gzip", "GZIP;q=0.1", "br;q=1, gzip;q=0.8", "*", "identity;q=0, *;q=0.5"] {
        assert!(coded(taking).await.0, "{taking}");
    }
    let ((_, plain), (_, small)) = (coded("identity").await, coded("gzip").await);
    assert_ne!(plain, small);
    server.get("/").header("Accept-Encoding", "gzip").header("If-None-Match", &small).expect(304).await;
    server.get("/").header("Accept-Encoding", "gzip").header("If-None-Match", &plain).expect(200).await;
}
