//! A TCP proxy that can be told to misbehave.
//!
//! Promises: it passes bytes on unchanged and in order, except for what it was told; it listens on the same port until
//! it is dropped.
//! Must never: misbehave by itself: whoever connects through it in calm weather sees the target.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::LoadError;
use crate::chance::Chance;
use crate::ports::Ports;

/// Read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A proxy.
pub struct Proxy {
    address: String,
    control: Arc<Control>,
    accepting: JoinHandle<()>,
}

/// What happens to the bytes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They are passed on.
    Pass,
    /// Each chunk waits `by` and a part of `jitter` first.
    Late {
        /// At least.
        by: Duration,
        /// And up to this, drawn for each chunk.
        jitter: Duration,
    },
    /// They are held, as if packets were lost; not even an end is passed on.
    Stalled,
    /// A connection is cut when it has passed on so many bytes.
    CutAfter(usize),
}

/// What happens to those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// They are connected.
    Open,
    /// They are cut at once.
    Shut,
}

/// What happens when a trap's bytes go by, on that connection alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sprung {
    /// It is cut, and the bytes are not passed on.
    CutBefore,
    /// It is cut when half of the bytes have been passed on.
    CutWithin,
    /// It is cut when the bytes have been passed on.
    CutAfter,
    /// The bytes are passed on, and it is cut when the first answer to them comes, which is not.
    CutAnswer,
    /// The bytes are passed on, and answers are held from then on.
    HoldAnswer,
}

/// Waits for bytes that go to the target; springs once.
struct Trap {
    bytes: Vec<u8>,
    then: Sprung,
    told: oneshot::Sender<()>,
}

/// What all connections obey.
struct Control {
    target: String,
    to_target: watch::Sender<Flow>,
    from_target: watch::Sender<Flow>,
    door: watch::Sender<Door>,
    /// Rises when all connections are cut.
    cuts: watch::Sender<u64>,
    traps: Mutex<Vec<Trap>>,
    chance: Mutex<Chance>,
}

impl Proxy {
    /// Listens on a port of its own.
    pub async fn start(ports: &mut Ports, target: &str, chance: Chance) -> Result<Self, LoadError> {
        let listener = TcpListener::bind(("127.0.0.1", ports.take()?)).await?;
        let address = listener.local_addr()?.to_string();
        let control = Arc::new(Control {
            target: target.to_owned(),
            to_target: watch::Sender::new(Flow::Pass),
            from_target: watch::Sender::new(Flow::Pass),
            door: watch::Sender::new(Door::Open),
            cuts: watch::Sender::new(0),
            traps: Mutex::default(),
            chance: Mutex::new(chance),
        });
        let accepting = tokio::spawn(accept(listener, control.clone()));
        Ok(Self { address, control, accepting })
    }

    /// Where it listens: `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What clients say reaches the target like this from now on.
    pub fn to_target(&self, flow: Flow) {
        self.control.to_target.send_replace(flow);
    }

    /// What the target says reaches clients like this from now on.
    pub fn to_clients(&self, flow: Flow) {
        self.control.from_target.send_replace(flow);
    }

    /// Both directions.
    pub fn flow(&self, flow: Flow) {
        self.to_target(flow);
        self.to_clients(flow);
    }

    /// Who connects from now on is treated like this.
    pub fn door(&self, door: Door) {
        self.control.door.send_replace(door);
    }

