//! The shapes of what hubs say, to the letter.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blockhub::domain::access::{Access, Principal, Role, Tier};
use blockhub::domain::block::{Block, Place};
use blockhub::domain::decide::Conflict;
use blockhub::domain::event::{Actor, ActorKind, Change, Event};
use blockhub::domain::ids::{BlockId, ConnectionId, EditId, GroupId, HubId, ProjectId, RequestId, SessionId, UserId};
use blockhub::domain::merge::Pointer;
use blockhub::domain::position::Position;
use blockhub::domain::presence::{Present, Update};
use blockhub::domain::sequence::{Epoch, Seq, Timestamp, Version};
use blockhub::domain::text::{Sent, Splice};
use blockhub::protocol::code::{CloseCode, ErrorCode};
use blockhub::protocol::frame::Chunk;
use blockhub::protocol::message::encode::{encode, encode_blocks, encode_members, event_len};
use blockhub::protocol::message::limits::WireLimits;
use blockhub::protocol::message::reply::{Ack, ConflictReport, Receipt, Refusal};
use blockhub::protocol::message::server::{Joined, LeftReason, ResetReason, ServerMessage, State};
use blockhub::protocol::message::written::Written;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use uuid::Uuid;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn text(n: u128) -> String {
    id(n).to_string()
}

const PROJECT: u128 = 0xA;
const EPOCH: Epoch = Epoch { log: 0x9F3A, timeline: 1 };
const AT: Timestamp = Timestamp(1_763_712_000_007);

/// One file per message, which the TypeScript client's tests read too. `BLOCKHUB_GOLDEN=write` writes them anew.
fn is_golden(name: &str, message: &ServerMessage<'_>) {
    let (file, said) = (hub_messages().join(format!("{name}.json")), said(message));
    if std::env::var_os("BLOCKHUB_GOLDEN").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&said).unwrap() + "\n").unwrap();
    }
    let golden: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(said, golden, "{}", file.display());
}

fn hub_messages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/messages/hub")
}

fn said(message: &ServerMessage<'_>) -> Value {
    serde_json::from_slice(&encode(message).json()).unwrap()
}

fn receipt() -> Receipt {
    Receipt { id: Some("4".into()), request: RequestId(id(0xEE)), callback: None }
}

fn ann() -> Arc<Actor> {
    Arc::new(Actor { id: UserId::from("ann"), name: Some("Ann".into()), kind: ActorKind::Human })
}

fn bot() -> Arc<Actor> {
    Arc::new(Actor { id: UserId::from("bot"), name: None, kind: ActorKind::Agent })
}

fn block(content: Value) -> Block {
    let Value::Object(content) = content else { panic!() };
    let place = Place { parent: None, position: Position("a0".into()) };
    Block { id: BlockId(id(0xB)), kind: "text".into(), place, content, version: Version(3) }
}

fn event(changes: Vec<Change>) -> Arc<Event> {
    Arc::new(Event {
        seq: Seq(20),
        edit: EditId(id(0xE)),
        request: RequestId(id(0xEE)),
        group: None,
        actor: ann(),
        at: AT,
        merged: false,
        overwrote: false,
        changes,
    })
}

fn insert_of(bytes: usize) -> Arc<Event> {
    event(vec![Change::Insert { block: block(json!({"text":"x".repeat(bytes)})) }])
}

#[test]
fn cn5_welcome() {
    let mut principal = Principal::named(UserId::from("ann"), Some("Ann".into()));
    principal.tier = Tier::Pro;
    let message = ServerMessage::Welcome {
        receipt: receipt(),
        connection: ConnectionId(id(1)),
        session: SessionId(id(2)),
        hub: &HubId::from("hub-1"),
        principal: &principal,
        limits: &WireLimits::default(),
    };
    is_golden("welcome", &message);
}

