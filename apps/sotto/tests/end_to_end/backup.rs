//! `sotto backup`: a whole copy while the daemon runs, and what comes of it when it is restored.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use sotto_api::{self as api, Body, MessageState, all};

use crate::world::{Person, World, path, string};

fn texts(answer: &Value) -> Vec<String> {
    let messages = answer["messages"].as_array().expect("a list");
    messages.iter().map(|message| string(&message["text"])).collect()
}

#[test]
fn a_backup_of_a_running_daemon_is_whole_and_its_restore_talks_on() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    let said: Vec<String> = (0..51).map(|n| format!("message {n}")).collect();
    for text in &said {
        alice.json(&["send", "bob", text]);
    }
    bob.texts(said.len());
    let file = world.path().join("copy.db");
    let made = alice.json(&["backup", path(&file)]);
    let found = fs::metadata(&file).expect("made");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        (&made["bytes"], &made["file"]),
        (&found.len().into(), &path(&file).into())
    );

    let before = fs::read(&file).expect("readable");
    let (code, error) = alice.error(&["backup", path(&file)]);
    assert_eq!((code, &error["data"]["kind"]), (1, &"invalid_params".into()), "{error}");
    assert_eq!(fs::read(&file).expect("readable"), before, "it is not overwritten");
    let nowhere = world.path().join("nowhere/copy.db");
    let (code, error) = alice.error(&["backup", path(&nowhere)]);
    assert!(code == 3 && string(&error["message"]).contains("nowhere"), "{error}");

    for _ in 0..3 {
        alice.json(&["send", "bob", "after the backup", "--wait", "delivered"]);
    }
    bob.texts(3);
    let seen = alice.call::<all::NodeStatus>(&api::Nothing {}).last_seq;
    alice.stop();
    // A new folder, the same key.
    alice.folder = world.path().join("restored");
    let ran = alice.run(&[
        "init",
        "--from-backup",
        path(&file),
        "--key-file",
        path(&alice.key_file),
    ]);
    assert!(ran.status.success() && ran.stdout.contains(&alice.onion), "{ran:#?}");
    assert!(ran.stderr.contains("Never run the old profile again"), "{ran:#?}");
    assert_eq!(fs::read(&file).expect("readable"), before, "the backup stays as it is");
    alice.start();
    assert_eq!(texts(&alice.json(&["history", "bob", "-n", "1000"])), said);
    // A reader of the log that was further than the backup is told so, and led back to the end.
    let wait = api::WaitEvents {
        since: Some(seen),
        timeout: Some(60),
        ..api::WaitEvents::default()
    };
    let told = alice.call::<all::EventsWait>(&wait);
    assert!(
        matches!(&told.events[..], [api::Event { body: Body::Gap { to, .. }, .. }] if *to == seen),
        "{told:?}"
    );
    assert!(told.next < seen, "{told:?}");
    let sent = alice.json(&["send", "bob", "after the restore"]);
    // He is told what may be missing there: she has acknowledged nothing since.
    let who = bob.until("the restore", |event| match &event.body {
        Body::ContactRolledBack { who } => Some(who.contact.clone()),
        _ => None,
    });
    assert_eq!(who, alice.onion);
    assert_eq!(bob.texts(1), ["after the restore"]);
    alice.until_state(&string(&sent["id"]), MessageState::Delivered);
    bob.json(&["send", "alice", "welcome back", "--wait", "delivered"]);
    assert_eq!(alice.texts(1), ["welcome back"]);
}

