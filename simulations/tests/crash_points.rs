//! Every scenario, once without a fault, and then once for each output of each node with a crash there.

use sotto_simulations::{Run, Scenario, crash_points, run};

/// One in so many crash points is played over libsignal, too.
const SIGNAL: usize = 16;

/// Plays a scenario at every crash point, and reports the first that fails.
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
    declined
    withdrawn
    one_message
    both_ways
    burst_while_away
    ten_times_ok
    a_long_text
    the_same_wish_twice
    read
    edit
    delete
    react
    changes_while_away
    timer_of_the_conversation
    timer_of_one_message
    disappears_while_away
    disappears_before_the_ack
    expires_and_is_sent_again
    cancel
    full
    session_lost_by_one
    session_lost_by_the_other
    session_lost_before_the_ack
    old_store_without_traffic
    old_store_after_sending
    old_store_after_receiving
    old_stores_of_both
    blocked_in_silence
    removed_and_added_again
    both_dial_at_once
    cut_in_the_middle
    a_link_dies_in_silence
    a_clock_is_set_back
    a_long_silence
    heartbeats_keep_a_link
    one_byte_at_a_time
    refused_again_and_again
    removed
    removed_and_unaware
    an_invite_is_for_one
    one_request_at_a_time
    everybody_to_everybody
}
