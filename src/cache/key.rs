//! Names of what is cached: kinds, keys, groups.
//!
//! Promises: a key holds everything that its value depends on: one of a kind that depends on who asks cannot be made
//! without the asker. What was forgotten has another key from then on, because its group has another generation.
//! Must never: be made anywhere else.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::ids::{ProjectId, UserId};
use crate::domain::sequence::{Epoch, Seq};

/// Groups share so many generation numbers: forgetting one may make a few others load again.
const GENERATIONS: usize = 4_096;

/// What can be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A project's metadata, and the role of one user in it.
    Projects,
    /// A project's blocks after one seq, as bytes.
    Snapshots,
    /// A theme.
    Themes,
}

/// How a kind is kept.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// For how long at most; each entry for a little less, so that they do not end together.
    pub ttl: Duration,
    /// Of sixteen parts of the memory, how many.
    pub sixteenths: usize,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Projects, Self::Snapshots, Self::Themes];

    /// The table of terms.
    pub fn terms(self) -> Terms {
        let (secs, sixteenths) = match self {
            Self::Projects => (5 * 60, 4),
            Self::Snapshots => (60, 11),
            Self::Themes => (24 * 60 * 60, 1),
        };
        Terms { ttl: Duration::from_secs(secs), sixteenths }
    }

    /// In metrics, keys and paths.
    pub fn name(self) -> &'static str {
        match self {
            Self::Projects => "projects",
            Self::Snapshots => "snapshots",
            Self::Themes => "themes",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Project { project: ProjectId, asker: UserId },
    Snapshot { project: ProjectId, epoch: Epoch, seq: Seq },
    Theme(Arc<str>),
}

/// The name of one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    name: Name,
    generation: u64,
}

impl Key {
    /// A project as one user sees it.
    pub fn project(project: ProjectId, asker: &UserId) -> Self {
        Self::of(Name::Project { project, asker: asker.clone() })
    }

    /// A project's blocks after one seq: the same for everybody who may read them.
    pub fn snapshot(project: ProjectId, epoch: Epoch, seq: Seq) -> Self {
        Self::of(Name::Snapshot { project, epoch, seq })
    }

    /// A theme: the same for everybody.
    pub fn theme(id: &str) -> Self {
        Self::of(Name::Theme(Arc::from(id)))
    }

    fn of(name: Name) -> Self {
        Self { name, generation: 0 }
    }

    fn group(&self) -> Group {
        match &self.name {
            Name::Project { project, .. } | Name::Snapshot { project, .. } => Group::Project(*project),
            Name::Theme(id) => Group::Theme(id.clone()),
        }
    }

    /// About how many bytes the key holds.
    pub(super) fn bytes(&self) -> usize {
        let text = match &self.name {
            Name::Project { asker, .. } => asker.as_str().len(),
            Name::Snapshot { .. } => 0,
            Name::Theme(id) => id.len(),
        };
        size_of::<Self>() + text
    }
}

/// As Redis knows it: without the generation, which is this hub's alone. All keys of a project are in one slot of a
/// cluster.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Project { project, asker } => write!(f, "{{{project}}}:project:{asker}"),
            Name::Snapshot { project, epoch, seq } => write!(f, "{{{project}}}:snapshot:{epoch}.{seq}"),
            Name::Theme(id) => write!(f, "{{{id}}}:theme"),
        }
    }
}

/// What is forgotten together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Everything of a kind.
    Kind(Kind),
    /// Everything about a project.
    Project(ProjectId),
    /// One theme.
    Theme(Arc<str>),
}

/// As hubs tell each other.
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "kind:{}", kind.name()),
            Self::Project(project) => write!(f, "project:{project}"),
            Self::Theme(id) => write!(f, "theme:{id}"),
        }
    }
}

/// A text that names no group of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoGroup;

impl FromStr for Group {
    type Err = NoGroup;

    fn from_str(text: &str) -> Result<Self, NoGroup> {
        match text.split_once(':').ok_or(NoGroup)? {
            ("kind", name) => Kind::named(name).map(Self::Kind).ok_or(NoGroup),
            ("project", id) => id.parse().map(Self::Project).map_err(|_| NoGroup),
            ("theme", id) => Ok(Self::Theme(Arc::from(id))),
            _ => Err(NoGroup),
        }
    }
}

/// The generations of all groups of a kind: numbers that only rise, so that nothing is ever searched for to be removed.
#[derive(Debug)]
pub(super) struct Generations {
    all: AtomicU64,
    groups: Box<[AtomicU64]>,
}

impl Default for Generations {
    fn default() -> Self {
        Self { all: AtomicU64::new(0), groups: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Generations {
    /// The key as it is now. What was read before its group was forgotten bears another one.
    pub(super) fn stamp(&self, key: Key) -> Key {
        let group = self.place(&key.group()).load(Ordering::Acquire);
        Key { generation: group + self.all.load(Ordering::Acquire), ..key }
    }

    pub(super) fn forget(&self, group: &Group) {
        let number = match group {
            Group::Kind(_) => &self.all,
            group => self.place(group),
        };
        number.fetch_add(1, Ordering::AcqRel);
    }

    fn place(&self, group: &Group) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        group.hash(&mut hasher);
        // The remainder fits: it is less than `GENERATIONS`.
        &self.groups[(hasher.finish() % GENERATIONS as u64) as usize]
    }
}
