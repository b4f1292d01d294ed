//! Real keystrokes of two people, merged by windows over the log ([ED12], [ED13]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::{Sent, Splice, TextChange, Window, apply, splices_of, take_back};

use crate::harness::keystrokes::Keystrokes;
use crate::harness::typist::Sending;

struct Event {
    version: Version,
    author: usize,
    sent: Arc<Sent>,
    splices: Vec<Splice>,
}

impl Event {
    fn changes(&self) -> Vec<TextChange> {
        let change = |splice: &Splice| TextChange {
            at: splice.at,
            delete: splice.deleted.encode_utf16().count(),
            insert: splice.inserted.clone(),
        };
        self.splices.iter().map(change).collect()
    }
}

/// What a hub does for one string: it keeps the log, and a window while there is use for one.
#[derive(Default)]
struct Hub {
    text: String,
    log: Vec<Event>,
    window: Option<Window>,
    runs_max: usize,
    merged: usize,
    rebuilt: usize,
}

impl Hub {
    fn head(&self) -> Version {
        self.log.last().map_or(Version(0), |event| event.version)
    }

    fn commit(&mut self, author: usize, edit: Sending) {
        let sent = Sent::Typed { base: edit.base, changes: edit.changes };
        let splices = self.decide(&sent);
        self.text = apply(&self.text, &splices).unwrap();
        let (version, sent) = (self.head().next(), Arc::new(sent));
        if let Some(window) = &mut self.window {
            window.push(version, sent.clone()).unwrap();
        }
        self.log.push(Event { version, author, sent, splices });
    }

    fn decide(&mut self, sent: &Sent) -> Vec<Splice> {
        match sent {
            Sent::Typed { base, changes } if *base == self.head() => splices_of(&self.text, changes).unwrap(),
            _ => self.merge(sent),
        }
    }

    fn merge(&mut self, sent: &Sent) -> Vec<Splice> {
        self.merged += 1;
        let usable = |window: &Window| window.start() <= sent.reach() && window.len() <= self.runs_max;
        let mut window = self.window.take().filter(usable).unwrap_or_else(|| self.rebuild(sent.reach()));
        let splices = window.merge(sent).unwrap();
        self.window = Some(window);
        splices
    }

    /// A window from the last version that all later events, and the one that leans on `reach`, had seen.
    fn rebuild(&mut self, reach: Version) -> Window {
        self.rebuilt += 1;
        let mut start = reach;
        let mut text = self.text.clone();
        let mut first = self.log.len();
        while first > 0 && self.log[first - 1].version > start {
            first -= 1;
            start = start.min(self.log[first].sent.reach());
            text = take_back(&text, &self.log[first].splices).unwrap();
        }
        let mut window = Window::new(start, &text);
        for event in &self.log[first..] {
            window.push(event.version, event.sent.clone()).unwrap();
        }
        self.runs_max = 256 + 2 * window.len();
        window
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Who does what next is drawn by lot: an author types, sends or takes in; the hub commits what was sent.
struct Replay {
    hub: Hub,
    people: Keystrokes,
    on_the_way: [Option<Sending>; 2],
    inbox: [VecDeque<usize>; 2],
}

impl Replay {
    fn new() -> Self {
        let people = Keystrokes::friends_forever(Version(0));
        Self { hub: Hub::default(), people, on_the_way: [None, None], inbox: [VecDeque::new(), VecDeque::new()] }
    }

    fn is_done(&self) -> bool {
        let [one, two] = &self.people.authors;
        one.is_done(two) && two.is_done(one)
    }

    fn send(&mut self, who: usize) {
        if let Some(edit) = self.people.authors[who].sends() {
            self.on_the_way[who] = Some(edit);
        }
    }

    fn commit(&mut self, who: usize) {
        if let Some(edit) = self.on_the_way[who].take() {
            self.hub.commit(who, edit);
            self.inbox.iter_mut().for_each(|inbox| inbox.push_back(self.hub.log.len() - 1));
        }
    }

    fn take_in(&mut self, who: usize) {
        let Some(index) = self.inbox[who].pop_front() else { return };
        let event = &self.hub.log[index];
        let author = &mut self.people.authors[who];
        if event.author == who {
            author.typist.takes_own(event.version, &event.changes());
        } else {
            author.takes_others(event.version, &event.changes());
        }
    }

    /// Of 100 steps, `slowness` go into typing ahead of the network.
    fn run(mut self, seed: u64, slowness: u64) -> Self {
        let mut chance = Chance(seed);
        while !self.is_done() {
            let who = usize::try_from(chance.below(2)).unwrap();
            if chance.below(100) < slowness {
                self.people.authors[who].types();
                continue;
            }
            match chance.below(4) {
                0 => drop(self.people.authors[who].types()),
                1 => self.send(who),
                2 => self.commit(who),
                _ => self.take_in(who),
            }
        }
        self
    }
}

#[track_caller]
fn assert_replay(seed: u64, slowness: u64) {
    let begun = Instant::now();
    let Replay { hub, people, .. } = Replay::new().run(seed, slowness);
    if hub.text != people.end {
        std::fs::write("/tmp/a.txt", &hub.text).unwrap();
        std::fs::write("/tmp/b.txt", &people.end).unwrap();
    }
    assert!(hub.text == people.end, "the hub's text is another");
    for author in &people.authors {
        assert!(author.typist.confirmed() == people.end, "an author's text is another");
        assert!(author.typist.shown() == people.end, "an author sees another text");
    }
    println!(
        "{} keystrokes of two people, {} merged, {} windows of at most {} runs: {:?}",
        hub.log.len(),
        hub.merged,
        hub.rebuilt,
        hub.runs_max,
        begun.elapsed()
    );
}

#[test]
fn ed12_two_peoples_keystrokes_end_as_they_did_over_a_fast_network() {
    assert_replay(1, 0);
}

#[test]
fn ed12_two_peoples_keystrokes_end_as_they_did_over_a_slow_network() {
    assert_replay(2, 60);
}

#[test]
fn ed12_two_peoples_keystrokes_end_as_they_did_over_a_very_slow_network() {
    assert_replay(3, 95);
}
