//! The simulator's speed: `cargo bench -p sotto-simulations --bench world`.
//!
//! - `chat`: three friends write without a pause. How many events a second one core processes.
//! - `week`: three friends for seven days, each with a text for each other every day.
//! - `nodes-N`: N nodes with ten contacts each for a day, each with ten texts. The last but one column is the cost
//!   of one event for each doubling of the nodes: where it does not rise, cost grows no faster than events × log nodes.
//!
//! Time is processor time, so the machine's other load does not show. All invariants are on. Arguments choose rows by
//! name.

#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sotto_core::{Entropy, Limits, Millis};
use sotto_simulations::{Choices, Cipher, NodeIndex, World, invariant, population::ring};

const DAY: Millis = Millis::hours(24);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    if chosen("chat") {
        report("chat", 3, chat);
    }
    if chosen("week") {
        report("week", 3, week);
    }
    for nodes in [10, 100, 1000, 10_000] {
        let name = format!("nodes-{nodes}");
        if chosen(&name) {
            report(&name, nodes, a_day);
        }
    }
}

/// Makes the world, plays the scenario, and prints the figures.
fn report(name: &str, nodes: usize, scenario: impl FnOnce(&mut World)) {
    let contacts = if nodes == 3 { 2 } else { 10.min(nodes - 2) };
    let disks = ring(nodes, contacts);
    let (fault_free, watch) = (Choices::harmless(), invariant::all());
    let mut world = World::new(Cipher::Transparent, disks, 1, Limits::default(), 1, fault_free, watch);
    let (began, born) = (processor_time(), world.now());
    world.start();
    scenario(&mut world);
    let took = processor_time().saturating_sub(began);
    let events = world.sim_events();
    let each = took.as_secs_f64() * 1e6 / events as f64;
    println!(
        "{name:<12} {:>6.1} h {took:>10.1?}  {events:>9} events  {:>8.0} a second  {each:>6.2} µs each  {:>5.2} µs / log2 nodes  {} MiB",
        (world.now().0 - born.0) as f64 / 3.6e6,
        events as f64 / took.as_secs_f64(),
        each / (nodes as f64).log2(),
        resident_mib(),
    );
}

fn chat(world: &mut World) {
    let pairs = world.pairs();
    for _ in 0..2000 {
        for (from, to) in &pairs {
            world.submit_text(*from, *to, "and another thing");
        }
        world.advance(Millis(500));
    }
    world.advance(Millis::minutes(1));
}

fn week(world: &mut World) {
    let pairs = world.pairs();
    for _ in 0..7 {
        for (from, to) in &pairs {
            world.submit_text(*from, *to, "good morning");
        }
        world.advance(DAY);
    }
}

/// Ten texts of each peer, to one of the next five.
fn a_day(world: &mut World) {
    const TEXTS: usize = 10;
    let people: Vec<NodeIndex> = world.peers().collect();
    let mut entropy = Entropy::from_seed([7; 32]);
    let texts = people.len() * TEXTS;
    let reach = 5.min((people.len() as u64 - 1) / 2);
    for _ in 0..texts {
        let from = usize::try_from(entropy.below(people.len() as u64)).expect("few people");
        let step = usize::try_from(1 + entropy.below(reach)).expect("few contacts");
        world.submit_text(people[from], people[(from + step) % people.len()], "how are you?");
        world.advance(Millis(DAY.0 / texts as u64));
    }
}

/// What this process has used of one core.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The peak memory of the process, as Linux reports it.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}
