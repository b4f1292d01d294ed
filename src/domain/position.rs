//! Order keys: base-62 fractional indexes, equal to those of npm `fractional-indexing` (`generateKeyBetween`).
//!
//! A key is an integer part, whose first character tells how long it is, and a fraction without trailing zeros. Between
//! any two keys there is another, and keys at the ends grow by counting. The algorithm is David Greenspan's
//! ("Implementing Fractional Indexing"), so a client can reckon the same key that the hub will.
//!
//! Promises: keys sort bytewise as they were made: a key between two stands between them.
//! Must never: give a key out twice for the same gap's two sides, or accept one that it could not have made.

use std::cmp::Ordering;
use std::sync::Arc;

/// An order key; keys compare bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub Arc<str>);

/// Why there is no key between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionError {
    /// No key that this algorithm makes.
    NotAKey,
    /// The first does not sort before the second.
    OutOfOrder,
    /// The end of all integers was reached: 62 to the 26th keys.
    Exhausted,
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LARGEST: u8 = b'z';
const SMALLEST_INTEGER: &str = "A00000000000000000000000000";

impl Position {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key behind `after` and before `before`; `None` is the beginning or the end.
    pub fn between(after: Option<&Self>, before: Option<&Self>) -> Result<Self, PositionError> {
        let after = after.map(Key::parse).transpose()?;
        let before = before.map(Key::parse).transpose()?;
        let key = match (after, before) {
            (None, None) => "a0".to_owned(),
            (None, Some(before)) => before.key_before()?,
            (Some(after), None) => after.key_behind()?,
            (Some(after), Some(before)) => after.key_up_to(&before)?,
        };
        Ok(Self(key.into()))
    }

    /// `count` keys in order, all behind `after` and before `before`, as short as can be (`generateNKeysBetween`).
    pub fn several(after: Option<&Self>, before: Option<&Self>, count: usize) -> Result<Vec<Self>, PositionError> {
        let mut keys = Vec::with_capacity(count);
        Self::spread(after, before, count, &mut keys)?;
        Ok(keys)
    }

    fn spread(
        after: Option<&Self>,
        before: Option<&Self>,
        count: usize,
        keys: &mut Vec<Self>,
    ) -> Result<(), PositionError> {
        match (after, before) {
            _ if count == 0 => {}
            (_, None) => {
                for _ in 0..count {
                    let last = keys.last().or(after).cloned();
                    keys.push(Self::between(last.as_ref(), None)?);
                }
            }
            (None, Some(_)) => {
                for _ in 0..count {
                    let first = keys.last().or(before).cloned();
                    keys.push(Self::between(None, first.as_ref())?);
                }
                keys.reverse();
            }
            (Some(_), Some(_)) => {
                let middle = Self::between(after, before)?;
                Self::spread(after, Some(&middle), count / 2, keys)?;
                keys.push(middle.clone());
                Self::spread(Some(&middle), before, count - count / 2 - 1, keys)?;
            }
        }
        Ok(())
    }
}

/// A key in its two parts.
struct Key<'a> {
    integer: &'a str,
    fraction: &'a str,
}

impl<'a> Key<'a> {
    fn parse(position: &'a Position) -> Result<Self, PositionError> {
        let text = position.as_str();
        let len = text.bytes().next().and_then(integer_len).ok_or(PositionError::NotAKey)?;
        let digits_only = text.bytes().all(|byte| digit(byte).is_some());
        if !digits_only || text.len() < len || text == SMALLEST_INTEGER {
            return Err(PositionError::NotAKey);
        }
        let (integer, fraction) = text.split_at(len);
        if fraction.ends_with('0') {
            return Err(PositionError::NotAKey);
        }
        Ok(Self { integer, fraction })
    }

    fn key_before(&self) -> Result<String, PositionError> {
        if self.integer == SMALLEST_INTEGER {
            return Ok(join(self.integer, &midpoint("", Some(self.fraction))));
        }
        if !self.fraction.is_empty() {
            return Ok(self.integer.to_owned());
        }
        step(self.integer, Ordering::Less).ok_or(PositionError::Exhausted)
    }

