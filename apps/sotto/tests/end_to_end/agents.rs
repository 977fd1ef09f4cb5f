//! Agents through the program: their tokens as files, a process with a shell that is the user's own, the owner at a terminal,
//! approvals across `kill -9`, and the audit log in a store that was tampered with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sotto_api::{self as api, Kind, all};
use sotto_core::row::{Batch, Change, Key, RecordRow, Row};

use crate::world::{Person, Ran, World, path, program, run, string};

const PASSPHRASE: &str = "correct horse battery";

/// Runs a program on a new terminal and answers each question for a passphrase with the same one. Prints what the program printed.
const AT_A_TERMINAL: &str = r#"
import os, pty, select, sys, termios, time

answer, arguments = sys.argv[1].encode() + b"\n", sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execv(arguments[0], arguments)

said, answered = b"", 0
deadline = time.monotonic() + 60
while True:
    ready, _, _ = select.select([terminal], [], [], 60)
    if not ready or time.monotonic() > deadline:
        sys.exit("it hangs: " + repr(said))
    try:
        read = os.read(terminal, 4096)
    except OSError:
        break
    if not read:
        break
    said += read
    if said.count(b"assphrase: ") > answered:
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            if time.monotonic() > deadline:
                sys.exit("the echo stays")
            time.sleep(0.005)
        answered = said.count(b"assphrase: ")
        os.write(terminal, answer)
_, status = os.waitpid(child, 0)
print(said.decode(), end="")
print("asked", answered, "exit", os.WEXITSTATUS(status))
"#;

fn at_a_terminal(person: &Person, passphrase: &str, arguments: &[&str]) -> Ran {
    let mut python = program("python3");
    python.args(["-c", AT_A_TERMINAL, passphrase, env!("CARGO_BIN_EXE_sotto")]);
    python.args(["--data-dir", path(&person.folder)]);
    python.args(arguments);
    run(python, b"")
}

/// Alice, who has an owner's passphrase and an agent that may read and write to Bob; and the file of its token.
fn with_agent(world: &World) -> (Person, Person, PathBuf) {
    let (alice, bob) = world.friends();
    alice.call::<all::OwnerPassphrase>(&api::SetPassphrase {
        passphrase: PASSPHRASE.into(),
    });
    let added = alice.json(&[
        "agents",
        "add",
        "helper",
        "--allow",
        "read:bob,send:bob",
        "--rate",
        "100/h",
    ]);
    assert_eq!(added["allow"], json!(["read:bob", "send:bob"]));
    assert!(added.get("token").is_none(), "it is in the file alone: {added}");
    let file = PathBuf::from(string(&added["token_file"]));
    assert_eq!(file, alice.folder.join("agents/helper.token"));
    (alice, bob, file)
}

