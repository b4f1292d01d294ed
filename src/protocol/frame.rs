//! A message as bytes: encoded once, compressed once, shared by every recipient ([CN2], design invariant 8).
//!
//! Promises: the deflated form is made at most once, and only when somebody wants it; it needs nothing of earlier
//! messages to be inflated; it is used only where it is smaller.
//! Must never: be changed after it was made.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use flate2::{Compress, Compression, FlushCompress};
use serde_json::value::RawValue;

use super::message::reply::Callback;

/// What every sync flush ends with; RFC 7692 takes it off the end of a message.
const FLUSH_END: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// Bytes of JSON that many messages share, such as the blocks of a snapshot; compressed at most once.
#[derive(Debug)]
pub struct Chunk {
    json: Box<[u8]>,
    deflated: OnceLock<Option<Box<[u8]>>>,
}

impl Chunk {
    /// JSON text that stands inside messages.
    pub fn new(json: Vec<u8>) -> Arc<Self> {
        Arc::new(Self::of(json))
    }

    /// Bytes of JSON.
    pub fn len(&self) -> usize {
        self.json.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.json.is_empty()
    }

    fn of(json: Vec<u8>) -> Self {
        Self { json: json.into_boxed_slice(), deflated: OnceLock::new() }
    }

    /// Raw deflate, up to and with the end of a sync flush.
    fn deflated(&self) -> Option<&[u8]> {
        self.deflated.get_or_init(|| deflate(&self.json)).as_deref()
    }
}

/// How a recipient can take messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressing {
    /// As they are.
    Never,
    /// Deflated, from this many bytes on, where that is smaller.
    From(usize),
}

/// One of the two forms of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Plain,
    /// Deflated.
    Deflated,
}

/// One message as bytes.
#[derive(Debug)]
pub struct Frame {
    head: Chunk,
    /// What follows the head; other messages may hold the same.
    rest: Box<[Arc<Chunk>]>,
    plain: Header,
    deflated: OnceLock<Option<Header>>,
    /// The whole message as one piece of JSON; made when a transport wants it so.
    raw: OnceLock<Option<Box<RawValue>>>,
    /// Who waits for it; of a reply alone.
    callback: Option<Callback>,
}

impl Frame {
    /// A whole message.
    pub fn new(json: Vec<u8>) -> Arc<Self> {
        Self::of(json, Box::default())
    }

    /// A message of which only the head is its own.
    pub fn in_pieces(head: Vec<u8>, rest: impl Into<Box<[Arc<Chunk>]>>) -> Arc<Self> {
        Self::of(head, rest.into())
    }

    /// A message as another hub sent it, with its deflated form (as `deflated_if_made` gives it) if there was one.
    pub fn received(json: Vec<u8>, deflated: Option<&[u8]>) -> Arc<Self> {
        let frame = Self::of(json, Box::default());
        if let Some(deflated) = deflated {
            let _ = frame.head.deflated.set(Some([deflated, &FLUSH_END].concat().into_boxed_slice()));
        }
        frame
    }

    fn of(head: Vec<u8>, rest: Box<[Arc<Chunk>]>) -> Arc<Self> {
        let (head, plain, deflated, raw) = (Chunk::of(head), Header::default(), OnceLock::new(), OnceLock::new());
        let mut frame = Self { head, rest, plain, deflated, raw, callback: None };
        frame.plain = Header::text(frame.len(), Form::Plain);
        Arc::new(frame)
    }

    /// The same, for who waits for it.
    #[must_use]
    pub fn answering(mut self: Arc<Self>, callback: Callback) -> Arc<Self> {
        // Proven: who has just made it is the only one who has it.
        if let Some(frame) = Arc::get_mut(&mut self) {
            frame.callback = Some(callback);
        }
        self
    }

    /// Who waits for it.
    pub fn callback(&self) -> Option<Callback> {
        self.callback
    }

    /// The message's `type`, which is the first that it says; empty if it has none.
    pub fn kind(&self) -> &str {
        const BEFORE: &[u8] = b"{\"type\":\"";
        let rest = self.head.json.strip_prefix(BEFORE).unwrap_or_default();
        let len = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
        std::str::from_utf8(&rest[..len]).unwrap_or_default()
    }

    /// The message as a value that is written as it stands; looked through once, whoever and however many get it. None
    /// if it is no JSON.
    pub fn raw(&self) -> Option<&RawValue> {
        let read = || RawValue::from_string(String::from_utf8(self.json()).ok()?).ok();
        self.raw.get_or_init(read).as_deref()
    }

