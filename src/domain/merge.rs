//! Leaf paths and three-way merge of JSON merge patches (RFC 7396, ED5).
//!
//! Promises: applying `back` after `patch` gives the content before, exactly; content that holds no null gets none.
//! Must never: look into arrays; they are leaves.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde_json::Value;
use serde_json::map::Entry;

use super::block::Content;

/// A JSON Pointer (RFC 6901) through objects only.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(pub Vec<String>);

/// A text that is no JSON Pointer: it does not begin with `/`, or has a `~` that is neither `~0` nor `~1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPointer;

impl FromStr for Pointer {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let keys = text.strip_prefix('/').ok_or(NotAPointer)?;
        keys.split('/').map(unescape).collect::<Result<_, _>>().map(Self)
    }
}

fn unescape(key: &str) -> Result<String, NotAPointer> {
    let mut pieces = key.split('~');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (sign, rest) = match piece.as_bytes().first() {
            Some(b'0') => ('~', &piece[1..]),
            Some(b'1') => ('/', &piece[1..]),
            _ => return Err(NotAPointer),
        };
        plain.push(sign);
        plain.push_str(rest);
    }
    Ok(plain)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in &self.0 {
            write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

impl Pointer {
    /// What stands there, if there is anything.
    pub fn get<'a>(&self, content: &'a Content) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(content.get(first)?, |value, key| value.as_object()?.get(key))
    }

    /// The same, to change it.
    pub fn get_mut<'a>(&self, content: &'a mut Content) -> Option<&'a mut Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(content.get_mut(first)?, |value, key| value.as_object_mut()?.get_mut(key))
    }

    /// The string that stands there, if it is one.
    pub fn text<'a>(&self, content: &'a Content) -> Option<&'a str> {
        self.get(content)?.as_str()
    }

    /// Whether one is equal to, above or below the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| mine == theirs)
    }

    /// The merge patch that sets this path.
    pub fn patch(&self, value: Value) -> Content {
        let nested =
            self.0.iter().rev().fold(value, |value, key| Value::Object([(key.clone(), value)].into_iter().collect()));
        match nested {
            Value::Object(patch) => patch,
            _ => Content::new(),
        }
    }
}

/// Applies a merge patch as RFC 7396 says: nulls remove, objects merge, everything else replaces.
pub fn apply(content: &mut Content, patch: &Content) {
    for (key, change) in patch {
        match change {
            Value::Null => drop(content.remove(key)),
            Value::Object(inner) => match content.entry(key.as_str()) {
                Entry::Occupied(mut held) => match held.get_mut() {
                    Value::Object(object) => apply(object, inner),
                    other => *other = Value::Object(applied(inner)),
                },
                Entry::Vacant(free) => drop(free.insert(Value::Object(applied(inner)))),
            },
            leaf => drop(content.insert(key.clone(), leaf.clone())),
        }
    }
}

/// A patch applied to `{}`: the content of an insert (ED9).
pub fn applied(patch: &Content) -> Content {
    let mut content = Content::new();
    apply(&mut content, patch);
    content
}

/// The merge patch that leads from `content` with `patch` applied back to `content`.
pub fn back(content: &Content, patch: &Content) -> Content {
    let undo = |(key, change): (&String, &Value)| {
        let undone = match (content.get(key), change) {
            (Some(Value::Object(before)), Value::Object(inner)) => Value::Object(back(before, inner)),
            (Some(before), _) => before.clone(),
            (None, _) => Value::Null,
        };
        (key.clone(), undone)
    };
    patch.iter().map(undo).collect()
}

/// The smallest merge patch that leads from one content to another.
pub fn difference(from: &Content, to: &Content) -> Content {
    let removed = from.keys().filter(|key| !to.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = to.iter().filter(|(key, value)| from.get(*key) != Some(*value));
    let set = changed.map(|(key, value)| match (from.get(key), value) {
        (Some(Value::Object(from)), Value::Object(to)) => (key.clone(), Value::Object(difference(from, to))),
        _ => (key.clone(), value.clone()),
    });
    removed.chain(set).collect()
}

/// The leaves of a patch or a content with their paths. Arrays are leaves, and so are empty objects.
pub fn leaves(object: &Content) -> Vec<(Pointer, &Value)> {
    let mut found = Vec::new();
    gather_leaves(object, &mut Vec::new(), &mut found);
    found
}

fn gather_leaves<'a>(object: &'a Content, path: &mut Vec<String>, found: &mut Vec<(Pointer, &'a Value)>) {
    for (key, value) in object {
        path.push(key.clone());
        match value {
            Value::Object(inner) if !inner.is_empty() => gather_leaves(inner, path, found),
            leaf => found.push((Pointer(path.clone()), leaf)),
        }
        path.pop();
    }
}

/// The paths of all leaves of a patch.
pub fn leaf_paths(patch: &Content) -> Vec<Pointer> {
    leaves(patch).into_iter().map(|(path, _)| path).collect()
}

/// The leaf paths whose values differ between two contents.
pub fn differing(one: &Content, other: &Content) -> Vec<Pointer> {
    let mut found = Vec::new();
    gather_differing(one, other, &mut Vec::new(), &mut found);
    found
}

fn gather_differing(one: &Content, other: &Content, path: &mut Vec<String>, found: &mut Vec<Pointer>) {
    for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
        path.push(key.clone());
        match (one.get(key), other.get(key)) {
            (one, other) if one == other => {}
            (Some(Value::Object(one)), Some(Value::Object(other))) => gather_differing(one, other, path, found),
            (one, other) => [one, other].into_iter().flatten().for_each(|side| gather_paths(side, path, found)),
        }
        path.pop();
    }
}

