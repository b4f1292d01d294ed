//! The client's side of typing together ([ED13]): what a person sees and types, what is sent, what comes back.
//!
//! The text is kept in pieces, in the order in which the person sees it: confirmed ones, those of the edit in flight,
//! and pending ones. What was typed here stands behind the character that it was typed after, before what others put
//! there, and also when that character is gone. In the end the hub decides where the edit in flight goes: its own
//! event puts its pieces, and what is pending behind them, where they belong.
//!
//! Promises: without I/O; whoever drives it brings edits to the hub and events back, in order.
//! Must never: have more than one edit in flight, or count an edit on anything but the confirmed text.

use std::collections::VecDeque;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::TextChange;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// In the confirmed text.
    Confirmed,
    /// Was in the confirmed text; still here because something was typed after it here.
    Gone,
    /// Typed here, by the edit of this number.
    Here(u64),
}

#[derive(Clone, Debug)]
struct Piece {
    units: Vec<u16>,
    maker: Maker,
    /// The edit that deleted it here; the hub does not know yet.
    deleter: Option<u64>,
}

impl Piece {
    fn confirmed(text: &str) -> Self {
        Self { units: text.encode_utf16().collect(), maker: Maker::Confirmed, deleter: None }
    }

    fn confirmed_len(&self) -> usize {
        if self.maker == Maker::Confirmed { self.units.len() } else { 0 }
    }

    fn shown_len(&self) -> usize {
        if self.maker == Maker::Gone || self.deleter.is_some() { 0 } else { self.units.len() }
    }

    fn is_from_here(&self) -> bool {
        matches!(self.maker, Maker::Here(_))
    }

    fn split_off(&mut self, at: usize) -> Self {
        Self { units: self.units.split_off(at), maker: self.maker, deleter: self.deleter }
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.maker == other.maker && self.deleter == other.deleter
    }
}

/// An edit as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Counts the typist's edits, from 0.
    pub number: u64,
    /// The version that the changes are counted on.
    pub base: Version,
    /// Spans of the confirmed text.
    pub changes: Vec<TextChange>,
}

/// One person at one string of one block.
#[derive(Clone, Debug)]
pub struct Typist {
    version: Version,
    pieces: Vec<Piece>,
    in_flight: Option<Sending>,
    /// Edits with something in them that have not been sent; only the last can be the open one.
    pending: VecDeque<u64>,
    /// The edit that takes what is typed now.
    open: u64,
}

impl Typist {
    /// With a snapshot of the string taken in.
    pub fn new(version: Version, text: &str) -> Self {
        let pieces = vec![Piece::confirmed(text)];
        Self { version, pieces, in_flight: None, pending: VecDeque::new(), open: 0 }
    }

    /// The version of the confirmed text.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What the hub has confirmed.
    pub fn confirmed(&self) -> String {
        self.text(Piece::confirmed_len)
    }

    /// What the person sees.
    pub fn shown(&self) -> String {
        self.text(Piece::shown_len)
    }

    /// Whether everything that was typed is confirmed.
    pub fn is_settled(&self) -> bool {
        self.in_flight.is_none() && self.pending.is_empty()
    }

    /// The person replaces `delete` units at `at` of what they see.
    pub fn types(&mut self, at: usize, delete: usize, insert: &str) {
        if self.pending.back() != Some(&self.open) {
            self.pending.push_back(self.open);
        }
        let index = self.cut(at, Piece::shown_len);
        let maker = Maker::Here(self.open);
        self.pieces.insert(index, Piece { units: insert.encode_utf16().collect(), maker, deleter: None });
        self.hide(index + 1, delete);
        self.tidy();
    }

    /// What is typed from here on goes into another edit. Without this all that waits goes as one.
    pub fn begin_another(&mut self) {
        self.open += 1;
    }

    /// The next edit, to be sent at once; `None` while there is one in flight, or nothing to send.
    pub fn next_edit(&mut self) -> Option<Sending> {
        if self.in_flight.is_some() {
            return None;
        }
        let number = self.pending.pop_front()?;
        self.open = self.open.max(number + 1);
        self.in_flight = Some(Sending { number, base: self.version, changes: self.changes_of(number) });
        self.in_flight.clone()
    }

    /// The edit in flight was acked, and the ack says neither `merged` nor `overwrote`.
    pub fn acked(&mut self, version: Version) {
        let changes = self.in_flight.as_ref().unwrap().changes.clone();
        self.takes_own(version, &changes);
    }

    /// Takes in an event of somebody else's: changes as they apply to the version before.
    pub fn takes_others(&mut self, version: Version, changes: &[TextChange]) {
        for change in changes.iter().rev() {
            self.replace(change.at, change.delete, vec![Piece::confirmed(&change.insert)]);
        }
        self.version = version;
        self.tidy();
    }

    /// Takes in the event of the edit in flight, where the hub put it.
    pub fn takes_own(&mut self, version: Version, changes: &[TextChange]) {
        let number = self.in_flight.take().unwrap().number;
        let mut own = self.lift(number);
        for change in changes.iter().rev() {
            let insert = own_pieces(&mut own, &change.insert);
            self.replace(change.at, change.delete, insert);
        }
        assert!(own.is_empty(), "the event left out text that was sent");
        assert!(self.pieces.iter().all(|piece| piece.deleter != Some(number)), "the event left out a deletion");
        self.version = version;
        self.tidy();
    }
}

