//! The daemon as a process, and the profile as a folder.

use std::fs;

use crate::world::{Person, World, path, string};

/// A daemon that was started in the background must not outlive the test.
pub struct Background<'a>(pub &'a Person);

impl Drop for Background<'_> {
    fn drop(&mut self) {
        self.0.run(&["daemon", "stop"]);
    }
}

#[test]
fn a_daemon_starts_in_the_background_and_stops() {
    let world = World::new();
    let alice = world.person("alice");
    let status = alice.run(&["--json", "daemon", "status"]);
    assert_eq!(status.status.code(), Some(7), "{status:#?}");
    assert!(status.stdout.contains("\"running\":false"), "{status:#?}");
    assert_eq!(alice.error(&["daemon", "stop"]).0, 7);
    assert_eq!(alice.error(&["send", "bob", "hello"]).0, 7);

    let _background = Background(&alice);
    let started = alice.json(&["daemon", "start", "--key-file", path(&alice.key_file)]);
    let pid = started["pid"].as_u64().expect("a number");
    assert_eq!(started["onion"], alice.onion.as_str());
    assert_eq!(
        alice.json(&["daemon", "start", "--key-file", path(&alice.key_file)])["pid"],
        pid,
        "it runs already"
    );
    let waited = alice.run(&["--json", "daemon", "start", "--wait"]);
    let lines: Vec<serde_json::Value> = (waited.stdout.lines())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(
        matches!(&lines[..], [network, status]
        if network["type"] == "network" && network["network"]["reachable"] == true && status["pid"] == pid),
        "{waited:#?}"
    );
    let status = alice.json(&["daemon", "status"]);
    assert_eq!((&status["running"], &status["pid"]), (&true.into(), &pid.into()));
    assert_eq!(alice.json(&["status"])["network"]["phase"], "ready");
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
        let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
        let session = fields.split_whitespace().nth(3).expect("the session");
        assert_eq!(session, pid.to_string(), "it leads a session of its own");
    }
    let logs = alice.run(&["daemon", "logs"]);
    assert!(logs.status.success() && !logs.stdout.is_empty(), "{logs:#?}");
    assert!(
        !logs.stdout.contains(&alice.onion[..6]),
        "no part of the address is in the log: {logs:#?}"
    );

    assert_eq!(alice.json(&["daemon", "stop"])["running"], false);
    assert!(!alice.folder.join("sotto.sock").exists(), "the socket is gone");
    assert_eq!(alice.error(&["daemon", "stop"]).0, 7);
}

#[test]
fn the_number_in_the_lock_file_alone_means_no_daemon() {
    let world = World::new();
    let alice = world.person("alice");
    let mut bystander = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .expect("sleep runs");
    fs::write(alice.folder.join("sotto.pid"), format!("{}\n", bystander.id())).expect("written");
    assert_eq!(alice.error(&["daemon", "stop"]).0, 7);
    assert!(bystander.try_wait().expect("a child").is_none(), "it was left alone");
    bystander.kill().expect("killed");
    bystander.wait().expect("gone");
}

#[test]
fn a_lock_file_that_is_a_link_is_refused_and_its_target_left_alone() {
    let world = World::new();
    let alice = world.person("alice");
    let (lock, target) = (alice.folder.join("sotto.pid"), world.path().join("diary"));
    fs::write(&target, "dear diary").expect("written");
    fs::remove_file(&lock).expect("left by init");
    std::os::unix::fs::symlink(&target, &lock).expect("made");
    let (code, error) = alice.error(&["daemon", "run", "--key-file", path(&alice.key_file)]);
    assert_eq!((code, &error["data"]["kind"]), (3, &serde_json::json!("io")), "{error}");
    assert_eq!(fs::read_to_string(&target).expect("there"), "dear diary");
}

#[test]
fn a_second_daemon_and_a_second_identity_are_refused() {
    let world = World::new();
    let mut alice = world.person("alice");
    alice.start();
    let key = path(&alice.key_file);
    assert_eq!(alice.error(&["daemon", "run", "--key-file", key]).0, 9);
    assert_eq!(alice.error(&["init", "--key-file", key]).0, 1);
    assert_eq!(string(&alice.json(&["identity"])["onion"]), alice.onion);
}

#[test]
fn a_wrong_key_opens_nothing() {
    let world = World::new();
    let alice = world.person("alice");
    let wrong = world.path().join("wrong.key");
    fs::write(&wrong, [7; 32]).expect("written");
    fs::set_permissions(&wrong, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    for command in [["daemon", "run"], ["daemon", "start"]] {
        let (code, error) = alice.error(&[command[0], command[1], "--key-file", path(&wrong)]);
        assert_eq!(
            (code, &error["data"]["kind"]),
            (9, &serde_json::json!("wrong_key")),
            "{command:?} {error}"
        );
    }
    let missing = world.path().join("missing.key");
    assert_eq!(alice.error(&["daemon", "start", "--key-file", path(&missing)]).0, 9);
    assert!(!missing.exists());
}

#[test]
fn a_passphrase_comes_by_file_or_descriptor() {
    let world = World::new();
    let folder = world.path().join("pat");
    let passphrase = world.path().join("passphrase");
    fs::write(&passphrase, "correct horse battery staple\nnot this line\n").expect("written");
    fs::set_permissions(&passphrase, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("set");
    let mut pat = world.person("pat");
    pat.folder = folder;
    let init = pat.run_with(
        &["--json", "init", "--passphrase-fd", "0"],
        b"correct horse battery staple\n",
    );
    assert!(init.status.success(), "{init:#?}");
    assert_eq!(pat.error(&["daemon", "start"]).0, 9, "there is no terminal to ask on");

    let _background = Background(&pat);
    pat.json(&["daemon", "start", "--passphrase-file", path(&passphrase)]);
    pat.json(&["daemon", "stop"]);
    let wrong = pat.run_with(&["--json", "daemon", "start", "--passphrase-fd", "0"], b"wrong\n");
    assert_eq!(wrong.status.code(), Some(9), "{wrong:#?}");
    let right = pat.run_with(
        &["--json", "daemon", "start", "--passphrase-fd", "0"],
        b"correct horse battery staple\n",
    );
    assert!(right.status.success(), "{right:#?}");
}

#[test]
fn profiles_live_side_by_side() {
    let world = World::new();
    let alice = world.person("alice");
    let key = world.path().join("second.key");
    let second = alice.json(&["--profile", "work", "init", "--key-file", path(&key)]);
    assert_ne!(second["onion"], alice.onion.as_str());
    assert_eq!(alice.error(&["--profile", "../work", "status"]).0, 1);
    assert_eq!(alice.error(&["--profile", "none", "daemon", "start"]).0, 1);
}