#[test]
fn cn7_tokens_and_pings() {
    let refreshed = |expires| said(&ServerMessage::Refreshed { receipt: receipt(), expires });
    let head = json!({"type":"refreshed","id":"4","requestId":text(0xEE)});
    assert_eq!(refreshed(None), head);
    is_golden("refreshed", &ServerMessage::Refreshed { receipt: receipt(), expires: Some(AT) });
    is_golden("tokenExpiring", &ServerMessage::TokenExpiring { expires: AT });
    is_golden("pong", &ServerMessage::Pong { receipt: Receipt { id: None, ..receipt() }, now: AT });
    is_golden("draining", &ServerMessage::Draining { reconnect_in_ms: 70 });
}

#[test]
fn ms4_an_error_holds_what_there_is_to_say() {
    let error = |refusal: &Refusal| said(&ServerMessage::Error { receipt: receipt(), refusal });
    assert_eq!(
        error(&Refusal::new(ErrorCode::NotJoined, "join first")),
        json!({"type":"error","id":"4","requestId":text(0xEE),"code":"not_joined","message":"join first"})
    );
    let full = Refusal { retry_after_ms: Some(50), ..Refusal::too_large("maxOps", "too many").at_op(1) };
    is_golden("error", &ServerMessage::Error { receipt: receipt(), refusal: &full });
}

#[test]
fn ms4_codes_are_those_of_the_table() {
    let table = [
        (ErrorCode::Malformed, "malformed", 400),
        (ErrorCode::UnknownType, "unknown_type", 400),
        (ErrorCode::Unsupported, "unsupported", 400),
        (ErrorCode::Unauthenticated, "unauthenticated", 401),
        (ErrorCode::Forbidden, "forbidden", 403),
        (ErrorCode::NotFound, "not_found", 404),
        (ErrorCode::Conflict, "conflict", 409),
        (ErrorCode::InvalidEdit, "invalid_edit", 422),
        (ErrorCode::TooLarge, "too_large", 413),
        (ErrorCode::RateLimited, "rate_limited", 429),
        (ErrorCode::Busy, "busy", 503),
        (ErrorCode::Draining, "draining", 503),
        (ErrorCode::Internal, "internal", 500),
    ];
    for (code, name, status) in table {
        assert_eq!((code.as_str(), code.http_status()), (name, status));
    }
    let closes = [
        (CloseCode::Normal, 1000),
        (CloseCode::Protocol, 1002),
        (CloseCode::NotText, 1007),
        (CloseCode::TooBig, 1009),
        (CloseCode::Restart, 1012),
        (CloseCode::Full, 1013),
        (CloseCode::Violated, 4400),
        (CloseCode::Unauthenticated, 4401),
        (CloseCode::Blocked, 4403),
        (CloseCode::TimedOut, 4408),
        (CloseCode::Flooded, 4429),
    ];
    for (code, number) in closes {
        assert_eq!(code.number(), number);
    }
}

