//! A connection that has joined its projects.
//!
//! Promises: it knows the last seq of each project that it was told.
//! Must never: be used before the whole of each project has come.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use super::author::Author;
use super::projects::Project;
use crate::LoadError;
use crate::client::{Client, refuse, wrong};
use crate::socket::scan::{self, Scan};
use crate::socket::{Form, Inflater, Socket};

/// Connections that are made at once.
const AT_ONCE: usize = 64;

/// A seat.
pub struct Seat {
    /// Its socket.
    pub socket: Socket,
    /// What it hears.
    pub rooms: Vec<Heard>,
    /// Who edits from it, if anybody.
    pub author: Option<Author>,
}

/// What was heard of a project.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Which.
    pub project: String,
    /// The last event.
    pub seq: u64,
    /// The last of its own that was acked; its event may be on its way.
    pub acked: u64,
}

/// Where a seat is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The hub.
    pub address: String,
    /// Who.
    pub user: String,
    /// Which projects it joins.
    pub projects: Vec<String>,
    /// How messages may come.
    pub form: Form,
    /// How much of what comes the system takes while nobody reads.
    pub width: Width,
}

/// How much a system holds for somebody who does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As much as it likes.
    Usual,
    /// Little.
    Narrow,
}

impl Place {
    /// A seat in one project, for messages as they are.
    pub fn at(address: &str, number: usize, project: &Project) -> Self {
        let projects = vec![project.id.clone()];
        Self {
            address: address.to_owned(),
            user: format!("user-{number}"),
            projects,
            form: Form::Plain,
            width: Width::Usual,
        }
    }
}

impl Seat {
    /// Connects, says hello and joins.
    pub async fn take(place: &Place, scan: &Scan) -> Result<Self, LoadError> {
        let Place { address, user, form, .. } = place;
        let client = match place.width {
            Width::Usual => Client::connect_for(address, user, *form).await?,
            Width::Narrow => Client::connect_narrow(address, user, *form).await?,
        };
        let mut seat = Self { socket: client.into_socket(), rooms: Vec::new(), author: None };
        for project in &place.projects {
            seat.join(project, scan, Depth::Whole).await?;
        }
        Ok(seat)
    }

    /// Joins, and waits until the project is there.
    pub async fn join(&mut self, project: &str, scan: &Scan, depth: Depth) -> Result<(), LoadError> {
        let join = json!({"type": "join", "id": "join", "project": project}).to_string();
        self.socket.send_text(join.as_bytes()).await?;
        let seq = match depth {
            Depth::Whole => hear_whole(&mut self.socket, scan).await?,
            Depth::Head => hear_head(&mut self.socket, scan).await?,
        };
        self.rooms.push(Heard { project: project.to_owned(), seq, acked: 0 });
        Ok(())
    }

    /// The room that a message is about.
    pub fn room(rooms: &[Heard], message: &[u8]) -> Result<usize, LoadError> {
        if rooms.len() == 1 {
            return Ok(0);
        }
        let project = scan::project(message).ok_or_else(|| wrong(message))?;
        rooms.iter().position(|room| room.project.as_bytes() == project).ok_or_else(|| wrong(message))
    }
}

/// How much of the answer to a join is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// All of it, and all its parts.
    Whole,
    /// If it is deflated its beginning, which holds its type and its seq; further parts are not waited for.
    Head,
}

/// A deflated answer's type and seq are within its first bytes.
const HEAD_BYTES: usize = 512;

/// Waits for the answer to a join; its seq.
async fn hear_head(socket: &mut Socket, scan: &Scan) -> Result<u64, LoadError> {
    let mut inflater = Inflater::default();
    loop {
        let message = socket.next().await?;
        let head = match message.form {
            Form::Plain => message.payload,
            Form::Deflated => inflater.head(message.payload, HEAD_BYTES)?,
        };
        refuse(head)?;
        if scan::kind(head) == b"joined" {
            return scan.seqs(head).next().ok_or_else(|| wrong(head));
        }
    }
}

/// Waits for the answer to a join, and for all its parts; its seq.
async fn hear_whole(socket: &mut Socket, scan: &Scan) -> Result<u64, LoadError> {
    let (mut inflater, mut seq) = (Inflater::default(), None);
    loop {
        let message = socket.next().await?.read(&mut inflater)?;
        refuse(message)?;
        let is_last = match scan::kind(message) {
            b"joined" => {
                seq = scan.seqs(message).next();
                !scan.says_more(message)
            }
            b"snapshot" => scan.says_last(message),
            _ => false,
        };
        if is_last {
            return seq.ok_or_else(|| wrong(message));
        }
    }
}

/// Takes many seats, in their order.
pub async fn take_all(places: Vec<Place>) -> Result<Vec<Seat>, LoadError> {
    let (scan, mut tasks, count) = (Arc::new(Scan::default()), JoinSet::new(), places.len());
    let mut seats: Vec<Option<Seat>> = (0..count).map(|_| None).collect();
    for (number, place) in places.into_iter().enumerate() {
        if tasks.len() >= AT_ONCE {
            note(&mut seats, tasks.join_next().await)?;
        }
        let scan = scan.clone();
        tasks.spawn(async move { Ok((number, Seat::take(&place, &scan).await?)) });
    }
    while !tasks.is_empty() {
        note(&mut seats, tasks.join_next().await)?;
    }
    Ok(seats.into_iter().flatten().collect())
}

type Taken = Option<Result<Result<(usize, Seat), LoadError>, tokio::task::JoinError>>;

fn note(seats: &mut [Option<Seat>], taken: Taken) -> Result<(), LoadError> {
    if let Some(taken) = taken {
        let (number, seat) = taken.map_err(|error| LoadError::Wrong(error.to_string()))??;
        seats[number] = Some(seat);
    }
    Ok(())
}
