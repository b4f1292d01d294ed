//! How OpenAPI and TypeScript describe names, places in a log and times.
//!
//! Promises: the description is of what serde writes.
//! Must never: describe an object; those derive theirs.

use std::borrow::Cow;

use ts_rs::TS;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::view::spelling::{EpochText, Moment};
use crate::domain::ids::{BlockId, ConnectionId, EditId, GroupId, HubId, ProjectId, RequestId, SessionId, UserId};
use crate::domain::sequence::{Seq, Version};

macro_rules! described {
    ($($name:ident: $type:ident $(/ $format:ident)?, $about:literal;)+) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let schema = ObjectBuilder::new().schema_type(Type::$type).description(Some($about));
                $(let schema = schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::$format)));)?
                schema.build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }

        impl TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &ts_rs::Config) -> String {
                described!(@typescript $type).to_owned()
            }

            fn inline(config: &ts_rs::Config) -> String {
                <Self as TS>::name(config)
            }
        }
    )+};
    (@typescript String) => { "string" };
    (@typescript Integer) => { "number" };
}

described! {
    ProjectId: String / Uuid, "An ordered tree of blocks with one event log";
    BlockId: String / Uuid, "The smallest unit with a version";
    EditId: String / Uuid, "The client's name for an edit; it applies at most once";
    GroupId: String / Uuid, "Ties edits together, so that they are undone as one";
    ConnectionId: String / Uuid, "One socket's life";
    SessionId: String / Uuid, "Survives connections, belongs to one user";
    RequestId: String / Uuid, "One request and everything logged about it";
    UserId: String, "Who somebody is: a token's `sub`";
    HubId: String, "One server process";
    Seq: Integer / Int64, "A place in a project's log: from 1, no holes";
    Version: Integer / Int64, "How often a block was touched";
    Moment: String / DateTime, "RFC 3339, UTC, with milliseconds";
    EpochText: String, "Which log; opaque";
}
