//! `sotto conformance` against a real daemon: everything passes, and what is not there is said to be so.

use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::world::{Person, World, path, run, run_within, sotto, string};

/// It keeps to the pace that a node grants its peers.
const PATIENCE: Duration = Duration::from_mins(5);

fn invite(person: &Person) -> String {
    string(&person.json(&["identity", "--invite"])["friend_code"])
}

#[test]
fn our_daemon_keeps_every_clause() {
    let world = World::new();
    let mut alice = world.person("alice");
    alice.start();
    let (one, other) = (invite(&alice), invite(&alice));
    // From a profile without an identity.
    let mut command = sotto();
    command
        .args(["--data-dir", path(&world.path().join("empty"))])
        .args(["--network", &format!("local:{}", path(&alice.network))])
        .args(["--json", "conformance", "--address", &one, "--address", &other])
        // This machine may have other things to do.
        .args(["--patience", "15"]);
    let ran = run_within(command, b"", PATIENCE);
    let findings: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no findings: {ran:#?}"));
    let cases = findings["cases"].as_array().expect("a list");
    let others: Vec<_> = cases.iter().filter(|case| case["outcome"] != "passed").collect();
    let slow = |case: &&Value| case["outcome"] == "slow";
    assert!(others.iter().all(slow), "{others:#?}");
    assert!(ran.status.success() && findings["passed"] == true, "{ran:#?}");
    assert!(cases.len() > 100 && others.len() == 4, "{} cases", cases.len());
    assert_eq!(findings["address"], alice.onion.as_str());
    // Alice lives, and has two friends more.
    let friends = alice.json(&["friends", "list"]);
    assert_eq!(friends["friends"].as_array().map(Vec::len), Some(2), "{friends}");
}

#[test]
fn a_failed_case_names_its_requirement_and_what_was_observed_instead() {
    let world = World::new();
    let alice = world.person("alice");
    let socket = world.path().join("mute.sock");
    let listener = UnixListener::bind(&socket).expect("a socket");
    // A target that ends every link at once.
    thread::spawn(move || listener.incoming().for_each(drop));
    let mut command = sotto();
    command
        .args(["--json", "conformance", "--patience", "1", "--socket", path(&socket)])
        .args(["--address", &alice.onion]);
    let ran = run_within(command, b"", PATIENCE);
    assert_eq!(ran.status.code(), Some(1), "{ran:#?}");
    let findings: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no findings: {ran:#?}"));
    let cases = findings["cases"].as_array().expect("a list");
    let mut failed = cases.iter().filter(|case| case["outcome"] == "failed").peekable();
    assert!(failed.peek().is_some(), "{findings}");
    for case in failed {
        for field in ["requirement", "expected", "observed"] {
            let text = string(&case[field]);
            assert!(!text.is_empty(), "{field}: {case}");
        }
    }
}

#[test]
fn what_cannot_be_tested_is_told_at_once() {
    let world = World::new();
    let (alice, bob) = (world.person("alice"), world.person("bob"));
    let (code, error) = alice.error(&["conformance", "--address", &bob.onion]);
    assert_eq!((code, &error["data"]["kind"]), (3, &Value::from("network")), "{error}");
    let (code, error) = alice.error(&["conformance", "--address", &bob.onion, "--address", &alice.onion]);
    assert_eq!(code, 1, "{error}");
    let (code, error) = alice.error(&["conformance", "--address", "bob"]);
    assert_eq!(code, 1, "{error}");
    let mut on_tor = sotto();
    on_tor.args(["--data-dir", path(&alice.folder), "--network", "tor"]);
    on_tor.args(["conformance", "--address", &bob.onion]);
    let ran = run(on_tor, b"");
    assert_eq!(ran.status.code(), Some(1));
    assert!(ran.stderr.contains("--socks"), "{ran:#?}");
}
