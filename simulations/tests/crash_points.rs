//! Every scenario, once without a fault, and then once for each output of each node with a crash there.

use sotto_simulations::{Run, Scenario, crash_points, run};

/// One in so many crash points is also played with libsignal.
const SIGNAL: usize = 16;

/// Plays a scenario at every crash point, and reports the first failure.
fn crash_everywhere(name: &str) {
    let scenario = Scenario::named(name).expect("a scenario of the library");
    let points = crash_points(scenario).unwrap_or_else(|failure| panic!("{failure}"));
    let mut failed = Vec::new();
    for (nth, point) in points.iter().enumerate() {
        let crashing = Run::crashing(scenario, *point);
        failed.extend(run(crashing).err());
        if nth % SIGNAL == 0 {
            failed.extend(run(crashing.over_signal()).err());
        }
    }
    println!("{name}: {} crash points, {} failed", points.len(), failed.len());
    if let Some(failure) = failed.first() {
        panic!(
            "{} of {} crash points fail; the first: {failure}",
            failed.len(),
            points.len()
        );
    }
}

macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                crash_everywhere(stringify!($name));
            }
        )*

        #[test]
        fn no_scenario_is_left_out() {
            let tested = [$(stringify!($name)),*];
            let library: Vec<_> = sotto_simulations::scenario::LIBRARY.iter().map(|scenario| scenario.name).collect();
            assert_eq!(tested[..], library[..]);
        }
    };
}

scenarios! {
    request_and_consent
    request_while_away
    invite
    crossing_requests
    add_back
    declined_then_accepted
    words_before_consent
    names_are_claims
    ignored_and_asked_again
    declined_then_crossing
    an_invite_does_not_unblock
    old_store_of_a_request
    declined
    withdrawn
    ones_own_code
    one_message
    both_ways
    burst_while_away
    ten_times_ok
    a_long_text
    the_same_command_twice
    read
    read_in_private
    an_answer_in_a_thread
    beyond_the_window
    a_reader_of_events
    edit
    delete
    react
    changes_while_away
    deleted_while_away
    deleted_before_it_left
    edited_before_it_left
    deleted_with_its_edit
    deleted_is_deleted
    each_their_own
    both_react
    timer_of_the_conversation
    timer_of_one_message
    disappears_while_away
    a_clock_far_ahead_is_doubted
    disappears_before_the_ack
    disappears_unsent
    the_tightest_timer_holds
    unread_it_stays
    expires_and_is_sent_again
    cancel
    full
    cancelled_and_sent_again
    tried_at_once
    another_network
    refused_commands
    here_away_invisible
    writing
    session_lost_by_one
    session_lost_by_the_other
    session_lost_before_the_ack
    old_store_without_traffic
    old_store_after_sending
    old_store_after_receiving
    old_stores_of_both
    old_store_of_an_offer
    only_the_identity_is_left
    verified_across_a_new_session
    a_new_identity_is_a_warning
    the_clock_is_behind_the_store
    blocked_in_silence
    blocked_changes_nothing
    removed_and_added_again
    removed_and_asks_again
    removed_and_asks_anew
    a_full_disk
    a_store_in_use
    the_same_store_opened_twice
    an_unreadable_disk
    a_failing_disk
    both_dial_at_once
    cut_in_the_middle
    a_link_dies_in_silence
    a_clock_is_set_back
    a_long_silence
    heartbeats_keep_a_link
    one_byte_at_a_time
    refused_again_and_again
    a_service_found_late
    a_lid_closed_for_long
    a_full_quota
    removed
    removed_and_unaware
    an_invite_is_for_one
    one_request_at_a_time
    everybody_to_everybody
    one_of_three_is_blocked
    a_third_hears_both
}
