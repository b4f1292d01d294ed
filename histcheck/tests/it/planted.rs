//! Each kind of fault is planted into sound histories, and must be found by exactly its name.

use std::collections::BTreeSet;

use histcheck::history::{Epochs, Given, Record, Seen, Since, Told, Touched};
use histcheck::id::Id;
use histcheck::kind::Kind;

use crate::history::History;

/// A test for each fault, and a list of the kinds that have one.
macro_rules! planted {
    ($($kind:ident, $name:ident: $plant:expr;)*) => {
        $(#[test]
        fn $name() {
            for seed in 0..10 {
                let mut history = History::sound(seed, Epochs::Change);
                let plant: fn(&mut History) = $plant;
                plant(&mut history);
                assert_eq!(history.kinds(), BTreeSet::from([Kind::$kind]), "seed {seed}");
            }
        })*

        const PLANTED: &[Kind] = &[Kind::EpochMoved, $(Kind::$kind,)*];
    };
}

#[test]
fn no_kind_is_without_a_planted_fault() {
    let planted: BTreeSet<Kind> = PLANTED.iter().copied().collect();
    assert_eq!(planted, Kind::ALL.iter().copied().collect());
}

const NOBODY: Id = Id(7);

fn acked(history: &History, at: usize) -> (u64, Vec<Touched>) {
    match &history.0[at] {
        Record::Acked { seq, versions, .. } => (*seq, versions.clone()),
        _ => panic!("no ack"),
    }
}

