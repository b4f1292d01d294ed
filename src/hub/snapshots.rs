//! Snapshots as bytes, for HTTP: encoded and compressed once per project, epoch and seq.
//!
//! Promises: a snapshot is never older than what was acknowledged on this hub, nor than `minSeq`; it says itself which
//! one it is.
//! Must never: be handed out before the policy was asked.

use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::context::{Context, WITHIN};
use super::projects::unavailable;
use super::registry::Registry;
use super::room::command::{Command, busy, internal};
use super::{Hub, Snapshot};
use crate::cache::key::Key;
use crate::cache::local::Weighed;
use crate::cache::redis::Portable;
use crate::cache::{Found, Missed, Using};
use crate::domain::access::Action;
use crate::domain::ids::ProjectId;
use crate::domain::sequence::{Epoch, Seq};
use crate::protocol::json;
use crate::protocol::message::reply::Refusal;
use crate::protocol::resource::project::SnapshotView;

/// From this many bytes of JSON on it is worth while to compress.
const GZIP_FROM: usize = 1_024;
/// From this many blocks on they are encoded on a thread that serves no sockets.
const APART_FROM: usize = 200;
/// What a snapshot from Redis may come to; larger ones are made here.
const INFLATED_BYTES_MAX: u64 = 256 << 20;

/// A snapshot as bytes of JSON.
#[derive(Debug)]
pub struct Written {
    /// Which log.
    pub epoch: Epoch,
    /// After which event.
    pub seq: Seq,
    /// JSON.
    pub plain: Arc<[u8]>,
    /// The same by gzip, where that is worth while.
    pub gzip: Option<Arc<[u8]>>,
}

impl Written {
    /// Encodes and compresses. Takes a while: see `apart`.
    fn new(project: ProjectId, snapshot: &Snapshot) -> Self {
        let (epoch, seq) = (snapshot.epoch, snapshot.seq);
        let plain: Arc<[u8]> = json::text(&SnapshotView::new(project, epoch, seq, &snapshot.blocks)).into();
        let gzip = (plain.len() >= GZIP_FROM).then(|| gzip(&plain)).filter(|gzip| gzip.len() < plain.len());
        Self { epoch, seq, plain, gzip: gzip.map(Into::into) }
    }

    /// The same, of many blocks where it holds up no sockets.
    async fn apart(project: ProjectId, snapshot: Snapshot) -> Result<Arc<Self>, Refusal> {
        if snapshot.blocks.len() < APART_FROM {
            return Ok(Arc::new(Self::new(project, &snapshot)));
        }
        let written = tokio::task::spawn_blocking(move || Arc::new(Self::new(project, &snapshot)));
        written.await.map_err(|error| {
            tracing::error!(%project, %error, "a snapshot could not be encoded");
            internal()
        })
    }
}

impl Weighed for Arc<Written> {
    fn bytes(&self) -> usize {
        size_of::<Written>() + self.plain.len() + self.gzip.as_ref().map_or(0, |gzip| gzip.len())
    }
}

/// `epoch.seq`, a line's end, and the gzip form, or the plain one if there is none.
impl Portable for Arc<Written> {
    fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.gzip.as_ref().unwrap_or(&self.plain);
        [format!("{}.{}\n", self.epoch, self.seq).as_bytes(), bytes].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let at = bytes.iter().position(|byte| *byte == b'\n')?;
        let (epoch, seq) = std::str::from_utf8(&bytes[..at]).ok()?.split_once('.')?;
        let (epoch, seq, rest) = (epoch.parse().ok()?, Seq(seq.parse().ok()?), &bytes[at + 1..]);
        let (plain, gzip) = if rest.starts_with(b"{") { (rest.into(), None) } else { (inflated(rest)?, Some(rest)) };
        Some(Self::new(Written { epoch, seq, plain, gzip: gzip.map(Into::into) }))
    }
}

/// Writing to memory does not fail.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::new(1));
    let _ = writer.write_all(bytes);
    writer.finish().unwrap_or_default()
}

fn inflated(bytes: &[u8]) -> Option<Arc<[u8]>> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).take(INFLATED_BYTES_MAX).read_to_end(&mut plain).ok()?;
    ((plain.len() as u64) < INFLATED_BYTES_MAX).then(|| plain.into())
}

impl Hub {
    /// Where the project stands now, for a caller who may read it: what its next snapshot is, unless it changes meanwhile.
    /// None: only its room can say, because `min_seq` is ahead of what is known.
    pub async fn place(
        &self,
        context: &Context,
        project: ProjectId,
        min_seq: Option<Seq>,
    ) -> Result<Option<(Epoch, Seq)>, Refusal> {
        self.permit(context, project, Action::Read).await?;
        let known = match self.registry.standing(project) {
            Some(standing) => standing.place(),
            None if self.cached.snapshots.using() == Using::Off => None,
            None => {
                let known = self.cached.heads.get(project, Instant::now()).await;
                let head = known.map_err(|error| unavailable(context, &error))?.head;
                head.map(|head| (head.epoch, head.seq))
            }
        };
        Ok(known.filter(|(_, seq)| min_seq.is_none_or(|min_seq| *seq >= min_seq)))
    }

    /// The blocks at the place that `place` told, or later, as bytes. Whoever calls has asked `place` whether they may.
    pub async fn blocks(
        &self,
        project: ProjectId,
        place: Option<(Epoch, Seq)>,
        min_seq: Option<Seq>,
    ) -> Result<Arc<Written>, Refusal> {
        let Some((epoch, seq)) = place else {
            let written = read(self.registry.clone(), project, min_seq).await?;
            self.cached.snapshots.put(Key::snapshot(project, written.epoch, written.seq), written.clone()).await;
            return Ok(written);
        };
        let is_open = self.registry.standing(project).is_some();
        let key = Key::snapshot(project, epoch, seq);
        let is_good = move |written: &Arc<Written>| written.epoch == epoch && written.seq >= seq;
        let load = || read(self.registry.clone(), project, Some(seq));
        let found = match is_open {
            // The room is at hand: quicker than Redis.
            true => self.cached.snapshots.get(key, Found::Hit, is_good, load).await,
            false => self.cached.snapshots.get_shared(key, is_good, load).await,
        };
        found.map_err(|missed| match missed {
            Missed::Failed(refusal) => refusal,
            Missed::Lost => internal(),
        })
    }

    /// The blocks as they were after `at`, as bytes.
    pub async fn blocks_then(
        &self,
        context: &Context,
        project: ProjectId,
        at: Seq,
        min_seq: Option<Seq>,
    ) -> Result<Arc<Written>, Refusal> {
        let then = self.snapshot(context, project, Some(at), min_seq).await?;
        Written::apart(project, then).await
    }
}

/// The blocks as the room has them, which is opened if need be, as bytes.
async fn read(registry: Arc<Registry>, project: ProjectId, min_seq: Option<Seq>) -> Result<Arc<Written>, Refusal> {
    let snapshot = ask_room(&registry, project, min_seq).await?;
    Written::apart(project, snapshot).await
}

/// The blocks as the room has them.
pub(super) async fn ask_room(
    registry: &Registry,
    project: ProjectId,
    min_seq: Option<Seq>,
) -> Result<Snapshot, Refusal> {
    let (reply, snapshot) = oneshot::channel();
    registry.send(project, Command::Read { min_seq, reply }).await;
    match tokio::time::timeout(WITHIN, snapshot).await {
        Ok(Ok(snapshot)) => snapshot,
        _ => Err(busy("The project cannot be read just now.")),
    }
}
