//! `docs/coming-from.md`: every name that chattor and skchat document is in its tables, and each equal is run.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use clap::CommandFactory as _;
use serde_json::Value;

use crate::world::{Person, World, ended, path, string};

const DOCUMENT: &str = include_str!("../../../../docs/coming-from.md");

/// What the two systems document, by system and section.
const DOCUMENTED: &[(&str, &str, &[&str])] = &[
    (
        "chattor",
        "Commands",
        &[
            "daemon",
            "status",
            "identity",
            "friends list",
            "friends add",
            "friends requests",
            "friends accept",
            "friends reject",
            "send ONION TEXT",
            "recv",
            "recv --conversation ONION",
            "recv --limit N",
            "listen",
            "channels list",
            "channels publish",
            "channels subscribe",
            "channels feed",
            "ephemeral SECONDS",
            "notifications on",
            "notifications off",
            "mcp",
        ],
    ),
    (
        "chattor",
        "MCP tools",
        &[
            "get_status",
            "get_identity",
            "list_friends",
            "add_friend",
            "accept_friend_request",
            "send_message",
            "receive_messages",
            "publish_channel_post",
            "list_channel_posts",
        ],
    ),
    (
        "chattor",
        "Files and the rest",
        &[
            "{data}/chattor.sock",
            "{data}/chattor.pid",
            "15 JSON-RPC methods",
            "terminal interface",
            "themes",
        ],
    ),
    (
        "skchat",
        "Commands",
        &[
            "send RECIPIENT TEXT",
            "send -t THREAD",
            "send -r ID",
            "send --ttl S",
            "send --content-type plain",
            "send --content-type markdown",
            "inbox",
            "inbox -n N",
            "inbox -t THREAD",
            "receive",
            "watch",
            "watch -i S",
            "watch -n N",
            "history P",
            "history P -n N",
            "threads",
            "threads -n N",
            "search Q",
            "search Q -n N",
            "daemon start",
            "daemon start -i S",
            "daemon start -l FILE",
            "daemon start -q",
            "daemon start -f",
            "daemon stop",
            "daemon status",
        ],
    ),
    (
        "skchat",
        "MCP tools",
        &[
            "send_message",
            "get_inbox",
            "get_history",
            "search_messages",
            "create_group",
            "webrtc_status",
            "initiate_call",
            "accept_call",
            "send_file_p2p",
        ],
    ),
    (
        "skchat",
        "Configuration",
        &[
            "identity",
            "SKCHAT_IDENTITY",
            "SKCHAT_DAEMON_INTERVAL",
            "SKCHAT_DAEMON_LOG",
            "SKCHAT_DAEMON_QUIET",
            "daemon.poll_interval",
            "daemon.log_file",
            "daemon.quiet",
        ],
    ),
    (
        "skchat",
        "Python",
        &[
            "ChatMessage",
            "ChatMessage.id",
            "ChatMessage.sender",
            "ChatMessage.recipient",
            "ChatMessage.content",
            "ChatMessage.content_type",
            "ChatMessage.thread_id",
            "ChatMessage.reply_to_id",
            "ChatMessage.ttl",
            "ChatMessage.delivery_status",
            "ChatMessage.timestamp",
            "ContentType.PLAIN",
            "ContentType.MARKDOWN",
            "ContentType.SYSTEM",
            "DeliveryStatus.PENDING",
            "DeliveryStatus.SENT",
            "DeliveryStatus.DELIVERED",
            "DeliveryStatus.READ",
            "DeliveryStatus.FAILED",
            "ChatHistory.store_message",
            "ChatHistory.search_messages",
            "ChatHistory.get_conversation",
            "ChatTransport.send_and_store",
            "ChatTransport.poll_inbox",
            "Thread",
            "run_daemon(interval, log_file)",
        ],
    ),
];

/// One row of a table.
#[derive(Debug)]
struct TableRow {
    system: &'static str,
    section: &'static str,
    theirs: &'static str,
    /// None if there is no equal.
    ours: Option<&'static str>,
    note: &'static str,
}

/// Every line of the document's tables.
fn lines() -> Vec<TableRow> {
    let (mut system, mut section) = ("", "");
    let mut lines = Vec::new();
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            section = heading;
        } else if let Some(heading) = line.strip_prefix("## ") {
            system = heading;
        }
        let Some(cells) = line.strip_prefix("| ") else { continue };
        let cells: Vec<&str> = cells.trim_end_matches('|').split('|').map(str::trim).collect();
        let [theirs, ours, note] = cells[..] else {
            panic!("{line:?} has not three cells");
        };
        if theirs != system {
            lines.push(TableRow {
                system,
                section,
                theirs: theirs.trim_matches('`'),
                ours: (ours != "—").then(|| ours.trim_matches('`')),
                note,
            });
        }
    }
    lines
}

