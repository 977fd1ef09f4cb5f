//! What a daemon inherits from the process that starts it: descriptors, the folder, ignored signals.

use std::fs;
use std::process::Command;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::lifecycle::Background;
use crate::world::{PATIENCE, Person, World, path, program, run};

/// A script of the shell, with the program and the arguments that start alice's daemon in the background as `"$@"`.
fn shell(alice: &Person, script: &str) -> Command {
    let start = alice.command(&["--json", "daemon", "start", "--key-file", path(&alice.key_file)]);
    let mut command = program("sh");
    command
        .args(["-euc", script, "sh"])
        .arg(start.get_program())
        .args(start.get_args());
    command.current_dir(&alice.network);
    command
}

fn signal(alice: &mut Person, signal: Signal) {
    let process = Pid::from_child(alice.process());
    kill_process(process, signal).expect("it lives");
}

#[test]
fn a_background_daemon_keeps_no_descriptor_of_its_caller() {
    let world = World::new();
    let alice = world.person("alice");
    let _background = Background(&alice);
    let lock = shell(&alice, "exec 9>lock; flock -n 9; \"$@\"");
    let ran = run(lock, b"");
    assert!(ran.status.success(), "{ran:#?}");
    let free = run(shell(&alice, "flock -n lock true"), b"");
    assert!(free.status.success(), "the daemon keeps the lock: {free:#?}");

    alice.json(&["daemon", "stop"]);
    let pipe = shell(&alice, "{ \"$@\" 3>&1 >/dev/null; } | timeout 30 cat");
    let ran = run(pipe, b"");
    assert!(ran.status.success(), "the daemon keeps the pipe: {ran:#?}");
    alice.json(&["daemon", "stop"]);
}

#[test]
fn a_daemon_leaves_the_folder_that_it_was_started_in() {
    let world = World::new();
    let alice = world.person("alice");
    let _background = Background(&alice);
    let pid = path(&alice.folder).to_owned() + "/sotto.pid";
    // Only root, at least of its own namespace, may look at a process that closes its memory to others.
    let mut command = program("unshare");
    let script = shell(
        &alice,
        &format!("\"$@\" >/dev/null; readlink \"/proc/$(cat {pid})/cwd\""),
    );
    command
        .arg("--map-root-user")
        .arg(script.get_program())
        .args(script.get_args());
    command.current_dir(&alice.network);
    let ran = run(command, b"");
    assert_eq!(ran.stdout, "/\n", "{ran:#?}");
    alice.json(&["daemon", "stop"]);
}

#[test]
fn ignored_signals_stay_ignored() {
    let world = World::new();
    let mut alice = world.person("alice");
    let daemon = alice.daemon_run();
    // What `nohup` does, and a shell to its background jobs.
    let mut command = program("sh");
    command.args(["-c", "trap '' HUP INT; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_sotto")]);
    // Nothing in between that has them not ignored.
    command.args(daemon.get_args().skip_while(|argument| *argument != "--data-dir"));
    alice.start_as(command);
    signal(&mut alice, Signal::HUP);
    signal(&mut alice, Signal::INT);
    for _ in 0..5 {
        alice.json(&["status"]);
    }
    alice.stop();
}

#[test]
fn a_hangup_has_the_log_opened_anew() {
    let world = World::new();
    let mut alice = world.person("alice");
    let (log, moved) = (world.path().join("log"), world.path().join("log.1"));
    let mut command = alice.daemon_run();
    // Relative, though the daemon leaves its folder.
    command.args(["--log-file", "log"]).current_dir(world.path());
    alice.start_as(command);
    fs::rename(&log, &moved).expect("a log");
    signal(&mut alice, Signal::HUP);
    let began = Instant::now();
    while fs::read_to_string(&log).map_or(0, |text| text.lines().count()) == 0 {
        assert!(began.elapsed() < PATIENCE, "there is no new log");
    }
    assert!(
        fs::read_to_string(&moved)
            .expect("moved")
            .contains("the daemon has started")
    );
    alice.stop();
    assert!(
        fs::read_to_string(&log)
            .expect("a log")
            .contains("the daemon has ended")
    );
}
