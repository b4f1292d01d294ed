//! Reads what clients say ([MS1], [MS2]).
//!
//! Promises: a refusal names the field that is wrong and repeats nothing of what was sent; a message's id survives
//! whatever else is wrong with it, as long as the text is a JSON object.
//! Must never: panic, or recurse deeper than `NESTING_MAX`.

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::client::{ClientMessage, Envelope, NamedUser, Since};
use super::limits::WireLimits;
use super::reply::{MessageId, Refusal};
use crate::domain::edit::{BaseEpoch, Edit, OnConflict, Op};
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId, SessionId, UserId};
use crate::domain::merge::Pointer;
use crate::domain::sequence::{Seq, Version};
use crate::domain::text::TextChange;
use crate::protocol::code::ErrorCode;
use crate::protocol::fields::{Fields, Misread, Wrong, any, list, nested, object, string, text, uuid, whole};
use crate::protocol::{pointer, scan};

const HISTORY_LIMIT_DEFAULT: u64 = 100;
const HISTORY_LIMIT_MAX: u64 = 500;
const NAME_CHARS_MAX: usize = 256;

impl From<Wrong> for Refusal {
    fn from(Wrong(message): Wrong) -> Self {
        Self::malformed(message)
    }
}

/// Reads one text frame. A refusal comes with the message's id if that could be read.
pub fn decode(json: &str, limits: &WireLimits) -> Result<Envelope, (Option<MessageId>, Refusal)> {
    decode_kind(json, limits, |fields| fields.required("type", string))
}

/// Reads a message whose `type` was told beside it; a `type` in it is not looked at.
pub fn decode_as(kind: &str, json: &str, limits: &WireLimits) -> Result<Envelope, (Option<MessageId>, Refusal)> {
    decode_kind(json, limits, |_| Ok(kind.to_owned()))
}

fn decode_kind(
    json: &str,
    limits: &WireLimits,
    kind: impl FnOnce(&Fields<'_>) -> Result<String, Wrong>,
) -> Result<Envelope, (Option<MessageId>, Refusal)> {
    let fields =
        Fields::parse(json).map_err(|Wrong(message)| (None, Refusal::malformed(format!("the message {message}"))))?;
    let id = fields.optional("id", message_id).map_err(|wrong| (None, wrong.into()))?;
    let read = look_through(json).and_then(|()| message(&kind(&fields)?, &fields, json.len(), limits));
    match read {
        Ok(message) => Ok(Envelope { id, message }),
        Err(refusal) => Err((id, refusal)),
    }
}

/// Reads the body of `POST …/edits`: an `edit` message whose `type` and `project` are not looked at.
pub fn decode_edit(json: &str, limits: &WireLimits) -> Result<Edit, Refusal> {
    edit(&body(json)?, json.len(), limits)
}

/// Reads the body of `POST …/undo`: what is to be taken back, and the new edit's name.
pub fn decode_undo(json: &str) -> Result<(Uuid, EditId), Refusal> {
    let fields = body(json)?;
    Ok((fields.required("target", uuid)?, edit_id(&fields)?))
}

/// Reads the body of `POST …/restore`: after which seq, and the new edit's name.
pub fn decode_restore(json: &str) -> Result<(Seq, EditId), Refusal> {
    let fields = body(json)?;
    Ok((Seq(fields.required("seq", whole)?), edit_id(&fields)?))
}

fn body(json: &str) -> Result<Fields<'_>, Refusal> {
    let fields = Fields::parse(json).map_err(|Wrong(message)| Refusal::malformed(format!("the body {message}")))?;
    look_through(json)?;
    Ok(fields)
}

fn look_through(json: &str) -> Result<(), Refusal> {
    scan::check(json).map_err(|flaw| Refusal::malformed(flaw.message()))
}

