//! [CN2]: frames are encoded and compressed once, and inflate to what was said.

use std::io::Read;
use std::sync::Arc;

use blockhub::protocol::frame::{Chunk, Compressing, Form, Frame};
use flate2::read::DeflateDecoder;
use proptest::prelude::*;

/// What a recipient reads: header fields and payload.
struct Received {
    first: u8,
    payload: Vec<u8>,
}

fn wire(frame: &Frame, form: Form) -> Received {
    let bytes: Vec<u8> = frame.pieces(form).flatten().copied().collect();
    let (len, at) = match bytes[1] {
        126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
        127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()).try_into().unwrap(), 10),
        short => (usize::from(short), 2),
    };
    let payload = bytes[at..].to_vec();
    assert_eq!(payload.len(), len, "the header tells the payload's length");
    Received { first: bytes[0], payload }
}

fn inflate(mut payload: Vec<u8>) -> Vec<u8> {
    payload.extend_from_slice(&[0, 0, 0xFF, 0xFF, 0x01, 0, 0, 0xFF, 0xFF]);
    let mut json = Vec::new();
    DeflateDecoder::new(&*payload).read_to_end(&mut json).unwrap();
    json
}

fn text(len: usize) -> Vec<u8> {
    r#"{"color":"red","text":"words, words"},"#.bytes().cycle().take(len).collect()
}

#[test]
fn cn2_a_plain_frame_has_the_header_of_its_length() {
    for len in [0, 1, 125, 126, 127, 65_535, 65_536, 300_000] {
        let frame = Frame::new(text(len));
        let read = wire(&frame, Form::Plain);
        assert_eq!((read.first, read.payload), (0x81, text(len)));
    }
}

#[test]
fn cn2_a_frame_is_compressed_from_the_threshold_on() {
    let threshold = Compressing::From(1024);
    assert_eq!(Frame::new(text(1023)).form(threshold), Form::Plain);
    assert_eq!(Frame::new(text(1024)).form(threshold), Form::Deflated);
    assert_eq!(Frame::new(text(1024)).form(Compressing::Never), Form::Plain);
}

#[test]
fn cn2_a_frame_that_would_not_be_smaller_is_sent_plain() {
    let mut noise = 0x2545_F491_4F6C_DD1D_u64;
    let random = (0..4096).map(|_| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise.to_le_bytes()[3]
    });
    let frame = Frame::new(random.collect());
    assert_eq!(frame.form(Compressing::From(1)), Form::Plain);
    assert_eq!(wire(&frame, Form::Deflated).first, 0x81);
}

#[test]
fn cn2_frames_that_share_a_chunk_inflate_to_their_own_text() {
    let chunk = Chunk::new(text(100_000));
    for tail in ["}", r#","more":true}"#] {
        let frame = Frame::in_pieces(b"{\"blocks\":".to_vec(), [Arc::clone(&chunk), Chunk::new(tail.into())]);
        assert_eq!(frame.form(Compressing::From(1024)), Form::Deflated);
        let read = wire(&frame, Form::Deflated);
        assert_eq!(read.first, 0xC1);
        assert!(read.payload.len() < 10_000);
        assert_eq!(inflate(read.payload), frame.json());
        assert_eq!(wire(&frame, Form::Plain).payload, frame.json());
        assert_eq!(frame.json(), [&b"{\"blocks\":"[..], &text(100_000), tail.as_bytes()].concat());
    }
}

proptest! {
    #[test]
    fn cn2_every_frame_inflates_to_its_text(head in ".{0,2000}", chunk in "[a-c]{0,9000}", tail in ".{0,40}") {
        let frame = Frame::in_pieces(head.into(), [Chunk::new(chunk.into()), Chunk::new(tail.into())]);
        if frame.form(Compressing::From(0)) == Form::Deflated {
            prop_assert_eq!(inflate(wire(&frame, Form::Deflated).payload), frame.json());
        }
        prop_assert_eq!(wire(&frame, Form::Plain).payload, frame.json());
    }
}
