//! The example files in `scenarios/` succeed without faults, at crash points and with faults. What is wrong in a file
//! is reported with its place.

use std::fs;
use std::path::{Path, PathBuf};

use sotto_simulations::{Run, Scenario, crash_points, run};

/// Seeds for each file.
const SEEDS: u64 = 10;
/// One in so many crash points is played; `sotto-sim scenario FILE --crashes` plays all.
const SAMPLE: usize = 5;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn every_example_passes() {
    std::thread::scope(|scope| {
        for path in files("scenarios") {
            scope.spawn(move || play_everywhere(&path));
        }
    });
}

fn play_everywhere(path: &Path) {
    let scenario = Scenario::find(&path.to_string_lossy()).unwrap_or_else(|wrong| panic!("{wrong}"));
    let points = crash_points(scenario).unwrap_or_else(|failure| panic!("{failure}"));
    let crashing = points
        .iter()
        .step_by(SAMPLE)
        .map(|point| Run::crashing(scenario, *point));
    let faulty = (1..=SEEDS).map(|seed| Run::faulty(scenario, seed));
    for one in crashing.chain(faulty) {
        run(one).unwrap_or_else(|failure| panic!("{failure}"));
    }
    println!("{}: {} crash points", path.display(), points.len());
}

#[test]
fn a_failed_condition_is_reported_with_its_line() {
    for path in files("scenarios/failing") {
        let text = fs::read_to_string(&path).expect("a readable file");
        let scenario = Scenario::find(&path.to_string_lossy()).unwrap_or_else(|wrong| panic!("{wrong}"));
        let failure = run(Run::fault_free(scenario)).expect_err("it fails on purpose");
        let line = text
            .lines()
            .position(|line| line.contains("expect"))
            .expect("it has one")
            + 1;
        let named = format!("line {line} of not_delivered.toml fails: alice has it as Some(Queued)");
        assert!(failure.why.contains(&named), "{}", failure.why);
    }
}

/// A file around one line, which is its eighth.
fn around(line: &str) -> String {
    format!(
        "title = \"a test\"\npeople = 2\n\nsteps = [\n\
         {{ send = {{ by = \"alice\", to = \"bob\", text = \"one\", as = \"one\" }} }},\n\
         {{ backup = {{ by = \"bob\", as = \"old\" }} }},\n\n{line}\n]\n"
    )
}

#[test]
fn an_error_in_a_file_is_reported_with_its_place() {
    for (line, column, told) in [
        (
            "{ sent = { by = \"alice\" } },",
            3,
            "unknown variant `sent`, expected one of `add`, ",
        ),
        (
            "{ send = { frm = \"alice\" } },",
            12,
            "unknown field `frm`, expected one of `by`, ",
        ),
        (
            "{ send = { by = \"alice\", to = \"bob\" } },",
            10,
            "missing field `text`",
        ),
        (
            "{ off = \"bbo\" },",
            10,
            "no node is called `bbo`; nodes are alice, bob, ",
        ),
        ("{ off = \"carol\" },", 9, "there are 2 peers: alice, bob"),
        ("{ cut = [\"bob\", \"bob\"] },", 17, "that is the same peer"),
        ("{ wait = \"soon\" },", 11, "`soon` is no span of time"),
        ("{ wait = 7 },", 10, "invalid type: integer `7`, expected a string"),
        (
            "{ read = \"two\" },",
            10,
            "no message is called `two` before this step; there is `one`",
        ),
        (
            "{ restore = \"new\" },",
            13,
            "no backup is called `new` before this step; there is `old`",
        ),
        (
            "{ backup = { by = \"bob\", as = \"old\" } },",
            31,
            "`old` is taken already",
        ),
        ("{ expect = { } },", 12, "the condition is empty"),
        (
            "{ expect = { state = { of = \"one\", is = \"lost\" } } },",
            42,
            "unknown variant `lost`, expected one of `queued`",
        ),
        (
            "{ refused = { off = \"bob\" } },",
            13,
            "this is not a command to a node",
        ),
        (
            "{ timer = { by = \"bob\", contact = \"alice\", after = \"1500ms\" } },",
            52,
            "timers are whole seconds",
        ),
        ("{ split = 0 },", 11, "a piece has at least one byte"),
        (
            "{ send = { by = \"alice\", to = \"bob\", text = \"\", times = 0 } },",
            57,
            "it can be sent 1 to 1000 times",
        ),
        ("] \n[faults]\nsnow = 3\nfoo = [", 8, ""),
    ] {
        let wrong = Scenario::parse("a_test.toml", &around(line)).expect_err(line);
        assert!(wrong.why.starts_with(told), "{line}\n{wrong}");
        if !told.is_empty() {
            assert_eq!((wrong.line, wrong.column), (8, column), "{wrong}");
        }
        println!("{wrong}");
    }
}

#[test]
fn the_readme_has_an_example_that_works_and_every_word() {
    let readme = include_str!("../README.md");
    let example = readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next());
    let scenario =
        Scenario::parse("readme.toml", example.expect("an example")).unwrap_or_else(|wrong| panic!("{wrong}"));
    run(Run::fault_free(scenario)).unwrap_or_else(|failure| panic!("{failure}"));
    for unknown in [
        "{ unheard-of = 1 }",
        "{ expect = { unheard-of = 1 } }",
        "{ send = { unheard-of = 1 } }",
    ] {
        let wrong = Scenario::parse("a_test.toml", &around(unknown)).expect_err("there is no such word");
        let words = wrong.why.split('`').skip(3).step_by(2);
        let forms = |word: &str| [format!("`{word}"), format!("`\"{word}"), format!("{word}?")];
        let missing: Vec<_> = words
            .filter(|word| !forms(word).iter().any(|form| readme.contains(form)))
            .collect();
        assert!(
            missing.iter().all(|word| ["by", "to", "text"].contains(word)),
            "{missing:?}"
        );
    }
}