    fn key_behind(&self) -> Result<String, PositionError> {
        Ok(step(self.integer, Ordering::Greater).unwrap_or_else(|| join(self.integer, &midpoint(self.fraction, None))))
    }

    fn key_up_to(&self, before: &Self) -> Result<String, PositionError> {
        match (self.integer, self.fraction).cmp(&(before.integer, before.fraction)) {
            Ordering::Less => {}
            Ordering::Equal | Ordering::Greater => return Err(PositionError::OutOfOrder),
        }
        if self.integer == before.integer {
            return Ok(join(self.integer, &midpoint(self.fraction, Some(before.fraction))));
        }
        let next = step(self.integer, Ordering::Greater).ok_or(PositionError::Exhausted)?;
        if (next.as_str(), "") < (before.integer, before.fraction) {
            return Ok(next);
        }
        Ok(join(self.integer, &midpoint(self.fraction, None)))
    }
}

fn join(integer: &str, fraction: &str) -> String {
    [integer, fraction].concat()
}

/// The length of an integer part that begins with `head`: `a` and `Z` are the shortest, away from them it grows.
fn integer_len(head: u8) -> Option<usize> {
    match head {
        b'a'..=b'z' => Some(usize::from(head - b'a') + 2),
        b'A'..=b'Z' => Some(usize::from(b'Z' - head) + 2),
        _ => None,
    }
}

fn digit(byte: u8) -> Option<usize> {
    DIGITS.binary_search(&byte).ok()
}

/// The integer part one above (`Greater`) or one below (`Less`); none at the end of all.
fn step(integer: &str, direction: Ordering) -> Option<String> {
    let (head, digits) = integer.as_bytes().split_first()?;
    let (limit, wrapped) = if direction.is_gt() { (LARGEST, b'0') } else { (b'0', LARGEST) };
    let mut digits = digits.to_vec();
    for byte in digits.iter_mut().rev() {
        if *byte != limit {
            *byte = neighbour(*byte, direction)?;
            return text(*head, &digits);
        }
        *byte = wrapped;
    }
    let head = step_head(*head, direction)?;
    digits.resize(integer_len(head)? - 1, wrapped);
    text(head, &digits)
}

fn neighbour(byte: u8, direction: Ordering) -> Option<u8> {
    let at = digit(byte)?;
    let at = if direction.is_gt() { at.checked_add(1)? } else { at.checked_sub(1)? };
    DIGITS.get(at).copied()
}

fn step_head(head: u8, direction: Ordering) -> Option<u8> {
    match (head, direction.is_gt()) {
        (b'Z', true) => Some(b'a'),
        (b'a', false) => Some(b'Z'),
        (b'z', true) | (b'A', false) => None,
        (_, true) => Some(head + 1),
        (_, false) => Some(head - 1),
    }
}

fn text(head: u8, digits: &[u8]) -> Option<String> {
    let mut bytes = vec![head];
    bytes.extend(digits);
    String::from_utf8(bytes).ok()
}

/// The shortest fraction above `low` and below `high`; `None` is one.
fn midpoint(low: &str, high: Option<&str>) -> String {
    let (low, high) = (low.as_bytes(), high.map(str::as_bytes));
    let mut middle = String::new();
    let (mut low_at, mut high) = (0, high);
    loop {
        let below = low.get(low_at).and_then(|byte| digit(*byte)).unwrap_or(0);
        let above = match high {
            None => DIGITS.len(),
            // A fraction that ends here has no room below; parsing and order made sure that it does not.
            Some(rest) => rest.first().and_then(|byte| digit(*byte)).unwrap_or(0),
        };
        if above > below + 1 {
            middle.push(char::from(DIGITS[(below + above).div_ceil(2)]));
            return middle;
        }
        if above == below {
            middle.push(char::from(DIGITS[below]));
            high = high.and_then(|rest| rest.get(1..)).filter(|rest| !rest.is_empty());
        } else if high.is_some_and(|rest| rest.len() > 1) {
            middle.push(char::from(DIGITS[above]));
            return middle;
        } else {
            middle.push(char::from(DIGITS[below]));
            high = None;
        }
        low_at += 1;
    }
}