fn message(kind: &str, fields: &Fields<'_>, len: usize, limits: &WireLimits) -> Result<ClientMessage, Refusal> {
    let message = match kind {
        "hello" => hello(fields)?,
        "refresh" => ClientMessage::Refresh { token: fields.required("token", string)? },
        "ping" => ClientMessage::Ping,
        "join" => join(fields, limits)?,
        "leave" => ClientMessage::Leave { project: project(fields)? },
        "edit" => ClientMessage::Edit { project: project(fields)?, edit: edit(fields, len, limits)? },
        "presence" => ClientMessage::Presence { project: project(fields)?, state: state(fields, limits)? },
        "signal" => signal(fields)?,
        "history" => history(fields)?,
        "undo" => ClientMessage::Undo {
            project: project(fields)?,
            target: fields.required("target", uuid)?,
            edit: edit_id(fields)?,
        },
        "restore" => ClientMessage::Restore {
            project: project(fields)?,
            seq: Seq(fields.required("seq", whole)?),
            edit: edit_id(fields)?,
        },
        _ => return Err(Refusal::new(ErrorCode::UnknownType, "there is no message of this `type`")),
    };
    Ok(message)
}

fn hello(fields: &Fields<'_>) -> Result<ClientMessage, Refusal> {
    Ok(ClientMessage::Hello {
        token: fields.optional("token", string)?,
        session: fields.optional("session", uuid)?.map(SessionId),
        user: fields.optional("user", named_user)?,
    })
}

fn named_user(value: &RawValue) -> Result<NamedUser, Misread> {
    const EXPECTED: &str = "a string of 1 to 256 characters";
    let fields = nested(value)?;
    let id = fields.required("id", text(1, NAME_CHARS_MAX, EXPECTED)).map_err(Misread::Within)?;
    let name = fields.optional("name", text(1, NAME_CHARS_MAX, EXPECTED)).map_err(Misread::Within)?;
    Ok(NamedUser { id: UserId::from(id.as_str()), name: name.map(Arc::from) })
}

fn join(fields: &Fields<'_>, limits: &WireLimits) -> Result<ClientMessage, Refusal> {
    let presence = fields.optional("presence", any)?;
    Ok(ClientMessage::Join {
        project: project(fields)?,
        since: fields.optional("since", since)?,
        presence: presence.map(|state| small_state(state, limits)).transpose()?,
    })
}

fn since(value: &RawValue) -> Result<Since, Misread> {
    let fields = nested(value)?;
    let epoch = fields.required("epoch", epoch).map_err(Misread::Within)?;
    let seq = fields.required("seq", whole).map_err(Misread::Within)?;
    Ok(Since { epoch, seq: Seq(seq) })
}

fn state(fields: &Fields<'_>, limits: &WireLimits) -> Result<Arc<RawValue>, Refusal> {
    // Any JSON, so null is a state here and not the absence of one.
    let state = fields.raw("state")?.ok_or_else(|| Refusal::malformed("`state` is missing"))?;
    small_state(Arc::from(state.to_owned()), limits)
}

fn small_state(state: Arc<RawValue>, limits: &WireLimits) -> Result<Arc<RawValue>, Refusal> {
    if state.get().len() > limits.presence_bytes_max {
        return Err(Refusal::too_large("maxPresenceBytes", "the presence is too large"));
    }
    Ok(state)
}

fn signal(fields: &Fields<'_>) -> Result<ClientMessage, Refusal> {
    Ok(ClientMessage::Signal {
        project: project(fields)?,
        event: fields.required("event", text(1, 64, "a string of 1 to 64 characters"))?,
        data: fields.optional("data", any)?,
    })
}

fn history(fields: &Fields<'_>) -> Result<ClientMessage, Refusal> {
    let limit = fields.optional("limit", whole)?.unwrap_or(HISTORY_LIMIT_DEFAULT).clamp(1, HISTORY_LIMIT_MAX);
    Ok(ClientMessage::History {
        project: project(fields)?,
        before: fields.optional("before", whole)?.map(Seq),
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    })
}

