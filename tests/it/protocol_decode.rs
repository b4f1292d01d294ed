//! [MS1], [MS2]: what clients say is read, or refused with a message that names what is wrong.

use blockhub::domain::edit::{BaseEpoch, OnConflict, Op};
use blockhub::domain::sequence::{Epoch, Seq, Version};
use blockhub::protocol::code::ErrorCode;
use blockhub::protocol::message::client::{ClientMessage, Envelope};
use blockhub::protocol::message::decode::{decode, decode_edit, decode_restore, decode_undo};
use blockhub::protocol::message::limits::WireLimits;
use blockhub::protocol::message::reply::Refusal;
use proptest::prelude::*;
use serde_json::{Value, json};

const P: &str = "11111111-1111-4111-8111-111111111111";
const B: &str = "22222222-2222-4222-8222-222222222222";
const E: &str = "ABCDEF01-2345-4678-9ABC-DEF012345678";

fn read(text: &str) -> Result<Envelope, (Option<String>, Refusal)> {
    decode(text, &WireLimits::default()).map_err(|(id, refusal)| (id.map(|id| id.to_string()), refusal))
}

fn accepted(message: &Value) -> ClientMessage {
    read(&message.to_string()).unwrap().message
}

fn refused(text: &str) -> Refusal {
    read(text).unwrap_err().1
}

fn edit_of(op: &Value) -> Value {
    json!({"type":"edit","id":"4","project":P,"editId":E,"ops":[op]})
}

