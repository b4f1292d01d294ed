//! Import and export: a document becomes a project in the store, a project becomes a document.
//!
//! Promises: an imported project is there as a whole or not at all. Works beside a hub that serves the same database.
//! Must never: touch a file or a terminal; that is for whoever asks.

use std::sync::Arc;

use uuid::Uuid;

use crate::document::json::JsonError;
use crate::document::{json, markdown};
use crate::domain::access::Access;
use crate::domain::event::{Actor, ActorKind, Event};
use crate::domain::ids::{BlockId, EditId, ProjectId, RequestId, UserId};
use crate::domain::seed::{self, Seed, SeedError};
use crate::domain::sequence::Seq;
use crate::hub::clock;
use crate::hub::projects::TITLE_CHARS_MAX;
use crate::protocol::message::limits::WireLimits;
use crate::store::{NewProject, Store, StoreError};

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// See `document::markdown`.
    Markdown,
    /// See `document::json`.
    Json,
}

/// A document to become a project.
#[derive(Clone, Debug)]
pub struct Import {
    /// For people; `None`: the one in the document.
    pub title: Option<String>,
    /// Whose project it becomes.
    pub owner: UserId,
    /// What everybody else has.
    pub access: Access,
    /// How it is written.
    pub format: Format,
    /// The document.
    pub text: String,
}

/// Why an import or an export did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The file is not what it should be.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A block is not as blocks must be.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A title is needed, and not any will do.
    #[error("a project needs a title of at most {TITLE_CHARS_MAX} characters")]
    Title,
    /// No such project, or it was deleted.
    #[error("there is no project {0}")]
    NoProject(ProjectId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates a project of a document, and returns its name.
///
/// # Errors
/// The document or the title cannot be a project's, or the database cannot be had.
pub async fn import(store: &dyn Store, import: Import) -> Result<ProjectId, ExchangeError> {
    let (own_title, blocks) = read(import.format, &import.text)?;
    let title = import.title.unwrap_or(own_title);
    if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX {
        return Err(ExchangeError::Title);
    }
    let id = ProjectId(Uuid::now_v7());
    let project = NewProject {
        id,
        title,
        access: import.access,
        first: first_event(&import.owner, blocks)?,
        owner: import.owner,
        log: Uuid::new_v4().as_u64_pair().0,
        at: clock::now(),
    };
    // The name was drawn just now: nobody else has it.
    store.create(&project).await?;
    Ok(id)
}

/// The title that the document names, and its blocks.
fn read(format: Format, text: &str) -> Result<(String, Vec<Seed>), JsonError> {
    match format {
        Format::Markdown => {
            let blocks = markdown::read(text, || BlockId(Uuid::now_v7()));
            Ok((markdown::title(&blocks).to_owned(), blocks))
        }
        Format::Json => json::read(text).map(|document| (document.title, document.blocks)),
    }
}

fn first_event(owner: &UserId, blocks: Vec<Seed>) -> Result<Option<Event>, SeedError> {
    if blocks.is_empty() {
        return Ok(None);
    }
    Ok(Some(Event {
        seq: Seq(1),
        edit: EditId(Uuid::now_v7()),
        request: RequestId(Uuid::now_v7()),
        group: None,
        actor: Arc::new(Actor { id: owner.clone(), name: None, kind: ActorKind::Human }),
        at: clock::now(),
        merged: false,
        overwrote: false,
        changes: seed::plant(blocks, WireLimits::default().block_bytes_max)?,
    }))
}

/// A project as a document, as it is now.
///
/// # Errors
/// There is no such project, or the database cannot be had.
pub async fn export(store: &dyn Store, project: ProjectId, format: Format) -> Result<String, ExchangeError> {
    let opened = store.open(project).await?.ok_or(ExchangeError::NoProject(project))?;
    let blocks = opened.project.in_order();
    let pieces = blocks.iter().map(|block| (*block).into());
    Ok(match format {
        Format::Markdown => markdown::write(pieces),
        Format::Json => json::write(project, &opened.info.title, pieces),
    })
}
