//! The event log: a consumer that was away misses no event, and gets none twice that it has acknowledged.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use serde_json::{Value, json};

use crate::world::{PATIENCE, Person, World, ended, sotto, string};

/// A running `sotto listen`.
struct Listening {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Listening {
    fn new(person: &Person, arguments: &[&str]) -> Self {
        Self::started(person.command(&[&["--json", "listen"], arguments].concat()))
    }

    fn started(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sotto runs");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    fn event(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("an event, not {line:?}"))
    }

    /// The next message that came.
    fn message(&mut self) -> (u64, String) {
        loop {
            let event = self.event();
            if event["type"] == "message.received" {
                return (
                    event["seq"].as_u64().expect("a number"),
                    string(&event["message"]["text"]),
                );
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(from: &Person, texts: &[&str]) {
    for text in texts {
        from.json(&["send", "bob", text, "--wait", "delivered"]);
    }
}

/// Until the consumer's place in the log, as the daemon has it, is at least `seq`.
fn acknowledged(person: &Person, consumer: &str, seq: u64) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let list = sotto_api::ListEvents {
            consumer: Some(consumer.to_owned()),
            ..Default::default()
        };
        let events = person.call::<sotto_api::all::EventsList>(&list);
        if events
            .events
            .first()
            .is_none_or(|event| event.seq.is_some_and(|first| first > seq))
        {
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "{consumer} never acknowledged {seq}"
        );
    }
}

#[test]
fn a_consumer_goes_on_where_it_left_off() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    say(&alice, &["one", "two"]);
    let mut listening = Listening::new(&bob, &["--consumer", "robot", "--since", "0", "--ack"]);
    assert_eq!(listening.message().1, "one");
    let (second, text) = listening.message();
    assert_eq!(text, "two");
    acknowledged(&bob, "robot", second);
    drop(listening);

    say(&alice, &["three"]);
    bob.stop();
    bob.start();
    say(&alice, &["four"]);
    let mut listening = Listening::new(&bob, &["--consumer", "robot", "--ack"]);
    let (third, text) = listening.message();
    assert_eq!((text.as_str(), third > second), ("three", true));
    assert_eq!(listening.message().1, "four");
    say(&alice, &["five"]);
    assert_eq!(listening.message().1, "five", "live");

    let mut other = Listening::new(&bob, &["--consumer", "other", "--since", "0"]);
    assert_eq!(other.message().1, "one", "each consumer has its own place");
}

#[test]
fn without_ack_nothing_is_acknowledged() {
    let world = World::new();
    let (alice, bob) = world.friends();
    say(&alice, &["one"]);
    for _ in 0..2 {
        let mut listening = Listening::new(&bob, &["--consumer", "robot", "--since", "0"]);
        assert_eq!(listening.message().1, "one");
    }
}

#[test]
fn listening_ends_with_the_daemon() {
    let world = World::new();
    let (_alice, mut bob) = world.friends();
    let mut listening = Listening::new(&bob, &["--since", "0"]);
    listening.event();
    bob.stop();
    assert_eq!(ended(&mut listening.child, &"listen").code(), Some(7));
}

#[test]
fn every_event_is_numbered_without_holes_and_tells_its_type() {
    let world = World::new();
    let (alice, bob) = world.friends();
    say(&alice, &["hello"]);
    let id = string(&bob.json(&["history", "alice"])["messages"][0]["id"]);
    bob.json(&["react", "alice", &id, "👋"]);
    bob.json(&["read", "alice"]);
    bob.json(&["ephemeral", "alice", "3600"]);
    bob.json(&["friends", "verify", "alice", "--mark"]);
    bob.json(&["friends", "block", "alice"]);
    let last = bob.json(&["status"])["last_seq"].as_u64().expect("a number");
    let mut listening = Listening::new(&bob, &["--since", "0"]);
    let events: Vec<Value> = (0..last).map(|_| listening.event()).collect();
    let seqs: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=last).collect::<Vec<u64>>());
    assert!(events.iter().all(|event| event["at"].is_string()));
    let types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    for expected in [
        "contact.added",
        "message.received",
        "message.reacted",
        "message.state",
        "timer.changed",
        "contact.verified",
        "contact.blocked",
    ] {
        assert!(types.contains(&expected), "{expected} is not in {types:?}");
    }
}

