//! How news get from outboxes to sockets: in rounds, whatever one socket does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use blockhub::hub::line::Line;
use blockhub::hub::outbox::Outbox;
use blockhub::hub::room::fanout::Fanout;
use blockhub::protocol::frame::Frame;
use tokio::sync::mpsc;
use tokio::time::timeout;

const MEMBERS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(30);

/// A socket that takes nothing, and counts.
struct Counting {
    carried: AtomicUsize,
    told: mpsc::UnboundedSender<()>,
}

impl Line for Counting {
    fn carry(&self) {
        self.carried.fetch_add(1, Ordering::Relaxed);
        let _ = self.told.send(());
    }
}

/// A socket that must not be.
struct Panicking;

impl Line for Panicking {
    fn carry(&self) {
        panic!("a planted panic");
    }
}

fn outboxes() -> Vec<Arc<Outbox>> {
    (0..MEMBERS).map(|_| Outbox::new(1 << 20)).collect()
}

fn counting(outboxes: &[Arc<Outbox>]) -> (Vec<Arc<Counting>>, mpsc::UnboundedReceiver<()>) {
    let (told, heard) = mpsc::unbounded_channel();
    let lines = outboxes.iter().map(|outbox| {
        let line = Arc::new(Counting { carried: AtomicUsize::new(0), told: told.clone() });
        outbox.connect(&line);
        line
    });
    (lines.collect(), heard)
}

async fn hear(heard: &mut mpsc::UnboundedReceiver<()>, count: usize) {
    for _ in 0..count {
        timeout(PATIENCE, heard.recv()).await.expect("not everybody was carried");
    }
}

fn carried(lines: &[Arc<Counting>]) -> Vec<usize> {
    lines.iter().map(|line| line.carried.load(Ordering::Relaxed)).collect()
}

#[tokio::test]
async fn jn5_what_comes_while_a_round_is_under_way_is_one_more_round() {
    let (outboxes, fanout) = (outboxes(), Fanout::default());
    let (lines, mut heard) = counting(&outboxes);
    // On one thread nothing runs in between.
    (0..5).for_each(|_| fanout.carry(outboxes.iter()));
    hear(&mut heard, 2 * MEMBERS).await;
    fanout.carry(outboxes.iter());
    hear(&mut heard, MEMBERS).await;
    assert_eq!(carried(&lines), [3; MEMBERS]);
}

#[tokio::test]
async fn jn5_the_next_round_is_for_those_who_are_members_then() {
    let (outboxes, fanout) = (outboxes(), Fanout::default());
    let (lines, mut heard) = counting(&outboxes);
    let few = MEMBERS - 10;
    fanout.carry(outboxes[..few].iter());
    fanout.carry(outboxes.iter());
    hear(&mut heard, few + MEMBERS).await;
    assert_eq!(carried(&lines), [[2; MEMBERS - 10].as_slice(), &[1; 10]].concat());
}

#[tokio::test]
async fn jn5_after_a_panic_the_rest_is_left_to_the_connections_and_the_next_round_goes_on() {
    let (outboxes, fanout) = (outboxes(), Fanout::default());
    let panicking = Arc::new(Panicking);
    outboxes[0].connect(&panicking);
    let (lines, mut heard) = counting(&outboxes[1..]);
    let (woken, mut wakings) = mpsc::unbounded_channel();
    for outbox in &outboxes[1..] {
        let (outbox, woken) = (outbox.clone(), woken.clone());
        tokio::spawn(async move {
            outbox.filled().await;
            woken.send(())
        });
    }
    tokio::task::yield_now().await;
    outboxes.iter().for_each(|outbox| outbox.ack(Frame::new(b"{}".to_vec())));
    // The second is one that waits for the first.
    (0..2).for_each(|_| fanout.carry(outboxes.iter()));
    hear(&mut wakings, MEMBERS - 1).await;
    assert_eq!(carried(&lines), [0; MEMBERS - 1]);
    drop(panicking);
    fanout.carry(outboxes.iter());
    hear(&mut heard, MEMBERS - 1).await;
}