/// The error of a command, by its kind.
fn kind(person: &Person, arguments: &[&str]) -> (i32, String) {
    let (code, error) = person.error(arguments);
    (code, string(&error["data"]["kind"]))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

#[test]
fn a_process_of_the_same_user_without_the_passphrase_gets_no_further_than_its_token() {
    let world = World::new();
    let (alice, mut bob, file) = with_agent(&world);
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let token_file = path(&file).to_owned();
    let as_agent = |arguments: &[&str]| {
        [&["--token-file", token_file.as_str()], arguments]
            .concat()
            .iter()
            .map(|one| (*one).to_owned())
            .collect::<Vec<_>>()
    };
    let run_as = |arguments: &[&str]| {
        let arguments = as_agent(arguments);
        alice.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    run_as(&["send", "bob", "from the agent"]);
    assert_eq!(bob.texts(1), ["from the agent"]);
    run_as(&["history", "bob"]);
    let mut by_variable = alice.command(&["--json", "agents", "list"]);
    by_variable.env("SOTTO_TOKEN_FILE", &file);
    let listed = run(by_variable, b"");
    assert!(listed.stdout.contains("\"helper\""), "{listed:#?}");

    // Its shell runs the program without the token, reads every file of the folder, and asks the socket.
    alice.json(&["history", "bob"]);
    let (code, error) = alice.error(&["send", "bob", "beyond the token"]);
    assert_eq!(
        (code, string(&error["data"]["kind"])),
        (10, "approval_required".to_owned())
    );
    let approval = string(&error["data"]["approval"]["id"]);
    for command in [
        &["approvals", "allow", &approval][..],
        &["agents", "add", "more", "--allow", "send:*"],
        &["agents", "revoke", "helper"],
        &["friends", "rename", "bob", "rob"],
        &["identity", "--invite"],
        &["backup", "/tmp/never"],
    ] {
        assert_eq!(kind(&alice, command), (9, "owner_required".to_owned()), "{command:?}");
        let arguments = as_agent(command);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if command[..2] != ["agents", "add"] {
            assert_eq!(kind(&alice, &arguments), (11, "forbidden".to_owned()), "{command:?}");
        }
    }
    // Each command that connects by itself speaks for the agent as well.
    let stop = as_agent(&["daemon", "stop"]);
    let stop: Vec<&str> = stop.iter().map(String::as_str).collect();
    assert_eq!(kind(&alice, &stop), (11, "forbidden".to_owned()));
    let revoked = world.path().join("revoked.token");
    fs::write(&revoked, format!("{}\n", "a".repeat(43))).expect("written");
    fs::set_permissions(&revoked, Permissions::from_mode(0o600)).expect("ours");
    for command in [
        &["daemon", "stop"][..],
        &["daemon", "status"],
        &["daemon", "start"],
        &["status"],
    ] {
        let arguments = [&["--token-file", path(&revoked)], command].concat();
        assert_eq!(kind(&alice, &arguments), (11, "forbidden".to_owned()), "{command:?}");
    }
    let doctor = alice.run(&["--json", "--token-file", path(&revoked), "doctor"]);
    assert!(doctor.stdout.contains("no agent has this token"), "{doctor:#?}");
    assert_eq!(run_as(&["daemon", "status"])["running"], true);

    let mut found = Vec::new();
    files(&alice.folder, &mut found);
    let token = fs::read_to_string(&file).expect("readable");
    for place in found {
        let bytes = fs::read(&place).expect("readable");
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(PASSPHRASE), "{} holds the passphrase", place.display());
        assert!(
            place == file || !holds(token.trim()),
            "{} holds the token",
            place.display()
        );
    }
    let copy = world.path().join("copy");
    fs::write(&copy, &token).expect("written");
    fs::set_permissions(&copy, Permissions::from_mode(0o644)).expect("ours");
    assert_eq!(
        kind(&alice, &["--token-file", path(&copy), "inbox"]),
        (9, "locked".to_owned())
    );

    // A process that guesses waits, and does not keep the owner out, who has a terminal.
    let mut guesser = alice.client();
    for (passphrase, expected) in [
        ("a", Kind::WrongKey),
        ("b", Kind::WrongKey),
        ("c", Kind::WrongKey),
        (PASSPHRASE, Kind::RateLimited),
    ] {
        let guess = api::Unlock {
            passphrase: passphrase.into(),
        };
        let error = guesser.call::<all::SessionUnlock>(&guess).expect_err("refused");
        assert_eq!(error.kind(), expected);
    }
    let wrong = at_a_terminal(&alice, "wrong", &["approvals", "allow", &approval]);
    assert!(wrong.stdout.ends_with("asked 3 exit 9\n"), "{wrong:#?}");
    let right = at_a_terminal(&alice, PASSPHRASE, &["approvals", "allow", &approval]);
    assert!(right.stdout.ends_with("asked 1 exit 0\n"), "{right:#?}");
    assert_eq!(bob.texts(1), ["beyond the token"]);

    // A right that names a contact that is gone is no right for the next contact of that name.
    let removed = at_a_terminal(&alice, PASSPHRASE, &["friends", "remove", "bob"]);
    assert!(removed.stdout.ends_with("exit 0\n"), "{removed:#?}");
    for command in [&["history", &bob.onion][..], &["identity"], &["inbox"]] {
        let arguments = as_agent(command);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(kind(&alice, &arguments).1, "unknown_contact", "{command:?}");
    }
    bob.stop();
}

/// With `reads = "token"` in the configuration.
#[test]
fn without_a_token_nothing_is_read_where_the_owner_says_so() {
    let world = World::new();
    let (mut alice, bob, file) = with_agent(&world);
    bob.json(&["send", "alice", "hello", "--wait", "delivered"]);
    alice.stop();
    alice.configure("agents = { reads = \"token\" }");
    alice.start();
    for command in [
        &["history", &bob.onion][..],
        &["inbox"],
        &["threads"],
        &["search", "hello"],
        &["receive"],
        &["friends", "list"],
        &["friends", "requests"],
        &["outbox"],
        &["listen", "--since", "0"],
        &["agents", "list"],
        &["approvals", "list"],
        &["audit", "show"],
    ] {
        assert_eq!(kind(&alice, command), (9, "owner_required".to_owned()), "{command:?}");
    }
    alice.json(&["status"]);
    alice.json(&["identity"]);
    assert_eq!(
        alice.json(&["--token-file", path(&file), "history", "bob"])["messages"][0]["text"],
        "hello"
    );
    let owner = at_a_terminal(&alice, PASSPHRASE, &["history", "bob"]);
    assert!(
        owner.stdout.contains("hello") && owner.stdout.ends_with("asked 1 exit 0\n"),
        "{owner:#?}"
    );

    // It knows no names, and is told none.
    let (_, error) = alice.error(&["send", "bbo", "x"]);
    assert!(
        error["data"]["kind"] == "unknown_contact" && !error.to_string().contains("did you mean"),
        "{error}"
    );
    let (_, error) = alice.error(&["send", &bob.onion, "may I?"]);
    assert_eq!(error["data"]["kind"], "approval_required");
    assert!(
        error["data"]["approval"]["conversation"].get("petname").is_none(),
        "{error}"
    );
}

/// A store that is as it was before the owner said yes asks again. What is sent then is the same message, and is received once.
#[test]
fn what_was_allowed_before_and_after_a_restore_is_received_once() {
    let world = World::new();
    let (mut alice, mut bob, _file) = with_agent(&world);
    let approval = string(&alice.error(&["send", "bob", "just once"]).1["data"]["approval"]["id"]);
    let file = world.path().join("copy.db");
    let owner = |alice: &Person| {
        let mut client = alice.client();
        let unlock = api::Unlock {
            passphrase: PASSPHRASE.into(),
        };
        client.call::<all::SessionUnlock>(&unlock).expect("the owner");
        client
    };
    let allow = api::Decide {
        id: approval,
        digest: None,
    };
    let mut client = owner(&alice);
    let backup = api::BackupTo {
        file: path(&file).to_owned(),
    };
    client.call::<all::DaemonBackup>(&backup).expect("a copy");
    let first = client.call::<all::ApprovalsAllow>(&allow).expect("allowed");
    drop(client);
    assert_eq!(bob.texts(1), ["just once"]);
    alice.stop();
    alice.folder = world.path().join("restored");
    let ran = alice.run(&[
        "init",
        "--from-backup",
        path(&file),
        "--key-file",
        path(&alice.key_file),
    ]);
    assert!(ran.status.success(), "{ran:#?}");
    alice.start();
    let mut client = owner(&alice);
    let second = client.call::<all::ApprovalsAllow>(&allow).expect("allowed again");
    assert_eq!(
        (second.state, &second.message),
        (api::ApprovalState::Sent, &first.message)
    );
    client
        .call::<all::Send>(&api::Send {
            conversation: bob.onion.clone(),
            text: "afterwards".to_owned(),
            ..Default::default()
        })
        .expect("sent");
    drop(client);
    assert_eq!(
        bob.texts(1),
        ["afterwards"],
        "what was received before is not received again"
    );
}

#[test]
fn the_owner_is_asked_at_the_terminal_and_the_log_says_who_did_what() {
    let world = World::new();
    let (mut alice, mut bob) = world.friends();
    // The first agent makes the owner choose a passphrase.
    assert_eq!(
        kind(&alice, &["agents", "add", "helper"]),
        (9, "owner_required".to_owned())
    );
    a_typing_error_costs_no_passphrase(&alice);
    let made = at_a_terminal(&alice, PASSPHRASE, &["agents", "add", "helper", "--allow", "read:bob"]);
    assert!(made.stdout.ends_with("asked 2 exit 0\n"), "{made:#?}");
    a_typing_error_costs_no_passphrase(&alice);
    let (code, error) = alice.error(&["send", "bob", "may I?"]);
    assert_eq!(code, 10);
    let approval = string(&error["data"]["approval"]["id"]);
    let listed = alice.run(&["approvals", "list"]);
    assert!(
        listed.stdout.contains("may I?") && listed.stdout.contains("to bob"),
        "{listed:#?}"
    );
    let allowed = at_a_terminal(&alice, PASSPHRASE, &["approvals", "allow", &approval]);
    assert!(allowed.stdout.ends_with("asked 1 exit 0\n"), "{allowed:#?}");
    assert_eq!(bob.texts(1), ["may I?"]);
    let denied = string(&alice.error(&["send", "bob", "or this?"]).1["data"]["approval"]["id"]);
    assert_eq!(alice.json(&["approvals", "deny", &denied])["state"], "denied");
    let decided = alice.json(&["approvals", "list", "--decided"]);
    let states: Vec<String> = decided["approvals"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| string(&one["state"]))
        .collect();
    assert_eq!(states, ["sent", "denied"]);

    let shown = alice.run(&["audit", "show"]);
    for expected in [
        "agents.add",
        "owner",
        "unscoped",
        "approvals.allow",
        "allowed",
        "denied",
    ] {
        assert!(shown.stdout.contains(expected), "{expected}: {shown:#?}");
    }
    assert!(!shown.stdout.contains("may I?"));
    assert_eq!(alice.json(&["audit", "verify"])["intact"], true);
    alice.stop();
    let removed = Change::Delete(Key::Record(format!("audit/entry/{:016x}", 2)));
    tamper(&alice, removed);
    alice.start();
    let verdict = alice.run(&["--json", "audit", "verify"]);
    assert_eq!(verdict.status.code(), Some(3), "{verdict:#?}");
    let verdict: Value = serde_json::from_str(&verdict.stdout).expect("JSON");
    assert_eq!(verdict["damage"]["number"], 2, "{verdict}");
    alice.stop();
}

fn a_typing_error_costs_no_passphrase(alice: &Person) {
    for (arguments, said) in [
        (&["helper-2", "--allow", "raed:bob"][..], "did you mean read?"),
        (&["helper-2", "--allow", "read:bob,send:bbo"], "did you mean bob?"),
        (&["helper/2", "--allow", "read:bob"], "letters, digits"),
        (&["helper-2", "--allow", "read:bob", "--rate", "often"], "rate must be"),
        (
            &["helper-2", "--allow", "read:bob", "--hours", "always"],
            "hours must be",
        ),
    ] {
        let ran = at_a_terminal(alice, PASSPHRASE, &[&["agents", "add"], arguments].concat());
        assert!(
            ran.stdout.contains(said) && ran.stdout.ends_with("asked 0 exit 1\n"),
            "{arguments:?}: {ran:#?}"
        );
    }
}

fn tamper(person: &Person, change: Change) {
    let mut store = person.open_store();
    store.commit(&Batch { changes: vec![change] }).expect("committed");
    store.close().expect("closed");
}

#[test]
fn what_was_allowed_is_sent_once_also_if_the_daemon_was_killed_in_between() {
    let world = World::new();
    let (mut alice, mut bob, _file) = with_agent(&world);
    let approval = string(&alice.error(&["send", "bob", "just once"]).1["data"]["approval"]["id"]);
    alice.kill();
    // As a daemon leaves it that was killed after the owner's yes was durable, and before the message was.
    let key = format!("approval/{approval}");
    let pending = stored(&alice, &key);
    let allowed = String::from_utf8(pending)
        .expect("JSON")
        .replace("\"allowed\":false", "\"allowed\":true");
    let put = || {
        Change::Put(Row::Record(RecordRow {
            key: key.clone(),
            value: allowed.clone().into_bytes(),
        }))
    };
    tamper(&alice, put());
    alice.start();
    assert_eq!(bob.texts(1), ["just once"]);
    assert_eq!(alice.json(&["approvals", "list"])["approvals"], json!([]));

    // And after the message was durable, but not the end of the approval.
    alice.kill();
    tamper(&alice, put());
    alice.start();
    let state = &alice.json(&["approvals", "list", "--decided"])["approvals"][0]["state"];
    assert_eq!(state, "sent");
    let found = alice.json(&["search", "once"]);
    assert_eq!(found["messages"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(alice.json(&["audit", "verify"])["intact"], true);

    // What waits for too long ends by itself, and says so.
    let late = string(&alice.error(&["send", "bob", "too late"]).1["data"]["approval"]["id"]);
    alice.kill();
    let late_key = format!("approval/{late}");
    let mut record: Value = serde_json::from_slice(&stored(&alice, &late_key)).expect("JSON");
    record["expires_at"] = json!(1);
    let value = record.to_string().into_bytes();
    tamper(&alice, Change::Put(Row::Record(RecordRow { key: late_key, value })));
    alice.start();
    alice.until("the end of the approval", |event| match &event.body {
        api::Body::ApprovalExpired { approval, .. } if *approval == late => Some(()),
        _ => None,
    });
    let (code, error) = alice.error(&["approvals", "deny", &late]);
    assert_eq!((code, string(&error["data"]["kind"])), (1, "wrong_state".to_owned()));
    alice.stop();
    let store = alice.open_store();
    assert!(
        store
            .reader()
            .expect("a reader")
            .records("approval/")
            .expect("read")
            .is_empty(),
        "its text is gone"
    );
    drop(store);
}

fn stored(person: &Person, key: &str) -> Vec<u8> {
    let store = person.open_store();
    let found = store.reader().expect("a reader").records(key).expect("read");
    store.close().expect("closed");
    found.into_iter().next().expect("a record").1
}