/// The equals in a section, of both systems.
pub fn equals(section: &'static str) -> impl Iterator<Item = &'static str> {
    lines()
        .into_iter()
        .filter(move |line| line.section == section)
        .filter_map(|line| line.ours)
}

#[test]
fn every_name_is_listed_with_its_equal_or_the_reason_why_there_is_none() {
    let lines = lines();
    for (system, section, names) in DOCUMENTED {
        let listed: Vec<&str> = lines
            .iter()
            .filter(|line| (line.system, line.section) == (*system, *section))
            .map(|line| line.theirs)
            .collect();
        assert_eq!(
            listed.iter().collect::<BTreeSet<_>>(),
            names.iter().collect::<BTreeSet<_>>(),
            "{system}, {section}"
        );
        assert_eq!(listed.len(), names.len(), "{system}, {section}: a name is listed twice");
    }
    for line in &lines {
        assert!(line.ours.is_some() || !line.note.is_empty(), "no reason: {line:?}");
    }
    let known: usize = DOCUMENTED.iter().map(|(_, _, names)| names.len()).sum();
    assert_eq!(lines.len(), known, "a table that no list here is about");
}

#[test]
fn every_variable_and_setting_exists() {
    let command = sotto::Cli::command();
    let mut variables = BTreeSet::new();
    collect_variables(&command, &mut variables);
    for equal in equals("Configuration") {
        if equal.starts_with("SOTTO_") {
            assert!(variables.contains(equal), "{equal} is none of {variables:?}");
        } else {
            let setting = format!("\n#{equal} = ");
            assert!(sotto_daemon::template(&[]).contains(&setting), "{equal} is no setting");
        }
    }
}

fn collect_variables(command: &clap::Command, variables: &mut BTreeSet<String>) {
    let named = command.get_arguments().filter_map(clap::Arg::get_env);
    variables.extend(named.map(|name| name.to_string_lossy().into_owned()));
    for subcommand in command.get_subcommands() {
        collect_variables(subcommand, variables);
    }
}

#[test]
fn every_command_and_file_is_there() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    let (carol, dave) = (world.person("carol"), world.person("dave"));
    let mut strangers = Vec::new();
    for name in ["erin", "frank"] {
        let mut stranger = world.person(name);
        world.connect(&stranger, &alice);
        stranger.start();
        stranger.json(&["friends", "add", &alice.friend_code]);
        strangers.push(stranger);
    }
    for _ in &strangers {
        alice.until("a request", |event| {
            matches!(event.body, sotto_api::Body::RequestReceived { .. }).then_some(())
        });
    }
    let id = string(&bob.json(&["send", "alice", "roses", "-t", "garden", "--wait", "delivered"])["id"]);
    let mut asking = strangers.iter();
    for equal in equals("Commands") {
        let words: Vec<String> = words(equal)
            .into_iter()
            .map(|word| match word.as_str() {
                "ID" => id.clone(),
                "CODE" => carol.friend_code.clone(),
                "ADDRESS" => asking.next().expect("a request for each").onion.clone(),
                "FILE" => path(&world.path().join("another.log")).to_owned(),
                _ => word,
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["sotto", "daemon", ..] => run_daemon(&dave, &words[1..]),
            ["sotto", "mcp"] => run_until_input_ends(&alice, &words[1..]),
            ["sotto", "listen" | "watch", ..] => follow(&alice, &bob, &words[1..]),
            ["sotto", ..] => {
                let answer = alice.json(&words[1..]);
                assert!(answer.is_object(), "{equal}: {answer}");
            }
            _ => panic!("{equal:?} is no command"),
        }
    }
    for equal in equals("Files and the rest") {
        if equal.starts_with("sotto.") {
            let mode = fs::symlink_metadata(alice.folder.join(equal))
                .expect(equal)
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{equal}");
        } else {
            let target = equal.trim_matches(['[', ']', ')']).split("](").nth(1).expect("a link");
            let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs"));
            let file = target.split('#').next().expect("a name");
            assert!(docs.join(file).exists(), "{target}");
        }
    }
}

/// The words of a command, as a shell sees them: only blanks and double quotes have a meaning here.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// A command about the daemon, for a profile of its own: each way to start it is stopped again.
fn run_daemon(person: &Person, words: &[&str]) {
    match words {
        ["daemon", "run"] | ["daemon", "start", "-f"] => {
            let mut child = person.command(words).stderr(Stdio::null()).spawn().expect("started");
            while sotto_client::blocking::Client::connect(&person.folder.join("sotto.sock")).is_err() {
                assert!(child.try_wait().expect("a child").is_none(), "{words:?} has ended");
            }
            person.json(&["daemon", "stop"]);
            assert!(ended(&mut child, &words).success(), "{words:?}");
        }
        ["daemon", "start", ..] => {
            let status = person.json(words);
            if let Some(at) = words.iter().position(|word| *word == "-l") {
                assert_eq!(status["log_file"], words[at + 1]);
                assert!(fs::metadata(words[at + 1]).expect("a log").len() > 0);
            }
            person.json(&["daemon", "stop"]);
        }
        ["daemon", "status"] => {
            person.json(&["daemon", "start"]);
            let status = person.json(words);
            for (field, file) in [
                ("lock_file", "sotto.pid"),
                ("log_file", "daemon.log"),
                ("socket", "sotto.sock"),
            ] {
                assert_eq!(status[field], path(&person.folder.join(file)), "{status}");
            }
            person.json(&["daemon", "stop"]);
        }
        ["daemon", "stop"] => {
            person.json(&["daemon", "start"]);
            assert_eq!(person.json(words)["running"], false);
        }
        _ => panic!("{words:?} is not known here"),
    }
}

/// A command that shows what happens until it is stopped: it shows a message.
fn follow(person: &Person, other: &Person, words: &[&str]) {
    // From the beginning, so that there is something to print.
    let mut child = person
        .command(&[words, &["--since", "0"]].concat())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    other.json(&["send", "alice", "something new"]);
    let mut printed = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut printed).expect("UTF-8");
    let event: Value = serde_json::from_str(&printed).expect("an event");
    assert_eq!(event["seq"], 1, "{words:?}");
    child.kill().expect("killed");
    child.wait().expect("gone");
}

/// A command that serves standard input, and ends with it.
fn run_until_input_ends(person: &Person, words: &[&str]) {
    let ran = person.run_with(words, b"");
    assert!(ran.status.success(), "{words:?}: {ran:#?}");
}
