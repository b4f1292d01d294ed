//! [MS2]: messages that cannot be understood, on both stores.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::scene::{Scene, fresh, goes_on, insert, refused};
use crate::contract::on_both;
use crate::harness::database::Database;

on_both!(
    ms2_what_cannot_be_understood_is_an_error_for_that_message,
    ms2_a_wrong_field_of_an_edit_is_named_with_its_op,
    ms2_a_binary_frame_is_unsupported_and_the_connection_goes_on,
    ms2_twenty_malformed_messages_close_with_4400_and_nineteen_do_not,
);

/// What is sent, and whether its `id` can be read.
fn texts(project: &str) -> Vec<(&'static str, String)> {
    let state = |state: &str| format!(r#"{{"type":"presence","id":"bad","project":"{project}","state":{state}}}"#);
    let deep = |open: &str, close: &str| state(&format!("{}{}", open.repeat(100_000), close.repeat(100_000)));
    let text = |text: &str| text.to_owned();
    vec![
        ("nothing", text("")),
        ("no JSON", text("nonsense")),
        ("half an object", text(r#"{"type":"ping","id":"bad""#)),
        ("two objects", text(r#"{"type":"ping"}{"type":"ping"}"#)),
        ("an array", text(r#"[{"type":"ping"}]"#)),
        ("a string", text(r#""ping""#)),
        ("null", text("null")),
        ("a raw NUL", text("{\"type\":\"ping\",\"id\":\"bad\",\"x\":\"\0\"}")),
        ("a NUL in the id", text(r#"{"type":"ping","id":"\u0000"}"#)),
        ("no type", text(r#"{"id":"bad"}"#)),
        ("a type that is a number", text(r#"{"id":"bad","type":7}"#)),
        ("the type twice", text(r#"{"id":"bad","type":"ping","type":"ping"}"#)),
        ("an id that is a number", text(r#"{"id":7,"type":"ping"}"#)),
        ("an id of 65 characters", format!(r#"{{"id":"{}","type":"ping"}}"#, "x".repeat(65))),
        ("no project", text(r#"{"id":"bad","type":"join"}"#)),
        ("a project that is no UUID", text(r#"{"id":"bad","type":"join","project":"../../etc/passwd"}"#)),
        ("the project twice", format!(r#"{{"id":"bad","type":"join","project":"{project}","project":"{project}"}}"#)),
        ("no state", format!(r#"{{"id":"bad","type":"presence","project":"{project}"}}"#)),
        ("a NUL", state(r#""a\u0000b""#)),
        ("a NUL in a name", state(r#"{"\u0000":1}"#)),
        ("a high surrogate alone", state(r#""\ud83d""#)),
        ("a low surrogate alone", state(r#"["\ude00"]"#)),
        ("surrogates in the wrong order", state(r#""\ude00\ud83d""#)),
        ("1e400", state("1e400")),
        ("-1e400", state("[-1e400]")),
        ("a number of 1,000 digits", state(&"9".repeat(1_000))),
        ("arrays 100,000 deep", deep("[", "]")),
        ("objects 100,000 deep", deep(r#"{"a":"#, "}").replace(":}", ":1}")),
        ("arrays that never end", text(&"[".repeat(100_000))),
        ("33 levels", state(&format!("{}{}", "[".repeat(32), "]".repeat(32)))),
        ("a second hello", text(r#"{"id":"bad","type":"hello","user":{"id":"root"}}"#)),
    ]
}

async fn ms2_what_cannot_be_understood_is_an_error_for_that_message(database: &Database) {
    let mut scene = Scene::open(database).await;
    for (case, text) in texts(&scene.project) {
        let mut attacker = scene.attacker().await;
        let error = refused(&mut attacker, &text).await;
        assert_eq!(error["code"], "malformed", "{case}: {error}");
        let readable = serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|message| message["id"] == "bad");
        assert!(!readable || error["id"] == "bad", "{case}: {error}");
        goes_on(&mut attacker).await;
        scene.unharmed(case).await;
    }
    let mut attacker = scene.attacker().await;
    for kind in ["welcome", "EDIT", "__proto__", ""] {
        let error = refused(&mut attacker, &json!({"type": kind, "id": "bad"}).to_string()).await;
        assert_eq!((&error["code"], &error["id"]), (&json!("unknown_type"), &json!("bad")), "{kind}");
    }
    goes_on(&mut attacker).await;
    scene.unharmed("unknown types").await;
    scene.kept().await;
}

async fn ms2_a_wrong_field_of_an_edit_is_named_with_its_op(database: &Database) {
    let mut scene = Scene::open(database).await;
    let (good, block) = (insert(&fresh(), json!({})), scene.block.clone());
    let ops = [
        r#"{"op":"paint","block":"B"}"#,
        r#"{"block":"B"}"#,
        r#"["delete"]"#,
        r#"{"op":"delete","block":"B"}"#,
        r#"{"op":"delete","block":7,"baseVersion":1}"#,
        r#"{"op":"delete","block":"B","baseVersion":"1"}"#,
        r#"{"op":"delete","block":"B","baseVersion":-1}"#,
        r#"{"op":"delete","block":"B","baseVersion":1.5}"#,
        r#"{"op":"delete","block":"B","block":"B","baseVersion":1}"#,
        r#"{"op":"update","block":"B","baseVersion":1,"patch":[1]}"#,
        r#"{"op":"text","block":"B","baseVersion":1,"path":"text","changes":[]}"#,
        r#"{"op":"text","block":"B","baseVersion":1,"path":"/text","changes":[{"at":0}]}"#,
        r#"{"op":"insert","block":"B","kind":"","content":{}}"#,
        r#"{"op":"insert","block":"B","kind":"text","content":null}"#,
    ];
    for op in ops {
        let mut attacker = scene.attacker().await;
        let op = op.replace(r#""B""#, &format!(r#""{block}""#));
        let text = scene.edit(json!([good, 0])).to_string().replace(",0]", &format!(",{op}]"));
        let error = refused(&mut attacker, &text).await;
        assert_eq!(
            (&error["code"], &error["op"], &error["id"]),
            (&json!("malformed"), &json!(1), &json!("bad")),
            "{op}"
        );
        goes_on(&mut attacker).await;
        scene.unharmed(&op).await;
    }
    let whole = [("onConflict", json!("win")), ("editId", json!("mine")), ("ops", json!([])), ("ops", json!({"0": 1}))];
    for (field, value) in whole {
        let mut attacker = scene.attacker().await;
        let mut edit = scene.edit(json!([good]));
        edit[field] = value;
        let error = refused(&mut attacker, &edit.to_string()).await;
        assert_eq!((&error["code"], &error["id"]), (&json!("malformed"), &json!("bad")), "{field}");
        assert!(error["message"].as_str().unwrap().contains(field), "{error}");
        goes_on(&mut attacker).await;
        scene.unharmed(field).await;
    }
    scene.kept().await;
}

async fn ms2_a_binary_frame_is_unsupported_and_the_connection_goes_on(database: &Database) {
    let mut scene = Scene::open(database).await;
    let mut attacker = scene.attacker().await;
    for bytes in [vec![], vec![0xFF; 1_000], scene.edit(json!([insert(&fresh(), json!({}))])).to_string().into_bytes()]
    {
        attacker.send_raw(Message::binary(bytes)).await;
        assert_eq!(attacker.expect("error").await["code"], "unsupported");
        goes_on(&mut attacker).await;
        scene.unharmed("a binary frame").await;
    }
}

async fn ms2_twenty_malformed_messages_close_with_4400_and_nineteen_do_not(database: &Database) {
    let mut scene = Scene::open(database).await;
    let mut attacker = scene.attacker().await;
    for n in 0..19 {
        let text = ["", "{}", r#"{"type":"nonsense"}"#][n % 3];
        refused(&mut attacker, text).await;
    }
    goes_on(&mut attacker).await;
    scene.unharmed("nineteen").await;
    refused(&mut attacker, "[").await;
    assert_eq!(attacker.closed().await, Some(4400));
    scene.unharmed("twenty").await;
}
