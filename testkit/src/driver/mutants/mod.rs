//! Mutants: drivers that are wrong in one way, which show that the suite can fail. A mutant is a correct driver with a layer
//! between it and its node, or its owner, that applies one [`Mutation`].

mod mutant;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use self::mutant::Mutant;
use super::{CASES, Driver};

/// The fault of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mutation {
    StoredBeforeDurable,
    StoresTwice,
    NeverStores,
    FetchesBeforeCommit,
    FetchesEmptyRows,
    NeverFetches,
    ConnectsTwice,
    IgnoresRefusedDials,
    DrainsTwice,
    NeverDrains,
    ClosesTwice,
    ReceivesAfterClosed,
    SwapsBytes,
    DropsPendingBytes,
    ReusesLinkIds,
    IgnoresIntake,
    TakesOneOutputPerInput,
    TicksEarly,
    NeverTicks,
    KeepsFirstDeadline,
    MonotonicGoesBack,
    WallClockStops,
    CrashesOnShutdown,
    NeverShutsDown,
    SurvivesCrashes,
    LosesNotices,
    NeverReseeds,
    ReseedsWithTheSame,
}

/// Each mutation, a case that detects it, and a part of the message of that case.
pub const DETECTED_BY: &[(Mutation, &str, &str)] = &[
    (
        Mutation::StoredBeforeDurable,
        "nothing_is_stored_before_it_is_durable",
        "is not durable",
    ),
    (
        Mutation::StoredBeforeDurable,
        "nothing_is_shown_before_it_is_durable",
        "is not durable",
    ),
    (
        Mutation::StoredBeforeDurable,
        "a_crash_at_any_commit_recovers_the_durable_state",
        "is not durable",
    ),
    (
        Mutation::StoresTwice,
        "every_commit_is_stored_once",
        "unexpected input Stored",
    ),
    (Mutation::NeverStores, "every_commit_is_stored_once", "the input Stored"),
    (
        Mutation::FetchesBeforeCommit,
        "every_fetch_completes_once_and_sees_earlier_commits",
        "the fetch sees the commits before it",
    ),
    (
        Mutation::FetchesEmptyRows,
        "every_fetch_completes_once_and_sees_earlier_commits",
        "rows that the store did not return",
    ),
    (
        Mutation::NeverFetches,
        "every_fetch_completes_once_and_sees_earlier_commits",
        "every output is completed",
    ),
    (
        Mutation::ConnectsTwice,
        "every_dial_connects_or_closes_once",
        "unexpected input Connected",
    ),
    (
        Mutation::IgnoresRefusedDials,
        "every_dial_connects_or_closes_once",
        "every dial has ended",
    ),
    (
        Mutation::DrainsTwice,
        "every_transmit_is_drained_or_closed_once",
        "unexpected input Drained",
    ),
    (
        Mutation::NeverDrains,
        "every_transmit_is_drained_or_closed_once",
        "both are drained",
    ),
    (
        Mutation::ClosesTwice,
        "closed_is_the_last_input_of_a_link",
        "unexpected input Closed",
    ),
    (
        Mutation::ReceivesAfterClosed,
        "closed_is_the_last_input_of_a_link",
        "unexpected input Received",
    ),
    (
        Mutation::SwapsBytes,
        "bytes_arrive_whole_and_in_order_both_ways",
        "what the peer wrote",
    ),
    (
        Mutation::DropsPendingBytes,
        "a_hangup_closes_the_link_after_pending_bytes",
        "bytes of",
    ),
    (
        Mutation::ReusesLinkIds,
        "closed_is_the_last_input_of_a_link",
        "unexpected input Accepted",
    ),
    (
        Mutation::IgnoresIntake,
        "a_busy_node_receives_no_bytes",
        "a busy node receives bytes",
    ),
    (
        Mutation::TakesOneOutputPerInput,
        "every_output_is_taken_before_the_driver_sleeps",
        "the command gets its reply",
    ),
    (
        Mutation::TicksEarly,
        "a_tick_comes_at_the_deadline_and_not_before",
        "unexpected input Tick",
    ),
    (
        Mutation::NeverTicks,
        "a_tick_comes_at_the_deadline_and_not_before",
        "a tick comes",
    ),
    (
        Mutation::NeverTicks,
        "inputs_do_not_delay_a_deadline",
        "a tick comes although",
    ),
    (
        Mutation::KeepsFirstDeadline,
        "a_deadline_that_moves_is_followed",
        "the nearer deadline counts",
    ),
    (
        Mutation::MonotonicGoesBack,
        "both_clocks_are_passed_on_unchanged",
        "the monotonic clock went back",
    ),
    (Mutation::WallClockStops, "both_clocks_are_passed_on_unchanged", "Now {"),
    (
        Mutation::CrashesOnShutdown,
        "commands_before_a_shutdown_get_their_replies",
        "the reply is",
    ),
    (
        Mutation::NeverShutsDown,
        "a_shutdown_closes_links_and_store",
        "the driver does not listen",
    ),
    (
        Mutation::CrashesOnShutdown,
        "pending_writes_are_finished_before_a_shutdown_ends",
        "bytes of",
    ),
    (
        Mutation::SurvivesCrashes,
        "a_crash_ends_all_activity",
        "the driver does not listen",
    ),
    (
        Mutation::LosesNotices,
        "every_output_is_taken_before_the_driver_sleeps",
        "every notice is out",
    ),
    (
        Mutation::NeverReseeds,
        "fresh_entropy_comes_first_after_a_sleep",
        "fresh entropy came after 0 of 10 sleeps",
    ),
    (
        Mutation::ReseedsWithTheSame,
        "fresh_entropy_comes_first_after_a_sleep",
        "each time other bytes",
    ),
];

/// A mutant is undetected if it passes a case this often, or fails it for another reason.
const ATTEMPTS: usize = 10;

/// Applies every mutation except those in `except` to a correct driver, and checks that the suite detects each.
pub fn every_mutant_is_detected(driver: &dyn Driver, except: &[Mutation]) {
    thread::scope(|all| {
        for (mutation, name, message) in DETECTED_BY.iter().filter(|(mutation, ..)| !except.contains(mutation)) {
            all.spawn(move || {
                let case = CASES.iter().find(|case| case.name == *name).expect("a case");
                let mutant = Mutant {
                    driver,
                    mutation: *mutation,
                };
                let attempt = || {
                    let panic = catch_unwind(AssertUnwindSafe(|| (case.run)(&mutant))).err()?;
                    let text = panic.downcast_ref::<String>().map(String::as_str);
                    let text = text.or(panic.downcast_ref::<&str>().copied());
                    Some(text.unwrap_or_default().to_owned())
                };
                // On a busy machine a mutant may pass by chance, or be too slow for a case, but not in every attempt.
                let mut last = None;
                let detected = (0..ATTEMPTS).any(|_| {
                    last = attempt();
                    last.as_ref().is_some_and(|text| text.contains(message))
                });
                assert!(
                    detected,
                    "{mutation:?} passes {name}, or fails it for another reason: {last:?}"
                );
            });
        }
    });
}
