//! Real keystrokes of two people, merged by windows over the log ([ED12], [ED13]).

use std::collections::VecDeque;
use std::time::Instant;

use blockhub::domain::sequence::Version;

use crate::harness::chance::Chance;
use crate::harness::keystrokes::Keystrokes;
use crate::harness::string_hub::{Merged, StringHub};
use crate::harness::typist::Sending;

/// Who does what next is drawn by lot: an author types, sends or takes in; the hub commits what was sent.
struct Replay {
    hub: StringHub,
    people: Keystrokes,
    on_the_way: [Option<Sending>; 2],
    inbox: [VecDeque<usize>; 2],
}

impl Replay {
    fn new(people: Keystrokes) -> Self {
        Self { hub: StringHub::default(), people, on_the_way: [None, None], inbox: [VecDeque::new(), VecDeque::new()] }
    }

    fn is_done(&self) -> bool {
        let [one, two] = &self.people.authors;
        one.is_done(two) && two.is_done(one)
    }

    fn send(&mut self, who: usize) {
        if let Some(edit) = self.people.authors[who].typist.next_edit() {
            self.on_the_way[who] = Some(edit);
        }
    }

    /// The hub commits what was sent. Sometimes an author goes by the ack, where it suffices.
    fn commit(&mut self, who: usize, chance: &mut Chance) {
        let Some(edit) = self.on_the_way[who].take() else { return };
        let merged = self.hub.commit(who, edit);
        self.inbox.iter_mut().for_each(|inbox| inbox.push_back(self.hub.log.len() - 1));
        if merged == Merged::No && chance.below(2) == 0 {
            self.people.authors[who].typist.acked(self.hub.head());
        }
    }

    fn take_in(&mut self, who: usize) {
        let Some(index) = self.inbox[who].pop_front() else { return };
        let event = &self.hub.log[index];
        if event.author != who {
            self.people.authors[who].types_all();
            self.send(who);
            let event = &self.hub.log[index];
            self.people.authors[who].takes_others(event.version, &event.changes());
        } else if event.version > self.people.authors[who].typist.version() {
            self.people.authors[who].typist.takes_own(event.version, &event.changes());
        }
    }

    /// Of 100 steps, `slowness` go into typing ahead of the network.
    fn run(mut self, seed: u64, slowness: u64) -> Self {
        let mut chance = Chance(seed);
        while !self.is_done() {
            let who = usize::from(chance.below(2) == 0);
            let step = if chance.below(100) < slowness { 0 } else { chance.below(3) };
            match step {
                0 => drop(self.people.authors[who].types()),
                1 => self.commit(who, &mut chance),
                _ => self.take_in(who),
            }
            self.send(who);
        }
        self
    }
}

/// What the first so many keystrokes end in.
pub fn end_of_the_beginning(strokes: usize) -> String {
    Replay::new(Keystrokes::beginning(Version(0), strokes)).run(1, 0).hub.text
}

#[track_caller]
fn assert_replay(seed: u64, slowness: u64) {
    let begun = Instant::now();
    let Replay { hub, people, .. } = Replay::new(Keystrokes::friends_forever(Version(0))).run(seed, slowness);
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
    assert_replay(3, 60);
    assert_replay(4, 60);
}

#[test]
fn ed12_two_peoples_keystrokes_end_as_they_did_over_a_very_slow_network() {
    assert_replay(5, 95);
}
