//! `docs/ARCHITECTURE.md` names files and functions that are there.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../../docs/ARCHITECTURE.md");

/// The files that one sent message passes through are fewer than these.
const WALK: usize = 30;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The files of the repository, each as its path from the root; without what is built and what Git keeps.
fn files(folder: &Path, found: &mut Vec<String>, root: &Path) {
    for entry in fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
    {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            if name != ".git" && name != "target" {
                files(&path, found, root);
            }
        } else {
            let path = path.strip_prefix(root).expect("below the root");
            found.push(format!("/{}", path.display()));
        }
    }
}

/// A path may leave out the folders that its section or its row has named.
#[test]
fn every_file_that_the_map_names_is_there() {
    let root = root();
    let mut all = Vec::new();
    files(&root, &mut all, &root);
    let is_file = |text: &&str| {
        let path = text.trim_start_matches("../");
        let plain = path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        plain && [".rs", ".md", ".py", ".toml"].iter().any(|end| path.ends_with(end))
    };
    let missing: Vec<&str> = quoted(DOCUMENT)
        .filter(is_file)
        .filter(|path| {
            let end = format!("/{}", path.trim_start_matches("../"));
            !all.iter().any(|file| file.ends_with(&end))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn section(title: &str) -> &str {
    let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(title));
    section.expect("the section")
}

fn has_function(text: &str, function: &str) -> bool {
    ["(", "<"]
        .iter()
        .any(|after| text.contains(&format!("fn {function}{after}")))
}

/// A function that a row names is in one of the files that the row names.
#[test]
fn every_function_that_answers_a_question_is_there() {
    let root = root();
    let mut all = Vec::new();
    files(&root, &mut all, &root);
    for row in section("Where to look").lines().filter(|line| line.starts_with('|')) {
        let sources = || quoted(row).filter(|name| Path::new(name).extension().is_some_and(|it| it == "rs"));
        let texts: Vec<String> = sources()
            .flat_map(|source| all.iter().filter(move |file| file.ends_with(&format!("/{source}"))))
            .map(|file| fs::read_to_string(root.join(&file[1..])).expect("a file"))
            .collect();
        let is_function = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        for function in quoted(row).filter(is_function) {
            assert!(
                texts.iter().any(|text| has_function(text, function)),
                "{function}: {row}"
            );
        }
    }
}

/// The walk is a list; each of its lines begins with a file and names the functions that the message passes there.
#[test]
fn the_walk_of_a_sent_message_is_short_and_each_of_its_functions_is_where_it_says() {
    let mut steps = 0;
    for line in section("The life of a sent message")
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
    {
        steps += 1;
        assert!(line.starts_with(&format!("{steps}. `")), "{line}");
        let mut names = quoted(line);
        let path = names.next().expect("a file");
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let functions: Vec<&str> = line.split_once(" (").map_or_else(Vec::new, |(_, functions)| {
            quoted(functions.split_once(')').expect("a bracket").0).collect()
        });
        assert!(!functions.is_empty(), "{line}");
        for function in functions {
            assert!(has_function(&text, function), "{path} has no function {function}");
        }
    }
    assert!((1..WALK).contains(&steps), "{steps} files");
}
