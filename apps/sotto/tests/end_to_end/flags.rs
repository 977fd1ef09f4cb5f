//! What flags, variables and the configuration say, and which of them counts.

use std::time::Instant;

use serde_json::{Value, json};
use sotto_api::{self as api, all};

use crate::world::{Person, World, path, run, string};

fn texts(received: &Value) -> Vec<&str> {
    let messages = received["messages"].as_array().expect("a list");
    messages
        .iter()
        .map(|message| message["text"].as_str().expect("a text"))
        .collect()
}

#[test]
fn one_conversation_is_received_alone_and_each_message_once() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    let mut carol = world.person("carol");
    world.connect(&carol, &alice);
    carol.start();
    let invite = string(&alice.json(&["identity", "--invite"])["friend_code"]);
    carol.json(&["friends", "add", &invite, "--name", "alice"]);
    alice.until("the friendship", |event| {
        matches!(event.body, api::Body::ContactAdded { .. }).then_some(())
    });
    alice.json(&["friends", "rename", &carol.onion, "carol"]);
    let say = |person: &Person, text: &str| person.json(&["send", "alice", text, "--wait", "delivered"]);

    say(&bob, "one");
    say(&carol, "two");
    say(&bob, "three");
    assert_eq!(texts(&alice.json(&["recv", "-c", "bob", "-n", "1"])), ["one"]);
    assert_eq!(
        texts(&alice.json(&["recv", "--conversation", "bob", "--peek"])),
        ["three"]
    );
    assert_eq!(texts(&alice.json(&["recv", "--conversation", "bob"])), ["three"]);
    assert!(texts(&alice.json(&["recv", "--conversation", "bob"])).is_empty());
    say(&bob, "four");
    assert_eq!(
        texts(&alice.json(&["receive"])),
        ["two", "four"],
        "what was received alone does not come again"
    );
    assert!(
        texts(&alice.json(&["recv", "--conversation", "bob"])).is_empty(),
        "nor the other way round"
    );
    assert!(texts(&alice.json(&["recv", "--conversation", "carol"])).is_empty());
    let another = alice.json(&["receive", "--consumer", "another", "-c", "carol"]);
    assert_eq!(texts(&another), ["two"], "each consumer by itself");
    assert_eq!(
        texts(&alice.json(&["receive", "--consumer", "another"])),
        ["one", "three", "four"]
    );
    let (code, error) = alice.error(&["receive", "-c", "dave"]);
    assert_eq!((code, &error["data"]["kind"]), (1, &json!("unknown_contact")));
}