fn op(op: &Value) -> Op {
    match accepted(&edit_of(op)) {
        ClientMessage::Edit { edit, .. } => edit.ops.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ms1_every_message_of_the_contract_is_read() {
    let messages = [
        json!({"type":"hello","id":"1","token":"t","session":E,"user":{"id":"ann","name":"Ann"}}),
        json!({"type":"hello"}),
        json!({"type":"hello","token":null,"session":null,"user":null}),
        json!({"type":"refresh","token":"t"}),
        json!({"type":"ping","id":"5"}),
        json!({"type":"join","project":P,"since":{"epoch":"1f-0","seq":17},"presence":{"a":1}}),
        json!({"type":"leave","project":P}),
        json!({"type":"presence","project":P,"state":null}),
        json!({"type":"signal","project":P,"event":"wave","data":[1]}),
        json!({"type":"history","project":P,"before":120,"limit":50}),
        json!({"type":"undo","project":P,"target":E,"editId":E}),
        json!({"type":"restore","project":P,"seq":100,"editId":E}),
    ];
    for message in messages {
        accepted(&message);
    }
}

#[test]
fn ms1_the_id_comes_back_and_is_optional() {
    assert_eq!(read(r#"{"type":"ping","id":"5"}"#).unwrap().id.as_deref(), Some("5"));
    assert_eq!(read(r#"{"type":"ping"}"#).unwrap().id, None);
    assert_eq!(read(r#"{"type":"ping","id":null}"#).unwrap().id, None);
    let longest = "ü".repeat(64);
    assert_eq!(read(&json!({"type":"ping","id":longest}).to_string()).unwrap().id.as_deref(), Some(&*longest));
}

#[test]
fn ms1_a_refusal_carries_the_id_whenever_the_object_can_be_read() {
    let deep = format!(r#"{{"id":"7","type":"presence","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for text in [
        r#"{"id":"7","type":"nonsense"}"#,
        r#"{"id":"7"}"#,
        r#"{"id":"7","type":3}"#,
        r#"{"id":"7","type":"join"}"#,
        r#"{"id":"7","type":"ping","x":"\u0000"}"#,
        r#"{"id":"7","type":"ping","x":"\ud800"}"#,
        &deep,
    ] {
        assert_eq!(read(text).unwrap_err().0.as_deref(), Some("7"), "{}", &text[..text.len().min(80)]);
    }
    for text in ["", "{", r#"{"id":"7""#, r#"["7"]"#, r#"{"id":7,"type":"ping"}"#] {
        assert_eq!(read(text).unwrap_err().0, None, "{text}");
    }
}

#[test]
fn ms2_what_cannot_be_understood_is_malformed_and_the_field_is_named() {
    let long_id = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65));
    let deep = format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(32), "]".repeat(32));
    let cases: &[(&str, &str)] = &[
        ("", "JSON"),
        ("nonsense", "JSON"),
        ("{\"type\":\"ping\"", "JSON"),
        ("{\"type\":\"ping\"} x", "JSON"),
        ("[\"ping\"]", "object"),
        ("\"ping\"", "object"),
        ("null", "object"),
        ("{\"type\":\"ping\",\"x\":\"\n\"}", "JSON"),
        (r#"{"type":"ping","x":"\ud800"}"#, "surrogate"),
        (r#"{"type":"ping","x":"\ud800\u0041"}"#, "surrogate"),
        (r#"{"type":"ping","x":"\udc00"}"#, "surrogate"),
        (r#"{"type":"ping","\udc00":1}"#, "JSON"),
        (r#"{"type":"ping","x":["a\u0000b"]}"#, "NUL"),
        (r#"{"type":"ping","x":1e400}"#, "number"),
        (r#"{"type":"ping","x":-1e999}"#, "number"),
        (&deep, "nested"),
        (&long_id, "`id`"),
        (r#"{"type":"ping","id":5}"#, "`id`"),
        ("{}", "`type`"),
        (r#"{"type":5}"#, "`type`"),
        (r#"{"type":"ping","type":"ping"}"#, "`type`"),
        (r#"{"type":"hello","token":5}"#, "`token`"),
        (r#"{"type":"hello","session":"x"}"#, "`session`"),
        (r#"{"type":"hello","user":"ann"}"#, "`user`"),
        (r#"{"type":"hello","user":["ann"]}"#, "`user`"),
        (r#"{"type":"hello","user":{"name":"Ann"}}"#, "`id`"),
        (r#"{"type":"hello","user":{"id":""}}"#, "`id`"),
        (r#"{"type":"refresh"}"#, "`token`"),
        (r#"{"type":"join"}"#, "`project`"),
        (r#"{"type":"join","project":"here"}"#, "`project`"),
        (r#"{"type":"join","project":null}"#, "`project`"),
        (r#"{"type":"join","project":"{11111111-1111-4111-8111-111111111111}"}"#, "`project`"),
        (r#"{"type":"join","project":"11111111-1111-4111-8111-111111111111","since":{"seq":1}}"#, "`epoch`"),
        (r#"{"type":"join","project":"11111111-1111-4111-8111-111111111111","since":["1-0",1]}"#, "`since`"),
        (r#"{"type":"join","project":"11111111-1111-4111-8111-111111111111","since":{"epoch":"x","seq":-1}}"#, "`seq`"),
        (r#"{"type":"presence","project":"11111111-1111-4111-8111-111111111111"}"#, "`state`"),
        (r#"{"type":"signal","project":"11111111-1111-4111-8111-111111111111","event":""}"#, "`event`"),
        (r#"{"type":"history","project":"11111111-1111-4111-8111-111111111111","limit":1.5}"#, "`limit`"),
        (r#"{"type":"undo","project":"11111111-1111-4111-8111-111111111111","target":"x"}"#, "`target`"),
        (r#"{"type":"restore","project":"11111111-1111-4111-8111-111111111111"}"#, "`seq`"),
    ];
    for (text, word) in cases {
        let refusal = refused(text);
        assert_eq!(refusal.code, ErrorCode::Malformed, "{text}");
        assert!(refusal.message.contains(word), "{text} is refused with: {}", refusal.message);
    }
}

#[test]
fn ms2_an_edit_with_a_wrong_field_is_malformed_at_its_op() {
    let cases = [
        (json!({"op":"paint","block":B}), "`op`"),
        (json!({"block":B}), "`op`"),
        (json!(["delete", B, 3]), "object"),
        (json!({"op":"delete","block":B}), "`baseVersion`"),
        (json!({"op":"delete","block":"b","baseVersion":1}), "`block`"),
        (json!({"op":"delete","block":B,"baseVersion":"1"}), "`baseVersion`"),
        (json!({"op":"delete","block":B,"baseVersion":-1}), "`baseVersion`"),
        (json!({"op":"delete","block":B,"baseVersion":0.5}), "`baseVersion`"),
        (json!({"op":"update","block":B,"baseVersion":1}), "`patch`"),
        (json!({"op":"update","block":B,"baseVersion":1,"patch":[]}), "`patch`"),
        (json!({"op":"insert","block":B,"content":{}}), "`kind`"),
        (json!({"op":"insert","block":B,"kind":"","content":{}}), "`kind`"),
        (json!({"op":"insert","block":B,"kind":"k".repeat(65),"content":{}}), "`kind`"),
        (json!({"op":"insert","block":B,"kind":"text"}), "`content`"),
        (json!({"op":"insert","block":B,"kind":"text","content":"x"}), "`content`"),
        (json!({"op":"insert","block":B,"kind":"text","content":{},"parent":1}), "`parent`"),
        (json!({"op":"move","block":B,"baseVersion":1,"after":""}), "`after`"),
        (json!({"op":"text","block":B,"baseVersion":1,"changes":[]}), "`path`"),
        (json!({"op":"text","block":B,"baseVersion":1,"path":"text","changes":[]}), "`path`"),
        (json!({"op":"text","block":B,"baseVersion":1,"path":"/a~2","changes":[]}), "`path`"),
        (json!({"op":"text","block":B,"baseVersion":1,"path":"/text"}), "`changes`"),
        (json!({"op":"text","block":B,"baseVersion":1,"path":"/text","changes":[[1,0,"x"]]}), "`changes`"),
        (json!({"op":"text","block":B,"baseVersion":1,"path":"/text","changes":[{"at":1,"insert":"x"}]}), "`delete`"),
        (
            json!({"op":"text","block":B,"baseVersion":1,"path":"/t","changes":[{"at":-1,"delete":0,"insert":"x"}]}),
            "`at`",
        ),
    ];
    for (bad, word) in cases {
        let good = json!({"op":"delete","block":B,"baseVersion":3});
        let text = json!({"type":"edit","project":P,"editId":E,"ops":[good, bad]}).to_string();
        let refusal = refused(&text);
        assert_eq!((refusal.code, refusal.op), (ErrorCode::Malformed, Some(1)), "{text}");
        assert!(refusal.message.contains(word), "{text} is refused with: {}", refusal.message);
    }
}

#[test]
fn ms2_a_refusal_never_repeats_what_was_sent() {
    let marked = edit_of(&json!({"op":"SECRET","block":"SECRET","baseVersion":"SECRET"}));
    for text in [marked.to_string(), r#"{"type":"SECRET"}"#.to_owned(), r#"{"type":"ping","id":["SECRET"]}"#.to_owned()]
    {
        assert!(!refused(&text).message.contains("SECRET"));
    }
}

#[test]
fn ms2_an_unknown_type_has_a_code_of_its_own() {
    assert_eq!(refused(r#"{"type":"dance"}"#).code, ErrorCode::UnknownType);
    assert_eq!(refused(r#"{"type":""}"#).code, ErrorCode::UnknownType);
}

#[test]
fn ms2_on_conflict_is_one_of_three_and_merge_unless_given() {
    let with = |mode: Value| {
        let mut edit = edit_of(&json!({"op":"delete","block":B,"baseVersion":3}));
        edit["onConflict"] = mode;
        edit.to_string()
    };
    for (given, meant) in [
        (json!(null), OnConflict::Merge),
        (json!("merge"), OnConflict::Merge),
        (json!("reject"), OnConflict::Reject),
        (json!("overwrite"), OnConflict::Overwrite),
    ] {
        let ClientMessage::Edit { edit, .. } = read(&with(given)).unwrap().message else { panic!() };
        assert_eq!(edit.on_conflict, meant);
    }
    for wrong in [json!("Merge"), json!(""), json!(1)] {
        let refusal = refused(&with(wrong));
        assert_eq!(refusal.code, ErrorCode::Malformed);
        assert!(refusal.message.contains("`onConflict`"));
    }
}

#[test]
fn ms2_what_is_too_large_names_its_limit() {
    let limits = WireLimits { edit_bytes_max: 2_000, ops_max: 3, presence_bytes_max: 10, ..WireLimits::default() };
    let refusal = |message: Value| decode(&message.to_string(), &limits).unwrap_err().1;
    let delete = json!({"op":"delete","block":B,"baseVersion":3});
    let many = refusal(json!({"type":"edit","project":P,"editId":E,"ops":vec![delete; 4]}));
    let update = json!({"op":"update","block":B,"baseVersion":3,"patch":{"a":"x".repeat(2_000)}});
    let large = refusal(edit_of(&update));
    let state = json!({"cursor":{"offset":4}});
    let presence = refusal(json!({"type":"presence","project":P,"state":state}));
    let join = refusal(json!({"type":"join","project":P,"presence":state}));
    for (refusal, limit) in
        [(many, "maxOps"), (large, "maxEditBytes"), (presence, "maxPresenceBytes"), (join, "maxPresenceBytes")]
    {
        assert_eq!((refusal.code, refusal.limit), (ErrorCode::TooLarge, Some(limit)));
    }
    let none = refused(&json!({"type":"edit","project":P,"editId":E,"ops":[]}).to_string());
    assert_eq!(none.code, ErrorCode::Malformed);
}

#[test]
fn ms2_thirty_two_levels_are_deep_enough() {
    let deepest = format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(31), "]".repeat(31));
    read(&deepest).unwrap();
    let brackets_in_a_string = format!(r#"{{"type":"ping","x":"{}"}}"#, "[".repeat(100));
    read(&brackets_in_a_string).unwrap();
}

#[test]
fn ms2_a_whole_pair_of_surrogates_is_one_character() {
    let text = r#"{"type":"signal","project":"11111111-1111-4111-8111-111111111111","event":"\ud83d\ude00\\u0000"}"#;
    let ClientMessage::Signal { event, .. } = read(text).unwrap().message else { panic!() };
    assert_eq!(event, "😀\\u0000");
}

#[test]
fn ed_every_op_is_read_as_it_was_meant() {
    let insert = op(&json!({"op":"insert","block":B,"kind":"text","content":{"n":1.0,"big":1e300}}));
    let Op::Insert { kind, parent: None, after: None, content, .. } = insert else { panic!("{insert:?}") };
    assert_eq!((&*kind, &content["n"], &content["big"]), ("text", &json!(1), &json!(1e300)));

    let text = op(
        &json!({"op":"text","block":B,"baseVersion":3.0,"path":"/a~1b/~0","changes":[{"at":5,"delete":2,"insert":"x"}]}),
    );
    let Op::Text { base, path, changes, .. } = text else { panic!("{text:?}") };
    assert_eq!((base, path.0, changes[0].delete), (Version(3), vec!["a/b".to_owned(), "~".to_owned()], 2));

    let moved = op(&json!({"op":"move","block":B,"baseVersion":3,"parent":null,"after":E,"extra":[1]}));
    let Op::Move { parent: None, after: Some(after), .. } = moved else { panic!("{moved:?}") };
    assert_eq!(after.to_string(), E.to_lowercase());
}

#[test]
fn ed14_an_epoch_of_ours_is_known_and_any_other_text_is_foreign() {
    let epoch = |epoch: Value| {
        let mut edit = edit_of(&json!({"op":"delete","block":B,"baseVersion":3}));
        edit["epoch"] = epoch;
        let ClientMessage::Edit { edit, .. } = accepted(&edit) else { panic!() };
        edit.epoch
    };
    let ours = Epoch { log: 0xABC, timeline: 7 };
    assert_eq!(epoch(json!(ours.to_string())), BaseEpoch::Known(ours));
    assert_eq!(epoch(json!("of another hub")), BaseEpoch::Foreign);
    assert_eq!(epoch(json!(null)), BaseEpoch::Current);
}

#[test]
fn hi1_history_is_a_hundred_events_unless_given_and_five_hundred_at_most() {
    for (given, meant) in [(json!(null), 100), (json!(7), 7), (json!(10_000), 500), (json!(0), 1)] {
        let ClientMessage::History { limit, .. } = accepted(&json!({"type":"history","project":P,"limit":given}))
        else {
            panic!()
        };
        assert_eq!(limit, meant);
    }
}

#[test]
fn http_bodies_are_the_messages_without_type_and_project() {
    let limits = WireLimits::default();
    let body = json!({"editId":E,"ops":[{"op":"delete","block":B,"baseVersion":3}]}).to_string();
    assert_eq!(decode_edit(&body, &limits).unwrap().ops.len(), 1);
    assert_eq!(decode_edit("{}", &limits).unwrap_err().code, ErrorCode::Malformed);
    assert_eq!(decode_edit(r#"{"editId":"\u0000"}"#, &limits).unwrap_err().message, "a string holds a NUL character");
    assert!(decode_undo(&json!({"target":B,"editId":E}).to_string()).is_ok());
    assert_eq!(decode_restore(&json!({"seq":5,"editId":E}).to_string()).unwrap().0, Seq(5));
    assert!(decode_restore(&json!({"seq":"5","editId":E}).to_string()).is_err());
}

proptest! {
    #[test]
    fn ms2_no_text_makes_the_decoder_panic(text in ".{0,300}") {
        let _ = read(&text);
    }

    #[test]
    fn ms2_no_json_like_text_makes_the_decoder_panic(text in r#"(\{|\}|\[|\]|"|\\|\\u|d800|0000|type|edit|ops|:|,|-|1e999|null|é){0,60}"#) {
        let _ = read(&text);
    }

    #[test]
    fn ms2_no_damage_to_a_message_makes_the_decoder_panic(at in 0_usize..220, with in ".{0,3}", cut in 0_usize..4) {
        let whole = edit_of(&json!({"op":"text","block":B,"baseVersion":3,"path":"/t","changes":[{"at":1,"delete":0,"insert":"x"}]})).to_string();
        let start = at.min(whole.len());
        let end = (start + cut).min(whole.len());
        let _ = read(&format!("{}{with}{}", &whole[..start], &whole[end..]));
    }
}