impl Typist {
    fn text(&self, len: impl Fn(&Piece) -> usize) -> String {
        let pieces = self.pieces.iter().filter(|piece| len(piece) > 0);
        String::from_utf16(&pieces.flat_map(|piece| piece.units.iter().copied()).collect::<Vec<_>>()).unwrap()
    }

    /// Where a piece may be put right behind unit number `at`, counted by `len`.
    fn cut(&mut self, at: usize, len: impl Fn(&Piece) -> usize) -> usize {
        let mut left = at;
        let mut index = 0;
        while left > 0 {
            let piece = &mut self.pieces[index];
            index += 1;
            if len(piece) > left {
                let tail = piece.split_off(left);
                self.pieces.insert(index, tail);
                return index;
            }
            left -= len(piece);
        }
        index
    }

    /// The person deletes `units` of what they see from the piece at `index` on.
    fn hide(&mut self, mut index: usize, units: usize) {
        let mut left = units;
        while left > 0 {
            let piece = &mut self.pieces[index];
            if piece.shown_len() > left {
                let tail = piece.split_off(left);
                self.pieces.insert(index + 1, tail);
            }
            let piece = &mut self.pieces[index];
            left -= piece.shown_len();
            if piece.maker == Maker::Here(self.open) {
                piece.units.clear();
            } else if piece.shown_len() > 0 {
                piece.deleter = Some(self.open);
            }
            index += 1;
        }
    }

    /// The confirmed text changes.
    fn replace(&mut self, at: usize, delete: usize, insert: Vec<Piece>) {
        let index = self.cut(at, Piece::confirmed_len);
        let end = self.cut(at + delete, Piece::confirmed_len);
        for piece in &mut self.pieces[index.min(end)..end] {
            if piece.maker == Maker::Confirmed {
                (piece.maker, piece.deleter) = (Maker::Gone, None);
            }
        }
        let behind = self.pieces[index..].iter().take_while(|piece| piece.is_from_here()).count();
        self.pieces.splice(index + behind..index + behind, insert);
    }

    /// Takes out the pieces of the edit that was in flight, each with what is pending behind it.
    fn lift(&mut self, number: u64) -> Vec<Vec<Piece>> {
        let mut own: Vec<Vec<Piece>> = Vec::new();
        let mut kept = Vec::with_capacity(self.pieces.len());
        let mut lifting = false;
        for piece in self.pieces.drain(..) {
            match piece.maker {
                Maker::Here(maker) if maker == number => {
                    lifting = true;
                    own.push(vec![piece]);
                }
                Maker::Here(_) if lifting => own.last_mut().unwrap().push(piece),
                _ => {
                    lifting = false;
                    kept.push(piece);
                }
            }
        }
        self.pieces = kept;
        own
    }

    /// The spans of the confirmed text that an edit changes.
    fn changes_of(&self, number: u64) -> Vec<TextChange> {
        let mut changes: Vec<TextChange> = Vec::new();
        let mut at = 0;
        for piece in &self.pieces {
            let last = changes.last_mut().filter(|last| last.at + last.delete == at);
            if piece.maker == Maker::Here(number) {
                let insert = String::from_utf16(&piece.units).unwrap();
                match last.filter(|last| last.delete == 0) {
                    Some(last) => last.insert.push_str(&insert),
                    None => changes.push(TextChange { at, delete: 0, insert }),
                }
            } else if piece.maker == Maker::Confirmed && piece.deleter == Some(number) {
                match last {
                    Some(last) => last.delete += piece.units.len(),
                    None => changes.push(TextChange { at, delete: piece.units.len(), insert: String::new() }),
                }
            }
            at += piece.confirmed_len();
        }
        changes
    }

    /// Joins pieces that are alike, and forgets those that nothing depends on.
    fn tidy(&mut self) {
        let mut tidy: Vec<Piece> = Vec::with_capacity(self.pieces.len());
        let pieces = std::mem::take(&mut self.pieces);
        for mut piece in pieces.into_iter().filter(|piece| !piece.units.is_empty()) {
            if tidy.last().is_some_and(|last| last.maker == Maker::Gone) && !piece.is_from_here() {
                tidy.pop();
            }
            match tidy.last_mut().filter(|last| last.is_alike(&piece)) {
                Some(last) => last.units.append(&mut piece.units),
                None => tidy.push(piece),
            }
        }
        if tidy.last().is_some_and(|last| last.maker == Maker::Gone) {
            tidy.pop();
        }
        self.pieces = tidy;
    }
}

/// Takes the last pieces off `own`, which hold exactly `text`, with what is pending behind them.
fn own_pieces(own: &mut Vec<Vec<Piece>>, text: &str) -> Vec<Piece> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut left = units.len();
    let mut pieces = VecDeque::new();
    while left > 0 {
        let mut group = own.pop().unwrap();
        if group[0].units.len() > left {
            let cut = group[0].units.len() - left;
            let tail = group[0].split_off(cut);
            let head = std::mem::replace(&mut group[0], tail);
            own.push(vec![head]);
        }
        let piece = &mut group[0];
        left -= piece.units.len();
        assert_eq!(piece.units, units[left..left + piece.units.len()], "the event has other text than was sent");
        piece.maker = Maker::Confirmed;
        group.into_iter().rev().for_each(|piece| pieces.push_front(piece));
    }
    pieces.into()
}
