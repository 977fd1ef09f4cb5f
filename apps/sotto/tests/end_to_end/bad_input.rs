//! Wrong use ends with an error that names what was wrong and with its exit code, and changes nothing.

use crate::world::{World, path, run, sotto, string};

#[test]
fn what_makes_no_sense_names_what_was_wrong() {
    let world = World::new();
    let (alice, bob) = world.friends();
    let mut code = alice.friend_code.clone();
    let last = code.pop().expect("not empty");
    code.push(if last == 'q' { 'p' } else { 'q' });
    let mut onion = bob.onion.clone();
    onion.replace_range(3..4, if &onion[3..4] == "a" { "b" } else { "a" });
    let long_name = "n".repeat(65);
    let long_note = "n".repeat(501);
    let long_thread = "t".repeat(129);
    let id = "0".repeat(32);
    let table: &[(&[&str], i32, &str)] = &[
        // The command line itself.
        (&["sned", "bob", "hi"], 1, "send"),
        (&["send"], 1, "CONVERSATION"),
        (&["send", "bob"], 1, "TEXT"),
        (&["send", "bob", "hi", "--ttl", "soon"], 1, "--ttl"),
        (&["send", "bob", "hi", "--ttl", "-1"], 1, "-1"),
        (&["send", "bob", "hi", "--ttl", "4294967296"], 1, "--ttl"),
        (&["ephemeral", "bob", "1x"], 1, "1x"),
        (&["ephemeral", "bob", "99999d"], 1, "99999d"),
        (&["send", "bob", "hi", "--wait", "forever"], 1, "--wait"),
        (&["send", "bob", "hi", "--content-type", "html"], 1, "--content-type"),
        (&["send", "bob", "hi", "there"], 1, "there"),
        (&["history", "bob", "-n", "many"], 1, "many"),
        (&["friends", "ad", "x"], 1, "add"),
        (&["listen", "--ack"], 1, "--consumer"),
        (&["presence", "busy"], 1, "busy"),
        (&["typing", "bob", "maybe"], 1, "maybe"),
        (&["react", "bob", &id], 1, "EMOJI"),
        (&["completions", "basic"], 1, "basic"),
        (&["init", "--key-file", "a", "--passphrase-file", "b"], 1, "--key-file"),
        // What the daemon refuses.
        (&["friends", "add", &code], 1, "checksum"),
        (&["friends", "add", "sotto1"], 1, ""),
        (&["friends", "add", "hello"], 1, "friend code"),
        (&["friends", "add", &onion], 1, "onion"),
        (&["friends", "add", &alice.friend_code], 1, "own"),
        (&["friends", "add", &bob.friend_code, "--note", &long_note], 1, "note"),
        (&["friends", "accept", "nobody"], 1, "nobody"),
        (&["identity", "--rename", &long_name], 1, "name"),
        (&["send", "nobody", "hi"], 1, "nobody"),
        (&["send", "", "hi"], 1, ""),
        (&["send", "bob", ""], 1, "text"),
        (&["send", "bob", "hi", "--thread", ""], 1, "thread"),
        (&["send", "bob", "hi", "--thread", &long_thread], 1, "thread"),
        (&["send", "bob", "hi", "--id", ""], 1, "key"),
        (&["send", "bob", "hi", "--reply-to", "xyz"], 1, "reply_to"),
        (&["edit", "bob", &id, "text"], 1, "0000"),
        (&["delete", "bob", "not-an-id"], 1, "id"),
        (&["react", "bob", &id, "👍"], 1, "0000"),
        (&["outbox", "cancel", &id], 1, "0000"),
        (&["outbox", "retry", "zz"], 1, "id"),
        (&["history", "bob", "-n", "0"], 1, "limit"),
        (&["inbox", "-n", "1001"], 1, "1 to 1000"),
        (&["search", "x", "-n", "1001"], 1, "1 to 1000"),
        (&["outbox", "-n", "1001"], 1, "1 to 1000"),
        (&["threads", "-n", "1001"], 1, "1 to 1000"),
        (&["history", "bob", "--before", &id], 1, "0000"),
        (&["search", "x", "-n", "0"], 1, "limit"),
        (&["receive", "--limit", "5000"], 1, "limit must be 1 to 1000"),
        (&["receive", "--consumer", ""], 1, "consumer"),
        (&["listen", "--consumer", &long_name], 1, "consumer"),
        (
            &["friends", "verify", "bob", "--mark", "--number", "12345"],
            4,
            "number",
        ),
        (&["--profile", "a/b", "status"], 1, "a/b"),
    ];
    for (arguments, expected, naming) in table {
        let (code, error) = alice.error(arguments);
        assert_eq!(code, *expected, "{arguments:?}: {error}");
        let message = string(&error["message"]).to_lowercase();
        let hint = string(&error["data"]["hint"]).to_lowercase();
        assert!(
            message.contains(&naming.to_lowercase()) || hint.contains(&naming.to_lowercase()),
            "{arguments:?}: {error}"
        );
        let ran = alice.run(arguments);
        assert_eq!(
            ran.status.code(),
            Some(*expected),
            "for a person: {arguments:?} {ran:#?}"
        );
        assert!(
            ran.stdout.is_empty() && ran.stderr.starts_with("error: "),
            "{arguments:?} {ran:#?}"
        );
    }
    assert_eq!(
        alice.json(&["history", "bob"])["messages"],
        serde_json::json!([]),
        "nothing was sent"
    );
    assert_eq!(
        alice.json(&["friends", "list", "--all"])["friends"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(alice.json(&["identity"])["name"], "alice");
    // What the hint says can be done about it.
    for (arguments, expected) in [
        (&["friends", "add", &code][..], "copy the whole code"),
        (&["friends", "uninvite", &code], "copy the whole code"),
        (&["send", &code, "hi"], "copy the whole code"),
        (&["friends", "add", &alice.friend_code], "the other person"),
        (&["friends", "add", &bob.friend_code], "sotto friends list"),
        (&["friends", "uninvite", &bob.friend_code], "sotto friends invites"),
        (&["history", "bob", "-n", "0"], "correct the value"),
        (
            &["send", "bob", "read me", "--wait", "read", "--timeout", "1"],
            "they have it",
        ),
    ] {
        let (_, error) = alice.error(arguments);
        let hint = string(&error["data"]["hint"]);
        assert!(
            hint.contains(expected) && !hint.contains("rpc.discover"),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn without_an_identity_or_a_daemon_the_next_step_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let ran = |arguments: &[&str]| {
        let mut command = sotto();
        command.arg("--data-dir").arg(&data).args(arguments);
        run(command, b"")
    };
    let started = ran(&["daemon", "start"]);
    assert_eq!(started.status.code(), Some(1), "{started:#?}");
    assert!(started.stderr.contains("sotto init"), "{started:#?}");
    for arguments in [
        &["status"][..],
        &["send", "bob", "hi"],
        &["identity"],
        &["listen"],
        &["friends", "list"],
    ] {
        let ran = ran(arguments);
        assert_eq!(ran.status.code(), Some(7), "{arguments:?} {ran:#?}");
        assert!(ran.stderr.contains("hint:"), "{ran:#?}");
    }
    assert!(!data.exists(), "looking makes nothing");
    let key = folder.path().join("key");
    let made = ran(&["--network", "smoke", "init", "--key-file", path(&key)]);
    assert_eq!(made.status.code(), Some(1), "{made:#?}");
    assert!(made.stderr.contains("smoke"), "{made:#?}");
    assert!(!data.exists() && !key.exists(), "nor does what cannot work");
}

#[test]
fn a_wrong_configuration_is_told_by_key() {
    let world = World::new();
    let alice = world.person("alice");
    let file = alice.folder.join("config.toml");
    for (content, naming) in [
        ("outbox_huors = 3", "outbox_hours"),
        ("outbox_hours = 0", "outbox_hours"),
        ("network = ", "config.toml"),
    ] {
        std::fs::write(&file, content).expect("written");
        for arguments in [&["config", "check"][..], &["daemon", "run"]] {
            let (code, error) = alice.error(arguments);
            assert_eq!(code, 1, "{arguments:?} {error}");
            assert!(string(&error["message"]).contains(naming), "{content}: {error}");
        }
    }
}
