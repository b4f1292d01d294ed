//! Digests: 64 bits that stand for an event, or for all blocks of a project.
//!
//! Promises: equal JSON has equal digests, whatever the order of its keys and the spelling of its numbers; the digest of
//! blocks does not depend on their order, and follows each change of a block at that block's cost.
//! Must never: be used against somebody who wants two things to look alike; a seeded fault is no attacker.

use std::hash::{BuildHasherDefault, Hasher};

use serde_json::{Map, Value};

/// An odd number without pattern: the fraction of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Takes bytes in, gives 64 bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Digest(u64);

/// For maps whose keys nobody chooses in order to harm.
pub type BuildDigest = BuildHasherDefault<Digest>;

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(FACTOR);
        self.0 = (mixed ^ (mixed >> 32)).rotate_left(29);
    }

    fn write_u128(&mut self, number: u128) {
        self.write_u64(number as u64);
        self.write_u64((number >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(FACTOR);
        mixed ^ (mixed >> 32)
    }
}

/// The digest of an event, as the wire shows it.
pub fn digest_of_event(event: &Value) -> u64 {
    digest_of(event)
}

/// The digest of any JSON.
pub fn digest_of(value: &Value) -> u64 {
    let mut digest = Digest::default();
    take(&mut digest, value);
    digest.finish()
}

/// Takes in a text, with its length, so that what follows cannot be mistaken for a part of it.
pub(crate) fn take_text(digest: &mut Digest, text: &str) {
    digest.write_u64(text.len() as u64);
    digest.write(text.as_bytes());
}

fn take(digest: &mut Digest, value: &Value) {
    match value {
        Value::Null => digest.write_u8(0),
        Value::Bool(truth) => digest.write_u8(1 + u8::from(*truth)),
        Value::Number(number) => {
            digest.write_u8(3);
            // Adding zero makes one of the two zeros.
            digest.write_u64((number.as_f64().unwrap_or(f64::NAN) + 0.0).to_bits());
        }
        Value::String(text) => {
            digest.write_u8(4);
            take_text(digest, text);
        }
        Value::Array(items) => {
            digest.write_u8(5);
            digest.write_u64(items.len() as u64);
            items.iter().for_each(|item| take(digest, item));
        }
        Value::Object(members) => {
            digest.write_u8(6);
            take_members(digest, members);
        }
    }
}

/// Takes in an object's members, in the order of their keys.
pub(crate) fn take_members(digest: &mut Digest, members: &Map<String, Value>) {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    digest.write_u64(sorted.len() as u64);
    for (key, value) in sorted {
        take_text(digest, key);
        take(digest, value);
    }
}