fn edit(fields: &Fields<'_>, len: usize, limits: &WireLimits) -> Result<Edit, Refusal> {
    if len > limits.edit_bytes_max {
        return Err(Refusal::too_large("maxEditBytes", "the edit is too large"));
    }
    let ops = fields.required("ops", list)?;
    if ops.is_empty() {
        return Err(Refusal::malformed("`ops` must hold at least one op"));
    }
    if ops.len() > limits.ops_max {
        return Err(Refusal::too_large("maxOps", "the edit has too many ops"));
    }
    let ops = ops.into_iter().enumerate();
    Ok(Edit {
        id: edit_id(fields)?,
        group: fields.optional("group", uuid)?.map(GroupId),
        epoch: fields.optional("epoch", epoch)?.unwrap_or(BaseEpoch::Current),
        on_conflict: fields.optional("onConflict", on_conflict)?.unwrap_or_default(),
        ops: ops
            .map(|(index, value)| op(value).map_err(|wrong| Refusal::from(wrong).at_op(index)))
            .collect::<Result<_, _>>()?,
        ignoring: Vec::new(),
    })
}

fn op(value: &RawValue) -> Result<Op, Wrong> {
    let fields = Fields::parse(value.get())?;
    let kind = fields.required("op", string)?;
    let block = BlockId(fields.required("block", uuid)?);
    match kind.as_str() {
        "insert" => insert(block, &fields),
        "update" => Ok(Op::Update { block, base: base(&fields)?, patch: fields.required("patch", object)? }),
        "text" => Ok(Op::Text {
            block,
            base: base(&fields)?,
            path: fields.required("path", path)?,
            changes: fields.required("changes", changes)?,
        }),
        "move" => Ok(Op::Move {
            block,
            base: base(&fields)?,
            parent: fields.optional("parent", uuid)?.map(BlockId),
            after: fields.optional("after", uuid)?.map(BlockId),
        }),
        "delete" => Ok(Op::Delete { block, base: base(&fields)? }),
        _ => Err(Wrong("there is no such `op`".to_owned())),
    }
}

fn insert(block: BlockId, fields: &Fields<'_>) -> Result<Op, Wrong> {
    Ok(Op::Insert {
        block,
        kind: fields.required("kind", text(1, 64, "a string of 1 to 64 characters"))?.into(),
        parent: fields.optional("parent", uuid)?.map(BlockId),
        after: fields.optional("after", uuid)?.map(BlockId),
        content: fields.required("content", object)?,
    })
}

fn changes(value: &RawValue) -> Result<Vec<TextChange>, Misread> {
    list(value)?
        .into_iter()
        .map(|value| nested(value).and_then(|fields| change(&fields).map_err(Misread::Within)))
        .collect()
}

fn change(fields: &Fields<'_>) -> Result<TextChange, Wrong> {
    Ok(TextChange {
        at: fields.required("at", offset)?,
        delete: fields.required("delete", offset)?,
        insert: fields.required("insert", string)?,
    })
}

fn offset(value: &RawValue) -> Result<usize, Misread> {
    Ok(usize::try_from(whole(value)?).unwrap_or(usize::MAX))
}

fn path(value: &RawValue) -> Result<Pointer, Misread> {
    pointer::parse(&string(value)?).ok_or(Misread::Not("a JSON Pointer"))
}

fn epoch(value: &RawValue) -> Result<BaseEpoch, Misread> {
    Ok(string(value)?.parse().map_or(BaseEpoch::Foreign, BaseEpoch::Known))
}

fn on_conflict(value: &RawValue) -> Result<OnConflict, Misread> {
    match string(value)?.as_str() {
        "merge" => Ok(OnConflict::Merge),
        "reject" => Ok(OnConflict::Reject),
        "overwrite" => Ok(OnConflict::Overwrite),
        _ => Err(Misread::Not("merge, reject or overwrite")),
    }
}

fn message_id(value: &RawValue) -> Result<MessageId, Misread> {
    text(0, 64, "a string of at most 64 characters")(value).map(Arc::from)
}

fn project(fields: &Fields<'_>) -> Result<ProjectId, Wrong> {
    fields.required("project", uuid).map(ProjectId)
}

fn edit_id(fields: &Fields<'_>) -> Result<EditId, Wrong> {
    fields.required("editId", uuid).map(EditId)
}

fn base(fields: &Fields<'_>) -> Result<Version, Wrong> {
    fields.required("baseVersion", whole).map(Version)
}
