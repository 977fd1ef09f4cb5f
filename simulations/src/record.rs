//! Runs of one node over libsignal, written down for real drivers to play again (`sotto_testkit::driver::replay`).

use sotto_testkit::driver::Recording;

use crate::{Choices, Cipher, Peer, Scenario};

/// What a scenario is to the node of one of its people, in a calm world, until it comes to rest.
pub fn record(scenario: &'static Scenario, peer: Peer) -> Recording {
    let mut world = scenario.world(Cipher::Signal, 1, Choices::calm());
    world.record(peer);
    world.begin();
    scenario.tell(&mut world);
    world.settle(scenario.friends);
    let mut recording = world.recording().expect("it was switched on");
    recording.name = format!("{} of {peer}", scenario.name);
    recording
}

/// A few that are unlike each other: who dials, who is away, what is fetched, what time does.
pub fn recordings() -> Vec<Recording> {
    let stories = [
        "both_ways",
        "burst_while_away",
        "a_long_text",
        "edit",
        "react",
        "timer_of_the_conversation",
        "both_dial_at_once",
    ];
    let scenario = |name| Scenario::named(name).expect("a story of the library");
    stories
        .iter()
        .map(|name| record(scenario(name), crate::ALICE))
        .collect()
}
