//! One connection to a subject: a socket and somebody who speaks its protocol.
//!
//! Promises: answers that the protocol asks for are given at once; every stamp in a message is handed out.
//! Must never: wait for ever while it sets up.

use std::time::Duration;

use memchr::memmem::Finder;
use tokio::time::timeout;

use super::ledger::Ledger;
use super::subject::Stage;
use super::tongue::{Framing, Opening, Speaker, Told, Tongue};
use crate::LoadError;
use crate::socket::{Form, Socket, scan};

/// How long an answer may take while a connection is set up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Stands before the time at which a text was written, in microseconds of the run, twelve digits.
const STAMP: &[u8] = b"@@";

/// A connection.
pub struct Member {
    socket: Socket,
    tongue: Box<dyn Tongue>,
    speaker: Speaker,
    heard: Heard,
    stamp: Finder<'static>,
}

/// What a message said.
#[derive(Default)]
pub struct Heard {
    /// In the protocol's terms.
    pub told: Told,
    /// When the texts in it were written.
    pub stamps: Vec<u64>,
}

impl Member {
    /// Connects, and waits until the connection stands.
    pub async fn connect(stage: &Stage, speaker: Speaker) -> Result<Self, LoadError> {
        let subject = stage.subject();
        let mut tongue = subject.tongue(speaker.clone());
        let opening = tongue.open();
        let socket = Socket::connect(stage.address(), subject.path(), Form::Plain).await?;
        let mut member = Self { socket, tongue, speaker, heard: Heard::default(), stamp: Finder::new(STAMP) };
        match opening {
            Opening::Say(message) => member.say(&message).await?,
            Opening::Listen => {}
            Opening::Done => return Ok(member),
        }
        member.step_until(|told| told.greeted).await?;
        Ok(member)
    }

    /// Joins its project.
    pub async fn join(&mut self) -> Result<(), LoadError> {
        let message = self.tongue.join();
        self.say(&message).await?;
        self.step_until(|told| told.joined).await
    }

    /// Makes its own blocks; how many.
    pub async fn insert_own(&mut self) -> Result<u64, LoadError> {
        for block in self.speaker.own.clone() {
            let message = self.tongue.insert(block);
            self.say(&message).await?;
            self.step_until(|told| told.acks.contains(&block)).await?;
        }
        Ok(self.speaker.own.len() as u64)
    }

    /// Its own blocks.
    pub fn own(&self) -> std::ops::Range<usize> {
        self.speaker.own.clone()
    }

    /// Adds a change of one of its blocks to what is written with the next `flush`.
    pub fn put_update(&mut self, block: usize, micros: u64, bytes: usize) {
        let text = format!("@@{micros:012}{:x<1$}", "", bytes.saturating_sub(STAMP.len() + 12));
        let message = self.tongue.update(block, &text);
        put(&mut self.socket, self.tongue.framing(), &message);
    }

    /// Writes what was put.
    pub async fn flush(&mut self) -> Result<(), LoadError> {
        self.socket.flush().await
    }

    /// Takes in the next message. May be given up while it waits.
    pub async fn step(&mut self) -> Result<&Heard, LoadError> {
        let message = self.socket.next().await?.plain()?;
        self.heard.told.clear();
        self.heard.stamps.clear();
        self.tongue.hear(message, &mut self.heard.told)?;
        let stamps = self.stamp.find_iter(message).filter_map(|at| scan::number(&message[at + STAMP.len()..]));
        self.heard.stamps.extend(stamps);
        if !self.heard.told.answers.is_empty() {
            let framing = self.tongue.framing();
            self.heard.told.answers.iter().for_each(|answer| put(&mut self.socket, framing, answer));
            self.socket.flush().await?;
        }
        Ok(&self.heard)
    }

    /// What it has seen.
    pub fn ledger(&self) -> &Ledger {
        self.tongue.ledger()
    }

    async fn say(&mut self, message: &[u8]) -> Result<(), LoadError> {
        put(&mut self.socket, self.tongue.framing(), message);
        self.socket.flush().await
    }

    async fn step_until(&mut self, is_there: impl Fn(&Told) -> bool) -> Result<(), LoadError> {
        let stepping = async {
            while !is_there(&self.step().await?.told) {}
            Ok::<_, LoadError>(())
        };
        let late = |_| LoadError::Wrong("no answer while a connection was set up".into());
        timeout(PATIENCE, stepping).await.map_err(late)?
    }
}

fn put(socket: &mut Socket, framing: Framing, message: &[u8]) {
    match framing {
        Framing::Text => socket.put_text(message),
        Framing::Binary => socket.put_binary(message),
    }
}
