//! The page to try the hub on: `web/dist`, which is in the program.
//!
//! Promises: what is under `assets/` carries a hash in its name and may be kept for ever; the page itself is asked for
//! anew each time. Only the hub's own scripts and styles run in it.
//! Must never: need a file of the machine it runs on, or know anything about who asks.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{Embed, EmbeddedFile};

use super::coding::Coding;

/// The page's address, and that of each project's page, which is the same file.
const PAGES: [&str; 2] = ["/", "/p/{project}"];
const PAGE: &str = "index.html";

/// Pictures may come from anywhere: people put them into their projects by address.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; \
                      img-src 'self' data: http: https:; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Addresses of projects stay here.
const ALWAYS: [(HeaderName, &str); 3] =
    [(CONTENT_SECURITY_POLICY, POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (REFERRER_POLICY, "no-referrer")];

#[derive(Embed)]
#[folder = "web/dist"]
struct Dist;

/// A file as it is answered: both codings are made once, when the hub starts.
struct Kept {
    plain: Coded,
    gzip: Coded,
    kind: HeaderValue,
    keep: HeaderValue,
}

/// One coding of a file. Its tag is strong, so another coding has another one.
struct Coded {
    bytes: Bytes,
    tag: HeaderValue,
}

/// Every file at its own path, and the page at its addresses.
pub fn pages() -> Router {
    let files = Dist::iter().filter_map(|path| Some((Dist::get(&path)?, path)));
    let routes = files.flat_map(|(file, path)| {
        let kept = Arc::new(Kept::new(&path, &file));
        paths(&path).into_iter().map(move |path| (path, Arc::clone(&kept)))
    });
    routes.fold(Router::new(), |router, (path, kept)| {
        router.route(&path, get(async move |headers: HeaderMap| kept.answer(&headers)))
    })
}

fn paths(file: &str) -> Vec<Cow<'static, str>> {
    match file {
        PAGE => PAGES.map(Cow::Borrowed).to_vec(),
        file => vec![format!("/{file}").into()],
    }
}

impl Kept {
    fn new(path: &str, file: &EmbeddedFile) -> Self {
        let keep = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let digest = URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash());
        let coded = |bytes, tag: String| Coded { bytes, tag: header(&tag) };
        Self {
            plain: coded(Bytes::from(file.data.clone().into_owned()), format!("\"{digest}\"")),
            gzip: coded(Bytes::from(gzip(&file.data)), format!("\"{digest}-gzip\"")),
            kind: header(file.metadata.mimetype()),
            keep: HeaderValue::from_static(keep),
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let coding = Coding::taken(asked);
        let Coded { bytes, tag } = match coding {
            Coding::Plain => &self.plain,
            Coding::Gzip => &self.gzip,
        };
        let mut answer = match (is_known(asked, tag), coding) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, Coding::Gzip) => ([(CONTENT_ENCODING, "gzip")], bytes.clone()).into_response(),
            (false, Coding::Plain) => bytes.clone().into_response(),
        };
        let headers = answer.headers_mut();
        headers.extend(ALWAYS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(CONTENT_TYPE, self.kind.clone());
        headers.insert(CACHE_CONTROL, self.keep.clone());
        headers.insert(ETAG, tag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        answer
    }
}

/// Whether the client has this very coding of the file. A tag stands in quotes, so it is no part of another.
fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = asked.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    known.zip(tag.to_str().ok()).is_some_and(|(known, tag)| known.contains(tag))
}

/// Writing to memory does not fail.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::best());
    let _ = writer.write_all(bytes);
    writer.finish().unwrap_or_default()
}

/// A digest in base64 and a MIME type from a table: both are fit for a header.
fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