/// The profile runs on two machines: both say so, and what to do; the contacts' nodes, which are alone, do not.
#[test]
fn two_machines_with_one_profile_are_found() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    // She dials him at her start. A link that he has dialed would hold out for a while against one from the second machine.
    alice.stop();
    alice.start();
    alice.json(&["send", "bob", "before the copy", "--wait", "delivered"]);
    let file = world.path().join("copy.db");
    alice.json(&["backup", path(&file)]);
    let key = alice.key_file.clone();
    let mut second = world.person("alice");
    (second.onion, second.folder) = (alice.onion.clone(), world.path().join("second"));
    second.json(&["init", "--from-backup", path(&file), "--key-file", path(&key)]);
    second.key_file = key;

    // On the network of the first machine it does not start.
    let own_network = std::mem::replace(&mut second.network, alice.network.clone());
    let (code, error) = second.error(&["daemon", "run", "--key-file", path(&second.key_file)]);
    assert_eq!(error["data"]["kind"], "in_use", "{code}: {error}");
    assert!(
        string(&error["data"]["hint"]).contains("copy of this profile"),
        "{error}"
    );
    // On another one it does, and reaches Bob as well.
    second.network = own_network;
    world
        .eavesdropper
        .tap(&second.network.join(&bob.onion), bob.network.join(&bob.onion))
        .expect("a tap");
    second.start();
    let wait = |person: &Person, text: &str| {
        person.json(&["send", "bob", text, "--wait", "delivered"]);
    };
    for round in 0..2 {
        wait(&second, &format!("second {round}"));
        wait(&alice, &format!("first {round}"));
    }
    let received = bob.texts(5);
    assert_eq!(received[1..], ["second 0", "first 0", "second 1", "first 1"]);
    for machine in [&mut alice, &mut second] {
        let contact = machine.until("the other machine", |event| match &event.body {
            Body::IdentityElsewhere { contact } => Some(contact.clone()),
            _ => None,
        });
        assert_eq!(contact.as_ref(), Some(&bob.onion));
        let status = machine.json(&["status"]);
        assert_eq!(status["elsewhere"]["contact"], bob.onion.as_str(), "{status}");
        let told = machine.run(&["status"]).stdout;
        assert!(
            told.contains("another machine runs with your identity") && told.contains("sotto daemon stop"),
            "{told}"
        );
        let ran = machine.run(&["--json", "doctor"]);
        let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let findings = report["findings"].as_array().expect("a list");
        let found = findings.iter().find(|one| one["verdict"] == "bad").expect("a finding");
        assert!(
            found["subject"] == "identity" && string(&found["hint"]).contains("never run that copy again"),
            "{found}"
        );
    }
    assert!(bob.json(&["status"]).get("elsewhere").is_none());
}

#[test]
fn what_is_no_backup_is_not_restored_and_leaves_no_profile() {
    let world = World::new();
    let (mut alice, _bob) = world.friends();
    let file = world.path().join("copy.db");
    alice.json(&["backup", path(&file)]);
    let live = alice.folder.join("sotto.db");
    let wrong = world.path().join("wrong.key");
    fs::write(&wrong, [7; 32]).expect("written");
    fs::set_permissions(&wrong, Permissions::from_mode(0o600)).expect("ours");
    let text = world.path().join("text");
    fs::write(&text, "not a database".repeat(1000)).expect("written");
    let empty = world.path().join("empty");
    fs::write(&empty, "").expect("written");
    let missing = world.path().join("missing");
    let whole = fs::read(&file).expect("readable");
    let mut changed = whole.clone();
    let pages = whole.len() / 4096;
    changed[(pages - 3) * 4096 + 2000] ^= 1;
    let damaged = world.path().join("damaged.db");
    fs::write(&damaged, changed).expect("written");
    let truncated = world.path().join("truncated.db");
    fs::write(&truncated, &whole[..whole.len() - 4096]).expect("written");

    let (old, key) = (alice.folder.clone(), alice.key_file.clone());
    alice.folder = world.path().join("restored");
    for (backup, key, code, why) in [
        (&live, &key, 3, "sotto.db-wal"),
        (&file, &wrong, 9, "does not open with this key"),
        (&text, &key, 9, "does not open with this key"),
        (&damaged, &key, 3, "damaged.db is damaged"),
        (&truncated, &key, 3, "truncated.db is damaged"),
        (&empty, &key, 3, "shorter than one page"),
        (&missing, &key, 3, "missing"),
    ] {
        let (found, error) = alice.error(&["init", "--from-backup", path(backup), "--key-file", path(key)]);
        assert_eq!(found, code, "{error}");
        let message = string(&error["message"]);
        assert!(message.contains(why), "{error}");
        let copy = alice.folder.join("sotto.db");
        assert!(
            !message.contains(path(&copy)) && message.contains(path(backup)),
            "{error}"
        );
        let hint = string(&error["data"]["hint"]);
        // It is refused with `--part`, too, unless it is a part: the log of the running daemon may be empty just now.
        assert_eq!(
            hint.contains("--part"),
            message.contains("is a part of a store"),
            "{error}"
        );
        assert!(!alice.folder.join("sotto.db").exists() && !alice.folder.join("config.toml").exists());
    }
    let both = ["init", "--from-backup", path(&file), "--name", "x"];
    assert_eq!(alice.error(&both).0, 1);
    alice.folder = old;
    let there = ["init", "--from-backup", path(&file), "--key-file", path(&key)];
    assert_eq!(alice.error(&there).1["data"]["kind"], "already_initialised");
    alice.stop();
}

