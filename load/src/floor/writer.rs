//! A bare loop of `write()`: one frame to each of many sockets, round after round, in a process of its own.
//!
//! Promises: one system call for each socket and round, and nothing else; the readers are those of the load.
//! Must never: read, or wait for anything but the next round.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use clap::Args;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::LoadError;
use crate::helper::{Helper, told};
use crate::process::cpu_seconds;

/// What the writer is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many sockets.
    sockets: usize,
    /// Bytes of a frame.
    bytes: usize,
    /// Rounds a second.
    rate: f64,
    /// For how long.
    seconds: f64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Processor time of the writer, in microseconds per `write()`.
    pub micros: f64,
    /// How many there were.
    pub writes: u64,
}

/// The writer's process.
pub async fn help(options: &Options) -> Result<(), LoadError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let mut sockets = Vec::with_capacity(options.sockets);
    for _ in 0..options.sockets {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    println!("ready");
    told().await?;
    let before = cpu_seconds(std::process::id());
    let writes = write(&mut sockets, options)?;
    println!("{writes} {}", cpu_seconds(std::process::id()) - before);
    Ok(())
}

fn write(sockets: &mut [TcpStream], options: &Options) -> Result<u64, LoadError> {
    let (frame, begun, mut writes) = (vec![b'x'; options.bytes], Instant::now(), 0);
    for round in 0..(options.rate * options.seconds) as u64 {
        let due = begun + Duration::from_secs_f64(round as f64 / options.rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for socket in &mut *sockets {
            socket.write_all(&frame)?;
            writes += 1;
        }
    }
    Ok(writes)
}

/// Measures: this process reads what another writes.
pub async fn measure(options: &Options) -> Result<Floor, LoadError> {
    let Options { sockets, bytes, rate, seconds } = options;
    let words = [sockets.to_string(), bytes.to_string(), rate.to_string(), seconds.to_string()];
    let words: Vec<String> = std::iter::once("writer".to_owned()).chain(words).collect();
    let mut helper = Helper::start(&words)?;
    let address = helper.hear().await?;
    let mut readers = JoinSet::new();
    for _ in 0..*sockets {
        readers.spawn(read(tokio::net::TcpStream::connect(&address).await?));
    }
    helper.hear().await?;
    helper.tell("go").await?;
    let said = helper.hear().await?;
    let numbers: Vec<f64> = said.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [writes, seconds] = numbers[..] else { return Err(LoadError::Start(format!("the writer said {said}"))) };
    Ok(Floor { micros: seconds * 1e6 / writes.max(1.0), writes: writes as u64 })
}

impl Options {
    /// So many sockets, bytes a frame, rounds a second, seconds.
    pub fn new(sockets: usize, bytes: usize, rate: f64, seconds: f64) -> Self {
        Self { sockets, bytes, rate, seconds }
    }
}

async fn read(mut socket: tokio::net::TcpStream) {
    let mut buffer = vec![0; 4 << 10];
    // The end is the writer's end.
    while socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}
