//! The few bytes of a Yjs update (version 1) that setting a key of a map takes, and what an update says of its authors'
//! clocks.
//!
//! Promises: what it writes is, byte for byte, what Yjs 13 writes; what it reads is read to its last struct.
//! Must never: be used for documents other than those it writes: a map `blocks` of objects with a text and a number.

use super::wrong;
use crate::LoadError;

/// A struct's kind, in the low bits of its first byte.
const KIND: u8 = 0x1f;
const GONE: u8 = 0;
const ANY: u8 = 8;
const SKIP: u8 = 10;
/// A struct's flags, in the high bits.
const HAS_ORIGIN: u8 = 0x80;
const HAS_RIGHT_ORIGIN: u8 = 0x40;
const HAS_KEY: u8 = 0x20;
/// What a value is.
const OBJECT: u8 = 118;
const STRING: u8 = 119;
const INTEGER: u8 = 125;

/// One setting of a key.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The author.
    pub client: u64,
    /// How many settings the author made before.
    pub clock: u64,
    /// The clock of the author's last setting of this key, which this one replaces.
    pub replaces: Option<u64>,
    /// The key.
    pub key: &'a str,
    /// The value's text.
    pub text: &'a str,
    /// The value's number.
    pub n: u64,
}

/// A setting as an update.
pub fn update(setting: &Setting<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(setting.text.len() + 80);
    out.extend([1, 1]);
    put_number(&mut out, setting.client);
    put_number(&mut out, setting.clock);
    match setting.replaces {
        None => {
            out.extend([ANY | HAS_KEY, 1]);
            put_text(&mut out, "blocks");
            put_text(&mut out, setting.key);
        }
        Some(clock) => {
            out.push(ANY | HAS_KEY | HAS_ORIGIN);
            put_number(&mut out, setting.client);
            put_number(&mut out, clock);
        }
    }
    out.extend([1, OBJECT, 2]);
    put_text(&mut out, "text");
    out.push(STRING);
    put_text(&mut out, setting.text);
    put_text(&mut out, "n");
    out.push(INTEGER);
    put_integer(&mut out, setting.n);
    put_deleted(&mut out, setting);
    out
}

/// The set of what is deleted by it.
fn put_deleted(out: &mut Vec<u8>, setting: &Setting<'_>) {
    let Some(clock) = setting.replaces else { return out.push(0) };
    out.push(1);
    put_number(out, setting.client);
    out.push(1);
    put_number(out, clock);
    out.push(1);
}

/// Seven bits a byte, the lowest first.
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    out.push(number as u8);
}

/// With its length before it.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// With their length before them.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// One that may be negative elsewhere: the first byte has six bits, and room for a sign.
fn put_integer(out: &mut Vec<u8>, number: u64) {
    let low = (number & 0x3f) as u8;
    match number >> 6 {
        0 => out.push(low),
        rest => {
            out.push(0x80 | low);
            put_number(out, rest);
        }
    }
}

/// What an update adds of one author, without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// The author.
    pub client: u64,
    /// The first clock.
    pub clock: u64,
    /// How many.
    pub count: u64,
}

/// Reads an update; its deletions are passed over.
pub fn added(update: &[u8], mut each: impl FnMut(Added)) -> Result<(), LoadError> {
    read_added(&mut Reader(update), &mut each).ok_or_else(|| wrong(update))
}

fn read_added(reader: &mut Reader<'_>, each: &mut impl FnMut(Added)) -> Option<()> {
    for _ in 0..reader.number()? {
        let structs = reader.number()?;
        let (client, mut clock) = (reader.number()?, reader.number()?);
        for _ in 0..structs {
            let info = reader.byte()?;
            let count = match info & KIND {
                GONE | SKIP => reader.number()?,
                ANY => reader.values(info)?,
                _ => return None,
            };
            if info & KIND != SKIP {
                each(Added { client, clock, count });
            }
            clock += count;
        }
    }
    Some(())
}

