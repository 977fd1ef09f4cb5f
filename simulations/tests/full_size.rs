//! The scenarios with the product's own limits: without faults, with crashes at points from the first output to the
//! last, with faults, and with byzantine nodes. All crash points would take hours.

use sotto_simulations::scenario::FULL_SIZE;
use sotto_simulations::{ByzantineFault, Run, Scenario, crash_points, run};

/// How many crash points, seeds with faults, and byzantine faults each is played with.
struct Share {
    points: usize,
    seeds: u64,
    faults: usize,
}

fn play(name: &str, share: &Share) {
    let scenario = Scenario::named(name).expect("in the library");
    let all = crash_points(scenario).unwrap_or_else(|failure| panic!("{failure}"));
    let crashes = all.iter().step_by(all.len().div_ceil(share.points));
    let crashes = crashes.map(|point| Run::crashing(scenario, *point));
    let faulty = (1..=share.seeds).map(|seed| Run::faulty(scenario, seed));
    let byzantine = ByzantineFault::ALL.into_iter().take(share.faults);
    let byzantine = byzantine.map(|fault| Run::faulty(scenario, 1).with_byzantine(fault));
    let runs: Vec<_> = crashes.chain(faulty).chain(byzantine).collect();
    println!("{name}: {} runs, {} crash points", runs.len(), all.len());
    for of in runs {
        run(of).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn five_hundred_while_away() {
    play(
        "five_hundred_while_away",
        &Share {
            points: 24,
            seeds: 4,
            faults: 4,
        },
    );
}

#[test]
fn five_hundred_each_way() {
    play(
        "five_hundred_each_way",
        &Share {
            points: 16,
            seeds: 4,
            faults: 2,
        },
    );
}

#[test]
fn a_window_of_thirty_two() {
    play(
        "a_window_of_thirty_two",
        &Share {
            points: 64,
            seeds: 8,
            faults: ByzantineFault::ALL.len(),
        },
    );
}

#[test]
fn ten_thousand_wait() {
    play(
        "ten_thousand_wait",
        &Share {
            points: 2,
            seeds: 0,
            faults: 0,
        },
    );
}

#[test]
fn no_scenario_is_left_out() {
    let names: Vec<_> = FULL_SIZE.iter().map(|scenario| scenario.name).collect();
    let played = [
        "five_hundred_while_away",
        "five_hundred_each_way",
        "a_window_of_thirty_two",
        "ten_thousand_wait",
    ];
    assert_eq!(names, played);
}
