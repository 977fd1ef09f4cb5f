//! Drivers that are wrong, so that it is seen that the suite can fail: each is a right driver with something between it and
//! its node, or its owner, that bends what passes in one way.

mod bent;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use self::bent::Bent;
use super::{CASES, Driver};

/// What is wrong with a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Broken {
    AcksBeforeDurable,
    StoresTwice,
    NeverStores,
    FetchesBeforeItCommits,
    FetchesNothing,
    ForgetsToFetch,
    ConnectsTwice,
    ForgetsRefusedDials,
    DrainsTwice,
    NeverDrains,
    ClosesTwice,
    HearsAfterTheEnd,
    SwapsBytes,
    CutsLastWords,
    NumbersLinksAlike,
    IgnoresIntake,
    TakesOneOutput,
    TicksEarly,
    NeverTicks,
    KeepsItsFirstDeadline,
    ClockGoesBack,
    WallClockStands,
    CrashesToShutDown,
    NeverShutsDown,
    SurvivesCrashes,
    LosesNotices,
}

/// Each, a case that finds it out, and what that says of it.
pub const FOUND_OUT: &[(Broken, &str, &str)] = &[
    (
        Broken::AcksBeforeDurable,
        "nothing_is_stored_before_it_is_durable",
        "is not durable",
    ),
    (
        Broken::AcksBeforeDurable,
        "nothing_is_shown_before_it_is_durable",
        "is not durable",
    ),
    (
        Broken::AcksBeforeDurable,
        "it_dies_at_any_commit_and_comes_back_as_it_was_durable",
        "is not durable",
    ),
    (
        Broken::StoresTwice,
        "every_commit_is_stored_once",
        "nothing called for Stored",
    ),
    (Broken::NeverStores, "every_commit_is_stored_once", "it tells Stored"),
    (
        Broken::FetchesBeforeItCommits,
        "every_fetch_is_answered_once_and_sees_the_commits_before_it",
        "what was committed before is seen",
    ),
    (
        Broken::FetchesNothing,
        "every_fetch_is_answered_once_and_sees_the_commits_before_it",
        "what the store never said",
    ),
    (
        Broken::ForgetsToFetch,
        "every_fetch_is_answered_once_and_sees_the_commits_before_it",
        "all that is open is completed",
    ),
    (
        Broken::ConnectsTwice,
        "every_dial_connects_or_closes_once",
        "nothing called for Connected",
    ),
    (
        Broken::ForgetsRefusedDials,
        "every_dial_connects_or_closes_once",
        "every dial has ended",
    ),
    (
        Broken::DrainsTwice,
        "every_transmit_is_drained_or_closed_once",
        "nothing called for Drained",
    ),
    (
        Broken::NeverDrains,
        "every_transmit_is_drained_or_closed_once",
        "both are drained",
    ),
    (
        Broken::ClosesTwice,
        "closed_is_the_last_word_on_a_link",
        "nothing called for Closed",
    ),
    (
        Broken::HearsAfterTheEnd,
        "closed_is_the_last_word_on_a_link",
        "nothing called for Received",
    ),
    (
        Broken::SwapsBytes,
        "bytes_arrive_whole_and_in_order_both_ways",
        "what the peer wrote",
    ),
    (
        Broken::CutsLastWords,
        "a_hangup_closes_the_link_after_its_last_words",
        "bytes of",
    ),
    (
        Broken::NumbersLinksAlike,
        "closed_is_the_last_word_on_a_link",
        "nothing called for Accepted",
    ),
    (
        Broken::IgnoresIntake,
        "a_busy_node_is_fed_no_bytes",
        "a busy node is fed bytes",
    ),
    (
        Broken::TakesOneOutput,
        "everything_wanted_is_done_before_it_sleeps",
        "the command is answered",
    ),
    (
        Broken::TicksEarly,
        "a_tick_comes_at_the_deadline_and_not_before",
        "nothing called for Tick",
    ),
    (
        Broken::NeverTicks,
        "a_tick_comes_at_the_deadline_and_not_before",
        "it ticks",
    ),
    (
        Broken::NeverTicks,
        "inputs_do_not_put_a_deadline_off",
        "it ticks although",
    ),
    (
        Broken::KeepsItsFirstDeadline,
        "a_deadline_that_moves_is_followed",
        "the nearer one counts",
    ),
    (
        Broken::ClockGoesBack,
        "both_clocks_are_told_as_they_are",
        "the monotonic clock went back",
    ),
    (Broken::WallClockStands, "both_clocks_are_told_as_they_are", "Now {"),
    (
        Broken::CrashesToShutDown,
        "commands_before_a_shutdown_are_answered",
        "answered by",
    ),
    (
        Broken::NeverShutsDown,
        "a_shutdown_closes_links_and_store",
        "it listens no more",
    ),
    (
        Broken::CrashesToShutDown,
        "what_is_being_said_is_said_before_a_shutdown_ends",
        "bytes of",
    ),
    (
        Broken::SurvivesCrashes,
        "nothing_of_it_is_left_after_a_crash",
        "it listens no more",
    ),
    (
        Broken::LosesNotices,
        "everything_wanted_is_done_before_it_sleeps",
        "all notices are out",
    ),
];

/// How often a wrong driver has to pass a case to be taken for a right one.
const ATTEMPTS: usize = 10;

/// Breaks a right driver in every way but those in `except`, and sees that the suite finds each out.
pub fn every_broken_driver_is_found_out(driver: &dyn Driver, except: &[Broken]) {
    thread::scope(|all| {
        for (broken, name, says) in FOUND_OUT.iter().filter(|(broken, ..)| !except.contains(broken)) {
            all.spawn(move || {
                let case = CASES.iter().find(|case| case.name == *name).expect("a case");
                let bent = Bent {
                    driver,
                    broken: *broken,
                };
                // A wrong driver on a busy machine may be late to go wrong, and lucky, but not again and again.
                let attempt = || catch_unwind(AssertUnwindSafe(|| (case.run)(&bent)));
                let failure = (0..ATTEMPTS).find_map(|_| attempt().err());
                let panic = failure.unwrap_or_else(|| panic!("{broken:?} passes {name}"));
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                assert!(
                    text.contains(says),
                    "{broken:?} fails {name} for another reason: {text}"
                );
            });
        }
    });
}
