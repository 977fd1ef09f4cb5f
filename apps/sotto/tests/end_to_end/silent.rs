//! A daemon that does not answer, and how daemons are ended: no command waits for ever.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sotto_api::MessageState;
use sotto_client::blocking::Client;
use sotto_core::Limits;

use crate::world::{PATIENCE, Person, Ran, World, ended, path, program, run, string};

#[test]
fn a_daemon_that_does_not_answer_is_named_by_every_command() {
    let world = World::new();
    let mut alice = world.person("alice");
    alice.start();
    let id = alice.process().id();
    let mut listen = alice.command(&["--json", "listen"]);
    listen.stdout(Stdio::null()).stderr(Stdio::piped());
    let listen = listen.spawn().expect("sotto runs");
    let process = Pid::from_child(alice.process());
    kill_process(process, Signal::STOP).expect("it lives");

    let person = &alice;
    let commands: [(&[&str], i32); 6] = [
        (&["status"], 7),
        (&["daemon", "status"], 7),
        (&["daemon", "start", "--key-file", path(&person.key_file)], 9),
        (&["doctor"], 9),
        (&["inbox"], 7),
        (&["listen"], 7),
    ];
    let ran: Vec<(&[&str], i32, Ran)> = thread::scope(|scope| {
        let running = commands.map(|(command, code)| (command, code, scope.spawn(move || person.run(command))));
        running
            .map(|(command, code, ran)| (command, code, ran.join().expect("it ends")))
            .into()
    });
    for (command, code, ran) in ran {
        assert_eq!(ran.status.code(), Some(code), "{command:?}: {ran:#?}");
        let said = ran.stdout.clone() + &ran.stderr;
        assert!(
            said.contains(&format!("process {id}")) && said.contains("not answer"),
            "{command:?}: {ran:#?}"
        );
    }
    let listened = listen.wait_with_output().expect("it ends");
    assert_eq!(listened.status.code(), Some(7), "{listened:?}");
    alice.stop();
}

#[test]
fn a_machine_that_slept_takes_what_was_sent_meanwhile() {
    // For a moment; and past a heartbeat, which nothing has answered.
    let world = World::new();
    for person in sleeps(&world, &[Duration::ZERO, heartbeats(1)]) {
        assert_eq!(person.json(&["status"])["peer_faults"], 0, "{}", person.name);
    }
}

#[test]
#[ignore = "sleeps for as long as it takes to give a link up, which is minutes"]
fn a_machine_that_slept_until_its_link_was_given_up_takes_what_was_sent_meanwhile() {
    sleeps(&World::new(), &[heartbeats(3) + HANDSHAKE]);
}

/// A dial to a machine that sleeps ends after this time.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// As long as so many heartbeats take, and a second more.
fn heartbeats(count: u32) -> Duration {
    Duration::from_millis(Limits::default().heartbeat.0) * count + Duration::from_secs(1)
}

/// Bob's daemon is stopped once for each span, with both of its clocks going on, while Alice writes.
fn sleeps(world: &World, spans: &[Duration]) -> [Person; 2] {
    let (mut alice, mut bob) = world.friends();
    let process = Pid::from_child(bob.process());
    for (round, span) in spans.iter().enumerate() {
        kill_process(process, Signal::STOP).expect("it lives");
        let asleep = Instant::now();
        let texts = ["one", "two", "three"].map(|text| format!("{text} {round}"));
        let sent = texts
            .each_ref()
            .map(|text| string(&alice.json(&["send", "bob", text])["id"]));
        for id in &sent {
            alice.until_state(id, MessageState::Sent);
        }
        thread::sleep(span.saturating_sub(asleep.elapsed()));
        kill_process(process, Signal::CONT).expect("it lives");
        assert_eq!(bob.texts(3), texts, "each once, in order");
        for id in &sent {
            alice.until_state(id, MessageState::Delivered);
        }
    }
    let answer = string(&bob.json(&["send", "alice", "I slept"])["id"]);
    bob.until_state(&answer, MessageState::Delivered);
    assert_eq!(alice.texts(1), ["I slept"]);
    [alice, bob]
}

#[test]
fn stop_kills_what_does_not_end_by_itself() {
    let world = World::new();
    let alice = world.person("alice");
    let script = "exec 9<>\"$1\"; flock 9; echo $$ >&9; trap '' TERM; echo held; while :; do sleep 0.1; done";
    let mut holder = program("sh");
    holder
        .args(["-euc", script, "sh"])
        .arg(alice.folder.join("sotto.pid"))
        .stdout(Stdio::piped());
    let mut holder = holder.spawn().expect("sh runs");
    let mut held = String::new();
    BufReader::new(holder.stdout.take().expect("piped"))
        .read_line(&mut held)
        .expect("a line");
    assert_eq!(held, "held\n");
    assert_eq!(alice.json(&["daemon", "stop"])["running"], false);
    assert_eq!(ended(&mut holder, &"the holder of the lock").signal(), Some(9));
}

/// A shell that starts the daemon again whenever it has ended.
struct Supervisor<'a> {
    person: &'a Person,
    shell: Child,
}

impl<'a> Supervisor<'a> {
    fn start(person: &'a Person) -> Self {
        let daemon = person.daemon_run();
        let mut shell = program("sh");
        shell.args(["-c", "while :; do \"$@\" 2>/dev/null; done", "sh"]);
        shell.arg(daemon.get_program()).args(daemon.get_args());
        let shell = shell.spawn().expect("sh runs");
        Self { person, shell }
    }
}

impl Drop for Supervisor<'_> {
    fn drop(&mut self) {
        self.shell.kill().expect("killed");
        self.shell.wait().expect("gone");
        // The last daemon may still be starting.
        let began = Instant::now();
        while self.person.run(&["daemon", "stop"]).status.code() == Some(7) && began.elapsed() < PATIENCE {}
    }
}

#[test]
fn stop_is_about_the_process_that_was_asked() {
    let world = World::new();
    let alice = world.person("alice");
    let _supervisor = Supervisor::start(&alice);
    for _ in 0..10 {
        let began = Instant::now();
        while Client::connect(&alice.folder.join("sotto.sock")).is_err() {
            assert!(began.elapsed() < PATIENCE, "the supervisor starts no daemon");
        }
        let ran = run(alice.command(&["daemon", "stop"]), b"");
        assert!(ran.status.success(), "{ran:#?}");
    }
}
