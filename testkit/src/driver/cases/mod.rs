//! The cases, by what they are about. Each is a function over a driver, and a row of the suite's table.

mod backpressure;
mod commits;
mod completions;
mod conversation;
mod crashes;
mod shutdown;
mod time;

use super::Driver;
pub use crashes::it_dies_at_any_poll_and_completes_nothing_twice;

/// A case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// Shows it, or panics.
    pub run: fn(&dyn Driver),
}

macro_rules! cases {
    ($($group:ident: $($name:ident)+;)+) => {
        /// All of them.
        pub const CASES: &[Case] = &[$($(Case { name: stringify!($name), run: $group::$name }),+),+];

        /// Makes a test of each case, for the driver that the expression gives.
        #[macro_export]
        macro_rules! driver_contract {
            ($driver:expr) => {
                $($(
                    #[test]
                    fn $name() {
                        let name = stringify!($name);
                        let case = $crate::driver::CASES.iter().find(|case| case.name == name);
                        (case.expect("a case").run)(&$driver);
                    }
                )+)+
            };
        }
    };
}

cases! {
    completions:
        every_commit_is_stored_once
        every_fetch_is_answered_once_and_sees_the_commits_before_it
        every_dial_connects_or_closes_once
        a_link_that_is_hung_up_while_it_is_dialled_is_closed
        every_transmit_is_drained_or_closed_once
        bytes_arrive_whole_and_in_order_both_ways
        a_hangup_closes_the_link_after_its_last_words
        closed_is_the_last_word_on_a_link
        everything_wanted_is_done_before_it_sleeps;
    commits:
        nothing_is_stored_before_it_is_durable
        nothing_is_shown_before_it_is_durable
        one_commit_is_in_flight_and_what_comes_meanwhile_shares_the_next
        after_a_failed_commit_the_node_is_opened_again_and_nothing_was_shown
        a_first_start_is_durable_before_anybody_can_come;
    backpressure:
        a_busy_node_is_fed_no_bytes
        a_peer_that_does_not_read_holds_up_only_itself
        a_flood_of_strangers_does_not_starve_commands
        a_flood_of_commands_does_not_starve_links;
    time:
        a_tick_comes_at_the_deadline_and_not_before
        a_deadline_that_moves_is_followed
        a_deadline_that_has_passed_ticks_until_it_moves
        inputs_do_not_put_a_deadline_off
        both_clocks_are_told_as_they_are
        a_wall_clock_that_jumps_keeps_nobody_waiting;
    crashes:
        it_dies_at_any_commit_and_comes_back_as_it_was_durable
        it_dies_at_any_moment_and_completes_nothing_twice
        nothing_of_it_is_left_after_a_crash;
    shutdown:
        commands_before_a_shutdown_are_answered
        a_shutdown_closes_links_and_store
        what_is_being_said_is_said_before_a_shutdown_ends
        a_peer_that_does_not_read_does_not_keep_it_alive;
}