/// Bytes that are read from the front.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// As `put_number` writes it.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// As `put_bytes` writes them.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The rest of a struct that holds values; how many.
    fn values(&mut self, info: u8) -> Option<u64> {
        for flag in [HAS_ORIGIN, HAS_RIGHT_ORIGIN] {
            if info & flag != 0 {
                self.number()?;
                self.number()?;
            }
        }
        if info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN) == 0 {
            self.parent(info)?;
        }
        let count = self.number()?;
        for _ in 0..count {
            self.value()?;
        }
        Some(count)
    }

    /// By name, as these documents have it.
    fn parent(&mut self, info: u8) -> Option<()> {
        (self.number()? == 1).then_some(())?;
        self.bytes()?;
        if info & HAS_KEY != 0 {
            self.bytes()?;
        }
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        match self.byte()? {
            STRING => {
                self.bytes()?;
            }
            // Its first byte says as any other's whether more follow.
            INTEGER => {
                self.number()?;
            }
            OBJECT => {
                for _ in 0..self.number()? {
                    self.bytes()?;
                    self.value()?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Added, Setting, added, update};

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// Numbers, and the 301st setting of one key with them.
    const LARGE: [(u64, &str); 5] = [
        (63, "010107ac02a807ab020176020474657874770568656c6c6f016e7d3f010701ab0201"),
        (64, "010107ac02a807ab020176020474657874770568656c6c6f016e7d8001010701ab0201"),
        (8_191, "010107ac02a807ab020176020474657874770568656c6c6f016e7dbf7f010701ab0201"),
        (8_192, "010107ac02a807ab020176020474657874770568656c6c6f016e7d808001010701ab0201"),
        (100_000, "010107ac02a807ab020176020474657874770568656c6c6f016e7da09a0c010701ab0201"),
    ];
    /// The second and third of one author; the second and fourth; one of each of two authors.
    const MERGED: [&str; 3] = [
        "010207018807000176020474657874770568656c6c6f016e7d028807010176020474657874770568656c6c6f016e7d030107010002",
        "010307018807000176020474657874770568656c6c6f016e7d020a018807020176020474657874770568656c6c6f016e7d0401070200010201",
        "02010900280106626c6f636b730262320176020474657874770374776f016e7d010107048807030176020474657874770568656c6c6f016e7d050107010301",
    ];

    fn setting(clock: u64, replaces: Option<u64>, n: u64) -> Setting<'static> {
        Setting { client: 7, clock, replaces, key: "b1", text: "hello", n }
    }

    /// Written by Yjs 13.6.33: `doc.getMap("blocks").set("b1", { text: "hello", n })` of client 7.
    #[test]
    fn updates_are_those_of_yjs() {
        let first = hex("01010700280106626c6f636b730262310176020474657874770568656c6c6f016e7d0100");
        let second = hex("01010701a807000176020474657874770568656c6c6f016e7d020107010001");
        assert_eq!(update(&setting(0, None, 1)), first);
        assert_eq!(update(&setting(1, Some(0), 2)), second);
        for (n, bytes) in LARGE {
            assert_eq!(update(&setting(300, Some(299), n)), hex(bytes), "{n}");
        }
    }

    fn read(update: &[u8]) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        added(update, |Added { client, clock, count }| {
            found.extend((clock..clock + count).map(|clock| (client, clock)))
        })
        .unwrap();
        found
    }

    #[test]
    fn an_update_says_what_it_adds() {
        assert_eq!(read(&update(&setting(0, None, 1))), [(7, 0)]);
        assert_eq!(read(&update(&setting(300, Some(4), 100_000))), [(7, 300)]);
        assert_eq!(read(&hex(MERGED[0])), [(7, 1), (7, 2)]);
        assert_eq!(read(&hex(MERGED[1])), [(7, 1), (7, 3)]);
        assert_eq!(read(&hex(MERGED[2])), [(9, 0), (7, 4)]);
        assert_eq!(read(&[0, 0]), []);
        let whole = update(&setting(0, None, 1));
        for cut in 0..whole.len() - 1 {
            assert!(added(&whole[..cut], |_| ()).is_err(), "{cut}");
        }
    }
}