planted! {
    LostAck, ed1_an_acked_edit_that_the_log_does_not_have_is_found: |history| {
        let (client, (project, _, head, _)) = (0, history.head());
        history.0.push(Record::Sent { client, project, edit: NOBODY, user: "user-0".into(), at_ms: 0 });
        let (seq, told) = (head + 1, Told::default());
        history.0.push(Record::Acked { client, project, edit: NOBODY, seq, versions: vec![], told, at_ms: 0 });
    };
    AppliedTwice, ed2_an_edit_that_is_applied_twice_is_found: |history| {
        let (project, _, head, _) = history.head();
        history.move_head(project, 1);
        let mut row = history.rows(project).pop().unwrap();
        if let Record::Event { seq, versions, .. } = &mut row {
            *seq = head + 1;
            versions.iter_mut().for_each(|touched| touched.1 += 1);
        }
        history.0.push(row);
    };
    AckUnlikeLog, ed2_an_ack_of_another_seq_than_the_logs_is_found: |history| {
        let at = history.plain_ack();
        if let Record::Acked { seq, .. } = &mut history.0[at] {
            *seq -= 1;
        }
    };
    AckUnlikeLog, ed2_an_ack_of_other_versions_than_the_logs_is_found: |history| {
        let at = history.plain_ack();
        if let Record::Acked { versions, .. } = &mut history.0[at] {
            versions[0].1 += 1;
        }
    };
    AcksDiffer, ed2_two_acks_of_one_edit_that_differ_are_found: |history| {
        let at = history.plain_ack();
        let (seq, told) = (acked(history, at).0, Told { duplicate: true, ..Told::default() });
        history.send_again(at, |client, project, edit| {
            Record::Acked { client, project, edit, seq, versions: vec![], told, at_ms: 0 }
        });
    };
    NewTwice, ed2_a_duplicate_that_is_not_called_so_is_found: |history| {
        let at = history.plain_ack();
        let ((seq, versions), told) = (acked(history, at), Told::default());
        history.send_again(at, |client, project, edit| {
            Record::Acked { client, project, edit, seq, versions: versions.clone(), told, at_ms: 0 }
        });
    };
    AckedThenRefused, ed2_an_acked_edit_that_conflicts_when_it_is_sent_again_is_found: |history| {
        let at = history.plain_ack();
        history.send_again(at, |client, project, edit| Record::Conflicted { client, project, edit });
    };
    AckedThenRefused, ed2_an_acked_edit_that_is_forbidden_when_it_is_sent_again_is_found: |history| {
        let at = history.plain_ack();
        history.send_again(at, |client, project, edit| {
            Record::Refused { client, project, edit, code: "forbidden".into() }
        });
    };
    RefusedButApplied, ed1_an_edit_that_conflicted_and_is_in_the_log_is_found: |history| {
        let at = history.plain_ack();
        let Record::Acked { client, project, edit, .. } = history.0[at] else { panic!("no ack") };
        history.0[at] = Record::Conflicted { client, project, edit };
    };
    RefusedButApplied, ed1_a_part_of_a_refused_edit_in_the_log_is_found: |history| {
        let at = history.plain_ack();
        let Record::Acked { client, project, edit, .. } = history.0[at] else { panic!("no ack") };
        history.0[at] = Record::Refused { client, project, edit, code: "invalid_edit".into() };
    };
    AckBeforeCommit, ed1_an_ack_that_comes_before_its_commit_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Probe { .. }));
        if let Record::Probe { found, .. } = &mut history.0[at] {
            *found = None;
        }
    };
    NobodySent, an_edit_that_nobody_sent_is_found: |history| {
        let at = history.plain_ack();
        let Record::Acked { edit: chosen, .. } = history.0[at] else { panic!("no ack") };
        history.0.retain(|record| !matches!(record, Record::Sent { edit, .. } if *edit == chosen));
    };
    AnothersEdit, ed2_an_edit_in_the_log_under_another_users_name_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Event { .. }));
        if let Record::Event { user, .. } = &mut history.0[at] {
            *user = "mallory".into();
        }
    };
    LogHole, a_seq_that_was_taken_and_not_filled_is_found: |history| {
        let (project, ..) = history.head();
        history.move_head(project, 1);
    };
    LogRepeat, a_seq_that_is_there_twice_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Event { .. }));
        history.0.push(history.0[at].clone());
    };
    ProjectMissing, a_project_that_is_gone_is_found: |history| {
        let (gone, ..) = history.head();
        history.0.retain(|record| match record {
            Record::Event { project, .. } | Record::Head { project, .. } => *project != gone,
            _ => true,
        });
    };
    VersionTwice, ed3_a_version_with_two_successors_is_found: |history| {
        history.renumber_last_version(|version| version - 1);
    };
    VersionSkipped, ed3_a_version_that_was_left_out_is_found: |history| {
        history.renumber_last_version(|version| version + 1);
    };
    FoldDiffers, blocks_that_the_log_does_not_lead_to_are_found: |history| {
        let at = history.find(|record| matches!(record, Record::Head { .. }));
        if let Record::Head { blocks, .. } = &mut history.0[at] {
            *blocks ^= 1;
        }
    };
    DeliveryHole, jn5_an_event_that_was_left_out_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Shown { events, .. } if events.len() > 2));
        if let Record::Shown { events, .. } = &mut history.0[at] {
            events.remove(1);
        }
    };
    DeliveryRepeat, jn5_events_that_came_twice_are_found: |history| {
        let at = history.find(|record| matches!(record, Record::Shown { .. }));
        history.0.insert(at, history.0[at].clone());
    };
    DeliveryDisorder, jn5_events_that_came_in_another_order_are_found: |history| {
        let at = history.find(|record| matches!(record, Record::Shown { events, .. } if events.len() > 2));
        if let Record::Shown { events, .. } = &mut history.0[at] {
            events.swap(1, 2);
        }
    };
    NotJoined, jn5_events_after_a_leave_are_found: |history| {
        let (at, who) = left(history);
        let is_own = |record: &&Record| matches!(record, Record::Shown { client, .. } if *client == who);
        let shown = history.0[..at].iter().rfind(is_own).unwrap().clone();
        history.0.insert(at + 1, shown);
    };
    BackInTime, jn2_a_snapshot_older_than_since_is_found: |history| {
        let (epoch, seq, blocks) = before_head(history);
        let since = Some(Since { epoch: epoch.clone(), seq: seq + 1 });
        let (client, (project, ..)) = (0, history.head());
        let given = Given::Snapshot(blocks);
        history.0.push(Record::Joined { client, project, since, epoch, seq, given });
    };
    BackInTime, jn5_a_reset_to_an_earlier_state_is_found: |history| {
        let (epoch, seq, blocks) = before_head(history);
        let (client, (project, ..)) = (0, history.head());
        history.0.push(Record::Reset { client, project, epoch, seq, blocks, reason: "lagged".into() });
    };
    BackInTime, jn2_a_join_into_an_epoch_that_was_left_is_found: |history| {
        let (client, (project, epoch, seq, blocks)) = (0, history.head());
        for epoch in ["next".into(), epoch] {
            let given = Given::Snapshot(blocks);
            history.0.push(Record::Joined { client, project, since: None, epoch, seq, given });
        }
    };
    RecoveredWrongly, jn2_a_recovery_that_ends_too_early_is_found: |history| {
        recovered(history, |events| events.truncate(1));
    };
    RecoveredWrongly, jn2_a_recovery_that_begins_too_late_is_found: |history| {
        recovered(history, |events| *events = events.split_off(1));
    };
    RecoveredWrongly, jn2_a_recovery_that_brings_nothing_of_what_is_missing_is_found: |history| {
        recovered(history, Vec::clear);
    };
    RecoveredWrongly, jn2_a_recovery_of_another_epoch_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Joined { given: Given::Recovered(_), .. }));
        if let Record::Joined { since: Some(since), .. } = &mut history.0[at] {
            since.epoch = "another".into();
        }
    };
    ShownUnlikeLog, an_event_that_is_shown_otherwise_than_it_was_committed_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Shown { .. }));
        if let Record::Shown { events, .. } = &mut history.0[at] {
            events[0].2 ^= 1;
        }
    };
    NeverCommitted, an_event_that_is_shown_and_never_committed_is_found: |history| {
        let (client, (project, epoch, seq, _)) = (0, history.head());
        history.0.push(Record::Shown { client, project, epoch, events: vec![Seen(seq + 1, NOBODY, 1)] });
    };
    SnapshotDiffers, jn1_blocks_that_are_not_those_of_their_seq_are_found: |history| {
        let at = history.find(|record| matches!(record, Record::Joined { given: Given::Snapshot(_), .. }));
        if let Record::Joined { given: Given::Snapshot(blocks), .. } = &mut history.0[at] {
            *blocks ^= 1;
        }
    };
    StaleRead, a_read_older_than_what_the_reader_had_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Read { .. }));
        if let Record::Read { min_seq, seq, .. } = &mut history.0[at] {
            *min_seq = *seq + 1;
        }
    };
    EventBeforeReply, ms5_an_event_before_the_reply_to_its_edit_is_found: |history| {
        let (ack, shown) = ack_and_event(history);
        let record = history.0.remove(ack);
        history.0.insert(shown, record);
    };
    EpochUntold, jn5_events_of_another_epoch_without_a_reset_are_found: |history| {
        let (client, (project, ..)) = (0, history.head());
        let first = history.rows(project).swap_remove(0);
        let Record::Event { seq, edit, body: Some(body), .. } = first else { panic!("no event") };
        let (epoch, events) = ("another".into(), vec![Seen(seq, edit, body.digest)]);
        history.0.push(Record::Shown { client, project, epoch, events });
    };
    CopyBehind, a_copy_that_never_reaches_the_head_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Copy { .. }));
        if let Record::Copy { seq, .. } = &mut history.0[at] {
            *seq -= 1;
        }
    };
    CopyDiffers, a_copy_that_is_not_what_the_database_holds_is_found: |history| {
        let at = history.find(|record| matches!(record, Record::Copy { .. }));
        if let Record::Copy { blocks, .. } = &mut history.0[at] {
            *blocks ^= 1;
        }
    };
}

