//! The domain's values as the wire shows them: borrowed, and serializable. The socket and HTTP share them.
//!
//! Promises: keys and spellings are the contract's; what it leaves out where absent or false is left out.
//! Must never: be read back.

pub mod conflict;
pub mod event;
pub mod spelling;

use std::collections::BTreeMap;

use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

use super::message::reply::Ack;
use crate::domain::block::{Block, Content};
use crate::domain::event::Actor;
#[allow(unused_imports)] // named by the description alone
use crate::domain::event::ActorKind;
use crate::domain::ids::{BlockId, EditId, ProjectId, UserId};
use crate::domain::sequence::{Seq, Version};

/// A block as it is now.
#[derive(Clone, Copy, Debug, Serialize, ToSchema, TS)]
#[schema(as = Block)]
#[ts(rename = "Block")]
pub struct BlockView<'a> {
    id: BlockId,
    kind: &'a str,
    parent: Option<BlockId>,
    position: &'a str,
    #[schema(value_type = Object)]
    #[ts(type = "JsonObject")]
    content: &'a Content,
    version: Version,
}

impl<'a> From<&'a Block> for BlockView<'a> {
    fn from(block: &'a Block) -> Self {
        Self {
            id: block.id,
            kind: &block.kind,
            parent: block.place.parent,
            position: &block.place.position.0,
            content: &block.content,
            version: block.version,
        }
    }
}

/// Who somebody is: id and name.
#[derive(Clone, Copy, Debug, Serialize, TS)]
#[ts(rename = "User")]
pub struct UserView<'a> {
    id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    name: Option<&'a str>,
}

impl<'a> From<&'a Actor> for UserView<'a> {
    fn from(actor: &'a Actor) -> Self {
        Self { id: &actor.id, name: actor.name.as_deref() }
    }
}

/// Who did something: id, name and kind.
#[derive(Clone, Copy, Debug, Serialize, ToSchema, TS)]
#[schema(as = Actor)]
#[ts(rename = "Actor")]
pub struct ActorView<'a> {
    id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    name: Option<&'a str>,
    #[schema(value_type = ActorKind)]
    #[ts(as = "ActorKind")]
    kind: &'static str,
}

impl<'a> From<&'a Actor> for ActorView<'a> {
    fn from(actor: &'a Actor) -> Self {
        Self { id: &actor.id, name: actor.name.as_deref(), kind: actor.kind.word() }
    }
}

/// An edit that is in the database.
#[derive(Clone, Debug, Serialize, ToSchema, TS)]
#[schema(as = Ack)]
#[ts(rename = "AckFields")]
#[serde(rename_all = "camelCase")]
pub struct AckView {
    project: ProjectId,
    edit_id: EditId,
    seq: Seq,
    #[ts(type = "Record<string, number>")]
    versions: BTreeMap<BlockId, Version>,
    merged: bool,
    overwrote: bool,
    duplicate: bool,
}

impl From<&Ack> for AckView {
    fn from(ack: &Ack) -> Self {
        Self {
            project: ack.project,
            edit_id: ack.edit,
            seq: ack.seq,
            versions: ack.versions.iter().copied().collect(),
            merged: ack.merged,
            overwrote: ack.overwrote,
            duplicate: ack.duplicate,
        }
    }
}
