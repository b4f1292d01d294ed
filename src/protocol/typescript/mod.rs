//! The wire as TypeScript: what `clients/typescript/src/protocol.ts` says.
//!
//! Promises: what hubs say is described by the types that write it; the file in the client's folder is kept fresh by a
//! test.
//! Must never: be needed to serve.

mod client;

use ts_rs::{Config, TS};

use self::client::{MessageShape, OnConflict, OpShape, SinceShape};
use super::code::ErrorCode;
use super::message::body::{
    Body, LimitsView, MemberView, MembersTail, MoreTail, ReceiptView, RefusalView, SelfView, SnapshotTail,
};
use super::message::server::{LeftReason, ResetReason};
use super::resource::project::{NewBlock, ProjectView};
use super::view::conflict::{ConflictView, OpConflictView};
use super::view::event::{ChangeView, EventView, OpView};
use super::view::{AckView, ActorView, BlockView, UserView};
use crate::domain::access::{Access, Role, Tier};
use crate::domain::event::ActorKind;

const HEAD: &str = "\
// What clients and hubs say to each other. Written from the hub's own types by `cargo run --example typescript`: change
// those, not this. A test keeps it fresh.

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }
";

/// Each message of a client: its `type`, and its name in TypeScript.
const CLIENT: [(&str, &str); 11] = [
    ("hello", "Hello"),
    ("refresh", "Refresh"),
    ("ping", "Ping"),
    ("join", "Join"),
    ("leave", "Leave"),
    ("edit", "EditMessage"),
    ("presence", "PresenceMessage"),
    ("signal", "SignalMessage"),
    ("history", "HistoryQuestion"),
    ("undo", "Undo"),
    ("restore", "Restore"),
];

/// Each message of a hub: its `type`, its name in TypeScript, and the members that `encode` puts behind the others.
const SERVER: [(&str, &str, &str); 19] = [
    ("welcome", "Welcome", ""),
    ("refreshed", "Refreshed", ""),
    ("tokenExpiring", "TokenExpiring", ""),
    ("pong", "Pong", ""),
    ("error", "ErrorReply", ""),
    (
        "joined",
        "Joined",
        " & MembersTail & ({ recovered: true, events: Event[] } | ({ recovered: false, blocks: Block[] } & MoreTail))",
    ),
    ("snapshot", "Snapshot", " & { blocks: Block[] } & SnapshotTail"),
    ("reset", "Reset", " & { blocks: Block[] } & MoreTail"),
    ("left", "Left", " & Partial<Receipt>"),
    ("project", "ProjectChanged", ""),
    ("role", "RoleChanged", ""),
    ("ack", "Ack", ""),
    ("conflict", "ConflictReply", ""),
    ("events", "Events", " & { events: Event[] }"),
    ("conflicted", "Conflicted", ""),
    ("presence", "PresenceUpdates", ""),
    ("signal", "Signal", ""),
    ("history", "History", ""),
    ("draining", "Draining", ""),
];

/// The whole file.
pub fn file() -> String {
    let config = Config::new().with_large_int("number");
    let mut text = HEAD.to_owned();
    for declared in declared(&config) {
        text.push_str(&format!("\nexport {declared}\n"));
    }
    text += &messages(&config);
    // A line for each member of a union.
    text.replace(", } | {", " }\n  | {").replace(", }", " }")
}

/// What messages are made of, each under its own name.
fn declared(config: &Config) -> Vec<String> {
    let words = [Role::decl(config), Access::decl(config), Tier::decl(config), ActorKind::decl(config)];
    let people = [UserView::decl(config), ActorView::decl(config), SelfView::decl(config), MemberView::decl(config)];
    let blocks = [BlockView::decl(config), ChangeView::decl(config), OpView::decl(config), EventView::decl(config)];
    let edits = [OnConflict::decl(config), OpShape::decl(config), SinceShape::decl(config)];
    let answers = [
        ReceiptView::decl(config),
        ErrorCode::decl(config),
        RefusalView::decl(config),
        AckView::decl(config),
        OpConflictView::decl(config),
        ConflictView::decl(config),
        ResetReason::decl(config),
        LeftReason::decl(config),
        LimitsView::decl(config),
        SnapshotTail::decl(config),
        MoreTail::decl(config),
        MembersTail::decl(config),
    ];
    let http = [NewBlock::decl(config), ProjectView::decl(config)];
    words.into_iter().chain(people).chain(blocks).chain(edits).chain(answers).chain(http).collect()
}

/// The two unions, and each message of them under its own name.
fn messages(config: &Config) -> String {
    let mut text = format!("\nexport {}\n", MessageShape::decl(config));
    for (kind, name) in CLIENT {
        text.push_str(&format!("export type {name} = Extract<ClientMessage, {{ type: \"{kind}\" }}>\n"));
    }
    text.push_str(&format!("\n{}\n", Body::decl(config)));
    for (kind, name, behind) in SERVER {
        text.push_str(&format!("export type {name} = Extract<ServerHead, {{ type: \"{kind}\" }}>{behind}\n"));
    }
    let names = SERVER.map(|(_, name, _)| name).join(" | ");
    text + &format!("\nexport type ServerMessage = {names}\n")
}
