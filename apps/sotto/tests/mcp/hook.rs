//! `sotto wait --hook`: exit code 2 means that messages wait, and every failure is another code and silent.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use sotto_api::{self as api, all};

use super::client::McpClient;
use super::world::{PATIENCE, PAUSE, Person, Ran, World, path, string};

fn hook(person: &Person, timeout: &str) -> Ran {
    person.run(&[
        "wait",
        "--hook",
        "claude-code",
        "--consumer",
        "claude",
        "--timeout",
        timeout,
    ])
}

fn code(ran: &Ran) -> (Option<i32>, &str, &str) {
    (ran.status.code(), &ran.stdout, &ran.stderr)
}

#[test]
fn a_hook_wakes_for_messages_and_for_nothing_else() {
    let world = World::new();
    let (mut alice, bob) = world.friends();
    assert_eq!(code(&hook(&alice, "0")), (Some(0), "", ""), "nothing waits");
    // It wakes while it waits.
    let woken = thread::scope(|scope| {
        let waiting = scope.spawn(|| hook(&alice, "50"));
        let id = string(&bob.json(&["send", "alice", "secret text", "--wait", "delivered"])["id"]);
        let ran = waiting.join().expect("it ends");
        (id, ran)
    });
    let said = format!("1 new Sotto message: bob ({})\n", woken.0);
    assert_eq!(code(&woken.1), (Some(2), "", said.as_str()), "no text of the peer");
    for number in 0..9 {
        bob.json(&["send", "alice", &number.to_string(), "--wait", "delivered"]);
    }
    let ran = hook(&alice, "0");
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        ran.stderr.starts_with("10 new Sotto messages: bob (") && ran.stderr.ends_with(", 2 more\n"),
        "{ran:?}"
    );
    assert_eq!(ran.stderr.lines().count(), 1);
    // More than one page of the log holds.
    let mut sender = bob.client();
    for number in 1..=110 {
        let params = api::Send {
            conversation: String::from("alice"),
            text: number.to_string(),
            wait: if number == 110 {
                api::WaitFor::Delivered
            } else {
                api::WaitFor::Queued
            },
            timeout: Some(60),
            ..api::Send::default()
        };
        sender.call::<all::Send>(&params).expect("sent");
    }
    let ran = hook(&alice, "0");
    assert!(
        ran.stderr.starts_with("120 new Sotto messages: bob (") && ran.stderr.ends_with(", 112 more\n"),
        "{ran:?}"
    );
    // What was acknowledged does not wake.
    let mut client = McpClient::open(&alice, "2025-11-25");
    let arrived = client.ok("wait_for_messages", &json!({ "timeout": 0, "consumer": "claude" }));
    client.ok("ack_messages", &json!({ "seq": arrived["seq"], "consumer": "claude" }));
    // One result holds as much as a model reads.
    loop {
        let arrived = client.ok("wait_for_messages", &json!({ "timeout": 0, "consumer": "claude" }));
        if arrived["messages"] == json!([]) {
            break;
        }
        client.ok("ack_messages", &json!({ "seq": arrived["seq"], "consumer": "claude" }));
    }
    assert_eq!(code(&hook(&alice, "0")), (Some(0), "", ""));
    assert!(client.end().success());

    // Wrong arguments, and a name that is too long.
    for wrong in [
        &["--consumer", "x"][..],
        &["--hook", "vim"],
        &["--hook", "claude-code", "--consumer", &"x".repeat(65)],
    ] {
        let ran = alice.run(&[&["wait"], wrong].concat());
        if wrong[0] == "--hook" {
            assert_eq!(code(&ran), (Some(1), "", ""), "{wrong:?}");
        }
        assert_ne!(ran.status.code(), Some(2), "{wrong:?}");
    }
    // A daemon that freezes while a hook waits, and is frozen when another begins: at once, for each takes as long as the client
    // lets a daemon be silent. Then one that is killed while a hook waits, and none.
    let process = Pid::from_child(alice.process());
    thread::scope(|scope| {
        let waits = scope.spawn(|| hook(&alice, "100"));
        until_connected(&alice);
        kill_process(process, Signal::STOP).expect("it lives");
        let began = Instant::now();
        assert_eq!(code(&hook(&alice, "100")), (Some(7), "", ""), "frozen");
        assert_eq!(code(&waits.join().expect("it ends")), (Some(7), "", ""), "it froze");
        // Less than the hook was to wait for messages.
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    });
    kill_process(process, Signal::CONT).expect("it lives");
    let mut waiting = alice.command(&["wait", "--hook", "claude-code", "--consumer", "claude"]);
    waiting.stderr(Stdio::piped()).stdout(Stdio::piped());
    let waiting = waiting.spawn().expect("sotto runs");
    until_connected(&alice);
    alice.kill();
    let killed = waiting.wait_with_output().expect("it ends");
    assert_eq!(
        (killed.status.code(), killed.stderr.as_slice(), killed.stdout.as_slice()),
        (Some(7), &b""[..], &b""[..])
    );
    assert_eq!(code(&hook(&alice, "100")), (Some(7), "", ""), "no daemon");
}

/// Until a client is connected to the daemon, which was none before (proc(5), `/proc/net/unix`: the daemon's ends have its path, and
/// are in the state 3).
fn until_connected(person: &Person) {
    let socket = person.folder.join("sotto.sock");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let sockets = fs::read_to_string("/proc/net/unix").expect("Linux");
        let connected = sockets.lines().any(|line| {
            let mut columns = line.split_whitespace();
            columns.nth(5) == Some("03") && columns.nth(1) == Some(path(&socket))
        });
        if connected {
            return;
        }
        assert!(Instant::now() < deadline, "no client connects");
        thread::sleep(PAUSE);
    }
}