#[test]
fn an_epoch_that_changes_where_it_may_not_is_found() {
    for seed in 0..10 {
        let mut history = History::sound(seed, Epochs::Fixed);
        let (client, (project, _, seq, blocks)) = (0, history.head());
        let (epoch, reason) = ("another".into(), "epoch".into());
        history.0.push(Record::Reset { client, project, epoch, seq, blocks, reason });
        assert_eq!(history.kinds(), BTreeSet::from([Kind::EpochMoved]));
    }
}

/// A database that loses its last commits without a word is found by all who saw them.
#[test]
fn ed1_commits_that_vanish_are_found_in_every_way() {
    for seed in 0..10 {
        let mut history = History::sound(seed, Epochs::Change);
        let (of, _, head, _) = history.head();
        let is_gone = |project: &Id, seq: u64| *project == of && seq + 5 > head;
        history.0.retain(|record| !matches!(record, Record::Event { project, seq, .. } if is_gone(project, *seq)));
        let found = history.kinds();
        for kind in [Kind::LostAck, Kind::LogHole, Kind::NeverCommitted] {
            assert!(found.contains(&kind), "{kind} is not in {found:?}, seed {seed}");
        }
    }
}

/// An event that is missing in the middle of the log leaves a hole in its blocks' versions, too.
#[test]
fn ed3_an_event_that_is_missing_in_the_log_is_found_in_every_way() {
    let mut history = History::sound(1, Epochs::Change);
    let (project, ..) = history.head();
    let Record::Event { seq: gone, .. } = history.rows(project)[20] else { panic!("no event") };
    history
        .0
        .retain(|record| !matches!(record, Record::Event { project: of, seq, .. } if (*of, *seq) == (project, gone)));
    let found = history.kinds();
    assert!(
        found.is_superset(&BTreeSet::from([Kind::LogHole, Kind::VersionSkipped, Kind::NeverCommitted])),
        "{found:?}"
    );
}