    /// Bytes of JSON: what the message counts for in an outbox.
    pub fn len(&self) -> usize {
        self.chunks().map(Chunk::len).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The JSON text, for HTTP and tests.
    pub fn json(&self) -> Vec<u8> {
        self.chunks().flat_map(|chunk| chunk.json.iter().copied()).collect()
    }

    /// The payload of the deflated form, if somebody has wanted it and it is smaller.
    pub fn deflated_if_made(&self) -> Option<Vec<u8>> {
        self.deflated.get()?.as_ref()?;
        Some(self.pieces(Form::Deflated).skip(1).flatten().copied().collect())
    }

    /// The form in which a recipient gets it.
    pub fn form(&self, compressing: Compressing) -> Form {
        match compressing {
            Compressing::From(bytes_min) if self.len() >= bytes_min && self.deflated_header().is_some() => {
                Form::Deflated
            }
            _ => Form::Plain,
        }
    }

    /// The WebSocket frame in that form, in pieces: header first.
    pub fn pieces(&self, form: Form) -> impl Iterator<Item = &[u8]> {
        let (header, form) = match (form, self.deflated_header_if(form)) {
            (Form::Deflated, Some(header)) => (header, Form::Deflated),
            _ => (&self.plain, Form::Plain),
        };
        let last = self.rest.len();
        let payload = self.chunks().enumerate().map(move |(index, chunk)| match form {
            Form::Plain => &*chunk.json,
            Form::Deflated if index == last => without_flush_end(chunk.deflated().unwrap_or_default()),
            Form::Deflated => chunk.deflated().unwrap_or_default(),
        });
        std::iter::once(header.as_slice()).chain(payload)
    }

    fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        std::iter::once(&self.head).chain(self.rest.iter().map(|chunk| &**chunk))
    }

    fn deflated_header_if(&self, form: Form) -> Option<&Header> {
        if form == Form::Deflated { self.deflated_header() } else { None }
    }

    /// The header of the deflated form; none if it would not be smaller.
    fn deflated_header(&self) -> Option<&Header> {
        let header = self.deflated.get_or_init(|| {
            let lens = self.chunks().map(|chunk| chunk.deflated().map(<[u8]>::len));
            let len = lens.sum::<Option<usize>>()?.checked_sub(FLUSH_END.len())?;
            (len < self.len()).then(|| Header::text(len, Form::Deflated))
        });
        header.as_ref()
    }
}

/// The header of an unmasked, unfragmented text frame (RFC 6455, section 5.2).
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    bytes: [u8; 10],
    len: u8,
}

impl Header {
    fn text(payload_len: usize, form: Form) -> Self {
        const FIN_TEXT: u8 = 0x81;
        const RSV1: u8 = 0x40;
        let mut bytes = [0; 10];
        bytes[0] = if form == Form::Deflated { FIN_TEXT | RSV1 } else { FIN_TEXT };
        let len = if let (Ok(short), true) = (u8::try_from(payload_len), payload_len < 126) {
            bytes[1] = short;
            2
        } else if let Ok(middle) = u16::try_from(payload_len) {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&middle.to_be_bytes());
            4
        } else {
            bytes[1] = 127;
            bytes[2..].copy_from_slice(&(payload_len as u64).to_be_bytes());
            10
        };
        Self { bytes, len }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

fn without_flush_end(deflated: &[u8]) -> &[u8] {
    deflated.strip_suffix(&FLUSH_END).unwrap_or(deflated)
}

thread_local! {
    // Scratch space of 300 KB that would cost more to set up than to use; reset before each use, it carries nothing over.
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(1), false));
}

/// Raw deflate that ends with a sync flush and leans on nothing before it, so that pieces can stand in a row.
fn deflate(json: &[u8]) -> Option<Box<[u8]>> {
    /// A sync flush, the block headers of incompressible input, and enough to spare that the flush is not repeated.
    const SPARE: usize = 64;
    COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        let mut deflated = Vec::with_capacity(json.len() + json.len() / 1024 + SPARE);
        loop {
            let taken = usize::try_from(compress.total_in()).ok()?;
            compress.compress_vec(&json[taken..], &mut deflated, FlushCompress::Sync).ok()?;
            if deflated.len() < deflated.capacity() {
                return Some(deflated.into_boxed_slice());
            }
            deflated.reserve(json.len() / 2 + SPARE);
        }
    })
}
