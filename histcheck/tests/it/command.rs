//! The command reads files and says by its exit code what it thinks of them.

use std::path::PathBuf;
use std::process::{Command, Output};

use histcheck::file::{Writer, records};
use histcheck::history::{Epochs, Record};

use crate::history::History;

/// A file that is gone afterwards.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("histcheck-{}-{name}", std::process::id())))
    }

    fn holding(name: &str, records: &[Record]) -> Self {
        let file = Self::new(name);
        let writer = Writer::create(&file.0).unwrap();
        records.iter().for_each(|record| writer.write(record));
        assert_eq!(writer.finish().unwrap(), records.len() as u64);
        file
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn histcheck(file: &Temporary, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_histcheck")).arg(&file.0).args(more).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_history_is_read_as_it_was_written() {
    let written = History::sound(1, Epochs::Lossy).0;
    let file = Temporary::holding("whole", &written);
    let read: Vec<Record> = records(&file.0).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, written);
}

#[test]
fn many_tasks_write_one_history_of_whole_lines() {
    let file = Temporary::new("shared");
    let writer = Writer::create(&file.0).unwrap();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let writer = &writer;
            scope.spawn(move || (0..1_000).for_each(|at_ms| writer.write(&Record::Lost { client, at_ms })));
        }
    });
    assert_eq!((writer.finish().unwrap(), writer.written()), (8_000, 8_000));
    let mut next = [0; 8];
    for record in records(&file.0).unwrap() {
        let Record::Lost { client, at_ms } = record.unwrap() else { panic!("another record") };
        assert_eq!(std::mem::replace(&mut next[client as usize], at_ms + 1), at_ms);
    }
    assert_eq!(next, [1_000; 8]);
}

#[test]
fn a_sound_history_ends_with_0_and_a_table() {
    let file = Temporary::new("sound");
    let output = histcheck(&file, &["--generate", "2000"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(said(&output).contains("nothing found"), "{}", said(&output));
}

#[test]
fn a_violation_ends_with_1_and_its_name_in_words_and_in_json() {
    let mut history = History::sound(1, Epochs::Fixed);
    let (project, ..) = history.head();
    history.move_head(project, 1);
    let (file, json) = (Temporary::holding("broken", &history.0), Temporary::new("broken.json"));
    let output = histcheck(&file, &["--json", json.0.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("LogHole: the log has a hole (project "), "{}", said(&output));
    let verdict: serde_json::Value = serde_json::from_slice(&std::fs::read(&json.0).unwrap()).unwrap();
    assert_eq!(
        (&verdict["found"]["LogHole"], &verdict["violations"][0]["project"]),
        (&1.into(), &project.to_string().into())
    );
}

#[test]
fn what_is_no_history_ends_with_2_and_the_line() {
    let file = Temporary::new("torn");
    std::fs::write(&file.0, "{\"lost\":{\"client\":1,\"atMs\":1}}\n{\"lost\":{\"cli").unwrap();
    let output = histcheck(&file, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2 is no record"));
}
