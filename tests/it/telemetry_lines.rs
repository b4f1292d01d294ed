//! One event is one line, whatever a user put into it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use blockhub::telemetry::OneLine;
use serde_json::{Value, json};

use crate::harness::database::Database;
use crate::harness::desk::Desk;
use crate::http_server::Server;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_users_text_neither_breaks_a_log_line_nor_steers_a_terminal() {
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(OneLine(move || lines.clone())).finish();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(user = %"ann\n2026 INFO forged\r\u{1b}[31m\u{85}\u{2028}", "hello {}", "a\nb");
    });
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.ends_with('\n') && !text.trim_end().contains(|c: char| c.is_control() || c == '\u{2028}'), "{text:?}");
    assert!(text.contains("forged") && text.contains("a\\nb"), "{text:?}");
}

#[tokio::test]
async fn ms1_what_is_logged_about_a_message_names_its_request_connection_session_and_user() {
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::DEBUG);
    let subscriber = subscriber.with_writer(OneLine(move || lines.clone())).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let database = Database::sqlite();
    let desk = Desk::open(&database).await;
    let mut ann = desk.stranger();
    let welcome = ann.ask(json!({"type": "hello", "user": {"id": "ann"}})).await;
    let refused = ann.ask(json!({"type": "hello", "user": {"id": "ann"}})).await;
    assert_eq!(refused["code"], "malformed", "{refused}");
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let said = |field: &str, value: &Value| format!("{field}={}", value.as_str().unwrap());
    let fields = [
        said("request", &refused["requestId"]),
        said("connection", &welcome["connection"]),
        said("session", &welcome["session"]),
        "user=ann".to_owned(),
        "tier=Free".to_owned(),
    ];
    let line = text.lines().find(|line| line.contains(&fields[0])).unwrap_or_else(|| panic!("{text}"));
    assert!(fields.iter().all(|field| line.contains(field)), "{line}");
}

#[tokio::test]
async fn ms1_what_is_logged_about_a_call_names_its_request_user_and_address() {
    let written = Written::default();
    let lines = written.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::DEBUG);
    let subscriber = subscriber.with_writer(OneLine(move || lines.clone())).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::open().await;
    let reply = server.get("/api/projects").by("ann").expect(200).await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let request = format!("request={}", reply.headers["x-request-id"]);
    let line = text.lines().find(|line| line.contains(&request) && line.contains("answered"));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    assert!(["user=ann", "tier=Free", "address=127.0.0.1"].iter().all(|field| line.contains(field)), "{line}");
}
