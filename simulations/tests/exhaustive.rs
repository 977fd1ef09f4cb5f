//! Short scenarios in every world with one fault of any kind at any place, and with any two crashes.

use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Enumeration, Run, Scenario, Trace, crash_points, play};

/// Every choice.
const FAULTS: [&str; 23] = [
    "bootstrap",
    "bytes lost",
    "clock jump",
    "crash",
    "cut",
    "disk fault",
    "late drain",
    "drift",
    "features",
    "half-open",
    "hostile bytes",
    "late alarm",
    "latency",
    "suspend time",
    "refused dial",
    "rendezvous",
    "slow disk",
    "slow drain",
    "slow hangup",
    "split",
    "suspend",
    "torn commit",
    "disk fault kind",
];

/// Plays a scenario in every world with at most so many faults of these kinds. Returns how many there are.
fn every_world(name: &str, labels: &[&'static str], faults: usize) -> usize {
    let run = Run::faulty(Scenario::named(name).expect("in the library"), 1);
    let mut enumeration = Enumeration::new(labels.iter().copied(), faults);
    let mut runs = 0;
    while let Some(choices) = enumeration.choices() {
        let (verdict, made) = play(run, choices);
        if let Err(why) = verdict {
            panic!("{why}\nits trace:\n{}", Trace::made(run, &made, why.clone()));
        }
        enumeration.advance(&made);
        runs += 1;
    }
    println!("{name}: {runs} runs with at most {faults} of {} kinds", labels.len());
    runs
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

/// The most crash points of a short scenario.
const SHORT: usize = 112;

/// Plays every second short scenario in every world with two crashes, so that two cores share the work.
fn any_two_crashes(share: usize) {
    let short = LIBRARY.iter().filter(|scenario| {
        let points = crash_points(scenario).unwrap_or_else(|failure| panic!("{failure}"));
        points.len() <= SHORT
    });
    let mut scenarios = 0;
    for scenario in short.skip(share).step_by(2) {
        every_world(scenario.name, &["crash", "torn commit"], 2);
        scenarios += 1;
    }
    assert!(scenarios >= 10, "{scenarios} short scenarios");
}

#[test]
fn any_two_crashes_of_one_half_of_the_short_scenarios() {
    any_two_crashes(0);
}

#[test]
fn any_two_crashes_of_the_other_half() {
    any_two_crashes(1);
}

#[test]
fn any_two_crashes_of_first_contact_and_recovery() {
    for name in ["request_and_consent", "session_lost_by_one"] {
        assert!(every_world(name, &["crash", "torn commit"], 2) > 1000);
    }
}