#[test]
fn a_stream_ends_after_so_many_events_or_shows_so_many_at_each_interval() {
    let world = World::new();
    let (alice, bob) = world.friends();
    for text in ["one", "two", "three"] {
        bob.json(&["send", "alice", text, "--wait", "delivered"]);
    }
    let ran = alice.run(&["listen", "--since", "0", "-n", "3", "--consumer", "three", "--ack"]);
    assert!(ran.status.success(), "{ran:#?}");
    assert_eq!(ran.stdout.lines().count(), 3);
    let events = alice.call::<all::EventsList>(&api::ListEvents {
        consumer: Some("three".to_owned()),
        ..Default::default()
    });
    assert_eq!(events.events[0].seq, Some(4), "the three are acknowledged");

    let before = Instant::now();
    let mut command = alice.command(&["watch", "--since", "0", "-i", "0.3", "-n", "1"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("started");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
    for _ in 0..4 {
        lines.next().expect("a line").expect("UTF-8");
    }
    assert!(
        before.elapsed().as_millis() >= 900,
        "three intervals between four events"
    );
    child.kill().expect("killed");
    child.wait().expect("gone");
    for wrong in ["0", "-1", "NaN", "1e9", "soon"] {
        let ran = alice.run(&["watch", &format!("--interval={wrong}")]);
        assert_eq!(ran.status.code(), Some(1), "{wrong}: {ran:#?}");
    }
}

#[test]
fn lists_say_who_is_online_who_takes_part_and_how_long_messages_live() {
    let world = World::new();
    let (alice, mut bob) = world.friends();
    let first = string(&bob.json(&["send", "alice", "roses", "-t", "garden", "--wait", "delivered"])["id"]);
    alice.json(&["send", "bob", "violets", "-r", &first[..8], "--wait", "delivered"]);
    let friend = &alice.json(&["friends", "list"])["friends"][0];
    assert_eq!(friend["presence"], "online");
    assert!(friend["presence_as_of"].is_string(), "{friend}");
    assert!(alice.run(&["friends", "list"]).stdout.contains("online"));
    let threads = &alice.json(&["threads"])["threads"];
    let both = json!([alice.onion, bob.onion]);
    assert_eq!(
        (&threads[0]["title"], &threads[0]["participants"]),
        (&json!("bob"), &both)
    );
    assert_eq!(
        (&threads[1]["title"], &threads[1]["participants"]),
        (&json!("garden"), &both)
    );
    let history = &alice.json(&["history", "bob"])["messages"];
    assert_eq!(history[1]["reply_to"], first.as_str());

    assert_eq!(alice.json(&["ephemeral"])["seconds"], 0);
    assert_eq!(alice.json(&["ephemeral", "1h"])["seconds"], 3600);
    assert_eq!(alice.json(&["ephemeral"])["seconds"], 3600);
    bob.until("the timer", |event| {
        matches!(event.body, api::Body::TimerChanged { seconds: 3600, .. }).then_some(())
    });
    assert_eq!(alice.json(&["ephemeral", "bob"])["ours"], 3600);
    let (code, _) = alice.error(&["ephemeral", "99999999999"]);
    assert_eq!(code, 1);
    bob.stop();
    alice.until_offline("bob");
}

#[test]
fn a_flag_comes_before_its_variable_and_that_before_the_file() {
    let world = World::new();
    let alice = world.person("alice");
    let [flag, variable, file] = ["flag", "variable", "file"].map(|name| world.path().join(name));
    alice.configure(&format!("log_file = {:?}", path(&file)));
    let start = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = alice.command(&[&["--json", "daemon", "start"], arguments].concat());
        command.envs(environment.iter().copied());
        let ran = run(command, b"");
        assert!(ran.status.success(), "{ran:#?}");
        let shown = alice.json(&["daemon", "status"]);
        alice.json(&["daemon", "stop"]);
        string(&shown["log_file"])
    };
    let with_variable = [("SOTTO_LOG_FILE", path(&variable))];
    assert_eq!(start(&["--log-file", path(&flag)], &with_variable), path(&flag));
    assert_eq!(start(&[], &with_variable), path(&variable));
    assert_eq!(start(&[], &[]), path(&file));
    assert_eq!(
        alice.error_free_status()["log_file"],
        path(&file),
        "also without a daemon"
    );
    assert!(alice.run(&["daemon", "logs"]).stdout.contains("the daemon has started"));

    // The file names the network that `init` was given.
    let network = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = crate::world::sotto();
        command
            .args(["--json", "--data-dir", path(&alice.folder)])
            .args(arguments)
            .args(["daemon", "start"]);
        command.envs(environment.iter().copied());
        let ran = run(command, b"");
        let status: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:#?}"));
        alice.json(&["daemon", "stop"]);
        string(&status["network"]["kind"])
    };
    let [one, two] = ["one", "two"].map(|name| format!("local:{}", path(&world.path().join(name))));
    for folder in ["one", "two"] {
        std::fs::create_dir(world.path().join(folder)).expect("room");
    }
    let with_variable = [("SOTTO_NETWORK", one.as_str())];
    assert_eq!(network(&["--network", &two], &with_variable), two);
    assert_eq!(network(&[], &with_variable), one);
    assert_eq!(network(&[], &[]), format!("local:{}", path(&alice.network)));

    for (value, quiet) in [("1", true), ("0", false), ("", false)] {
        let mut command = alice.command(&["daemon", "status"]);
        command.env("SOTTO_QUIET", value);
        let ran = run(command, b"");
        assert_eq!(ran.status.code(), Some(7));
        let mut command = alice.command(&["status"]);
        command.env("SOTTO_QUIET", value);
        assert_eq!(
            !run(command, b"").stderr.contains("hint:"),
            quiet,
            "SOTTO_QUIET={value:?}"
        );
    }
}

impl Person {
    /// What `sotto daemon status` shows though no daemon runs.
    fn error_free_status(&self) -> Value {
        let ran = self.run(&["--json", "daemon", "status"]);
        assert_eq!(ran.status.code(), Some(7), "{ran:#?}");
        serde_json::from_str(&ran.stdout).expect("JSON")
    }

    /// Waits until a contact is no longer shown as online.
    pub fn until_offline(&self, name: &str) {
        let deadline = Instant::now() + crate::world::PATIENCE;
        loop {
            let list = self.json(&["friends", "list"]);
            let friends = list["friends"].as_array().expect("a list");
            let friend = friends
                .iter()
                .find(|friend| friend["petname"] == name)
                .expect("a friend");
            if friend["presence"] == "offline" || friend["presence"] == "unknown" {
                return;
            }
            assert!(Instant::now() < deadline, "{friend}");
        }
    }
}
