//! Recordings of one node over libsignal, for real drivers to replay (`sotto_testkit::driver::replay`).

use sotto_testkit::driver::Recording;

use crate::choice::Choices;
use crate::node_index::{ALICE, NodeIndex};
use crate::scenario::Scenario;
use crate::world::Cipher;

/// The inputs and outputs of one peer's node in a run without faults, until the world is quiescent.
pub fn record(scenario: &'static Scenario, peer: NodeIndex) -> Recording {
    let mut world = scenario.world(Cipher::Signal, 1, Choices::harmless());
    world.record(peer);
    world.start();
    scenario.execute(&mut world);
    world.quiesce(scenario.friends);
    let mut recording = world.recording().expect("it was switched on");
    recording.name = format!("{} of {peer}", scenario.name);
    recording
}

/// Recordings that differ in the dialer, in who is away, in what is fetched, and in durations.
pub fn recordings() -> Vec<Recording> {
    let scenarios = [
        "both_ways",
        "burst_while_away",
        "a_long_text",
        "edit",
        "react",
        "timer_of_the_conversation",
        "both_dial_at_once",
    ];
    let scenario = |name| Scenario::named(name).expect("a scenario of the library");
    scenarios.iter().map(|name| record(scenario(name), ALICE)).collect()
}
