//! Readers of the log that are killed while messages stream, and the daemon with them: each message is seen at least once, and not
//! again once its acknowledgement was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sotto_api::{Acknowledge, Send, all};

use super::client::McpClient;
use super::world::{PATIENCE, Person, World, string};

/// Messages that stream, and those of one burst.
const MESSAGES: usize = 60;
const BURST: usize = 10;

/// A fixed sequence of numbers: xorshift (Marsaglia, 2003).
struct Choices(u64);

impl Choices {
    fn one_in(&mut self, parts: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(parts)
    }
}

/// What a reader has seen.
struct Seen {
    /// With which the texts of this stream begin.
    prefix: String,
    /// Texts, and the event with which each came last.
    texts: BTreeMap<String, u64>,
    /// Those whose acknowledgement was answered.
    acknowledged: BTreeSet<String>,
}

impl Seen {
    fn of(prefix: String) -> Self {
        Self {
            prefix,
            texts: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
        }
    }

    fn see(&mut self, text: String, seq: u64) {
        if !text.starts_with(&self.prefix) {
            return;
        }
        assert!(
            !self.acknowledged.contains(&text),
            "{text} comes again after its acknowledgement"
        );
        self.texts.insert(text, seq);
    }

    fn acknowledge(&mut self, up_to: u64) {
        let acknowledged = self.texts.iter().filter(|(_, seq)| **seq <= up_to);
        self.acknowledged.extend(acknowledged.map(|(text, _)| text.clone()));
    }

    fn has_acknowledged(&self, count: usize) -> bool {
        self.acknowledged.len() == count
    }
}

/// A reader: the tools of an agent, or the lines of `listen`.
trait Consumer {
    /// Starts it, kills it at some point, and notes what it saw and what it acknowledged of the first so many messages.
    fn session(&self, alice: &mut Person, choices: &mut Choices, seen: &mut Seen, count: usize);
}

/// `wait_for_messages` and `ack_messages` of `sotto mcp`.
struct Tools;

impl Consumer for Tools {
    fn session(&self, alice: &mut Person, choices: &mut Choices, seen: &mut Seen, count: usize) {
        // Dropped, it is killed.
        let mut client = McpClient::open(alice, "2025-06-18");
        while !seen.has_acknowledged(count) {
            let arrived = client.ok("wait_for_messages", &json!({ "timeout": 5 }));
            let seq = arrived["seq"].as_u64().expect("a number");
            for message in arrived["messages"].as_array().expect("a list") {
                if message["author"] == "bob" {
                    seen.see(string(&message["text"]), seq);
                }
            }
            if choices.one_in(4) {
                return;
            }
            if choices.one_in(6) {
                // It may have been carried out; the answer never comes.
                client.send(
                    "tools/call",
                    json!({ "name": "ack_messages", "arguments": { "seq": seq } }),
                );
                alice.kill();
                alice.start();
                return;
            }
            client.ok("ack_messages", &json!({ "seq": seq }));
            seen.acknowledge(seq);
        }
    }
}

/// The lines of `sotto listen --consumer`, acknowledged by another program.
struct Lines;

impl Lines {
    fn listen(alice: &Person) -> (Child, BufReader<ChildStdout>) {
        let mut command = alice.command(&["--json", "listen", "--consumer", "ear"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        (child, lines)
    }
}

impl Consumer for Lines {
    fn session(&self, alice: &mut Person, choices: &mut Choices, seen: &mut Seen, count: usize) {
        let (mut child, mut lines) = Self::listen(alice);
        let mut line = String::new();
        while !seen.has_acknowledged(count) {
            line.clear();
            // Each line comes while the program runs: it holds none back.
            if lines.read_line(&mut line).expect("text") == 0 {
                break;
            }
            let event: Value = serde_json::from_str(&line).expect("a whole line");
            let seq = event["seq"].as_u64().expect("a number");
            if event["type"] == "message.received" {
                seen.see(string(&event["message"]["text"]), seq);
            }
            if choices.one_in(9) {
                break;
            }
            if choices.one_in(20) {
                alice.kill();
                alice.start();
                break;
            }
            if choices.one_in(3) || seen.texts.len() == count {
                let consumer = String::from("ear");
                alice.call::<all::EventsAck>(&Acknowledge { consumer, seq });
                seen.acknowledge(seq);
            }
        }
        let _ = child.kill();
        child.wait().expect("it ends");
    }
}

#[test]
fn each_message_is_seen_and_none_again_after_its_acknowledgement() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    for (seed, consumer) in [(7, &Tools as &dyn Consumer), (11, &Lines)] {
        let prefix = format!("{seed}-");
        let (mut choices, mut seen, mut sessions) = (Choices(seed), Seen::of(prefix.clone()), 0);
        let began = Instant::now();
        for count in (BURST..=MESSAGES).step_by(BURST) {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for n in count - BURST..count {
                        bob.call::<all::Send>(&Send {
                            conversation: String::from("alice"),
                            text: format!("{prefix}{n:02}"),
                            ..Send::default()
                        });
                        // They stream: no reader finds all of them at once.
                        std::thread::sleep(Duration::from_millis(20));
                    }
                });
                while !seen.has_acknowledged(count) {
                    assert!(began.elapsed() < PATIENCE, "{:?} of {count}", seen.acknowledged.len());
                    consumer.session(&mut alice, &mut choices, &mut seen, count);
                    sessions += 1;
                }
            });
        }
        assert_eq!(seen.texts.len(), MESSAGES);
        assert!(sessions > MESSAGES / BURST, "it was killed {sessions} times");
    }
}
