//! The key and the passphrase: whose files they are, and in which form they are typed.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::{Person, World, path, run, sotto, string};

/// A file for the user alone.
fn secret(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, content).expect("written");
    set_mode(&file, 0o600);
    file
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

#[test]
fn a_secret_that_others_can_read_or_replace_is_refused_and_doctor_says_the_same() {
    let world = World::new();
    let folder = world.path().join("secrets");
    fs::create_dir(&folder).expect("made");
    set_mode(&folder, 0o700);
    let passphrase = secret(&folder, "passphrase", b"correct horse\n");
    let mut alice = world.person("alice");
    alice.folder = world.path().join("with-passphrase");
    for (file, mode, hint) in [(&passphrase, 0o644, "chmod 600 "), (&folder, 0o777, "chmod go-w ")] {
        let before = fs::metadata(file).expect("there").permissions().mode();
        set_mode(file, mode);
        let (code, error) = alice.error(&["init", "--passphrase-file", path(&passphrase)]);
        assert_eq!((code, &error["data"]["kind"]), (9, &"locked".into()), "{error}");
        assert!(string(&error["data"]["hint"]).starts_with(hint), "{error}");
        assert!(!alice.folder.join("sotto.db").exists(), "no identity is made");
        set_mode(file, before);
    }
    alice.json(&["init", "--passphrase-file", path(&passphrase)]);
    assert_eq!(verdict(&alice, "key"), "good");

    for (file, mode) in [(&passphrase, 0o640), (&folder, 0o770)] {
        let before = fs::metadata(file).expect("there").permissions().mode();
        set_mode(file, mode);
        let (code, error) = alice.error(&["daemon", "run"]);
        assert_eq!((code, &error["data"]["kind"]), (9, &"locked".into()), "{error}");
        assert_eq!(verdict(&alice, "key"), "bad");
        let doctor = alice.run(&["doctor"]);
        let hint = string(&error["data"]["hint"]);
        assert!(doctor.stdout.contains(&hint), "the same words: {hint} {doctor:#?}");
        set_mode(file, before);
    }
}

fn verdict(person: &Person, subject: &str) -> String {
    let ran = person.run(&["--json", "doctor"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|one| one["subject"] == subject);
    string(&finding.unwrap_or_else(|| panic!("nothing about {subject}: {report}"))["verdict"])
}

#[test]
fn a_passphrase_is_the_same_in_each_form_of_its_letters() {
    let world = World::new();
    let file = secret(world.path(), "passphrase", "Zo\u{eb} Jos\u{e9}\n".as_bytes());
    let mut zoe = world.person("zoe");
    zoe.folder = world.path().join("zoe");
    zoe.json(&["init", "--passphrase-file", path(&file)]);
    for typed in [
        "\u{feff}Zo\u{eb} Jos\u{e9}",
        "Zoe\u{308} Jose\u{301}\r\n",
        "\u{feff}Zoe\u{308} Jos\u{e9}\n",
    ] {
        fs::write(&file, typed).expect("written");
        let started = zoe.run(&["--json", "daemon", "start"]);
        zoe.run(&["daemon", "stop"]);
        assert!(started.status.success(), "{typed:?} {started:#?}");
    }
}

#[test]
fn no_identity_is_made_where_no_daemon_could_listen() {
    let world = World::new();
    let deep = world.path().join("x".repeat(120));
    let key = world.path().join("key");
    for (data, network) in [
        (deep.clone(), world.path().join("net")),
        (world.path().join("data"), deep),
    ] {
        let mut command = sotto();
        command.arg("--json").arg("--data-dir").arg(&data);
        command.arg("--network").arg(format!("local:{}", path(&network)));
        command.args(["init", "--key-file", path(&key)]);
        let ran = run(command, b"");
        assert_eq!(ran.status.code(), Some(3), "{ran:#?}");
        assert!(ran.stderr.contains("too long for a socket"), "{ran:#?}");
        assert!(!data.exists() && !key.exists(), "nothing is made");
    }
}
