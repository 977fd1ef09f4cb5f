//! Relays are killed, and the conversation goes on.

use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::node::{Node as _, Runtime, befriend, node, own_network, tell};

/// The circuits through a relay that is killed are gone by then: its neighbours notice at once, and say so.
const AWARE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// So many of sixteen, besides the three that vote, that no link can do without all of them. The consensus goes on listing them, which the
/// public one would for an hour, too.
const SPARE: usize = 12;

#[test]
fn a_conversation_outlives_relays() {
    let mut network = own_network();
    let mut one = Daemon::new(
        TempDir::with_prefix("sotto-").expect("a folder"),
        &network.arti_config(),
    );
    one.start();
    let mut other = node(Runtime::Smol, &network.arti_config());
    befriend(&mut one, &mut *other);
    tell(&mut one, &mut *other, "before");
    // Until one of them was part of the link, without which this would show nothing.
    let lost = (0..SPARE).find(|relay| {
        network.kill_relay(*relay);
        is_lost(&one)
    });
    assert!(lost.is_some(), "a link without any of {SPARE} relays");
    tell(&mut one, &mut *other, "relays are gone");
    tell(&mut *other, &mut one, "I have heard");
}

/// Whether the daemon, which has one link, loses it now.
fn is_lost(daemon: &Daemon) -> bool {
    let since = Instant::now();
    while since.elapsed() < AWARE {
        if daemon.links() == 0 {
            return true;
        }
        thread::sleep(PAUSE);
    }
    false
}