/// So that the copy of a stopped profile is whole.
#[test]
fn a_daemon_that_ends_in_order_leaves_all_in_the_one_file() {
    let world = World::new();
    let (mut alice, _bob) = world.friends();
    alice.json(&["send", "bob", "the last one"]);
    let log = alice.folder.join("sotto.db-wal");
    assert!(fs::metadata(&log).expect("while it runs").len() > 0);
    let (verdict, said) = store(&alice);
    assert!(verdict == "good" && said.contains("sotto backup"), "{said}");
    alice.stop();
    assert!(!log.exists());

    let copy = world.path().join("copy.db");
    fs::copy(alice.folder.join("sotto.db"), &copy).expect("readable");
    alice.folder = world.path().join("restored");
    let key = alice.key_file.clone();
    alice.json(&["init", "--from-backup", path(&copy), "--key-file", path(&key)]);
    alice.start();
    assert_eq!(texts(&alice.json(&["history", "bob"])), ["the last one"]);

    // A copy of the file of a running daemon, without its log, is recognised.
    alice.json(&["send", "bob", "only in the log"]);
    let part = world.path().join("part.db");
    fs::copy(alice.folder.join("sotto.db"), &part).expect("readable");
    let running = alice.folder.clone();
    alice.folder = world.path().join("of-a-part");
    let restore = ["init", "--from-backup", path(&part), "--key-file", path(&key)];
    let (code, error) = alice.error(&restore);
    let (message, hint) = (string(&error["message"]), string(&error["data"]["hint"]));
    assert!(
        code == 3 && message.contains("is a part of a store") && hint.contains("--part"),
        "{error}"
    );
    assert!(!alice.folder.join("sotto.db").exists());
    // What it has must be as it was written, also where nothing is read at first.
    let whole = fs::read(&part).expect("readable");
    let pages = whole.len() / 4096;
    for page in [pages / 2, pages - 3, pages - 1] {
        let mut changed = whole.clone();
        changed[page * 4096 + 2000] ^= 1;
        fs::write(&part, changed).expect("written");
        let (code, error) = alice.error(&[&restore[..], &["--part"]].concat());
        let message = string(&error["message"]);
        assert!(code == 3 && message.contains("part.db is damaged"), "{page}: {error}");
        assert!(!alice.folder.join("sotto.db").exists());
    }
    fs::write(&part, whole).expect("written");
    let taken = alice.json(&[&restore[..], &["--part"]].concat());
    assert_eq!(taken["onion"], alice.onion.as_str());
    alice.folder = running;

    // After a crash the log is a part of the store, and doctor says so.
    alice.json(&["send", "bob", "before the crash"]);
    alice.kill();
    let (verdict, said) = store(&alice);
    assert!(verdict == "careful" && said.contains("sotto.db-wal"), "{said}");

    // What is left of one store must not become a part of another.
    fs::remove_file(alice.folder.join("sotto.db")).expect("ours");
    fs::remove_file(alice.folder.join("config.toml")).expect("ours");
    for arguments in [&["init"][..], &["init", "--from-backup", path(&copy)]] {
        let (code, error) = alice.error(&[arguments, &["--key-file", path(&key)]].concat());
        assert!(
            code == 3 && string(&error["message"]).contains("sotto.db-wal"),
            "{error}"
        );
    }
}

/// What doctor finds of the files.
fn store(person: &Person) -> (String, String) {
    let ran = person.run(&["--json", "doctor"]);
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    let finding = findings.iter().find(|one| one["subject"] == "store");
    let finding = finding.unwrap_or_else(|| panic!("nothing about the store: {report}"));
    (string(&finding["verdict"]), string(&finding["said"]))
}
