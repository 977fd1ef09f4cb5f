//! Short stories in every world with one fault, whatever it is and wherever it strikes, and with every two crashes.

use sotto_simulations::{Odometer, Run, Scenario, Trace, play};

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

#[test]
fn any_two_crashes() {
    for name in [
        "one_message",
        "request_and_consent",
        "crossing_requests",
        "session_lost_by_one",
    ] {
        assert!(every_world(name, &["crash", "torn commit"], 2) > 500);
    }
}
