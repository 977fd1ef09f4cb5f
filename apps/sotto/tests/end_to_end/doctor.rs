//! `sotto doctor`: what is wrong is found, named, and comes with what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sotto_api::{DoctorReport, Nothing, all};
use sotto_client::blocking::Client;

use crate::world::{Person, World, run, sotto};

fn write_secret(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("room");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("ours");
}

/// Verdict, what was said, and the hint.
type Finding = (String, String, String);

/// The exit code, and the findings by subject.
fn examine(person: &Person) -> (i32, impl Fn(&str) -> Option<Finding> + use<>) {
    let ran = person.run(&["--json", "doctor"]);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no report: {ran:#?}"));
    let code = ran.status.code().expect("an exit code");
    assert_eq!(report["healthy"], code == 0, "{report:#}");
    let about = move |subject: &str| {
        let findings = report["findings"].as_array().expect("a list");
        let finding = findings.iter().find(|finding| finding["subject"] == subject)?;
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        Some((text("verdict"), text("said"), text("hint")))
    };
    (code, about)
}

#[test]
fn a_healthy_daemon_has_nothing_wrong() {
    let world = World::new();
    let mut alice = world.person("alice");
    alice.start();
    fs::set_permissions(alice.folder.join("stderr.log"), Permissions::from_mode(0o600)).expect("ours");
    let (code, about) = examine(&alice);
    assert_eq!(code, 0);
    for subject in [
        "identity",
        "configuration",
        "permissions",
        "disk",
        "daemon",
        "network",
        "outbox",
    ] {
        let (verdict, said, hint) = about(subject).unwrap_or_else(|| panic!("{subject} was not looked at"));
        assert_eq!((verdict.as_str(), hint.as_str()), ("good", ""), "{subject}: {said}");
    }
    let told = alice.run(&["doctor"]);
    assert!(told.stdout.lines().all(|line| line.starts_with("ok")), "{told:#?}");

    // Every surface gets the same, and without a daemon the files are looked at all the same.
    let mut client = Client::connect(&alice.folder.join("sotto.sock")).expect("it answers");
    let report = client.call::<all::DoctorRun>(&Nothing {}).expect("a report");
    let subjects = |report: &DoctorReport| -> Vec<String> {
        let findings = report.findings.iter();
        findings.map(|finding| finding.subject.clone()).collect()
    };
    let said: DoctorReport = serde_json::from_str(&alice.run(&["--json", "doctor"]).stdout).expect("a report");
    assert_eq!(subjects(&report), subjects(&said));
    drop(client);
    alice.stop();
    let (code, about) = examine(&alice);
    assert_eq!(code, 7);
    for subject in ["identity", "configuration", "key", "permissions", "disk", "store"] {
        let (verdict, said, _) = about(subject).unwrap_or_else(|| panic!("{subject} was not looked at"));
        assert_eq!(verdict, "good", "{subject}: {said}");
    }
}

#[test]
fn what_is_wrong_comes_with_what_to_do() {
    let world = World::new();
    let mut alice = world.person("alice");
    let (code, about) = examine(&alice);
    assert_eq!(code, 7, "no daemon");
    let (verdict, _, hint) = about("daemon").expect("looked at");
    assert!(verdict == "bad" && hint.contains("sotto daemon start"), "{hint}");

    alice.start();
    let before = fs::read_to_string(alice.folder.join("config.toml")).expect("a file");
    alice.configure("netwrok = 'tor'");
    let (code, about) = examine(&alice);
    assert_eq!(code, 1);
    let (verdict, said, _) = about("configuration").expect("looked at");
    assert!(verdict == "bad" && said.contains("did you mean \"network\"?"), "{said}");
    assert_eq!(
        about("daemon").expect("looked at").0,
        "good",
        "the rest is looked at all the same"
    );
    fs::write(alice.folder.join("config.toml"), &before).expect("room");

    // No key is in it; and a pipe without a writer is not waited for.
    let key = alice.folder.join("another-key");
    let ours = alice.key_file.to_str().expect("UTF-8");
    assert!(before.contains(ours), "{before}");
    let other = before.replace(ours, key.to_str().expect("UTF-8"));
    fs::write(alice.folder.join("config.toml"), other).expect("room");
    fs::create_dir_all(&key).expect("room");
    for _ in 0..2 {
        let (verdict, said, hint) = examine(&alice).1("key").expect("looked at");
        assert!(
            verdict == "bad" && said.contains("another-key") && !hint.is_empty(),
            "{said}"
        );
        let _ = fs::remove_dir(&key);
        write_secret(&key, &[7; 31]);
    }
    fs::remove_file(&key).expect("ours");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(&key).status();
    assert!(made.expect("mkfifo runs").success());
    assert_eq!(examine(&alice).1("key").expect("looked at").0, "good");
    fs::remove_file(&key).expect("ours");
    fs::write(alice.folder.join("config.toml"), before).expect("room");

    let open = alice.folder.join("left-behind");
    fs::write(&open, "").expect("room");
    fs::set_permissions(&open, Permissions::from_mode(0o644)).expect("ours");
    let (verdict, said, hint) = examine(&alice).1("permissions").expect("looked at");
    assert!(verdict == "careful" && said.contains("left-behind"), "{said}");
    assert!(hint.starts_with("chmod"), "{hint}");

    let mut command = sotto();
    command.arg("--data-dir").arg(world.path().join("empty")).arg("doctor");
    let told = run(command, b"");
    assert_eq!(told.status.code(), Some(1));
    assert!(told.stdout.contains("there is no identity in"), "{told:#?}");
}

#[test]
fn what_waits_is_told() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    bob.stop();
    alice.json(&["send", "bob", "are you there?"]);
    let (code, about) = examine(&alice);
    assert_eq!(code, 0, "waiting is no illness");
    let (verdict, said, hint) = about("outbox").expect("looked at");
    assert!(verdict == "careful" && said.starts_with("1 wait"), "{said}");
    assert!(hint.contains("sotto outbox"), "{hint}");
    alice.stop();
}
