//! Every scenario with one more node, which violates the protocol in one way after the other. The scenario of the
//! honest peers is unchanged, and every invariant holds for them.

use sotto_simulations::scenario::LIBRARY;
use sotto_simulations::{ByzantineFault, Failure, Run, Scenario, run};

/// In one in so many scenarios an honest node crashes, too.
const CRASHING: usize = 3;
/// The crash points of each of these.
const POINTS: usize = 2;
/// One in so many runs uses libsignal.
const SIGNAL: usize = 18;

/// This scenario is about the only request slot, which the byzantine node would take.
const NEEDS_THE_ONLY_SLOT: &str = "one_request_at_a_time";

/// Plays every scenario with each of these, with faults; some without other faults, but with crashes.
fn play_all(faults: impl Iterator<Item = ByzantineFault>) {
    let mut failed = Vec::new();
    for fault in faults {
        let mut effects = 0;
        let mut of = |played: Run| match run(played) {
            Ok(outcome) => {
                effects += outcome.effects;
                outcome.crash_points
            }
            Err(failure) => {
                failed.push(failure);
                Vec::new()
            }
        };
        let suitable = LIBRARY.iter().filter(|scenario| scenario.name != NEEDS_THE_ONLY_SLOT);
        // Each begins elsewhere, so that together they crash in every scenario.
        for (nth, scenario) in (fault as usize..).zip(suitable) {
            let faulty = Run::faulty(scenario, 100 + fault as u64).with_byzantine(fault);
            of(if nth.is_multiple_of(SIGNAL) {
                faulty.over_signal()
            } else {
                faulty
            });
            if nth.is_multiple_of(CRASHING) {
                let fault_free = Run::fault_free(scenario).with_byzantine(fault);
                let honest = of(fault_free)
                    .into_iter()
                    .filter(|point| point.peer.0 < scenario.people);
                let points: Vec<_> = honest.collect();
                for place in 1..=POINTS {
                    let crash = points.get((place * points.len() + nth) / (POINTS + 1)).copied();
                    of(Run { crash, ..fault_free });
                }
            }
        }
        assert!(effects > 0, "{fault} does nothing");
    }
    let told = |failure: &Failure| format!("{}: {:.150}", failure.run, failure.why);
    let names: Vec<String> = failed.iter().map(told).collect();
    if let Some(failure) = failed.first() {
        panic!("{} runs fail: {names:#?}\nthe first: {failure}", failed.len());
    }
}

/// In halves, for two cores.
#[test]
fn honest_nodes_keep_every_property() {
    play_all(ByzantineFault::ALL.into_iter().step_by(2));
}

#[test]
fn honest_nodes_keep_every_property_among_the_other_faults() {
    play_all(ByzantineFault::ALL.into_iter().skip(1).step_by(2));
}

/// This was a loop of more than one dial a second: each link brought a new session, an acknowledgement, and its end.
#[test]
fn a_peer_that_breaks_every_session_is_dialed_at_a_bounded_rate() {
    let scenario = Scenario::named("session_lost_by_one").expect("in the library");
    let breaker = Run::faulty(scenario, 303).with_byzantine(ByzantineFault::Equivocates);
    run(breaker).unwrap_or_else(|failure| panic!("{failure}"));
}
