//! An idle daemon with 100 contacts and 100 000 messages: its memory, its processor time, its search, and the opening of its store.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use sotto_core::{Entropy, Limits, Monotonic, Node, Now, Wall};

use crate::filled::{contacts, fill, store};
use crate::installed::{Home, mebibytes, resident};

const CONTACTS: u64 = 100;
const MESSAGES: u64 = 100_000;

pub fn rest() {
    let home = Home::on("local");
    let friends = contacts(CONTACTS);
    fill(&home, &friends, &friends, MESSAGES);

    let start = Instant::now();
    let mut store = store(&home);
    let image = store.image().expect("an image");
    let now = Now {
        monotonic: Monotonic(0),
        wall: Wall(1_800_000_000_000),
    };
    let node: Node = Node::open(image, Entropy::from_seed([1; 32]), Limits::default(), now).expect("a node");
    println!(
        "open ours={:.1?} limit=10ms (store, image and node; no key derivation)",
        start.elapsed()
    );
    drop(node);
    store.close().expect("closed");

    home.sotto(&["daemon", "start"]);
    for word in ["frequent", "rare", "absent"] {
        let mut took: Vec<Duration> = (0..21)
            .map(|_| {
                let start = Instant::now();
                home.call("messages.search", &json!({"query": word}));
                start.elapsed()
            })
            .collect();
        took.sort();
        println!("search_{word} ours={:.1?} limit=10ms (over the socket)", took[10]);
    }
    let pid = home.pid();
    // By then the first dials after a start have ended.
    sleep(Duration::from_secs(3));
    let before = ticks(&pid);
    sleep(Duration::from_secs(10));
    println!(
        "cpu_at_rest ours={} limit=0 (clock ticks in 10 s)",
        ticks(&pid) - before
    );
    println!("resident_at_rest ours={} limit=40 MiB", resident(&pid));
    let bytes = fs::metadata(home.command(&[]).get_program()).expect("built").len();
    println!("binary ours={} MiB", mebibytes(bytes / 1024));
}

/// User and system time of a process, in clock ticks (proc(5)).
fn ticks(pid: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields = stat.rsplit(") ").next().expect("fields after the name").split(' ');
    fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum()
}