#[test]
fn receive_takes_in_pieces_and_consumers_do_not_disturb_each_other() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    say(&alice, &["a", "b", "c"]);
    bob.texts(3);
    let texts = |value: &Value| -> Vec<String> {
        value["messages"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|message| string(&message["text"]))
            .collect()
    };
    let peeked = bob.json(&["receive", "--peek"]);
    assert_eq!(texts(&peeked), ["a", "b", "c"]);
    let first = bob.json(&["receive", "--limit", "2"]);
    assert_eq!(
        (texts(&first), &first["more"]),
        (vec!["a".to_owned(), "b".to_owned()], &Value::Bool(true))
    );
    let second = bob.json(&["receive"]);
    assert_eq!(
        (texts(&second), &second["more"]),
        (vec!["c".to_owned()], &Value::Bool(false))
    );
    assert_eq!(texts(&bob.json(&["receive", "--consumer", "other"])), ["a", "b", "c"]);
}

/// The first one has printed a part, and acknowledges nothing before it has printed all.
#[test]
fn two_that_receive_as_one_consumer_at_once_share_the_messages() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    // More than a pipe holds, so that printing waits for a reader.
    let texts: Vec<String> = (0..12).map(|n| format!("{n} {}", "x".repeat(16_000))).collect();
    say(&alice, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    bob.texts(texts.len());
    let receive = || {
        let mut command = bob.command(&["--json", "receive"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("sotto runs");
        let mut printed = child.stdout.take().expect("piped");
        let mut first = [0];
        printed.read_exact(&mut first).expect("it has begun to print");
        (child, printed)
    };

    let (mut child, printed) = receive();
    let (code, error) = bob.error(&["receive"]);
    assert_eq!((code, &error["data"]["kind"]), (5, &"rate_limited".into()), "{error}");
    assert!(string(&error["message"]).contains("receive") && string(&error["data"]["hint"]).contains("--consumer"));
    let peeked = bob.json(&["receive", "--peek"]);
    assert_eq!(
        peeked["messages"].as_array().map(Vec::len),
        Some(texts.len()),
        "looking is free"
    );
    // Its reader goes away: nothing was received.
    drop(printed);
    ended(&mut child, &"the first");

    let (mut child, mut printed) = receive();
    printed.read_to_end(&mut Vec::new()).expect("all of it");
    assert!(ended(&mut child, &"the second").success());
    assert_eq!(bob.json(&["receive"])["messages"], json!([]), "received once");
}

/// What comes in one piece is not in the hand of a real daemon.
#[test]
fn presence_that_follows_an_event_does_not_keep_its_acknowledgement_back() {
    let world = World::new();
    let acknowledged = scripted_daemon(world.path());
    let mut command = sotto();
    command.arg("--data-dir").arg(world.path());
    command.args(["--json", "listen", "--consumer", "robot", "--ack", "--presence"]);
    let mut listening = Listening::started(command);
    assert_eq!(listening.event()["seq"], 7);
    assert_eq!(listening.event()["type"], "presence");
    let request = acknowledged.recv_timeout(PATIENCE).expect("a request");
    assert_eq!(
        (&request["method"], &request["params"]),
        (&json!("events.ack"), &json!({ "consumer": "robot", "seq": 7 }))
    );
}

/// A daemon that answers a subscription, has an event and a contact's presence follow at once, and passes the next request on.
fn scripted_daemon(folder: &Path) -> std::sync::mpsc::Receiver<Value> {
    let listener = UnixListener::bind(folder.join("sotto.sock")).expect("a socket");
    let (sender, requests) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut lines = BufReader::new(stream.try_clone().expect("a copy")).lines();
        let mut request =
            || serde_json::from_str::<Value>(&lines.next().expect("a line").expect("text")).expect("JSON");
        let subscribe = request();
        let answer = json!({ "jsonrpc": "2.0", "id": subscribe["id"], "result": { "subscription": 1, "since": 6 } });
        let at = "2026-01-31T09:05:07.250Z";
        let ada = "ada".repeat(8);
        let events = [
            json!({ "seq": 7, "at": at, "type": "gap", "from": 7, "to": 7 }),
            json!({
                "at": at, "type": "presence", "contact": ada, "petname": "ada", "claimed_name": null, "verified": false,
                "presence": "online", "as_of": at, "typing": false,
            }),
        ];
        let [event, presence] = events.map(|event| {
            let params = json!({ "subscription": 1, "event": event });
            json!({ "jsonrpc": "2.0", "method": "events.event", "params": params })
        });
        let lines = format!("{answer}\n{event}\n{presence}\n");
        stream.write_all(lines.as_bytes()).expect("written");
        // The test may have failed already.
        let _ = sender.send(request());
    });
    requests
}