fn joined(state: State<'_>) -> ServerMessage<'_> {
    let state_of_ann = Present { actor: ann(), state: Some(Arc::from(to_raw_value(&json!({"cursor":1})).unwrap())) };
    let joined = Joined {
        project: ProjectId(id(PROJECT)),
        title: "Plan \"A\"",
        role: Role::Editor,
        epoch: EPOCH,
        seq: Seq(19),
        state,
        members: encode_members(
            [(ConnectionId(id(1)), &state_of_ann), (ConnectionId(id(2)), &Present { actor: bot(), state: None })]
                .into_iter(),
        ),
    };
    ServerMessage::Joined { receipt: receipt(), joined }
}

#[test]
fn jn1_joined_with_blocks() {
    let blocks = Chunk::new(encode_blocks([block(json!({"text":"Hello"}))].iter()));
    is_golden("joined", &joined(State::Blocks { blocks, more: true }));
}

#[test]
fn jn2_joined_with_events() {
    is_golden("joined-recovered", &joined(State::Events(&[event(vec![])])));
}

#[test]
fn jn4_further_parts_and_jn5_resets() {
    let blocks = Chunk::new(b"[]".to_vec());
    let project = ProjectId(id(PROJECT));
    let part = ServerMessage::Snapshot { project, blocks: Arc::clone(&blocks), last: true };
    is_golden("snapshot", &part);
    for (reason, word) in
        [(ResetReason::Lagged, "lagged"), (ResetReason::Epoch, "epoch"), (ResetReason::Large, "large")]
    {
        let reset = ServerMessage::Reset {
            project,
            epoch: EPOCH,
            seq: Seq(40),
            reason,
            blocks: Arc::clone(&blocks),
            more: false,
        };
        assert_eq!(said(&reset)["reason"], word);
        if reason == ResetReason::Lagged {
            is_golden("reset", &reset);
        }
    }
}

#[test]
fn ac3_what_is_told_of_access() {
    let project = ProjectId(id(PROJECT));
    let left = ServerMessage::Left { receipt: receipt(), project };
    is_golden("left", &left);
    for (reason, word) in [(LeftReason::Forbidden, "forbidden"), (LeftReason::Deleted, "deleted")] {
        is_golden(&format!("left-{word}"), &ServerMessage::Removed { project, reason });
    }
    is_golden("project", &ServerMessage::Project { project, title: "Plan", access: Access::Viewer });
    is_golden("role", &ServerMessage::Role { project, role: Role::Owner });
}

#[test]
fn ed1_an_ack_always_tells_merged_overwrote_and_duplicate() {
    let ack = Ack {
        project: ProjectId(id(PROJECT)),
        edit: EditId(id(0xE)),
        seq: Seq(20),
        versions: vec![(BlockId(id(0xB)), Version(4))],
        merged: false,
        overwrote: false,
        duplicate: false,
    };
    is_golden("ack", &ServerMessage::Ack { receipt: receipt(), ack: &ack });
}

fn conflict(current: Option<Block>, base: Option<Value>) -> Conflict {
    Conflict {
        op: 1,
        block: BlockId(id(0xB)),
        base_version: Version(3),
        current_version: Version(5),
        current: current.map(Arc::new),
        base: base.map(|base| base.as_object().unwrap().clone()),
        paths: vec![Pointer(vec!["a/b".into(), "~".into()])],
        changed: Some((ann(), AT)),
    }
}

fn report(conflicts: Vec<Conflict>) -> ConflictReport {
    ConflictReport { project: ProjectId(id(PROJECT)), edit: EditId(id(0xE)), seq: Seq(20), conflicts }
}

fn conflict_said(conflicts: Vec<Conflict>) -> Value {
    said(&ServerMessage::Conflict { receipt: receipt(), report: &report(conflicts) })
}

#[test]
fn ed6_a_conflict_holds_all_it_takes_to_settle_it() {
    let report = report(vec![conflict(Some(block(json!({"color":"red"}))), Some(json!({"color":"blue"})))]);
    is_golden("conflict", &ServerMessage::Conflict { receipt: receipt(), report: &report });
}

#[test]
fn ed6_a_deleted_block_is_null_and_what_is_not_kept_is_left_out() {
    let mut gone = conflict(None, None);
    gone.changed = None;
    let said = conflict_said(vec![gone]);
    assert_eq!(
        said["conflicts"],
        json!([{"op":1,"block":text(0xB),"baseVersion":3,"currentVersion":5,"current":null,"paths":["/a~1b/~0"]}])
    );
}

#[test]
fn ed6_beyond_a_mebibyte_base_goes_first_and_current_next() {
    let half = json!({"text":"x".repeat(600_000)});
    let said = conflict_said(vec![conflict(Some(block(half.clone())), Some(half.clone()))]);
    assert_eq!((said["conflicts"][0].get("base"), said["conflicts"][0].get("current").is_some()), (None, true));

    let gone = conflict(None, None);
    let said = conflict_said(vec![conflict(Some(block(half.clone())), None), conflict(Some(block(half)), None), gone]);
    for index in [0, 1] {
        let op = &said["conflicts"][index];
        assert_eq!((op.get("base"), op.get("current")), (None, None));
        assert_eq!((&op["currentVersion"], &op["paths"]), (&json!(5), &json!(["/a~1b/~0"])));
    }
    assert_eq!(said["conflicts"][2].get("current"), Some(&json!(null)), "deleted is still said");
}

#[test]
fn ed13_an_event_shows_every_kind_of_change() {
    let place = |position: &str| Place { parent: Some(BlockId(id(0xC))), position: Position(position.into()) };
    let content = json!({"text":"Hello"});
    let block_id = BlockId(id(0xB));
    let patch = json!({"color":"red","old":null}).as_object().unwrap().clone();
    let changes = vec![
        Change::Insert { block: block(content.clone()) },
        Change::Update { block: block_id, version: Version(4), patch: patch.clone(), back: patch },
        Change::Text {
            block: block_id,
            version: Version(4),
            path: Pointer(vec!["text".into()]),
            splices: vec![Splice { at: 5, deleted: "😀!".into(), inserted: " world".into() }],
            sent: Sent::Typed { base: Version(3), changes: vec![] },
        },
        Change::Move { block: block_id, version: Version(4), to: place("a1"), from: place("a0") },
        Change::Delete { blocks: vec![block(content.clone())] },
    ];
    let events = [event(changes)];
    let message = ServerMessage::Events { project: ProjectId(id(PROJECT)), epoch: EPOCH, events: &written(&events) };
    is_golden("events", &message);
    let event = &said(&message)["events"][0];
    assert_eq!(event_len(&events[0]), event.to_string().len());
}

#[test]
fn ed15_group_merged_and_overwrote_are_shown_where_they_are() {
    let mut event = Event::clone(&event(vec![]));
    (event.group, event.merged, event.overwrote) = (Some(GroupId(id(0x6))), true, true);
    let events = [Arc::new(event)];
    let said =
        said(&ServerMessage::Events { project: ProjectId(id(PROJECT)), epoch: EPOCH, events: &written(&events) });
    let event = &said["events"][0];
    assert_eq!((&event["group"], &event["merged"], &event["overwrote"]), (&json!(text(6)), &json!(true), &json!(true)));
}

#[test]
fn ed7_pr1_pr3_notices() {
    let project = ProjectId(id(PROJECT));
    let (ann, bot) = (ann(), bot());
    let conflicted =
        ServerMessage::Conflicted { project, edit: EditId(id(0xE)), actor: &bot, blocks: vec![BlockId(id(0xB))] };
    is_golden("conflicted", &conflicted);
    let here = Present { actor: Arc::clone(&ann), state: Some(Arc::from(to_raw_value(&json!(null)).unwrap())) };
    let updates = [Update::Here(ConnectionId(id(1)), here), Update::Left(ConnectionId(id(2)))];
    is_golden("presence", &ServerMessage::Presence { project, updates: &updates });
    let data = to_raw_value(&json!([1])).unwrap();
    let signal =
        ServerMessage::Signal { project, event: "wave", data: Some(&data), from: ConnectionId(id(1)), actor: &ann };
    is_golden("signal", &signal);
}

#[test]
fn jn7_history_shows_a_large_event_without_its_ops() {
    let events = [insert_of(300_000), insert_of(1_000)];
    let history =
        ServerMessage::History { receipt: receipt(), project: ProjectId(id(PROJECT)), events: &events, more: true };
    let said = said(&history);
    assert_eq!((&said["type"], &said["more"]), (&json!("history"), &json!(true)));
    assert_eq!((said["events"][0].get("ops"), &said["events"][0]["seq"]), (None, &json!(20)));
    assert_eq!(said["events"][1]["ops"][0]["op"], "insert");
    let events = [insert_of(1)];
    let history =
        ServerMessage::History { receipt: receipt(), project: ProjectId(id(PROJECT)), events: &events, more: false };
    is_golden("history", &history);
}

fn written(events: &[Arc<Event>]) -> Vec<Written> {
    events.iter().map(|event| Written::of(event)).collect()
}