fn gather_paths(side: &Value, path: &mut Vec<String>, found: &mut Vec<Pointer>) {
    match side {
        Value::Object(inner) if !inner.is_empty() => {
            for (key, value) in inner {
                path.push(key.clone());
                gather_paths(value, path, found);
                path.pop();
            }
        }
        _ if found.last().is_some_and(|last| last.0 == *path) => {}
        _ => found.push(Pointer(path.clone())),
    }
}

/// The paths of `patch`, made for `base`, that clash with what became of it: those equal to, above or below one whose
/// value differs, unless both sides gave the same path the same value (ED5).
pub fn clashes(patch: &Content, base: &Content, now: &Content) -> Vec<Pointer> {
    let theirs = differing(base, now);
    let clash = |(path, value): &(Pointer, &Value)| {
        let same = path.get(now) == Some(*value).filter(|value| !value.is_null());
        !is_idle(path, value, base, now) && theirs.iter().any(|other| other.overlaps(path) && !(same && other == path))
    };
    leaves(patch).into_iter().filter(clash).map(|(path, _)| path).collect()
}

/// An empty object in a patch asks for an object to be there: where one was and is, it changes nothing.
fn is_idle(path: &Pointer, value: &Value, base: &Content, now: &Content) -> bool {
    let is_object = |content| path.get(content).is_some_and(Value::is_object);
    value.is_object() && is_object(base) && is_object(now)
}

/// A patch without its removals of what is not there any more: merging must not bring back an object that is gone,
/// only to remove something from it.
pub fn without_idle_removals(patch: &Content, now: &Content) -> Content {
    let keep = |(key, change): (&String, &Value)| match (change, now.get(key)) {
        (Value::Null, None) => None,
        (Value::Object(inner), held) if !inner.is_empty() => {
            let empty = Content::new();
            let kept = without_idle_removals(inner, held.and_then(Value::as_object).unwrap_or(&empty));
            let stays = !kept.is_empty() || held.is_some_and(|held| !held.is_object());
            stays.then(|| (key.clone(), Value::Object(kept)))
        }
        _ => Some((key.clone(), change.clone())),
    };
    patch.iter().filter_map(keep).collect()
}

/// Whether a patch replaces what stands at `path`: it sets it, something above it, or something below it.
pub fn replaces(patch: &Content, path: &Pointer) -> bool {
    let mut here = patch;
    for key in &path.0 {
        match here.get(key) {
            None => return false,
            Some(Value::Object(inner)) => here = inner,
            Some(_) => return true,
        }
    }
    true
}

/// Whether an array holds a null somewhere, which no merge patch could remove.
pub fn hides_null(object: &Content) -> bool {
    object.values().any(|value| match value {
        Value::Object(inner) => hides_null(inner),
        Value::Array(items) => items.iter().any(holds_null),
        _ => false,
    })
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(inner) => inner.values().any(holds_null),
        _ => false,
    }
}

/// About how much memory an object holds, in bytes.
pub fn weight(object: &Content) -> usize {
    object.iter().map(|(key, value)| 64 + key.len() + value_weight(value)).sum()
}

fn value_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 32 + value_weight(item)).sum(),
        Value::Object(inner) => weight(inner),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The length of an object as JSON text, in bytes.
pub fn json_len(object: &Content) -> usize {
    let mut count = Count(0);
    // Writing a JSON value fails only where the writer does, and counting does not.
    let _ = serde_json::to_writer(&mut count, object);
    count.0
}

/// Whether an object is larger than `bytes_max` as JSON text.
pub fn exceeds(object: &Content, bytes_max: usize) -> bool {
    // JSON writes a byte as six at most; what that cannot bring over the bound is not written to be counted.
    weight(object).saturating_mul(6) > bytes_max && json_len(object) > bytes_max
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
