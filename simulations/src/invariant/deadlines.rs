//! A node's deadline is not long past, not far ahead, and there is what it names as its reason. A wall clock may be wrong by
//! days, so whatever waits for one looks again after the longest wait between two dials at the latest.

use sotto_core::row::{Key, Row};
use sotto_core::{Deadline, DeadlineReason};

use super::{Invariant, Seen};
use crate::{Peer, World};

#[derive(Default)]
pub struct Deadlines;

impl Invariant for Deadlines {
    fn name(&self) -> &'static str {
        "deadlines"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        let Seen::Drained(peer, _) = seen else { return Ok(()) };
        let (now, deadline, _) = world.faces(*peer);
        let Some(Deadline { at, reason }) = deadline else {
            return Ok(());
        };
        let ahead = at.since(now.monotonic);
        if ahead > world.limits().retry_cap {
            return Err(format!("{peer} wants to be woken in {ahead}, for its {reason}"));
        }
        // What is not durable yet cannot be seen here.
        if !world.is_committing(*peer) && !is_justified(*peer, reason, world) {
            return Err(format!(
                "{peer} wants to be woken in {ahead} for its {reason}, and has none"
            ));
        }
        Ok(())
    }
}

fn is_justified(peer: Peer, reason: DeadlineReason, world: &World) -> bool {
    let disk = world.disk(peer);
    match reason {
        DeadlineReason::Handshake | DeadlineReason::Heartbeat | DeadlineReason::Idle => world.has_links(peer),
        DeadlineReason::OutboxExpiry => has_mail(peer, world),
        // They look again, and may find that an acknowledgement or a link has come first.
        DeadlineReason::Sent | DeadlineReason::Retry => true,
        DeadlineReason::Disappearance => disk.next_disappearance().is_some(),
    }
}

fn has_mail(peer: Peer, world: &World) -> bool {
    // The hot rows come first in key order, and messages last.
    let hot = world
        .disk(peer)
        .rows()
        .take_while(|row| row.key() < Key::Consumer(String::new()));
    hot.into_iter().any(|row| matches!(row, Row::Outbox(_)))
}
