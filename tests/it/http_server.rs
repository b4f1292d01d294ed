//! A hub in this process, called over a real loopback socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use blockhub::bus::local::LocalBus;
use blockhub::domain::access::{Principal, Role};
use blockhub::domain::ids::{HubId, HubRun, ProjectId, UserId};
use blockhub::hub::{Hub, HubParts, clock};
use blockhub::limit::Limits;
use blockhub::protocol::message::limits::WireLimits;
use blockhub::session::local::LocalSessions;
use blockhub::store::sqlite::SqliteStore;
use blockhub::telemetry;
use blockhub::transport::auth::{Keys, TokenKey, sign};
use blockhub::transport::http::{Http, answered, router};
use blockhub::transport::proxies::Proxies;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub const SECRET: &str = "a secret of more than thirty-two characters";

/// A hub with its database, both gone when it is dropped.
pub struct Server {
    pub hub: Arc<Hub>,
    pub address: String,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

/// One call to be made.
pub struct Call<'a> {
    server: &'a Server,
    request: reqwest::RequestBuilder,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Server {
    /// A hub without a key.
    pub async fn open() -> Self {
        Self::start(Keys::Open, &[]).await
    }

    /// A hub that takes tokens signed with `SECRET`.
    pub async fn keyed() -> Self {
        Self::start(Keys::Token(TokenKey::secret(SECRET)), &[]).await
    }

    /// A hub of these keys; its own limits are off.
    pub async fn start(keys: Keys, origins: &[&str]) -> Self {
        Self::with(keys, origins, Limits::off()).await
    }

    /// A hub that keeps these limits, behind a proxy on this machine.
    pub async fn with(keys: Keys, origins: &[&str], rates: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("hub.db").display());
        let hub = Hub::start(HubParts {
            id: HubId::from("hub-1"),
            run: HubRun(uuid::Uuid::new_v4()),
            store: Arc::new(SqliteStore::connect(&url).await.unwrap()),
            bus: Arc::new(LocalBus::default()),
            sessions: Arc::new(LocalSessions::new(100, Arc::default())),
            authenticator: Arc::new(keys),
            limits: WireLimits::default(),
            outbox_bytes_max: 1 << 20,
            rates,
        });
        let http = Http {
            hub: hub.clone(),
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            metrics: telemetry::measure_apart().unwrap(),
            started: tokio::time::Instant::now(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let app = answered(router(http), Proxies::parse("127.0.0.1").unwrap());
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { hub, address, client: reqwest::Client::new(), _folder: folder, task }
    }

    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        Call { server: self, request }
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).json(body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PUT, path).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PATCH, path).json(body)
    }

    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// A project of `user`'s with these blocks; its path.
    pub async fn project(&self, user: &str, blocks: Value) -> String {
        let body = json!({"title": "Plan", "blocks": blocks});
        let project = self.post("/api/projects", &body).by(user).expect(201).await.json();
        format!("/api/projects/{}", project["id"].as_str().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Call<'_> {
    /// Whom the call speaks for: by name on an open hub, by a token on one with a key.
    pub fn by(self, user: &str) -> Self {
        if self.server.hub.authenticator.is_open() {
            return self.header("x-blockhub-user", user);
        }
        let token = token(user, &[]);
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.request = self.request.body(body);
        self
    }

    pub async fn reply(self) -> Reply {
        let response = self.request.send().await.unwrap();
        let text =
            |(name, value): (_, &reqwest::header::HeaderValue)| (format!("{name}"), value.to_str().unwrap().to_owned());
        Reply {
            status: response.status(),
            headers: response.headers().iter().map(|(name, value)| text((name, value))).collect(),
            text: response.text().await.unwrap(),
        }
    }

    pub async fn expect(self, status: u16) -> Reply {
        let reply = self.reply().await;
        assert_eq!(reply.status.as_u16(), status, "{reply:?}");
        reply
    }

    /// A problem document with this status and code.
    pub async fn problem(self, status: u16, code: &str) -> Value {
        let reply = self.expect(status).await;
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{reply:?}");
        let document = reply.json();
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(document["status"], status, "{document}");
        assert_eq!(document["type"], "about:blank");
        assert_eq!(document["requestId"], reply.headers["x-request-id"].as_str());
        assert!(document["title"].is_string() && !document["detail"].as_str().unwrap().is_empty(), "{document}");
        document
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A token of the user's, with roles in projects.
pub fn token(user: &str, roles: &[(ProjectId, Role)]) -> String {
    let now = clock::now();
    let principal = Principal {
        admin: false,
        projects: Arc::new(roles.iter().copied().collect()),
        expires: Some(now.plus_ms(3_600_000)),
        ..Principal::named(UserId::from(user), None)
    };
    sign(&principal, now, SECRET).unwrap()
}

pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}
