//! Every target runs its seeds, its corpus, and changes of both, the same ones every time.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use sotto_fuzz::{TARGETS, Target, mutations};

/// Bounds of a corpus, which every test run reads.
const FILES: usize = 100;
const BYTES: usize = 40 * 1024;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

fn names(folder: &Path) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    paths(folder).iter().map(stem).collect()
}

fn play(target: &Target, bytes: &[u8], origin: &str) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_err() {
        let kept = std::env::temp_dir().join(format!("sotto-fuzz-{}", target.name));
        fs::write(&kept, bytes).expect("writable");
        panic!(
            "{} fails with {origin}; again: cargo run -p sotto-fuzz -- play {} {}",
            target.name,
            target.name,
            kept.display()
        );
    }
}

fn replay(target: &Target) {
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for (number, seed) in (target.seeds)().into_iter().enumerate() {
        inputs.push((format!("seed {number}"), seed));
    }
    for path in paths(&folder("corpus").join(target.name)) {
        let bytes = fs::read(&path).expect("readable");
        inputs.push((path.display().to_string(), bytes));
    }
    for (origin, bytes) in &inputs {
        play(target, bytes, origin);
    }
    let each = target.changes.div_ceil(inputs.len());
    for (salt, (origin, bytes)) in (0..).zip(&inputs) {
        for (number, form) in mutations(bytes, salt, each).enumerate() {
            play(target, &form, &format!("change {number} of {origin}"));
        }
    }
}

macro_rules! replays {
    ($($(#[$attribute:meta])* $name:ident)*) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $name() {
                replay(Target::named(stringify!($name)).expect("a target"));
            }
        )*

        const REPLAYED: &[&str] = &[$($(#[$attribute])* stringify!($name),)*];
    };
}

replays! {
    address
    frame
    handshake
    stranger
    acquaintance
    content
    friend
    ciphertext
    bundle
    session
    world
    store
    person
    #[cfg(feature = "apps")]
    request
    #[cfg(feature = "apps")]
    config
    #[cfg(feature = "apps")]
    arguments
    #[cfg(feature = "apps")]
    mcp
    #[cfg(feature = "apps")]
    http
    #[cfg(feature = "apps")]
    signal_cli
    #[cfg(feature = "apps")]
    scope
    #[cfg(feature = "apps")]
    tui
}

/// The targets that are not built without a feature.
const APPS: [&str; 8] = [
    "arguments",
    "config",
    "http",
    "mcp",
    "request",
    "scope",
    "signal_cli",
    "tui",
];

#[test]
fn every_target_has_its_test_its_program_and_its_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(targets, REPLAYED.iter().map(|name| (*name).to_owned()).collect());
    for of in ["corpus", "fuzz_targets"] {
        let mut there = names(&folder(of));
        there.retain(|name| cfg!(feature = "apps") || !APPS.contains(&name.as_str()));
        assert_eq!(targets, there, "{of}");
    }
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("readable");
    for target in TARGETS {
        let name = target.name;
        let program = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs"))).expect("readable");
        assert!(
            program.contains(&format!("\"{name}\"")),
            "{name}'s program is another's: {program}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")));

        let files = paths(&folder("corpus").join(name));
        let bytes: u64 = files.iter().map(|path| path.metadata().expect("a file").len()).sum();
        assert!(
            (1..=FILES).contains(&files.len()),
            "{} files in the corpus of {name}",
            files.len()
        );
        assert!(bytes <= BYTES as u64, "{bytes} bytes in the corpus of {name}");
    }
}
