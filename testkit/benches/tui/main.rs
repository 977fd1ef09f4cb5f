//! The terminal interface of the program, through a pseudo-terminal: `cargo bench -p sotto-testkit --bench tui`. It builds the program and
//! runs a daemon and an interface of its release build.
//!
//! It measures from a start to the first frame; from a key to the last byte of its frame while messages arrive; between two frames while
//! the interface catches up; and what its process takes up, at work and when nothing happens. Each figure stands beside its limit.

#[path = "../limits/filled.rs"]
mod filled;
#[path = "../limits/installed.rs"]
mod installed;
mod interface;
mod peers;

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;

use filled::{contacts, fill};
use installed::{Home, resident};
use interface::Interface;
use peers::Peers;

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

fn main() {
    let (home, peers) = stage();
    let mut starts: Vec<Duration> = (0..9)
        .map(|_| {
            let start = Instant::now();
            Interface::start(&home).frame().at - start
        })
        .collect();
    starts.sort_unstable();
    println!(
        "first_frame ours={:?} limit=50ms (the median of {})",
        starts[starts.len() / 2],
        starts.len()
    );

    let mut interface = Interface::start(&home);
    interface.rest();
    // The next conversation: Alt and the arrow down.
    interface.press(b"\x1b[1;3B");
    let column = interface.rest().expect("the cursor stands in the composer");
    print_resident("with a conversation open", &interface, &home);
    keys(&mut interface, &peers, column);
    follow(&mut interface, &peers);
    catch_up(&mut interface, &peers);
    print_resident("after all that", &interface, &home);
    rest(&interface);
}

fn print_resident(when: &str, interface: &Interface, home: &Home) {
    let (ours, daemon) = (resident(&interface.id()), resident(&home.pid()));
    println!("resident ours={ours} MiB limit=25 MiB ({when}; its daemon: {daemon} MiB)");
}

/// How often the interface wakes up while nothing happens, between two minutes of the clock: with each minute it draws other times. A
/// timer of a minute wakes the runtime up some seconds before its end as well (the wheel of tokio's timers has slots of four seconds).
fn rest(interface: &Interface) {
    interface.rest();
    let second = || SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs() % 60;
    while !(10..20).contains(&second()) {
        thread::sleep(Duration::from_secs(1));
    }
    let (before, ticks) = wake_ups(&interface.id());
    thread::sleep(IDLE);
    let (after, later) = wake_ups(&interface.id());
    println!(
        "idle wake_ups={} limit=0 ticks={} limit=0 (in {IDLE:?})",
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
    println!("store written in {:.1?}", start.elapsed());
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
        "key p99={:?} limit=8ms most={:?} limit=16ms p50={:?} p99.9={:?} (while {rate:.0} messages a second arrive)",
        of(990),
        of(1000),
        of(500),
        of(999)
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
        "follow gap={gap:?} limit=50ms (while {BACKLOG} messages arrived in {:.1?}; the interface ran for {:.0?} and waited {:.0?} for \
         a processor)",
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
    println!("catch_up gap={gap:?} limit=50ms (for {BACKLOG} messages that had arrived)");
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
fn wake_ups(pid: &str) -> (u64, u64) {
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
