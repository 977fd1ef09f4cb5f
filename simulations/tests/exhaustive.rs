//! Short stories in every world with one fault, whatever it is and wherever it strikes, and with every two crashes.

use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Odometer, Run, Scenario, Trace, crash_points, play};

/// Whatever chance can do.
const FAULTS: [&str; 22] = [
    "bootstrap",
    "bytes lost",
    "clock jump",
    "crash",
    "cut",
    "disk trouble",
    "drained later",
    "drift",
    "half-open",
    "hostile bytes",
    "late alarm",
    "latency",
    "nap",
    "refused dial",
    "rendezvous",
    "slow disk",
    "slow drain",
    "slow hangup",
    "split",
    "suspend",
    "torn commit",
    "trouble",
];

/// Plays a story in every world with at most so many faults of these kinds. Gives how many there are.
fn every_world(name: &str, labels: &[&'static str], faults: usize) -> usize {
    let run = Run::bad(Scenario::named(name).expect("in the library"), 1);
    let mut odometer = Odometer::new(labels.iter().copied(), faults);
    let mut worlds = 0;
    while let Some(choices) = odometer.choices() {
        let (verdict, made) = play(run, choices);
        if let Err(why) = verdict {
            panic!("{why}\nits trace:\n{}", Trace::made(run, &made, why.clone()));
        }
        odometer.count(&made);
        worlds += 1;
    }
    println!(
        "{name}: {worlds} worlds with at most {faults} of {} kinds",
        labels.len()
    );
    worlds
}

#[test]
fn any_one_fault_anywhere() {
    for name in [
        "one_message",
        "request_and_consent",
        "crossing_requests",
        "both_dial_at_once",
        "session_lost_by_one",
    ] {
        assert!(every_world(name, &FAULTS, 1) > 200);
    }
}

/// A story with no more crash points than this is short.
const SHORT: usize = 100;

/// Plays every `share`-th short story in every world with two crashes, so that two cores have half of the work each.
fn any_two_crashes(share: usize) {
    let short = LIBRARY.iter().filter(|scenario| {
        let points = crash_points(scenario).unwrap_or_else(|failure| panic!("{failure}"));
        points.len() <= SHORT
    });
    let mut stories = 0;
    for scenario in short.skip(share).step_by(2) {
        every_world(scenario.name, &["crash", "torn commit"], 2);
        stories += 1;
    }
    assert!(stories >= 10, "{stories} short stories");
}

#[test]
fn any_two_crashes_of_one_half_of_the_short_stories() {
    any_two_crashes(0);
}

#[test]
fn any_two_crashes_of_the_other_half() {
    any_two_crashes(1);
}

#[test]
fn any_two_crashes_of_stories_that_matter() {
    for name in ["request_and_consent", "session_lost_by_one"] {
        assert!(every_world(name, &["crash", "torn commit"], 2) > 1000);
    }
}
