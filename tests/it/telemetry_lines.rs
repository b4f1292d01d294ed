//! One event is one line, whatever a user put into it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use blockhub::telemetry::OneLine;

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
