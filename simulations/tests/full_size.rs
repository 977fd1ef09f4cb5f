//! The stories with the product's own limits: calm, with crashes at points from the first output to the last, in bad worlds,
//! and with somebody who means ill. At every point they would take hours.

use sotto_simulations::scenario::FULL_SIZE;
use sotto_simulations::{Malice, Run, Scenario, crash_points, run};

/// Crash points of each, bad worlds, and kinds of malice.
struct Share {
    points: usize,
    seeds: u64,
    malices: usize,
}

fn play(name: &str, share: &Share) {
    let scenario = Scenario::named(name).expect("in the library");
    let all = crash_points(scenario).unwrap_or_else(|failure| panic!("{failure}"));
    let crashes = all.iter().step_by(all.len().div_ceil(share.points));
    let crashes = crashes.map(|point| Run::crashing(scenario, *point));
    let bad = (1..=share.seeds).map(|seed| Run::bad(scenario, seed));
    let ill = Malice::ALL.into_iter().take(share.malices);
    let ill = ill.map(|malice| Run::bad(scenario, 1).among(malice));
    let runs: Vec<_> = crashes.chain(bad).chain(ill).collect();
    println!("{name}: {} worlds, {} crash points", runs.len(), all.len());
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
            malices: 4,
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
            malices: 2,
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
            malices: Malice::ALL.len(),
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
            malices: 0,
        },
    );
}

#[test]
fn no_story_is_left_out() {
    let names: Vec<_> = FULL_SIZE.iter().map(|scenario| scenario.name).collect();
    let played = [
        "five_hundred_while_away",
        "five_hundred_each_way",
        "a_window_of_thirty_two",
        "ten_thousand_wait",
    ];
    assert_eq!(names, played);
}
