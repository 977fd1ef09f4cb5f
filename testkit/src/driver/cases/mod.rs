//! The cases, by what they are about. Each is a function over a driver, and a row of the suite's table.

mod backpressure;
mod commits;
mod completions;
mod conversation;
mod crashes;
mod shutdown;
mod time;

use super::Driver;
pub use crashes::a_crash_at_any_poll_completes_nothing_twice;

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
        every_fetch_completes_once_and_sees_earlier_commits
        every_dial_connects_or_closes_once
        a_hangup_during_a_dial_closes_the_link
        every_transmit_is_drained_or_closed_once
        bytes_arrive_whole_and_in_order_both_ways
        a_hangup_closes_the_link_after_pending_bytes
        closed_is_the_last_input_of_a_link
        every_output_is_taken_before_the_driver_sleeps;
    commits:
        nothing_is_stored_before_it_is_durable
        nothing_is_shown_before_it_is_durable
        one_commit_is_in_flight_and_later_rows_share_the_next
        after_a_failed_commit_the_node_is_opened_again_and_nothing_was_shown
        a_first_start_is_durable_before_the_driver_listens;
    backpressure:
        a_busy_node_receives_no_bytes
        a_peer_that_does_not_read_blocks_only_its_own_link
        a_flood_of_strangers_does_not_starve_commands
        a_flood_of_commands_does_not_starve_links;
    time:
        a_tick_comes_at_the_deadline_and_not_before
        a_deadline_that_moves_is_followed
        a_deadline_that_has_passed_ticks_until_it_moves
        inputs_do_not_delay_a_deadline
        both_clocks_are_passed_on_unchanged
        a_wall_clock_jump_delays_no_retry
        fresh_entropy_comes_first_after_a_sleep;
    crashes:
        a_crash_at_any_commit_recovers_the_durable_state
        a_crash_at_any_input_completes_nothing_twice
        a_crash_ends_all_activity;
    shutdown:
        commands_before_a_shutdown_get_their_replies
        a_shutdown_closes_links_and_store
        pending_writes_are_finished_before_a_shutdown_ends
        a_peer_that_does_not_read_does_not_block_a_shutdown;
}
