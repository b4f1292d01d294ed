//! Writes what hubs say.
//!
//! Promises: the shapes of the contract to the letter; a snapshot's blocks are not copied.
//! Must never: decide what is told to whom.

use std::sync::Arc;

use serde::Serialize;

use super::body::{Body, MembersTail, MoreTail, SnapshotTail};
use super::reply::Receipt;
use super::server::{Joined, ServerMessage, State};
use super::written::Written;
use crate::domain::block::Block;
use crate::domain::event::Event;
use crate::domain::ids::ConnectionId;
use crate::domain::presence::Present;
use crate::protocol::frame::{Chunk, Frame};
use crate::protocol::json;
use crate::protocol::view::BlockView;
use crate::protocol::view::event::EventView;
use crate::protocol::view::spelling::EpochText;

/// A JSON array of blocks.
pub fn encode_blocks<'a>(blocks: impl Iterator<Item = &'a Block>) -> Vec<u8> {
    json::text(&blocks.map(BlockView::from).collect::<Vec<_>>())
}

/// How large the event is on the wire: bytes of JSON.
pub fn event_len(event: &Event) -> usize {
    json::len(&EventView::from(event))
}

/// Writes one message.
pub fn encode(message: &ServerMessage<'_>) -> Arc<Frame> {
    let frame = write(message);
    match message.receipt().and_then(|receipt| receipt.callback) {
        Some(callback) => frame.answering(callback),
        None => frame,
    }
}

fn write(message: &ServerMessage<'_>) -> Arc<Frame> {
    match message {
        ServerMessage::Joined { receipt, joined: it } => joined(receipt, it),
        ServerMessage::Snapshot { project, blocks, last } => {
            around(&Body::Snapshot { project: *project }, blocks, &SnapshotTail { last: *last })
        }
        ServerMessage::Reset { project, epoch, seq, reason, blocks, more } => {
            let head = Body::Reset { project: *project, epoch: EpochText(*epoch), seq: *seq, reason: reason.as_str() };
            around(&head, blocks, &MoreTail { more: *more })
        }
        ServerMessage::Events { events, .. } => {
            let mut text = open(json::text(&Body::from(message)));
            text.extend_from_slice(b",\"events\":");
            text.extend_from_slice(&Written::array(events));
            text.push(b'}');
            Frame::new(text)
        }
        message => Frame::new(json::text(&Body::from(message))),
    }
}

fn joined(receipt: &Receipt, joined: &Joined<'_>) -> Arc<Frame> {
    let (head, members) = (Body::joined(receipt, joined), Arc::clone(&joined.members));
    match &joined.state {
        State::Blocks { blocks, .. } => before(&head, blocks, members),
        State::Events(_) => Frame::in_pieces(open(json::text(&head)), [members]),
    }
}

/// Everybody who is in a room, to be shared by the answers to all who join at one moment.
pub fn encode_members<'a>(members: impl Iterator<Item = (ConnectionId, &'a Present)>) -> Arc<Chunk> {
    Chunk::new(tail(&MembersTail::of(members)))
}

/// A message with `blocks` as the next to last of its members.
fn around(head: &Body<'_>, blocks: &Arc<Chunk>, rest: &impl Serialize) -> Arc<Frame> {
    before(head, blocks, Chunk::new(tail(rest)))
}

/// The same, when the last of them is written already.
fn before(head: &Body<'_>, blocks: &Arc<Chunk>, tail: Arc<Chunk>) -> Arc<Frame> {
    let mut head = open(json::text(head));
    head.extend_from_slice(b",\"blocks\":");
    Frame::in_pieces(head, [Arc::clone(blocks), tail])
}

/// An object that more members can follow.
fn open(mut object: Vec<u8>) -> Vec<u8> {
    object.pop();
    object
}

/// The members of an object, to follow others.
fn tail(rest: &impl Serialize) -> Vec<u8> {
    let mut object = json::text(rest);
    object[0] = b',';
    object
}
