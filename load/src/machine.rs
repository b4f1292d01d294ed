//! Where and of what a result is: date, commit, build, machine.
//!
//! Promises: what cannot be found out is left empty.
//! Must never: fail a run.

use std::fs::read_to_string;
use std::process::Command;

use serde::Serialize;

/// What a result is of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// RFC 3339, UTC.
    pub date: String,
    /// As `git describe` names it.
    pub commit: String,
    /// `debug` or `release`.
    pub build: &'static str,
    /// The processor's name.
    pub processor: String,
    /// How many processors this program may use.
    pub cores: usize,
    /// Of the machine.
    pub memory_mib: u64,
    /// The kernel's version.
    pub kernel: String,
}

impl Origin {
    /// Of a result that is made now and here.
    pub fn of_now() -> Self {
        Self {
            date: said_by("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
            commit: said_by("git", &["describe", "--always", "--dirty"]),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
            processor: listed("/proc/cpuinfo", "model name"),
            cores: cores(),
            memory_mib: listed("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0) / 1024,
            kernel: said_by("uname", &["-sr"]),
        }
    }
}

/// How many processors this program may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A program's output, without the line's end; empty if it cannot be had.
fn said_by(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// What a file of names and values says of a name first.
fn listed(file: &str, name: &str) -> String {
    let text = read_to_string(file).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let mut named = pairs.filter(|(found, _)| found.trim() == name);
    named.next().map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}
