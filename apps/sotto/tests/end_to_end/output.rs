//! The log and standard error of a daemon: no output that fails or stalls can end it, and what was dropped is counted.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::lifecycle::Background;
use crate::world::{PATIENCE, Person, World, path, until};

/// Clients that a daemon serves at once.
const CLIENTS: usize = 64;

/// Has the daemon turn clients away. It logs each.
fn turn_away(person: &Person, count: usize) {
    let connect = || {
        let stream = UnixStream::connect(person.folder.join("sotto.sock")).expect("a daemon");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    };
    let served: Vec<UnixStream> = (0..CLIENTS).map(|_| connect()).collect();
    for _ in 0..count {
        let mut said = String::new();
        connect().read_to_string(&mut said).expect("the daemon answers");
        assert!(said.contains("rate_limited"), "{said}");
    }
    drop(served);
    // Until the daemon has seen that they are gone, it turns others away.
    let began = Instant::now();
    while person.run(&["status"]).status.code() == Some(5) {
        assert!(began.elapsed() < PATIENCE, "the clients are gone");
    }
}

/// A thread of its own writes the log, so a line is dropped some time after what it tells of. One may be written into a pipe without a
/// reader, too: a process that another test has just forked has the reader's end, until it becomes its program.
fn until_dropped(person: &Person, count: u64) {
    until("lines are dropped", || {
        let status = person.json(&["status"]);
        let dropped = status["log_lines_dropped"].as_u64().expect("a number");
        if dropped < count {
            turn_away(person, 1);
        }
        (dropped >= count).then_some(())
    });
}

#[test]
fn a_full_disk_behind_standard_error_does_not_end_the_daemon() {
    let world = World::new();
    let mut alice = world.person("alice");
    let mut command = alice.daemon_run();
    command.stderr(File::options().write(true).open("/dev/full").expect("a device"));
    alice.start_as(command);
    turn_away(&alice, 3);
    until_dropped(&alice, 3);
    alice.stop();
}

#[test]
fn a_reader_of_standard_error_that_goes_away_does_not_end_the_daemon() {
    let world = World::new();
    let mut alice = world.person("alice");
    let (reader, writer) = io::pipe().expect("a pipe");
    let mut command = alice.daemon_run();
    command.stderr(writer);
    alice.start_as(command);
    let mut first = String::new();
    BufReader::new(reader).read_line(&mut first).expect("a line");
    assert!(first.contains("the daemon has started"), "{first}");
    turn_away(&alice, 3);
    until_dropped(&alice, 3);
    alice.stop();
}

#[test]
fn a_reader_of_standard_error_that_does_not_read_does_not_stall_the_daemon() {
    let world = World::new();
    let mut alice = world.person("alice");
    let (reader, writer) = io::pipe().expect("a pipe");
    rustix::pipe::fcntl_setpipe_size(&writer, 4096).expect("a small pipe");
    let mut command = alice.daemon_run();
    command.stderr(writer);
    alice.start_as(command);
    // More than the pipe holds.
    turn_away(&alice, 100);
    alice.json(&["status"]);
    alice.stop();
    drop(reader);
}

#[test]
fn a_log_on_a_full_disk_does_not_end_the_daemon_and_goes_on_where_there_is_room() {
    let world = World::new();
    let alice = world.person("alice");
    let log = alice.folder.join("daemon.log");
    symlink("/dev/full", &log).expect("made");
    let _background = Background(&alice);
    let started = alice.json(&["daemon", "start", "--key-file", path(&alice.key_file)]);
    turn_away(&alice, 3);
    until_dropped(&alice, 3);

    // Now there is room, under the same name.
    fs::remove_file(&log).expect("a link");
    let process = started["pid"]
        .as_i64()
        .and_then(|id| Pid::from_raw(id.try_into().ok()?));
    kill_process(process.expect("a process"), Signal::HUP).expect("it lives");
    let began = Instant::now();
    while !fs::read_to_string(&log)
        .unwrap_or_default()
        .contains("lines of this log were dropped")
    {
        assert!(began.elapsed() < PATIENCE, "the log does not go on");
        turn_away(&alice, 1);
    }
    alice.json(&["daemon", "stop"]);
}
