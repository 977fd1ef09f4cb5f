//! Every command, at least once, against a running daemon.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use sotto_api::{self as api, all};

use crate::world::{World, path, run, sotto, string, until};

#[test]
fn every_command_answers_with_one_object() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let id = string(
        &alice.json(&[
            "send",
            "bob",
            "about the garden",
            "--thread",
            "home",
            "--wait",
            "delivered",
        ])["id"],
    );
    bob.texts(1);
    let id = id.as_str();
    let table: &[(&[&str], &str)] = &[
        (&["identity"], "onion"),
        (&["identity", "--qr", "--invite"], "friend_code"),
        (&["identity", "--rename", "robert"], "name"),
        (&["status"], "network"),
        (&["daemon", "status"], "running"),
        (&["friends"], "friends"),
        (&["friends", "list"], "friends"),
        (&["friends", "requests"], "requests"),
        (&["friends", "invites"], "invites"),
        (&["friends", "rename", "alice", "alicia"], "petname"),
        (&["friends", "rename", "alicia", "alice"], "petname"),
        (&["friends", "verify", "alice"], "number"),
        (&["friends", "block", "alice"], "blocked"),
        (&["friends", "unblock", "alice"], "blocked"),
        (
            &["send", "alice", "the roses bloom", "--ttl", "3600", "--reply-to", id],
            "id",
        ),
        (&["receive", "--peek"], "messages"),
        (&["inbox"], "messages"),
        (&["inbox", "-n", "5", "-t", "home", "--unread"], "messages"),
        (&["history", "alice", "-n", "5", "--before", id], "messages"),
        (&["history", "alice", "--after", id, "--thread", "home"], "messages"),
        (&["threads", "-n", "5"], "threads"),
        (&["search", "garden", "--with", "alice", "-n", "5"], "messages"),
        (&["search", "garden", "--before", id], "messages"),
        (&["outbox"], "messages"),
        (&["agents"], "agents"),
        (&["approvals"], "approvals"),
        (&["audit"], "entries"),
        (&["notifications"], "mode"),
        (&["ephemeral", "alice", "0"], "ours"),
        (&["react", "alice", id, "🌹"], "reactions"),
        (&["read", "alice", id], "read"),
        (&["presence"], "peers"),
        (&["openrpc"], "methods"),
        (&["completions", "bash"], "script"),
        (&["config", "check"], "ok"),
    ];
    let backup = world.path().join("backup");
    assert!(bob.json(&["backup", path(&backup)])["bytes"].is_number());
    for (arguments, field) in table {
        let answer = bob.json(arguments);
        assert!(!answer[field].is_null(), "{arguments:?} has no {field}: {answer}");
    }
    for arguments in [&["presence", "away"][..], &["presence", "online"]] {
        assert!(bob.json(arguments).is_object(), "{arguments:?}");
    }
    for arguments in table.iter().map(|(arguments, _)| arguments) {
        let ran = bob.run(&[&["--no-input"], *arguments].concat());
        assert!(ran.status.success(), "{arguments:?} for a person: {ran:#?}");
        assert!(!ran.stdout.contains('\u{1b}'), "no colours off a terminal: {ran:#?}");
    }
}

#[test]
fn a_search_finds_words_that_no_blanks_divide() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let said = [
        "这是一句中文消息",
        "これは日本語のメッセージです",
        "한국어로 쓴 메시지입니다",
        "นี่คือข้อความภาษาไทย",
        "die lange Straße",
        "ｆｕｌｌ ｗｉｄｔｈ",
        "🎉",
    ];
    for text in said {
        alice.json(&["send", "bob", text, "--wait", "delivered"]);
    }
    bob.texts(said.len());
    for (query, expected) in [
        ("中文", said[0]),
        ("消息", said[0]),
        ("日本語", said[1]),
        ("메시지", said[2]),
        ("ภาษา", said[3]),
        ("STRASSE", said[4]),
        ("width", said[5]),
        ("🎉", said[6]),
    ] {
        for person in [&alice, &bob] {
            let found = &person.json(&["search", query])["messages"];
            assert_eq!(found.as_array().expect("a list").len(), 1, "{query}: {found}");
            assert_eq!(found[0]["text"], expected, "{query}");
        }
    }
}

