//! Projects, their blocks, their log and their members.
//!
//! Promises: lists say where they go on.
//! Must never: show a project's deletion; who may not see it finds nothing.

use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::access::{Access, Role};
use crate::domain::block::Block;
use crate::domain::event::Event;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::sequence::{Epoch, Seq, Timestamp};
use crate::protocol::view::BlockView;
use crate::protocol::view::event::EventView;
use crate::protocol::view::spelling::{EpochText, Moment};

/// How many are listed unless the caller says so.
const LIMIT: u32 = 100;
/// How many are listed at most.
const LIMIT_MAX: u32 = 500;

/// A project to be created.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateProject {
    /// For people, 1 to 256 characters.
    pub title: String,
    /// What everybody else has: `none` by default, `editor` on an open hub.
    pub access: Option<Access>,
    /// In order; a `parent` names an `id` given before it. They become the project's first event.
    #[serde(default, deserialize_with = "objects")]
    pub blocks: Option<Vec<NewBlock>>,
}

/// A block of a project that is created.
#[derive(Debug, Deserialize, ToSchema, TS)]
pub struct NewBlock {
    /// Drawn by the hub if left out.
    #[ts(type = "string", optional)]
    pub id: Option<Uuid>,
    /// The application's word for what it is, 1 to 64 characters.
    pub kind: String,
    /// Under which block; left out: at the top.
    #[ts(type = "string | null", optional)]
    pub parent: Option<Uuid>,
    /// A JSON object.
    #[schema(value_type = Object)]
    #[ts(type = "JsonObject")]
    pub content: Map<String, Value>,
}

/// What changes of a project; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChangeProject {
    /// For people, 1 to 256 characters.
    pub title: Option<String>,
    /// What everybody has who is no member.
    pub access: Option<Access>,
    /// The id of a theme; an empty text takes it away.
    pub theme: Option<String>,
}

/// A project as the caller sees it.
#[derive(Debug, Serialize, ToSchema, TS)]
#[ts(rename = "ProjectInfo")]
#[serde(rename_all = "camelCase")]
pub struct ProjectView {
    /// Its name.
    pub id: ProjectId,
    /// For people.
    pub title: String,
    /// What everybody has who is no member.
    pub access: Access,
    /// The id of its theme.
    #[schema(required)]
    pub theme: Option<String>,
    /// The caller's role.
    pub role: Role,
    /// Which log.
    pub epoch: EpochText,
    /// The seq of its last event.
    pub seq: Seq,
    /// When it was created.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
}

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListProjects {
    /// How many, 100 unless given, 500 at most.
    limit: Option<u32>,
    /// `next` of the list before.
    cursor: Option<String>,
}

/// Projects, newest change first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectList {
    /// This page.
    pub projects: Vec<ProjectView>,
    /// The `cursor` of the next page, or null.
    #[schema(required)]
    pub next: Option<String>,
}

/// A place in a list of projects, opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub Timestamp, pub ProjectId);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0.0, self.1)
    }
}

/// A text that is no place in a list.
#[derive(Debug, PartialEq, Eq)]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (updated, id) = text.split_once('.').ok_or(NoPlace)?;
        let updated = Timestamp(updated.parse().map_err(|_| NoPlace)?);
        Ok(Self(updated, id.parse().map_err(|_| NoPlace)?))
    }
}

impl ListProjects {
    /// How many, within bounds.
    pub fn limit(&self) -> u32 {
        bounded(self.limit)
    }

    /// Where to go on.
    pub fn after(&self) -> Result<Option<Place>, NoPlace> {
        self.cursor.as_deref().filter(|text| !text.is_empty()).map(str::parse).transpose()
    }
}

/// Which snapshot.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ReadBlocks {
    /// The blocks as they were after this seq.
    pub at: Option<u64>,
    /// The answer is never older than this seq.
    pub min_seq: Option<u64>,
}

/// A project's blocks after one seq.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnapshotView<'a> {
    project: ProjectId,
    /// Which log.
    epoch: EpochText,
    /// After which event.
    seq: Seq,
    /// Parents before children, siblings in order.
    blocks: Vec<BlockView<'a>>,
}

impl<'a> SnapshotView<'a> {
    /// A snapshot to be shown.
    pub fn new(project: ProjectId, epoch: Epoch, seq: Seq, blocks: &'a [Arc<Block>]) -> Self {
        let blocks = blocks.iter().map(|block| BlockView::from(&**block)).collect();
        Self { project, epoch: EpochText(epoch), seq, blocks }
    }
}

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadEvents {
    /// Oldest first, beginning after this seq.
    pub since: Option<u64>,
    /// Newest first, beginning before this seq; without `since` and `before`: at the head.
    pub before: Option<u64>,
    /// How many, 100 unless given, 500 at most.
    limit: Option<u32>,
}

impl ReadEvents {
    /// How many, within bounds.
    pub fn limit(&self) -> u32 {
        bounded(self.limit)
    }
}

/// A piece of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventList<'a> {
    events: Vec<EventView<'a>>,
    /// Whether there is more in this direction.
    more: bool,
}

impl<'a> EventList<'a> {
    /// Events to be shown.
    pub fn new(events: &'a [Arc<Event>], more: bool) -> Self {
        Self { events: events.iter().map(|event| EventView::of_history(event)).collect(), more }
    }
}

/// A member.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    /// A user's id.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
}

/// The members, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberList {
    /// All of them.
    pub members: Vec<MemberView>,
}

/// A member's role.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetRole {
    /// What they may do from now on.
    pub role: Role,
}

/// Derived readers take an array for an object, its items for the fields: here an object is an object.
fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<Vec<T>>, D::Error> {
    let Some(list) = Option::<Vec<Map<String, Value>>>::deserialize(deserializer)? else { return Ok(None) };
    list.into_iter().map(|object| T::deserialize(object).map_err(de::Error::custom)).collect::<Result<_, _>>().map(Some)
}

fn bounded(limit: Option<u32>) -> u32 {
    limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX)
}