    /// Cuts all connections that there are.
    pub fn cut(&self) {
        self.control.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// When a connection sends these bytes, in one chunk or in two, that happens to it, once; the receiver is told.
    pub fn trap(&self, bytes: &[u8], then: Sprung) -> oneshot::Receiver<()> {
        let (told, sprung) = oneshot::channel();
        self.control.traps.lock().push(Trap { bytes: bytes.to_vec(), then, told });
        sprung
    }

    /// Takes all traps away that have not sprung.
    pub fn disarm(&self) {
        self.control.traps.lock().clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, control: Arc<Control>) {
    loop {
        // Too many open files: the next one may have more luck.
        let Ok((client, _)) = listener.accept().await else { continue };
        if *control.door.borrow() == Door::Shut {
            continue;
        }
        tokio::spawn(connect(client, control.clone()));
    }
}

async fn connect(client: TcpStream, control: Arc<Control>) {
    let cuts = control.cuts.subscribe();
    // Nobody there: the client is cut, as it would be refused.
    let Ok(target) = TcpStream::connect(&control.target).await else { return };
    let _ = (client.set_nodelay(true), target.set_nodelay(true));
    let line = Arc::new(Line { control, answers: watch::Sender::new(Answers::Pass), over: watch::Sender::new(false) });
    let ((from_client, to_client), (from_target, to_target)) = (client.into_split(), target.into_split());
    let there = tokio::spawn(carry(line.clone(), Way::There, from_client, to_target, cuts.clone()));
    let back = tokio::spawn(carry(line, Way::Back, from_target, to_client, cuts));
    let _ = tokio::join!(there, back);
}

/// One connection.
struct Line {
    control: Arc<Control>,
    answers: watch::Sender<Answers>,
    over: watch::Sender<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    Pass,
    Held,
    Cut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// Why nothing more is carried.
enum Over {
    /// One side has ended well; the other is told so and may go on.
    Ended,
    /// Both are cut.
    Cut,
}

/// Carries one direction until it ends or is cut.
async fn carry(
    line: Arc<Line>,
    way: Way,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut cuts: watch::Receiver<u64>,
) {
    let mut over = line.over.subscribe();
    let over = tokio::select! {
        over = line.carry(way, &mut from, &mut to) => over,
        _ = cuts.changed() => Over::Cut,
        _ = over.wait_for(|over| *over) => Over::Cut,
    };
    match over {
        // Nobody is left to hold answers for.
        Over::Ended if *line.answers.borrow() != Answers::Pass => drop(line.over.send_replace(true)),
        Over::Ended => drop(to.shutdown().await),
        Over::Cut => drop(line.over.send_replace(true)),
    }
}

impl Line {
    async fn carry(&self, way: Way, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> Over {
        let mut buffer = vec![0; CHUNK_BYTES];
        let (mut passed, mut tail) = (0, Vec::new());
        loop {
            let Ok(count) = from.read(&mut buffer).await else { return Over::Cut };
            let chunk = &buffer[..count];
            let Some(allowed) = self.weather(way, passed, count).await else { return Over::Cut };
            if count == 0 {
                return Over::Ended;
            }
            let sprung = if way == Way::There { self.control.spring(&mut tail, chunk) } else { None };
            let allowed = match sprung {
                Some(Sprung::CutBefore) => 0,
                Some(Sprung::CutWithin) => allowed / 2,
                _ => allowed,
            };
            if let Some(then) = sprung {
                self.answers.send_replace(answers(then));
            }
            if to.write_all(&chunk[..allowed]).await.is_err() || allowed < count || sprung == Some(Sprung::CutAfter) {
                return Over::Cut;
            }
            passed += count;
        }
    }

    /// Waits as long as the weather says; how many of the bytes may pass, or none to cut now.
    async fn weather(&self, way: Way, passed: usize, count: usize) -> Option<usize> {
        if way == Way::Back {
            let mut answers = self.answers.subscribe();
            let now = answers.wait_for(|answers| *answers != Answers::Held).await;
            if now.is_ok_and(|answers| *answers == Answers::Cut) {
                return None;
            }
        }
        let flows = if way == Way::There { &self.control.to_target } else { &self.control.from_target };
        let flow = flows.subscribe().wait_for(|flow| *flow != Flow::Stalled).await.map(|flow| *flow);
        match flow {
            Ok(Flow::Late { by, jitter }) => {
                let part = jitter.mul_f64(self.control.chance.lock().below(1_000) as f64 / 1_000.0);
                sleep(by + part).await;
                Some(count)
            }
            Ok(Flow::CutAfter(bytes)) => Some(count.min(bytes.saturating_sub(passed))),
            _ => Some(count),
        }
    }
}

fn answers(then: Sprung) -> Answers {
    match then {
        Sprung::HoldAnswer => Answers::Held,
        Sprung::CutAnswer => Answers::Cut,
        _ => Answers::Pass,
    }
}

impl Control {
    /// Whether a trap's bytes end in this chunk. `tail` is what came just before.
    fn spring(&self, tail: &mut Vec<u8>, chunk: &[u8]) -> Option<Sprung> {
        let mut traps = self.traps.lock();
        let longest = traps.iter().map(|trap| trap.bytes.len()).max()?;
        let text = [tail, chunk].concat();
        let kept = text.len().saturating_sub(longest - 1);
        let found = traps.iter().position(|trap| text.windows(trap.bytes.len()).any(|window| window == trap.bytes));
        *tail = text[kept..].to_vec();
        let trap = traps.swap_remove(found?);
        // The row may have stopped waiting.
        let _ = trap.told.send(());
        Some(trap.then)
    }
}
