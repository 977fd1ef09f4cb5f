//! Relays are killed, and the conversation goes on.

use crate::node::{Runtime, friends, own_network, tell};

#[test]
fn a_conversation_outlives_relays() {
    let mut network = own_network();
    let [mut one, mut other] = friends([Runtime::Tokio, Runtime::Smol], &network.arti_config());
    tell(&mut *one, &mut *other, "before");
    // One of ten, besides the three that vote, is more than the public network loses in a bad hour. The consensus goes on
    // listing it, which the public one would for an hour, too.
    network.kill_relay(0);
    tell(&mut *one, &mut *other, "a relay is gone");
    tell(&mut *other, &mut *one, "I have heard");
}
