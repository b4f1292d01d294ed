//! What waits for one client, bounded in bytes, by class of message ([JN6]).

use std::sync::Arc;

use crate::domain::ids::{ConnectionId, ProjectId};
use crate::domain::sequence::Seq;
use crate::protocol::code::CloseCode;
use crate::protocol::frame::Frame;

/// What waits for one client. Rooms and the connection put in, the transport takes out.
#[derive(Debug)]
pub struct Outbox {
    _p: (),
}

/// What a room has to bring once the client reads again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Which project.
    pub project: ProjectId,
    /// Events were dropped: everything after this.
    pub events_after: Option<Seq>,
    /// Presence of these connections was dropped: what they are now, each once.
    pub presence_of: Vec<ConnectionId>,
}

impl Outbox {
    /// An empty one that holds at most `bytes_max` of what may be shed.
    pub fn new(_bytes_max: usize) -> Arc<Self> {
        unimplemented!()
    }
    /// A reply, or anything else that is never dropped.
    pub fn reply(&self, _frame: Arc<Frame>) {
        unimplemented!()
    }
    /// From here on the connection has everything of `project` up to `seq`, or will have it by `frames`: the answer to
    /// a join, a reset, a catch-up. Ends a lag; waiting events of the project are dropped, they are in `frames`.
    pub fn start(&self, _project: ProjectId, _seq: Seq, _frames: Vec<Arc<Frame>>) {
        unimplemented!()
    }
    /// The connection left the room: what waits of it is dropped, no more is taken.
    pub fn stop(&self, _project: ProjectId) {
        unimplemented!()
    }
    /// Events `first..=last`; over the bound they and what waits of the kind become a lag.
    pub fn events(&self, _project: ProjectId, _first: Seq, _last: Seq, _frame: Arc<Frame>) {
        unimplemented!()
    }
    /// A change of presence of these connections; over the bound it becomes a later roster: `Lag::presence_of` names
    /// all connections whose changes were dropped, so that the room can tell who left meanwhile, too.
    pub fn presence(&self, _project: ProjectId, _who: &Arc<[ConnectionId]>, _frame: Arc<Frame>) {
        unimplemented!()
    }
    /// A signal or a notice; over the bound it is dropped.
    pub fn signal(&self, _project: ProjectId, _frame: Arc<Frame>) {
        unimplemented!()
    }
    /// Say what waits, then close with this code. Later calls change nothing; nothing is taken any more.
    pub fn close(&self, _code: CloseCode, _reason: &'static str) {
        unimplemented!()
    }
    /// Whether it was told to close.
    pub fn is_closed(&self) -> bool {
        unimplemented!()
    }
    /// Lags that the client has become fast enough for (less than half the bound waits), each handed out once until
    /// `start` ends it (events) or the room sends the roster.
    pub fn take_lags(&self) -> Vec<Lag> {
        unimplemented!()
    }
    /// Waits until replies leave room for reading more from this client.
    pub async fn accepts_input(&self) {
        unimplemented!()
    }
}
