//! The terminal interface of the program, through a pseudo-terminal that is drained: from its start to its first frame, from a key to
//! the last byte of its frame while events arrive, and what the process takes up when nothing happens.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use serde_json::json;

use crate::installed::{Home, resident};
use crate::socket::{daemon, message};

/// Messages of each of the ten conversations.
const MESSAGES: u32 = 5000;

/// Keys of a round.
const KEYS: usize = 1000;

/// Between two events while keys are pressed: 200 a second.
const EVENT: Duration = Duration::from_millis(5);

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(30);

/// What ends a frame.
const FRAME: &[u8] = b"\x1b[?2026l";

/// The interface of a home.
struct Interface {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    /// The moments at which frames were complete.
    frames: Receiver<Instant>,
    // Closing it ends the interface.
    _terminal: Box<dyn MasterPty + Send>,
}

impl Interface {
    fn start(home: &Home) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(home.command(&[]).get_program());
        command.arg("--data-dir");
        command.arg(home.data());
        // No question about the background is asked of a terminal that answers nothing.
        command.env("COLORFGBG", "15;0");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("sotto runs");
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let (ended, frames) = channel();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            let mut kept = Vec::new();
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                kept.extend_from_slice(&buffer[..read]);
                while let Some(at) = kept.windows(FRAME.len()).position(|bytes| bytes == FRAME) {
                    kept.drain(..at + FRAME.len());
                    if ended.send(Instant::now()).is_err() {
                        return;
                    }
                }
                let surplus = kept.len().saturating_sub(FRAME.len());
                kept.drain(..surplus);
            }
        });
        Self {
            keys: pair.master.take_writer().expect("a writer"),
            child,
            frames,
            _terminal: pair.master,
        }
    }

    /// The next frame.
    fn frame(&self) -> Instant {
        self.frames.recv_timeout(Duration::from_secs(10)).expect("a frame")
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("a terminal");
    }

    /// No frame for a while.
    fn rest(&self) {
        while self.frames.recv_timeout(Duration::from_millis(500)).is_ok() {}
    }

    fn id(&self) -> String {
        self.child.process_id().expect("it runs").to_string()
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The row.
pub fn tui() {
    let (home, contacts) = daemon();
    fill(&home, &contacts);
    let mut starts: Vec<Duration> = (0..9)
        .map(|_| {
            let start = Instant::now();
            Interface::start(&home).frame() - start
        })
        .collect();
    starts.sort_unstable();
    println!("tui first_frame={:?} limit=50ms", starts[starts.len() / 2]);

    let mut interface = Interface::start(&home);
    interface.rest();
    // The next conversation: Alt and the arrow down.
    interface.press(b"\x1b[1;3B");
    interface.rest();
    let events = Events::start(&home, contacts);
    let mut times: Vec<Duration> = (0..KEYS).map(|number| time(&mut interface, number)).collect();
    events.end();
    times.sort_unstable();
    let of = |part: usize| times[(KEYS - 1) * part / 100];
    println!(
        "tui key p50={:?} p99={:?} most={:?} limit=8ms,16ms while 200 events a second arrive",
        of(50),
        of(99),
        of(100)
    );
    interface.rest();
    println!("tui resident={} limit=25 MiB", resident(&interface.id()));
    let (before, ticks) = idle(&interface.id());
    thread::sleep(IDLE);
    let (after, later) = idle(&interface.id());
    println!(
        "tui idle: {} wake-ups and {} ticks of processor time in {IDLE:?}",
        after - before,
        later - ticks
    );
}

/// Types a letter, or deletes it again, and waits for its frame. A frame of an event that is under way meanwhile is not the key's.
fn time(interface: &mut Interface, number: usize) -> Duration {
    thread::sleep(Duration::from_millis(3));
    while interface.frames.try_recv().is_ok() {}
    let start = Instant::now();
    interface.press(if number.is_multiple_of(2) { b"a" } else { b"\x7f" });
    interface.frame() - start
}

fn fill(home: &Home, contacts: &[String]) {
    let stream = UnixStream::connect(home.data().join("sotto.sock")).expect("the daemon listens");
    let answers = BufReader::new(stream.try_clone().expect("a copy"));
    let drain = thread::spawn(move || {
        let answered = answers
            .lines()
            .take(MESSAGES as usize * 10)
            .filter_map(Result::ok)
            .count();
        assert_eq!(answered, MESSAGES as usize * 10, "the daemon has ended the connection");
    });
    let mut stream = stream;
    for number in 0..MESSAGES {
        for contact in contacts {
            send(&mut stream, contact, number);
        }
    }
    drain.join().expect("all were answered");
}

fn send(stream: &mut UnixStream, contact: &str, number: u32) {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "messages.send", "params": message(contact, number) });
    stream.write_all(format!("{request}\n").as_bytes()).expect("asked");
}

/// Messages that are sent to all contacts in turns, which the interface is told of.
struct Events {
    ends: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Events {
    fn start(home: &Home, contacts: Vec<String>) -> Self {
        let mut stream = UnixStream::connect(home.data().join("sotto.sock")).expect("the daemon listens");
        let mut answers = stream.try_clone().expect("a copy");
        thread::spawn(move || while matches!(answers.read(&mut [0; 4096]), Ok(1..)) {});
        let ends = Arc::new(AtomicBool::new(false));
        let ended = ends.clone();
        let thread = thread::spawn(move || {
            for (number, contact) in (MESSAGES..).zip(contacts.iter().cycle()) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                send(&mut stream, contact, number);
                thread::sleep(EVENT);
            }
        });
        Self { ends, thread }
    }

    fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().expect("it ends");
    }
}

/// How often a process was waked up, and the ticks of processor time that it has used, of all its threads.
fn idle(pid: &str) -> (u64, u64) {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let waked = tasks.filter_map(Result::ok).map(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    });
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // User and system time are the fields 14 and 15; the state, which is no number, is the third.
    (waked.sum(), fields[10] + fields[11])
}
