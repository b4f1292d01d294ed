//! The house rules that no compiler knows: floors, file heads, sizes.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file: about 400, and what goes far beyond is two.
const LINES_MAX: usize = 450;

/// What stands on which floor, from the ground up; those on one floor do not know each other, but for the pairs below.
const FLOORS: [&[&str]; 6] = [
    &["domain", "telemetry", "pause", "redis_link"],
    &["protocol", "document", "store", "bus", "session", "limit"],
    &["hub"],
    &["transport", "config"],
    &["app", "exchange"],
    &["main"],
];

/// On one floor, and yet allowed: who uses whom.
const NEIGHBOURS: [(&str, &str); 5] = [
    ("config", "transport"),
    ("bus", "protocol"),
    ("protocol", "session"),
    ("protocol", "limit"),
    ("redis_link", "pause"),
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    found
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The top-level modules that a file names.
fn uses(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap())
}

fn module(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_only_go_down() {
    for (path, text) in sources() {
        let own = module(&path);
        if own == "lib" {
            continue;
        }
        let here = floor(&own).unwrap_or_else(|| panic!("{own} stands on no floor"));
        for used in uses(&text).filter(|used| *used != own) {
            let Some(there) = floor(used) else { continue };
            let allowed = there < here || NEIGHBOURS.contains(&(&own, used));
            assert!(allowed, "{} uses {used}, which does not stand below it", path.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is_what_it_promises_and_what_it_must_never_do() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path != Path::new("lib.rs")) {
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        for part in ["Promises: ", "Must never: "] {
            let has = head.contains(part.trim_end_matches(": "));
            assert!(has, "{} does not say: {part}", path.display());
        }
    }
}

#[test]
fn no_file_is_too_long() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines: it is two files", path.display());
    }
}
