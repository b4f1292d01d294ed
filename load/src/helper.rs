//! Parts of a run that are processes of their own, so that their processor time and their open files are their own:
//! this program once more, with other words.
//!
//! Promises: a helper ends when its starter does; what it says is one line at a time.
//! Must never: be called by people.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::LoadError;

/// A process.
pub struct Helper {
    process: Child,
    said: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Helper {
    /// Starts one with these words.
    pub fn start(words: &[String]) -> Result<Self, LoadError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("helper").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let missing = || LoadError::Start("a helper cannot be spoken to".into());
        let said = process.stdout.take().ok_or_else(missing)?;
        let told = process.stdin.take().ok_or_else(missing)?;
        Ok(Self { process, said: BufReader::new(said).lines(), told })
    }

    /// Its next line.
    pub async fn hear(&mut self) -> Result<String, LoadError> {
        let line = self.said.next_line().await?;
        line.ok_or_else(|| LoadError::Start("a helper ended early".into()))
    }

    /// Tells it a line.
    pub async fn tell(&mut self, line: &str) -> Result<(), LoadError> {
        Ok(self.told.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// Its process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }
}

/// In a helper: waits until its starter says something or is gone.
pub async fn told() -> Result<(), LoadError> {
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    Ok(())
}
