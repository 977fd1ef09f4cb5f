//! The terminal interface of the program, through a pseudo-terminal that is drained: from its start to its first frame; from a key to
//! the last byte of its frame while messages arrive; between two frames while it catches up; and what the process takes up when
//! nothing happens.

use std::io::{Read as _, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::filled::{contacts, fill};
use crate::installed::{Home, resident};
use crate::peers::Peers;

/// Messages in the store, in turns of all conversations.
const MESSAGES: u64 = 100_000;

/// Conversations.
const CONVERSATIONS: u64 = 1000;

/// Contacts that write.
const PEERS: usize = 50;

/// Keys of a round.
const KEYS: usize = 2000;

/// Between two messages while keys are pressed: 200 a second.
const PAUSE: Duration = Duration::from_millis(5);

/// Events that the interface catches up with.
const BACKLOG: u64 = 10_000;

/// Between two keys meanwhile.
const TYPING: Duration = Duration::from_millis(8);

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(30);

/// What ends a frame.
const FRAME: &[u8] = b"\x1b[?2026l";

/// A complete frame.
struct Frame {
    at: Instant,
    /// The column where it leaves the cursor; none if it does not move it.
    column: Option<u16>,
}

/// The interface of a home.
struct Interface {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    frames: Receiver<Frame>,
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
                let at = Instant::now();
                kept.extend_from_slice(&buffer[..read]);
                while let Some(end) = kept.windows(FRAME.len()).position(|bytes| bytes == FRAME) {
                    let column = column(&kept[..end]);
                    kept.drain(..end + FRAME.len());
                    if ended.send(Frame { at, column }).is_err() {
                        return;
                    }
                }
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
    fn frame(&self) -> Frame {
        self.frames.recv_timeout(Duration::from_secs(10)).expect("a frame")
    }

    /// The next frame that leaves the cursor there.
    fn frame_at(&self, column: u16) -> Frame {
        loop {
            let frame = self.frame();
            if frame.column == Some(column) {
                return frame;
            }
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).expect("a terminal");
    }

    /// Returns after no frame for a while, with the column where the last one left the cursor.
    fn rest(&self) -> Option<u16> {
        let mut column = None;
        while let Ok(frame) = self.frames.recv_timeout(Duration::from_millis(500)) {
            column = frame.column.or(column);
        }
        column
    }

    fn id(&self) -> String {
        self.child.process_id().expect("it runs").to_string()
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.process_id().and_then(|id| i32::try_from(id).ok());
        kill_process(id.and_then(Pid::from_raw).expect("it runs"), signal).expect("a signal");
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The column to which the last `CSI row ; column H` of a frame moves the cursor.
fn column(frame: &[u8]) -> Option<u16> {
    let end = frame.iter().rposition(|byte| *byte == b'H')?;
    let start = frame[..end].iter().rposition(|byte| *byte == b'\x1b')?;
    let place = std::str::from_utf8(frame.get(start + 2..end)?).ok()?;
    place.split_once(';')?.1.parse().ok()
}

/// The row.
pub fn tui() {
    let (home, peers) = stage();
    let mut starts: Vec<Duration> = (0..9)
        .map(|_| {
            let start = Instant::now();
            Interface::start(&home).frame().at - start
        })
        .collect();
    starts.sort_unstable();
    println!("tui first_frame={:?} limit=50ms", starts[starts.len() / 2]);

    let mut interface = Interface::start(&home);
    interface.rest();
    // The next conversation: Alt and the arrow down.
    interface.press(b"\x1b[1;3B");
    let column = interface.rest().expect("the cursor stands in the composer");
    println!("tui resident={} limit=25 MiB", resident(&interface.id()));
    keys(&mut interface, &peers, column);
    follow(&mut interface, &peers);
    catch_up(&mut interface, &peers);
    println!("tui resident={} limit=25 MiB after that", resident(&interface.id()));
    let (before, ticks) = idle(&interface.id());
    thread::sleep(IDLE);
    let (after, later) = idle(&interface.id());
    println!(
        "tui idle: {} wake-ups and {} ticks of processor time in {IDLE:?}",
        after - before,
        later - ticks
    );
}

/// A home whose daemon runs, with all conversations; and the contacts that write.
fn stage() -> (Home, Peers) {
    let home = Home::on("local");
    home.sotto(&["daemon", "start"]);
    let peers = Peers::of(&home, PEERS);
    home.sotto(&["daemon", "stop"]);
    let silent = contacts(CONVERSATIONS - PEERS as u64);
    let all: Vec<_> = silent.iter().copied().chain(peers.addresses()).collect();
    let start = Instant::now();
    fill(&home, &silent, &all, MESSAGES);
    println!("tui store written in {:.1?}", start.elapsed());
    home.sotto(&["daemon", "start"]);
    (0..PEERS).for_each(|peer| peers.send(peer, 0));
    peers.await_delivery();
    (home, peers)
}

/// From a key to the last byte of its frame, which is the one that moves the cursor.
fn keys(interface: &mut Interface, peers: &Peers, column: u16) {
    let flow = peers.flow(PAUSE);
    let mut times: Vec<Duration> = (0..KEYS)
        .map(|number| {
            thread::sleep(Duration::from_millis(3));
            while interface.frames.try_recv().is_ok() {}
            let (key, moved): (&[u8], u16) = if number.is_multiple_of(2) {
                (b"a", 1)
            } else {
                (b"\x7f", 0)
            };
            let start = Instant::now();
            interface.press(key);
            interface.frame_at(column + moved).at - start
        })
        .collect();
    let rate = flow.end();
    times.sort_unstable();
    let of = |part: usize| times[(KEYS - 1) * part / 1000];
    println!(
        "tui key p50={:?} p99={:?} p99.9={:?} most={:?} limit=8ms,16ms while {rate:.0} messages a second arrive",
        of(500),
        of(990),
        of(999),
        of(1000)
    );
}

/// All peers send what they have at once, and the interface shows it as it comes.
fn follow(interface: &mut Interface, peers: &Peers) {
    let start = Instant::now();
    let [ran, waited] = scheduled(&interface.id());
    let gap = thread::scope(|scope| {
        let arrives = scope.spawn(|| {
            send_backlog(peers);
            peers.await_delivery();
        });
        longest_gap(interface, || arrives.is_finished())
    });
    let [ran_then, waited_then] = scheduled(&interface.id());
    println!(
        "tui follow gap={gap:?} limit=50ms while {BACKLOG} messages arrived in {:.1?}; the interface ran for {:.0?} and waited {:.0?} for \
         a processor",
        start.elapsed(),
        ran_then.saturating_sub(ran),
        waited_then.saturating_sub(waited)
    );
}

/// How long a process's first thread has run, and how long it was ready to run and did not (proc(5), `schedstat`).
fn scheduled(pid: &str) -> [Duration; 2] {
    let figures = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).expect("it runs");
    let mut figures = figures
        .split_whitespace()
        .map(|figure| figure.parse().expect("nanoseconds"));
    [(); 2].map(|()| Duration::from_nanos(figures.next().expect("a figure")))
}

/// The interface is stopped while they come, and goes on then.
fn catch_up(interface: &mut Interface, peers: &Peers) {
    interface.rest();
    interface.signal(Signal::STOP);
    send_backlog(peers);
    peers.await_delivery();
    while interface.frames.try_recv().is_ok() {}
    interface.signal(Signal::CONT);
    let start = Instant::now();
    let gap = longest_gap(interface, || start.elapsed() > Duration::from_secs(10));
    println!("tui catch_up gap={gap:?} limit=50ms for {BACKLOG} messages that had arrived");
}

fn send_backlog(peers: &Peers) {
    (0..BACKLOG).for_each(|number| peers.send(usize::try_from(number).expect("small"), number));
}

/// The longest time without a frame while keys are pressed, each of which asks for one.
fn longest_gap(interface: &mut Interface, ended: impl Fn() -> bool) -> Duration {
    let mut longest = Duration::ZERO;
    let mut last = Instant::now();
    for key in [b"a", b"\x7f"].into_iter().cycle() {
        if ended() {
            break;
        }
        interface.press(key);
        thread::sleep(TYPING);
        while let Ok(frame) = interface.frames.try_recv() {
            longest = longest.max(frame.at - last);
            last = frame.at;
        }
    }
    longest.max(last.elapsed())
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
