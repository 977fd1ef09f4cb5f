//! The demo on Tor: it plays to its end by itself, and leaves nothing.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::environment::program;

#[test]
fn it_plays_to_its_end_and_leaves_nothing() {
    let folder = TempDir::with_prefix_in("d", "/tmp").expect("a folder");
    let mut command = program(env!("CARGO_BIN_EXE_sotto"));
    command
        .env("TMPDIR", folder.path())
        .args(["--json", "--network", "tor", "demo"]);
    let output = command.output().expect("sotto runs");
    assert!(output.status.success(), "{output:#?}");
    let steps: Vec<Value> = output
        .stdout
        .split(|it| *it == b'\n')
        .filter_map(|it| serde_json::from_slice(it).ok())
        .collect();
    for name in [
        "tor_network",
        "daemons",
        "reachable",
        "friends",
        "reaction",
        "delivered",
        "disk",
        "done",
    ] {
        assert!(
            steps.iter().any(|it| it["step"] == name && it["ok"] == true),
            "{name}: {steps:#?}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
