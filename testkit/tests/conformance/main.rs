//! Our implementation passes the wire suite, the suite finds implementations that are wrong, and PROTOCOL.md lists its
//! cases.

mod bent;
mod document;
mod front;
mod itself;
mod node;
mod ways;

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use bent::{Bend, Bent};
use node::Own;
use sotto_conformance::{Options, Outcome, Report, run, run_some};

const SEED: [u8; 32] = [1; 32];

fn options(own: &Own, invites: usize) -> Options {
    Options {
        haste: own.haste,
        ..Options::new(own.address(), own.invites(invites), SEED)
    }
}

#[test]
fn our_node_passes_every_case() {
    let own = Own::start(1);
    let mut lines = Vec::new();
    let report = run(&own, &options(&own, 2), |line| {
        println!("{line}");
        lines.push(line.clone());
    });
    println!("{report}");
    assert_eq!(lines, report.lines);
    let slow = report
        .lines
        .iter()
        .filter(|line| line.outcome == Outcome::Slow)
        .map(|line| line.id);
    assert_eq!(slow.collect::<Vec<_>>(), SLOW);
    assert!(report.passed(), "{report}");
}

/// The cases that are left out unless somebody asks for them.
const SLOW: [&str; 4] = ["L-7.1", "L-7.2", "P-1.3", "P-1.4"];

#[test]
fn our_node_passes_what_takes_minutes() {
    let own = Own::hasty(1, 20);
    let options = Options {
        slow: true,
        ..options(&own, 0)
    };
    let report = run_some(&own, &options, |id| SLOW.contains(&id), |line| println!("{line}"));
    assert_eq!(
        report.count(|outcome| *outcome == Outcome::Passed),
        SLOW.len(),
        "{report}"
    );
}

/// How each is wrong, the case that finds it, and words of what that case says.
const FOUND: [(Bend, &str, &str); 36] = [
    (Bend::LengthsUnchecked, "L-2.1", "and no end"),
    (Bend::SpeaksFirst, "L-6.1", "message 2"),
    (Bend::SameEphemeralKey, "L-3.5", "three ephemeral keys"),
    (Bend::TakesLowOrder, "L-5.1", "low order"),
    (Bend::TakesHighBit, "L-5.2", "highest bit"),
    (Bend::TakesUnreduced, "L-5.3", "which is 9"),
    (Bend::TakesMixedOrder, "I-3.1", "small order"),
    (Bend::TrustsTheClaim, "L-4.1", "another's key"),
    (Bend::NeverVerifies, "L-4.3", "another hash"),
    (Bend::VerifiesLoosely, "L-4.5", "below the order"),
    (Bend::ExplainsRefusals, "L-8.1", "without a word"),
    (Bend::PaddingUnchecked, "L-10.2", "padding that ends in 1"),
    (Bend::PadsNothing, "L-11.1", "a record of 512 bytes"),
    (Bend::EndsOnTheUnknown, "F-1.2", "the link's end"),
    (Bend::WaitsForHello, "F-2.1", "Hello"),
    (Bend::TakesSecondHello, "F-2.3", "still up"),
    (Bend::TellsWhatItDrops, "F-3.1", "RequestStatus"),
    (Bend::SpeaksAnyVersion, "H-1.1", "still up"),
    (Bend::TellsStrangersFeatures, "H-5.1", "one feature number"),
    (Bend::SaysNoRandomFeature, "H-5.2", "1000 to 1999"),
    (Bend::TakesManyFeatures, "H-5.3", "still up"),
    (Bend::CiphertextBeforeHello, "F-2.1", "Hello before any other frame"),
    (Bend::NeverHangsUp, "L-13.1", "still up"),
    (Bend::AnswersStrangers, "P-1.2", "Heartbeat"),
    (Bend::PresenceToAnyone, "P-3.2", "Presence"),
    (Bend::CutsLongNames, "C-2.1", "still up"),
    (Bend::ReadsBundlesEarly, "C-4.2", "the link's end"),
    (Bend::AckUnpaid, "S-13.1", "Ack"),
    (Bend::ForgetsWhatCame, "S-9.2", "Ack"),
    (Bend::TakesGaps, "S-9.3", "still up"),
    (Bend::SealsAnew, "S-8.1", "others"),
    (Bend::BelievesAcks, "S-13.3", "still up"),
    (Bend::OffersAnew, "R-4.2", "the same offer"),
    (Bend::StepsByOne, "S-3.1", "three random steps"),
    (Bend::SilentAfterOpening, "R-10.1", "a ciphertext of the new session"),
    (Bend::NoBucket, "N-1.1", "60"),
];

/// What a case says of our node with somebody wrong in front of it.
fn bent(bend: Bend, case: &str, patience: Duration) -> Report {
    let own = Own::start(2);
    let options = Options {
        patience,
        ..options(&own, 2)
    };
    let target = Bent {
        door: own.door(),
        onion_seed: own.onion_seed,
        bend,
        seed: SEED,
        opened: AtomicU64::new(1),
    };
    run_some(&target, &options, |id| id == case, |_| ())
}

#[test]
fn whoever_is_wrong_is_found_by_the_case_that_names_the_clause() {
    thread::scope(|all| {
        for (bend, case, words) in FOUND {
            all.spawn(move || {
                let report = bent(bend, case, Duration::from_secs(2));
                let [line] = &report.lines[..] else {
                    panic!("{case} is one case")
                };
                let Outcome::Failed(failure) = &line.outcome else {
                    panic!("{bend:?} comes through {line}")
                };
                let said = format!("{} / {}", failure.expected, failure.came);
                assert!(said.contains(words), "{bend:?} fails {case} for another reason: {said}");
                assert!(!report.passed());
            });
        }
    });
}

#[test]
fn what_stands_in_front_is_not_what_is_found() {
    thread::scope(|all| {
        for (_, case, _) in FOUND {
            all.spawn(move || {
                let report = bent(Bend::Nothing, case, Duration::from_secs(10));
                assert!(report.passed(), "{}", report.lines[0]);
            });
        }
    });
}

#[test]
fn without_invites_what_friends_would_show_is_left_out_and_nothing_passes_for_it() {
    let own = Own::start(3);
    let report = run_some(&own, &options(&own, 0), |id| ["H-2.1", "H-2.3"].contains(&id), |_| ());
    assert_eq!(report.count(|outcome| *outcome == Outcome::Uninvited), 1);
    assert_eq!(report.count(|outcome| *outcome == Outcome::Passed), 1);
    assert!(!report.passed());
    assert!(
        report.to_string().contains("1 left out (without an invite)"),
        "{report}"
    );
}
