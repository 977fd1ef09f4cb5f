//! Every scenario with one more person in its world, whose node lies, floods, dawdles or spoils its bytes in one way after the
//! other. The others notice nothing: their story is the same, and every invariant holds for them.

use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{Failure, Malice, Run, Scenario, run};

/// Each story is played with one malice in so many.
const NTH: usize = 4;
/// Bad worlds for each of these; besides, each is played without other faults.
const SEEDS: u64 = 2;
/// One in so many runs over libsignal.
const SIGNAL: usize = 9;

/// The crook takes the one place among those who ask that this is about.
const NOT_AMONG: &str = "one_request_at_a_time";

fn play_all(malices: impl Iterator<Item = Malice>) {
    let mut failed = Vec::new();
    for malice in malices {
        let mut borne = 0;
        let number = malice as usize;
        let suitable = LIBRARY.iter().filter(|scenario| scenario.name != NOT_AMONG);
        let share = suitable
            .enumerate()
            .filter(|(nth, _)| (nth + number).is_multiple_of(NTH));
        for (nth, scenario) in share {
            let calm = Run::calm(scenario).among(malice);
            let signal = (nth / NTH).is_multiple_of(SIGNAL).then(|| calm.over_signal());
            let bad = (1..=SEEDS).map(|seed| Run::bad(scenario, seed * 100 + malice as u64).among(malice));
            let runs = [calm].into_iter().chain(signal).chain(bad);
            for of in runs {
                match run(of) {
                    Ok(outcome) => borne += outcome.borne,
                    Err(failure) => failed.push(failure),
                }
            }
        }
        assert!(borne > 0, "{malice} does nothing");
    }
    let told = |failure: &Failure| format!("{}: {:.150}", failure.run, failure.why);
    let names: Vec<String> = failed.iter().map(told).collect();
    if let Some(failure) = failed.first() {
        panic!("{} worlds fail: {names:#?}\nthe first: {failure}", failed.len());
    }
}

/// In halves, for two cores.
#[test]
fn honest_people_are_left_alone() {
    play_all(Malice::ALL.into_iter().step_by(2));
}

#[test]
fn honest_people_are_left_alone_by_the_others() {
    play_all(Malice::ALL.into_iter().skip(1).step_by(2));
}

/// Once a loop, of more than a dial a second: each link brought a new session and an acknowledgement, and then its end.
#[test]
fn one_who_breaks_every_session_is_not_dialled_without_a_pause() {
    let scenario = Scenario::named("session_lost_by_one").expect("in the library");
    let breaker = Run::bad(scenario, 303).among(Malice::Equivocates);
    run(breaker).unwrap_or_else(|failure| panic!("{failure}"));
}
