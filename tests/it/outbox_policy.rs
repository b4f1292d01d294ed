//! [JN6]: what an outbox drops, in which order, and what it never drops.

use std::sync::Arc;

use blockhub::domain::ids::{ConnectionId, ProjectId};
use blockhub::domain::sequence::Seq;
use blockhub::hub::feed::Lag;
use blockhub::hub::outbox::{Outbox, Taken};
use blockhub::hub::weight::FRAME_COST;
use blockhub::protocol::code::CloseCode;
use blockhub::protocol::frame::Frame;
use futures_util::FutureExt;
use uuid::Uuid;

const BODY: usize = 100;
const COST: usize = BODY + FRAME_COST;

fn project(n: u128) -> ProjectId {
    ProjectId(Uuid::from_u128(n))
}

/// A frame of `BODY` bytes that begins with its name.
fn frame(name: &str) -> Arc<Frame> {
    Frame::new(format!("{name:_<BODY$}").into_bytes())
}

fn name(frame: &Frame) -> String {
    String::from_utf8(frame.json()).unwrap().trim_end_matches('_').to_owned()
}

fn take(outbox: &Outbox, frames: usize) -> Vec<String> {
    let mut taken = Vec::new();
    outbox.take(frames, usize::MAX, |frame| taken.push(name(&frame)));
    taken
}

fn take_all(outbox: &Outbox) -> Vec<String> {
    take(outbox, usize::MAX)
}

fn event(outbox: &Outbox, of: u128, seq: u64) {
    outbox.events(project(of), Seq(seq), Seq(seq), frame(&format!("event {of}/{seq}")));
}

fn somebody() -> ConnectionId {
    ConnectionId(Uuid::from_u128(77))
}

fn presence(outbox: &Outbox, frame: Arc<Frame>) {
    outbox.presence(project(1), &vec![somebody()].into(), frame);
}

fn events_lag(of: u128, after: u64) -> Lag {
    Lag { project: project(of), events_after: Some(Seq(after)), presence_of: vec![] }
}

fn roster_lag(of: u128) -> Lag {
    Lag { project: project(of), events_after: None, presence_of: vec![somebody()] }
}

/// An outbox for `frames` frames, with project 1 joined at seq 0.
fn joined(frames: usize) -> Arc<Outbox> {
    let outbox = Outbox::new(frames * COST);
    outbox.start(project(1), Seq(0), vec![]);
    outbox
}

#[test]
fn ms5_what_is_put_in_comes_out_in_that_order() {
    let outbox = joined(10);
    outbox.reply(frame("ack"));
    event(&outbox, 1, 1);
    presence(&outbox, frame("presence"));
    outbox.signal(project(1), frame("signal"));
    outbox.reply(frame("pong"));
    assert_eq!(take_all(&outbox), ["ack", "event 1/1", "presence", "signal", "pong"]);
}

#[test]
fn jn6_signals_are_dropped_first() {
    let outbox = joined(3);
    outbox.signal(project(1), frame("signal"));
    presence(&outbox, frame("presence"));
    event(&outbox, 1, 1);
    event(&outbox, 1, 2);
    assert_eq!(take_all(&outbox), ["presence", "event 1/1", "event 1/2"]);
    assert_eq!(outbox.take_lags(), []);
}

#[test]
fn jn6_presence_is_dropped_next_and_becomes_one_later_roster() {
    let outbox = joined(3);
    presence(&outbox, frame("presence"));
    for seq in 1..=3 {
        event(&outbox, 1, seq);
    }
    presence(&outbox, frame("more presence"));
    assert_eq!(take(&outbox, 1), ["event 1/1"]);
    assert_eq!(outbox.take_lags(), [], "two of three wait: that is more than half");
    assert_eq!(take_all(&outbox), ["event 1/2", "event 1/3"]);
    assert_eq!(outbox.take_lags(), [roster_lag(1)]);
    assert_eq!(outbox.take_lags(), [], "handed out once");
    presence(&outbox, frame("roster"));
    assert_eq!(take_all(&outbox), ["roster"]);
}

#[test]
fn jn6_events_are_dropped_last_and_become_a_catch_up_from_the_last_seq_sent() {
    let outbox = joined(3);
    for seq in 1..=2 {
        event(&outbox, 1, seq);
    }
    assert_eq!(take(&outbox, 1), ["event 1/1"]);
    for seq in 3..=9 {
        event(&outbox, 1, seq);
    }
    assert_eq!(outbox.take_lags(), [], "what was taken before may still be on its way: more would only wait, too");
    assert_eq!(take_all(&outbox), [""; 0]);
    assert_eq!(outbox.take_lags(), [events_lag(1, 1)]);
    assert_eq!(outbox.take_lags(), [], "handed out once");
    assert_eq!(outbox.lag(project(1)), Some(Seq(1)));
}

