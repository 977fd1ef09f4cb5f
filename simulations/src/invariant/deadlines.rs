//! A node's deadline is not long past and not far ahead, and its reason exists. A wall clock may be wrong by days, so a
//! wait for a wall time looks again after at most the longest wait between two dials.

use sotto_core::row::{Key, Row};
use sotto_core::{Deadline, DeadlineReason};

use super::{Invariant, Observation};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct Deadlines;

impl Invariant for Deadlines {
    fn name(&self) -> &'static str {
        "deadlines"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let Observation::Drained(peer, _) = observation else {
            return Ok(());
        };
        let (now, deadline, _) = world.driver_view(*peer);
        let Some(Deadline { at, reason }) = deadline else {
            return Ok(());
        };
        let ahead = at.since(now.monotonic);
        if ahead > world.limits().retry_cap {
            return Err(format!("{peer} has a deadline in {ahead}, for its {reason}"));
        }
        // What is not durable yet cannot be checked here.
        if !world.is_committing(*peer) && !is_justified(*peer, reason, world) {
            return Err(format!(
                "{peer} has a deadline in {ahead} for its {reason}, which does not exist"
            ));
        }
        Ok(())
    }
}

fn is_justified(peer: NodeIndex, reason: DeadlineReason, world: &World) -> bool {
    let disk = world.disk(peer);
    match reason {
        DeadlineReason::Handshake | DeadlineReason::Heartbeat => world.has_links(peer),
        DeadlineReason::OutboxExpiry => has_mail(peer, world),
        // The node looks again, and may find that an acknowledgement, a link or the user's answer has come first.
        DeadlineReason::Sent | DeadlineReason::Pace | DeadlineReason::Retry | DeadlineReason::RequestExpiry => true,
        DeadlineReason::Disappearance => disk.next_disappearance().is_some(),
    }
}

fn has_mail(peer: NodeIndex, world: &World) -> bool {
    // The hot rows come first in key order, and messages last.
    let hot = world
        .disk(peer)
        .rows()
        .take_while(|row| row.key() < Key::Consumer(String::new()));
    hot.into_iter().any(|row| matches!(row, Row::Outbox(_)))
}
