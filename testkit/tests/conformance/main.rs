//! The conformance suite: our implementation passes it, it detects wrong implementations, and PROTOCOL.md lists its cases.

mod document;
mod mutant;
mod mutant_listener;
mod self_dial;
mod targets;
mod test_node;

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use mutant::{Mutant, Mutation};
use sotto_conformance::{Options, Outcome, Report, run, run_some};
use test_node::TestNode;

const SEED: [u8; 32] = [1; 32];

fn options(node: &TestNode, invites: usize) -> Options {
    Options {
        clock_rate: node.clock_rate,
        ..Options::new(node.address(), node.invites(invites), SEED)
    }
}

#[test]
fn our_node_passes_every_case() {
    let node = TestNode::start(1);
    let mut results = Vec::new();
    let report = run(&node, &options(&node, 2), |result| {
        println!("{result}");
        results.push(result.clone());
    });
    println!("{report}");
    assert_eq!(results, report.results);
    let slow = report
        .results
        .iter()
        .filter(|result| result.outcome == Outcome::Slow)
        .map(|result| result.id);
    assert_eq!(slow.collect::<Vec<_>>(), SLOW);
    assert!(report.passed(), "{report}");
}

/// The cases that run only on request.
const SLOW: [&str; 4] = ["L-7.1", "L-7.2", "P-1.3", "P-1.4"];

#[test]
fn our_node_passes_the_slow_cases() {
    let node = TestNode::with_clock_rate(1, 20);
    let options = Options {
        slow: true,
        ..options(&node, 0)
    };
    let report = run_some(&node, &options, |id| SLOW.contains(&id), |result| println!("{result}"));
    assert_eq!(
        report.count(|outcome| *outcome == Outcome::Passed),
        SLOW.len(),
        "{report}"
    );
}

/// Each mutation, the case that detects it, and a part of the message of that case.
const DETECTED_BY: [(Mutation, &str, &str); 41] = [
    (Mutation::LengthsUnchecked, "L-2.1", "and no end"),
    (Mutation::SendsFirst, "L-6.1", "message 2"),
    (Mutation::ReusesEphemeralKey, "L-3.5", "three ephemeral keys"),
    (Mutation::AcceptsLowOrder, "L-5.1", "low order"),
    (Mutation::AcceptsHighBit, "L-5.2", "highest bit"),
    (Mutation::AcceptsUnreduced, "L-5.3", "which is 9"),
    (Mutation::AcceptsMixedOrder, "I-3.1", "small order"),
    (Mutation::TrustsClaimedKey, "L-4.1", "another's key"),
    (Mutation::SkipsVerification, "L-4.3", "another hash"),
    (Mutation::VerifiesLoosely, "L-4.5", "below the order"),
    (Mutation::ExplainsRefusals, "L-8.1", "without a byte"),
    (Mutation::PaddingUnchecked, "L-10.2", "padding that ends in 1"),
    (Mutation::SendsNoPadding, "L-11.1", "a record of 512 bytes"),
    (Mutation::EndsOnUnknownFrame, "F-1.2", "the end of the link"),
    (Mutation::WaitsForHello, "F-2.1", "Hello"),
    (Mutation::AcceptsSecondHello, "F-2.3", "still up"),
    (Mutation::AnswersDroppedFrames, "F-3.1", "RequestStatus"),
    (Mutation::AcceptsAnyVersion, "H-1.1", "still up"),
    (Mutation::SendsFeaturesToStrangers, "H-5.1", "one feature number"),
    (Mutation::SendsNoRandomFeature, "H-5.2", "1000 to 1999"),
    (Mutation::AcceptsManyFeatures, "H-5.3", "still up"),
    (Mutation::CiphertextBeforeHello, "F-2.1", "Hello before any other frame"),
    (Mutation::NeverHangsUp, "L-13.1", "still up"),
    (Mutation::AnswersStrangerHeartbeat, "P-1.2", "Heartbeat"),
    (Mutation::SendsPresenceToAnyone, "P-3.2", "Presence"),
    (Mutation::TruncatesLongNames, "C-2.1", "still up"),
    (Mutation::ReadsBundlesEarly, "C-4.2", "the end of the link"),
    (Mutation::NeverAcknowledges, "S-13.1", "Ack"),
    (Mutation::IgnoresRepeats, "S-9.2", "Ack"),
    (Mutation::AcceptsGaps, "S-9.3", "still up"),
    (Mutation::ReencryptsOnResend, "S-8.1", "others"),
    (Mutation::AcceptsAnyAck, "S-13.3", "still up"),
    (Mutation::ChangesOffers, "R-4.2", "the same offer"),
    (Mutation::StepsByOne, "S-3.1", "three random steps"),
    (
        Mutation::SilentInNewSession,
        "R-10.1",
        "a ciphertext of the new session",
    ),
    (Mutation::NoTokenBucket, "N-1.1", "60"),
    (Mutation::NoTokenBucket, "N-1.3", "still up"),
    (Mutation::FlowsOnUsedOffers, "R-1.4", "PreKeyOffer after"),
    (Mutation::DropsOtherEpochs, "S-9.1", "still up"),
    (Mutation::NoTokenBucket, "N-1.4", "still up"),
    (Mutation::NoReserve, "N-1.5", "RequestStatus"),
];

/// The result of a case for a mutant.
fn report_of(mutation: Mutation, case: &str, timeout: Duration) -> Report {
    let node = TestNode::start(2);
    let options = Options {
        timeout,
        ..options(&node, 2)
    };
    let target = Mutant {
        connector: node.connector(),
        onion_seed: node.onion_seed,
        mutation,
        seed: SEED,
        opened: AtomicU64::new(1),
    };
    run_some(&target, &options, |id| id == case, |_| ())
}

#[test]
fn each_mutant_is_detected_by_the_case_of_its_clause() {
    thread::scope(|all| {
        for (mutation, case, expected) in DETECTED_BY {
            all.spawn(move || {
                // On a busy machine an answer may come too late, which is another reason to fail.
                let mut last = String::new();
                let detected = [2, 10, 30].into_iter().any(|seconds| {
                    let report = report_of(mutation, case, Duration::from_secs(seconds));
                    let [result] = &report.results[..] else {
                        panic!("{case} is one case")
                    };
                    let Outcome::Failed(failure) = &result.outcome else {
                        panic!("{mutation:?} passes {result}")
                    };
                    assert!(!report.passed());
                    last = format!("{} / {}", failure.expected, failure.actual);
                    last.contains(expected)
                });
                assert!(detected, "{mutation:?} fails {case} for another reason: {last}");
            });
        }
    });
}

#[test]
fn the_proxy_without_a_mutation_passes() {
    thread::scope(|all| {
        for (_, case, _) in DETECTED_BY {
            all.spawn(move || {
                let report = report_of(Mutation::None, case, Duration::from_secs(10));
                assert!(report.passed(), "{}", report.results[0]);
            });
        }
    });
}

#[test]
fn without_invites_the_cases_of_contacts_are_skipped_and_the_target_does_not_pass() {
    let node = TestNode::start(3);
    let report = run_some(&node, &options(&node, 0), |id| ["H-2.1", "H-2.3"].contains(&id), |_| ());
    assert_eq!(report.count(|outcome| *outcome == Outcome::NoInvite), 1);
    assert_eq!(report.count(|outcome| *outcome == Outcome::Passed), 1);
    assert!(!report.passed());
    assert!(
        report.to_string().contains("1 left out (without an invite)"),
        "{report}"
    );
}
