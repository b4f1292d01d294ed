//! The frame reader alone: whatever bytes come, however they are cut.

use blockhub::transport::websocket::handshake::Deflate;
use blockhub::transport::websocket::reader::{Input, Reader, Standing, Violation};
use proptest::prelude::*;

use crate::socket_harness::frame;

/// All that a reader makes of the pieces.
fn read(pieces: &[&[u8]]) -> (Vec<Input>, Option<Violation>) {
    let mut reader = Reader::new(1000, Deflate::Negotiated, &[]);
    let mut inputs = Vec::new();
    for piece in pieces {
        reader.space().extend_from_slice(piece);
        loop {
            match reader.read() {
                Ok(Some(input)) => inputs.push(input),
                Ok(None) => break,
                Err(violation) => return (inputs, Some(violation)),
            }
        }
    }
    (inputs, None)
}

fn messages() -> Vec<u8> {
    [
        frame(0x81, "héllo".as_bytes()),
        frame(0x01, b"in "),
        frame(0x89, b"ping"),
        frame(0x00, &[b'x'; 300]),
        frame(0x80, b" parts"),
        frame(0x82, &[0xFF]),
        frame(0x8A, b""),
        frame(0x88, &[0x03, 0xE8, b'o', b'k']),
    ]
    .concat()
}

#[test]
fn frames_are_read_whole() {
    let parts = format!("in {} parts", "x".repeat(300));
    let expected = vec![
        Input::Text("héllo".to_owned()),
        Input::Ping(b"ping".to_vec()),
        Input::Text(parts),
        Input::Binary,
        Input::Pong,
        Input::Close(Some(1000)),
    ];
    assert_eq!(read(&[&messages()]), (expected, None));
}

#[test]
fn a_reader_between_messages_says_so() {
    let mut reader = Reader::new(1000, Deflate::Declined, &frame(0x81, b"hello"));
    assert_eq!(reader.standing(), Standing::Midway);
    assert_eq!(reader.read(), Ok(Some(Input::Text("hello".to_owned()))));
    assert_eq!((reader.read(), reader.standing()), (Ok(None), Standing::Between));
    reader.space().extend_from_slice(&frame(0x01, b"more follows"));
    assert_eq!((reader.read(), reader.standing()), (Ok(None), Standing::Midway));
}

proptest! {
    #[test]
    fn frames_are_read_alike_however_they_are_cut(cuts in proptest::collection::vec(0_usize..450, 0..40)) {
        let whole = messages();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &whole[cut[0]..cut[1]]).collect();
        prop_assert_eq!(read(&pieces), read(&[&whole]));
    }

    #[test]
    fn s13_no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..400) {
        let cut = cut.min(bytes.len());
        prop_assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), read(&[&bytes]));
    }

    #[test]
    fn s13_no_deflated_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&[&frame(0xC1, &bytes)]);
    }
}
