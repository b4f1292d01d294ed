//! WebSocket frames as bytes: RFC 6455, section 5.2, seen from a client.
//!
//! Promises: pure; a frame is found whole or not at all, and nothing of it is copied.
//! Must never: take a frame that a server may not send: masked, fragmented, or of an unknown kind.

use std::ops::Range;

use crate::LoadError;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8, or that deflated.
    Text,
    /// Bytes, or those deflated.
    Binary,
    /// The end: a code and a reason.
    Close,
    /// To be answered with the same payload.
    Ping,
    /// The answer to a ping.
    Pong,
}

/// How a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// Deflated (RFC 7692).
    Deflated,
}

/// Where a frame is in the bytes that it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// How its payload is written.
    pub form: Form,
    /// Its payload.
    pub payload: Range<usize>,
}

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;

/// The frame that these bytes begin with; none if it is not whole.
pub fn find(bytes: &[u8]) -> Result<Option<Found>, LoadError> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    if first & FIN == 0 || first & RSV2_AND_3 != 0 || second & MASKED != 0 {
        return Err(LoadError::Wrong(format!("a frame that begins with {first:#04x} {second:#04x}")));
    }
    let form = if first & RSV1 == 0 { Form::Plain } else { Form::Deflated };
    let kind = kind(first & 0x0F)?;
    let Some((start, length)) = extent(bytes, second) else { return Ok(None) };
    let end = start.saturating_add(length);
    Ok((end <= bytes.len()).then_some(Found { kind, form, payload: start..end }))
}

/// How many bytes the frame has that these begin with; none if they do not say it yet.
pub fn whole_length(bytes: &[u8]) -> Option<usize> {
    let (start, length) = extent(bytes, *bytes.get(1)?)?;
    Some(start.saturating_add(length))
}

/// Where the payload begins, and its length.
fn extent(bytes: &[u8], second: u8) -> Option<(usize, usize)> {
    match second {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            Some((4, usize::from(u16::from_be_bytes(length))))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            Some((10, usize::try_from(u64::from_be_bytes(length)).ok()?))
        }
        short => Some((2, usize::from(short))),
    }
}

fn kind(code: u8) -> Result<Kind, LoadError> {
    match code {
        1 => Ok(Kind::Text),
        2 => Ok(Kind::Binary),
        8 => Ok(Kind::Close),
        9 => Ok(Kind::Ping),
        10 => Ok(Kind::Pong),
        _ => Err(LoadError::Wrong(format!("a frame of the unknown kind {code}"))),
    }
}

fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Text => 1,
        Kind::Binary => 2,
        Kind::Close => 8,
        Kind::Ping => 9,
        Kind::Pong => 10,
    }
}

/// Adds a masked frame, as a client must send it, to `out`.
pub fn put(out: &mut Vec<u8>, kind: Kind, payload: &[u8], mask: [u8; 4]) {
    out.push(FIN | code(kind));
    if let (Ok(short), true) = (u8::try_from(payload.len()), payload.len() < 126) {
        out.push(MASKED | short);
    } else if let Ok(middle) = u16::try_from(payload.len()) {
        out.push(MASKED | 126);
        out.extend_from_slice(&middle.to_be_bytes());
    } else {
        out.push(MASKED | 127);
        out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    apply(&mut out[start..], mask);
}

/// Eight bytes at a time.
fn apply(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Found, Kind, apply, find, put, whole_length};

    fn served(first: u8, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, Kind::Text, &vec![7; length], [0; 4]);
        let header = bytes.len() - length - 4;
        bytes.drain(header..header + 4);
        (bytes[0], bytes[1]) = (first, bytes[1] & 0x7F);
        bytes
    }

    #[test]
    fn a_frame_is_whole_or_not_there() {
        for (length, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let bytes = served(0xC1, length);
            let whole = Found { kind: Kind::Text, form: Form::Deflated, payload: header..header + length };
            assert_eq!(find(&[bytes.clone(), vec![1]].concat()).unwrap(), Some(whole));
            assert_eq!(whole_length(&bytes), Some(bytes.len()));
            for cut in [0, 1, header - 1, bytes.len() - 1] {
                assert_eq!(find(&bytes[..cut]).unwrap(), None, "{length} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_a_server_may_not_send_is_refused() {
        for first in [0x01, 0x80, 0x83, 0xA1, 0x91] {
            assert!(find(&served(first, 3)).is_err(), "{first:#04x}");
        }
        assert!(find(&[0x81, 0x80, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_mask_taken_twice_is_none() {
        for length in 0..40 {
            let payload: Vec<u8> = (0..length).collect();
            let mut masked = payload.clone();
            apply(&mut masked, [1, 2, 3, 4]);
            let expected: Vec<u8> = payload.iter().enumerate().map(|(at, byte)| byte ^ [1, 2, 3, 4][at % 4]).collect();
            assert_eq!(masked, expected);
        }
    }
}
