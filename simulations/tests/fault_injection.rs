//! Every scenario with the faults of many seeds: slow, cut, refused and split links, half-open streams, slow disks,
//! late alarms, crashes. And a run repeats to the byte.

use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Run, Scenario, run};

/// Seeds for each scenario.
const SEEDS: u64 = 50;
/// One in so many runs uses libsignal, the others the transparent ratchet.
const SIGNAL: u64 = 10;

fn world(scenario: &'static Scenario, seed: u64) -> Run {
    let faulty = Run::faulty(scenario, seed);
    if seed.is_multiple_of(SIGNAL) {
        faulty.over_signal()
    } else {
        faulty
    }
}

fn play_all(scenarios: impl Iterator<Item = &'static Scenario>) {
    let runs = scenarios.flat_map(|scenario| (1..=SEEDS).map(move |seed| world(scenario, seed)));
    let failed: Vec<_> = runs.filter_map(|faulty| run(faulty).err()).collect();
    let names: Vec<String> = failed.iter().map(|failure| failure.run.to_string()).collect();
    if let Some(failure) = failed.first() {
        panic!("{} runs fail: {names:#?}\nthe first: {failure}", failed.len());
    }
}

/// In halves, for two cores.
#[test]
fn every_scenario_survives_faults() {
    play_all(LIBRARY.iter().step_by(2));
}

#[test]
fn every_other_scenario_survives_faults() {
    play_all(LIBRARY.iter().skip(1).step_by(2));
}

#[test]
fn a_run_repeats_to_the_byte_and_another_seed_is_another_run() {
    for scenario in LIBRARY {
        let again = |seed| run(world(scenario, seed)).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(again(SIGNAL), again(SIGNAL), "{} over libsignal", scenario.name);
        let (first, second, other) = (again(3), again(3), again(4));
        assert_eq!(first, second, "{}", scenario.name);
        assert_ne!(first.fingerprint, other.fingerprint, "{}", scenario.name);
    }
}
