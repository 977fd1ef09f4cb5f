//! The demo, as a new user sees it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{ended, run, sotto};

/// What demos leave in the temporary folder that is theirs alone.
fn left(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

fn demo(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = sotto();
    command.env("TMPDIR", folder).args(arguments);
    command
}

/// Short, since the demo leaves a long one for /tmp.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("d")
        .rand_bytes(4)
        .tempdir_in("/tmp")
        .expect("a folder")
}

#[test]
fn it_plays_to_its_end_proves_what_it_says_and_leaves_nothing() {
    let folder = folder();
    let since = Instant::now();
    let ran = run(demo(folder.path(), &["--json", "demo"]), b"");
    assert!(ran.status.success(), "{ran:#?}");
    assert!(since.elapsed() < Duration::from_secs(20));
    let steps: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for step in [
        "identities",
        "daemons",
        "friends",
        "safety_number",
        "reaction",
        "delivered",
        "wire",
        "disk",
        "done",
    ] {
        let found = steps
            .iter()
            .find(|found| found["step"] == step)
            .unwrap_or_else(|| panic!("{step}: {steps:#?}"));
        assert_eq!(found["ok"], true, "{found}");
    }
    assert!(steps.iter().filter(|step| step["step"] == "message").count() >= 5);
    assert_eq!(steps.last().map(|step| &step["step"]), Some(&Value::from("done")));
    assert_eq!(left(folder.path()), 0);
}

#[test]
fn a_person_reads_a_story_without_colours_off_a_terminal() {
    let folder = folder();
    let ran = run(demo(folder.path(), &["demo"]), b"");
    assert!(ran.status.success(), "{ran:#?}");
    assert!(!ran.stdout.contains('\u{1b}'));
    assert!(
        ran.stdout.contains("encrypted on the wire") && ran.stdout.contains("All of it held"),
        "{}",
        ran.stdout
    );
}

#[test]
fn interrupted_it_leaves_nothing_either() {
    let folder = folder();
    let mut child = demo(folder.path(), &["--json", "demo"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
    let first = lines.next().expect("a step").expect("a line");
    assert!(first.contains("identities"), "{first}");
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(interrupted.success());
    assert_eq!(ended(&mut child, &"demo").code(), Some(130));
    assert_eq!(left(folder.path()), 0);
}
