//! Real people's keystrokes (`tests/data/README.md`), typed again as they were: on what their authors had seen.
//!
//! Each keystroke is an edit of its own. An author types it when they have taken in the keystrokes of the other that
//! it was typed after, and before they take in any that it was not; it is sent at once unless another is in flight.
//!
//! Promises: in whatever order edits are committed, a correct merge ends in `Keystrokes::end`.
//! Must never: decide that order; whoever drives it does.

use std::io::Read;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::TextChange;
use flate2::read::GzDecoder;
use serde::Deserialize;

use super::typist::Typist;

const FRIENDS_FOREVER: &[u8] = include_bytes!("../../data/friendsforever.json.gz");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recording {
    end_content: String,
    num_agents: usize,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    agent: usize,
    parents: Vec<usize>,
    patches: Vec<(usize, usize, String)>,
}

/// What one author did at once.
#[derive(Clone, Debug)]
struct Stroke {
    /// One after the other, in UTF-16 code units of what the author saw.
    patches: Vec<(usize, usize, String)>,
    /// How many strokes of the other one the author had seen.
    seen: usize,
}

/// Two people's keystrokes.
pub struct Keystrokes {
    /// The text in the end; in the beginning it is empty.
    pub end: String,
    /// The two.
    pub authors: [Author; 2],
}

impl Keystrokes {
    /// The recording in the tests' data, of two authors who have the empty text at `version`.
    pub fn friends_forever(version: Version) -> Self {
        Self::of(recording(), version)
    }

    /// Its first so many keystrokes; no end is recorded for them.
    pub fn beginning(version: Version, strokes: usize) -> Self {
        let mut recording = recording();
        recording.txns.truncate(strokes);
        recording.end_content.clear();
        Self::of(recording, version)
    }

    /// How many keystrokes.
    pub fn len(&self) -> usize {
        self.authors.iter().map(|author| author.strokes.len()).sum()
    }

    fn of(recording: Recording, version: Version) -> Self {
        let mut strokes = [Vec::new(), Vec::new()];
        let mut known: Vec<[usize; 2]> = Vec::new();
        for Transaction { agent, parents, patches } in recording.txns {
            // The recording counts code points, which are code units as long as all are in the basic plane.
            assert!(patches.iter().all(|(_, _, text)| text.chars().all(|char| char.len_utf16() == 1)));
            let most = |who: usize| parents.iter().map(|parent| known[*parent][who]).max().unwrap_or(0);
            let mut knows = [most(0), most(1)];
            assert_eq!(knows[agent], strokes[agent].len(), "an author knows their own keystrokes");
            strokes[agent].push(Stroke { patches, seen: knows[1 - agent] });
            knows[agent] += 1;
            known.push(knows);
        }
        Self { end: recording.end_content, authors: strokes.map(|strokes| Author::new(version, strokes)) }
    }
}

fn recording() -> Recording {
    let mut json = String::new();
    GzDecoder::new(FRIENDS_FOREVER).read_to_string(&mut json).unwrap();
    let recording: Recording = serde_json::from_str(&json).unwrap();
    assert_eq!(recording.num_agents, 2);
    recording
}

/// One of the two, with a client of their own.
pub struct Author {
    /// The client.
    pub typist: Typist,
    strokes: Vec<Stroke>,
    typed: usize,
    /// How many strokes of the other one were taken in.
    seen: usize,
}

impl Author {
    fn new(version: Version, strokes: Vec<Stroke>) -> Self {
        Self { typist: Typist::new(version, ""), strokes, typed: 0, seen: 0 }
    }

    /// Types the next stroke, if it was typed after no more than what was taken in by now. Whether it was.
    pub fn types(&mut self) -> bool {
        let Some(stroke) = self.strokes.get(self.typed).filter(|stroke| stroke.seen <= self.seen) else { return false };
        for (at, delete, insert) in &stroke.patches {
            self.typist.types(*at, *delete, insert);
        }
        self.typist.begin_another();
        self.typed += 1;
        true
    }

    /// Types all that was typed after no more than what was taken in by now.
    pub fn types_all(&mut self) {
        while self.types() {}
    }

    /// Takes in the other's next stroke. Before that comes `types_all`, and what can be sent is sent, as a client does.
    pub fn takes_others(&mut self, version: Version, changes: &[TextChange]) {
        assert!(!self.types() && self.typist.next_edit().is_none(), "this was typed and sent before");
        self.seen += 1;
        self.typist.takes_others(version, changes);
    }

    /// Whether all is typed, sent and confirmed, and all of the other's taken in; `other` is the other one.
    pub fn is_done(&self, other: &Self) -> bool {
        self.typed == self.strokes.len() && self.seen == other.strokes.len() && self.typist.is_settled()
    }
}
