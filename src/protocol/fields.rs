//! The members of one JSON object, each still as text, so that whatever is wrong can be named.
//!
//! Promises: an array is not taken for an object; a name given twice is refused once it is asked for; null counts as
//! absent, unless any JSON is asked for.
//! Must never: look at members nobody asks for.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use uuid::Uuid;

/// What is wrong with a message, for people; names the field, never repeats what was sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

/// What a value must be, as in "must be a UUID"; or what is wrong inside of it.
pub enum Misread {
    /// It is something else than this.
    Not(&'static str),
    /// It is the right kind of thing, with something wrong in it.
    Within(Wrong),
}

/// One JSON object.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads an object's outline.
    pub fn parse(text: &'a str) -> Result<Self, Wrong> {
        serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Wrong("must be a JSON object".to_owned()),
            _ => Wrong("is not JSON".to_owned()),
        })
    }

    /// A member as text, null too.
    pub fn raw(&self, name: &str) -> Result<Option<&'a RawValue>, Wrong> {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        let first = found.next().map(|(_, value)| *value);
        match found.next() {
            Some(_) => Err(Wrong(format!("`{name}` is given twice"))),
            None => Ok(first),
        }
    }

    /// A member that may be absent.
    pub fn optional<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'a RawValue) -> Result<T, Misread>,
    ) -> Result<Option<T>, Wrong> {
        let given = self.raw(name)?.filter(|value| value.get() != "null");
        given.map(read).transpose().map_err(|misread| misread.of(name))
    }

    /// A member that must be there.
    pub fn required<T>(&self, name: &str, read: impl FnOnce(&'a RawValue) -> Result<T, Misread>) -> Result<T, Wrong> {
        self.optional(name, read)?.ok_or_else(|| Wrong(format!("`{name}` is missing")))
    }
}

impl Misread {
    fn of(self, name: &str) -> Wrong {
        match self {
            Self::Not(expected) => Wrong(format!("`{name}` must be {expected}")),
            Self::Within(Wrong(message)) => Wrong(format!("in `{name}`: {message}")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Fields(members))
    }
}

/// A member's name: borrowed wherever it holds no escape.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A string of `min` to `max` characters.
pub fn text(min: usize, max: usize, expected: &'static str) -> impl Fn(&RawValue) -> Result<String, Misread> {
    move |value| {
        let text = string(value).map_err(|_| Misread::Not(expected))?;
        let fits = (min..=max).contains(&text.chars().count());
        if fits && !text.contains('\0') { Ok(text) } else { Err(Misread::Not(expected)) }
    }
}

/// Any string.
pub fn string(value: &RawValue) -> Result<String, Misread> {
    serde_json::from_str(value.get()).map_err(|_| Misread::Not("a string"))
}

/// A UUID with hyphens, in any case.
pub fn uuid(value: &RawValue) -> Result<Uuid, Misread> {
    const QUOTED_LEN: usize = 38;
    let quoted = Some(value.get()).filter(|text| text.len() == QUOTED_LEN);
    let inner = quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
    inner.and_then(|text| Uuid::try_parse(text).ok()).ok_or(Misread::Not("a UUID"))
}

/// The highest integer that a double tells from its neighbours.
const WHOLE_MAX: u64 = 1 << 53;

/// A non-negative integer in any spelling that a double has; what lies beyond `WHOLE_MAX` is taken for that.
pub fn whole(value: &RawValue) -> Result<u64, Misread> {
    if let Ok(number) = value.get().parse::<u64>() {
        return Ok(number.min(WHOLE_MAX));
    }
    let number = serde_json::from_str::<f64>(value.get()).ok();
    let number = number.filter(|number| *number >= 0.0 && number.fract() == 0.0);
    // The cast saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    number.map(|number| (number as u64).min(WHOLE_MAX)).ok_or(Misread::Not("a non-negative whole number"))
}

/// A JSON object, its numbers as `double` has them.
pub fn object(value: &RawValue) -> Result<Map<String, Value>, Misread> {
    let mut map: Map<String, Value> = serde_json::from_str(value.get()).map_err(|_| Misread::Not("an object"))?;
    map.values_mut().for_each(doubles);
    Ok(map)
}

/// Any JSON, as it was written.
pub fn any(value: &RawValue) -> Result<Arc<RawValue>, Misread> {
    Ok(Arc::from(value.to_owned()))
}

/// An array, its items still as text.
pub fn list(value: &RawValue) -> Result<Vec<&RawValue>, Misread> {
    serde_json::from_str(value.get()).map_err(|_| Misread::Not("an array"))
}

/// An object within the object.
pub fn nested(value: &RawValue) -> Result<Fields<'_>, Misread> {
    Fields::parse(value.get()).map_err(|_| Misread::Not("an object"))
}

/// Numbers are doubles, so 1, 1.0 and 1e0 are one number and must be equal when values are compared.
fn doubles(value: &mut Value) {
    match value {
        Value::Number(number) => *number = double(number),
        Value::Array(items) => items.iter_mut().for_each(doubles),
        Value::Object(members) => members.values_mut().for_each(doubles),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The same double: as an integer where it is one that all doubles around tell apart, else with a fraction or exponent.
fn double(number: &Number) -> Number {
    if number.as_i64().is_some_and(|integer| integer.unsigned_abs() <= WHOLE_MAX) {
        return number.clone();
    }
    let double = number.as_f64().unwrap_or_default();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // Both are exact up to `WHOLE_MAX`.
    if double.fract() == 0.0 && double.abs() <= WHOLE_MAX as f64 {
        return Number::from(double as i64);
    }
    Number::from_f64(double).unwrap_or_else(|| number.clone())
}