#[test]
fn what_the_lists_show_is_what_was_said() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    for (text, thread) in [
        ("roses are red", "garden"),
        ("violets are blue", "garden"),
        ("pay the rent", "money"),
    ] {
        alice.json(&["send", "bob", text, "--thread", thread, "--wait", "delivered"]);
    }
    bob.texts(3);
    let texts = |answer: &Value| -> Vec<String> {
        answer["messages"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|message| string(&message["text"]))
            .collect()
    };
    assert_eq!(
        texts(&bob.json(&["inbox", "-n", "2"])),
        ["violets are blue", "pay the rent"]
    );
    assert_eq!(
        texts(&bob.json(&["inbox", "-t", "garden"])),
        ["roses are red", "violets are blue"]
    );
    assert_eq!(
        texts(&bob.json(&["search", "are"])),
        ["violets are blue", "roses are red"]
    );
    assert_eq!(texts(&bob.json(&["search", "viol*"])), ["violets are blue"]);
    assert_eq!(texts(&bob.json(&["search", "absent"])), Vec::<String>::new());
    let threads = bob.json(&["threads"]);
    let found: Vec<(&Value, &Value, &Value)> = threads["threads"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|thread| (&thread["thread"], &thread["messages"], &thread["unread"]))
        .collect();
    assert_eq!(
        found,
        [
            (&json!("money"), &json!(1), &json!(1)),
            (&json!("garden"), &json!(2), &json!(2))
        ]
    );
    assert_eq!(bob.json(&["read", "alice"])["read"].as_array().map(Vec::len), Some(3));
    assert_eq!(texts(&bob.json(&["inbox", "--unread"])), Vec::<String>::new());
}

/// The daemon gives a thousand at once.
#[test]
fn a_history_is_as_long_as_it_is_asked_for() {
    let world = World::new();
    let (alice, _bob) = world.friends();
    let mut client = alice.client();
    let said: Vec<String> = (0..2001).map(|n| n.to_string()).collect();
    for text in &said {
        let send = api::Send {
            conversation: String::from("bob"),
            text: text.clone(),
            ..Default::default()
        };
        client.call::<all::Send>(&send).expect("queued");
    }
    let page = |more: &[&str]| -> Vec<(String, String)> {
        let history = alice.json(&[&["history", "bob", "-n"], more].concat());
        let messages = history["messages"].as_array().expect("a list").iter();
        let shown = messages.map(|message| (string(&message["text"]), string(&message["id"])));
        shown.collect()
    };
    let texts = |more: &[&str]| -> Vec<String> { page(more).into_iter().map(|(text, _)| text).collect() };
    for (asked, from) in [
        ("5000", 0),
        ("2001", 0),
        ("2000", 1),
        ("1001", 1000),
        ("1000", 1001),
        ("1", 2000),
    ] {
        assert_eq!(texts(&[asked]), said[from..], "{asked}");
    }
    let first = &page(&["5000"])[0].1;
    for (asked, to) in [("5000", 2001), ("1500", 1501), ("1", 2)] {
        assert_eq!(
            texts(&[asked, "--after", first]),
            said[1..to],
            "{asked} after the first"
        );
    }
}

#[test]
fn help_and_version_are_data() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["help", "send"],
        &["friends", "add", "--help"],
        &[],
    ] {
        let mut command = sotto();
        command.args(arguments);
        let ran = run(command, b"");
        assert!(
            ran.status.success() && !ran.stdout.is_empty() && ran.stderr.is_empty(),
            "{arguments:?} {ran:#?}"
        );
    }
}

#[test]
fn every_command_takes_json() {
    let mut command = sotto();
    command.arg("--help");
    let help = run(command, b"").stdout;
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let mut command = sotto();
        command.args([name, "--json", "--quiet", "--no-input", "--help"]);
        let ran = run(command, b"");
        assert!(ran.status.success() && ran.stdout.contains("--json"), "{name} {ran:#?}");
    }
}

/// What peers do against the protocol is counted by kind, for people and for programs, and is in the log at its lowest level.
#[test]
fn faults_of_peers_are_shown_by_kind() {
    let world = World::new();
    let mut alice = world.person("alice");
    fs::write(alice.folder.join("config.toml"), "log_level = \"debug\"\n").expect("ours");
    alice.start();
    assert_eq!(alice.json(&["status"])["peer_faults_by_kind"], json!({}));
    assert!(!alice.run(&["status"]).stdout.contains("peer faults"));

    let mut stranger = UnixStream::connect(alice.network.join(&alice.onion)).expect("it listens");
    stranger.write_all(&[0xff; 4096]).expect("written");
    // The node hangs up; what was in flight then makes the end a reset.
    let _ = stranger.read_to_end(&mut Vec::new());

    let status = alice.json(&["status"]);
    assert_eq!(
        (&status["peer_faults"], &status["peer_faults_by_kind"]),
        (&json!(1), &json!({ "record": 1 })),
        "{status}"
    );
    let shown = alice.run(&["status"]).stdout;
    assert!(shown.contains("peer faults  1 (1 record)"), "{shown}");
    // A thread of its own writes the log.
    let line = until("the log names the fault", || {
        let log = alice.log();
        let line = log.lines().find(|line| line.contains("a peer broke a rule"));
        line.map(str::to_owned)
    });
    assert!(line.contains("DEBUG") && line.contains("kind=record"), "{line}");
}