#[test]
fn jn6_while_a_project_lags_its_events_and_presence_wait_for_the_catch_up() {
    let outbox = joined(1);
    event(&outbox, 1, 1);
    event(&outbox, 1, 2);
    event(&outbox, 1, 3);
    presence(&outbox, frame("presence"));
    assert_eq!(take_all(&outbox), [""; 0]);
    assert_eq!(outbox.take_lags(), [Lag { presence_of: vec![somebody()], ..events_lag(1, 0) }]);

    event(&outbox, 1, 4);
    outbox.start(project(1), Seq(4), vec![frame("caught up to 4")]);
    assert_eq!(outbox.lag(project(1)), None);
    assert_eq!(take_all(&outbox), ["caught up to 4"]);
    event(&outbox, 1, 5);
    assert_eq!(take_all(&outbox), ["event 1/5"]);
}

#[test]
fn jn6_one_project_that_lags_leaves_the_others_theirs() {
    let outbox = joined(2);
    outbox.start(project(2), Seq(7), vec![]);
    for seq in 1..=3 {
        event(&outbox, 1, seq);
    }
    event(&outbox, 2, 8);
    assert_eq!(take_all(&outbox), ["event 2/8"]);
    assert_eq!(outbox.take_lags(), [events_lag(1, 0)]);
}

#[test]
fn jn6_replies_are_never_dropped_and_stop_the_reading() {
    let outbox = joined(3);
    for n in 0..10 {
        assert_eq!(outbox.accepts_input().now_or_never().is_some(), n < 3, "at {n} replies");
        outbox.reply(frame("reply"));
    }
    event(&outbox, 1, 1);
    assert_eq!(take_all(&outbox), ["reply"; 10]);
    assert!(outbox.accepts_input().now_or_never().is_some());
    assert_eq!(outbox.take_lags(), [events_lag(1, 0)]);
}

#[test]
fn jn6_a_snapshot_counts_but_is_not_dropped() {
    let outbox = joined(3);
    let parts = ["joined", "part", "part", "part", "last part"].map(frame).to_vec();
    outbox.start(project(2), Seq(5), parts);
    event(&outbox, 2, 6);
    assert_eq!(outbox.take_lags(), []);
    assert_eq!(take_all(&outbox), ["joined", "part", "part", "part", "last part"]);
    assert_eq!(outbox.take_lags(), [events_lag(2, 5)]);
}

#[test]
fn jn5_a_start_replaces_the_events_that_wait() {
    let outbox = joined(9);
    event(&outbox, 1, 1);
    event(&outbox, 1, 2);
    outbox.start(project(1), Seq(2), vec![frame("joined at 2")]);
    event(&outbox, 1, 2);
    event(&outbox, 1, 3);
    assert_eq!(take_all(&outbox), ["joined at 2", "event 1/3"]);
}

#[test]
fn jn5_a_gap_between_events_is_not_passed_on() {
    let outbox = joined(9);
    event(&outbox, 1, 1);
    assert_eq!(take_all(&outbox), ["event 1/1"]);
    event(&outbox, 1, 2);
    event(&outbox, 1, 4);
    assert_eq!(take_all(&outbox), [""; 0]);
    assert_eq!(outbox.take_lags(), [events_lag(1, 1)]);
}

#[test]
fn jn6_a_project_that_was_left_is_taken_out_and_no_more_is_taken() {
    let outbox = joined(9);
    event(&outbox, 1, 1);
    outbox.signal(project(1), frame("signal"));
    outbox.stop(project(1));
    event(&outbox, 1, 2);
    presence(&outbox, frame("presence"));
    outbox.signal(project(1), frame("signal"));
    outbox.reply(frame("left"));
    assert_eq!(take_all(&outbox), ["left"]);
}

#[test]
fn dr1_what_waits_is_said_before_the_close() {
    let outbox = joined(9);
    outbox.reply(frame("ack"));
    outbox.close(CloseCode::Restart, "restarting");
    outbox.close(CloseCode::Normal, "too late");
    outbox.reply(frame("too late"));
    assert!(outbox.is_closed());
    let mut frames = Vec::new();
    assert_eq!(outbox.take(9, usize::MAX, |frame| frames.push(name(&frame))), Taken::Frames);
    assert_eq!(frames, ["ack"]);
    assert_eq!(outbox.take(9, usize::MAX, |_| {}), Taken::Close(CloseCode::Restart, "restarting"));
}

#[tokio::test]
async fn jn6_who_waits_is_woken() {
    let outbox = joined(2);
    let (filled, ()) = tokio::join!(outbox.filled(), async { outbox.reply(frame("reply")) });
    assert_eq!(filled, ());
    outbox.reply(frame("reply"));
    let drain = async { assert_eq!(take_all(&outbox).len(), 2) };
    tokio::join!(outbox.accepts_input(), drain);
    for seq in 1..=3 {
        event(&outbox, 1, seq);
    }
    let drain = async { assert_eq!(take_all(&outbox), [""; 0]) };
    tokio::join!(outbox.lags_due(), drain);
}

#[test]
fn jn6_a_batch_ends_at_its_bounds_but_holds_one_frame_at_least() {
    let outbox = joined(9);
    (0..4).for_each(|_| outbox.reply(frame("reply")));
    let mut taken = 0;
    outbox.take(9, 1, |_| taken += 1);
    assert_eq!(taken, 1);
    outbox.take(9, BODY + 1, |_| taken += 1);
    assert_eq!(taken, 3);
    outbox.take(1, usize::MAX, |_| taken += 1);
    assert_eq!(taken, 4);
}