/// Where a client left, and who.
fn left(history: &History) -> (usize, u32) {
    let at = history.find(|record| matches!(record, Record::Left { .. }));
    match history.0[at] {
        Record::Left { client, .. } => (at, client),
        _ => panic!("nobody left"),
    }
}

/// The state one event before the head: epoch, seq, digest of blocks.
fn before_head(history: &History) -> (String, u64, u64) {
    let (project, epoch, head, _) = history.head();
    match history.rows(project)[head as usize - 2] {
        Record::Event { seq, body: Some(body), .. } => (epoch, seq, body.blocks.unwrap()),
        _ => panic!("no event"),
    }
}

fn recovered(history: &mut History, change: impl Fn(&mut Vec<Seen>)) {
    let has_some =
        |record: &Record| matches!(record, Record::Joined { given: Given::Recovered(events), .. } if events.len() > 1);
    let at = history.find(has_some);
    if let Record::Joined { given: Given::Recovered(events), .. } = &mut history.0[at] {
        change(events);
    }
}

/// An ack, and where its author was shown the event on the same connection.
fn ack_and_event(history: &History) -> (usize, usize) {
    let counts = history.sends_and_acks();
    let pairs = history.0.iter().enumerate().filter_map(|(at, record)| match record {
        Record::Acked { client, edit, .. } if counts[edit] == (1, 1) => Some((at, *client, *edit)),
        _ => None,
    });
    let mut found = pairs.filter_map(|(at, who, edit)| {
        let own = |record: &Record| matches!(record, Record::Shown { client, .. } | Record::Lost { client, .. } | Record::Joined { client, .. } if *client == who);
        let next = at + history.0[at..].iter().position(own)?;
        let is_in = matches!(&history.0[next], Record::Shown { events, .. } if events.iter().any(|seen| seen.1 == edit));
        is_in.then_some((at, next))
    });
    found.next().expect("a made-up history has one of these")
}
