//! What is sound is called sound.

use histcheck::generate::Generator;
use histcheck::history::{Epochs, Record};

use crate::history::{SIZE, verdict};

#[test]
fn in_sound_histories_nothing_is_found() {
    for epochs in [Epochs::Fixed, Epochs::Change, Epochs::Lossy] {
        for seed in 0..50 {
            let verdict = verdict(Generator::new(seed, epochs, SIZE));
            assert!(verdict.is_sound(), "{epochs:?}, seed {seed}: {:#?}", verdict.violations);
        }
    }
}

#[test]
fn a_made_up_history_has_everything_in_it() {
    let checked = verdict(Generator::new(1, Epochs::Lossy, SIZE)).checked;
    for (name, count) in checked.rows() {
        assert!(count > 0 || name.contains("any answer") || name.contains("behind"), "{name}: {checked:#?}");
    }
}

#[test]
fn a_lossy_run_that_is_judged_as_one_that_may_lose_nothing_is_found_out() {
    let strict = |record| match record {
        Record::Run { row, seed, .. } => Record::Run { row, seed, epochs: Epochs::Change },
        other => other,
    };
    let lossy = (0..10).map(|seed| verdict(Generator::new(seed, Epochs::Lossy, SIZE).map(strict)));
    assert!(lossy.filter(|verdict| !verdict.is_sound()).count() >= 5);
}

#[test]
fn a_run_may_say_later_that_epochs_change_from_there_on() {
    let records = Generator::new(2, Epochs::Change, SIZE).map(|record| match record {
        Record::Run { row, seed, .. } => {
            [Epochs::Fixed, Epochs::Change].map(|epochs| Record::Run { row: row.clone(), seed, epochs }).to_vec()
        }
        other => vec![other],
    });
    let verdict = verdict(records.flatten());
    assert!(verdict.is_sound() && verdict.checked.resets > 0, "{:#?}", verdict.violations);
}

#[test]
fn the_database_may_come_before_the_clients() {
    let records: Vec<Record> = Generator::new(1, Epochs::Fixed, SIZE).collect();
    let is_held = |record: &Record| matches!(record, Record::Event { .. } | Record::Head { .. });
    let (mut held, seen): (Vec<_>, Vec<_>) = records.into_iter().partition(is_held);
    held.reverse();
    let verdict = verdict(held.into_iter().chain(seen));
    assert!(verdict.is_sound(), "{:#?}", verdict.violations);
}

#[test]
fn the_same_history_gets_the_same_verdict() {
    let told = || {
        let broken = Generator::new(3, Epochs::Lossy, SIZE).filter(|record| !matches!(record, Record::Reset { .. }));
        serde_json::to_string(&verdict(broken)).unwrap()
    };
    assert_eq!(told(), told());
}
