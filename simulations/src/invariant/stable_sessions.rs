//! A session is replaced for a reason: a disk was edited, or a contact was removed. Crashes, cuts and silent links are
//! no reason in any combination. Only a session over which nothing was ever acknowledged may be replaced without one:
//! crossing requests may each have opened a session, as PROTOCOL.md says at [C-8] (seed 1140 of
//! `declined_then_accepted` found it). And no node takes its identity for that of another running node as well: in a world it
//! is alone with it, however often its disk or a contact's is an old one.

use std::collections::BTreeSet;

use sotto_core::row::{Event, Row};
use sotto_core::{Command, Input};

use super::{Invariant, Observation, honest, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct StableSessions {
    /// The peers that have given a reason.
    unsettled: BTreeSet<NodeIndex>,
}

impl Invariant for StableSessions {
    fn name(&self) -> &'static str {
        "stable sessions"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            Observation::Tampered(peer) | Observation::Input(peer, Input::Command(_, Command::RemoveContact(_))) => {
                self.unsettled.insert(*peer);
            }
            Observation::Committing(peer, batch) => {
                for row in written(batch) {
                    if let Row::Event(row) = row
                        && let Event::ContactRekeyed { contact, .. } = row.event
                        && !self.unsettled.contains(peer)
                        && !honest(contact, world).is_some_and(|other| self.unsettled.contains(&other))
                        && honest(contact, world).is_some_and(|other| has_been_used(*peer, other, world))
                    {
                        return Err(format!(
                            "{peer} has replaced the session with {contact:?} without a reason"
                        ));
                    }
                    if let Row::Event(row) = row
                        && let Event::IdentityElsewhere { shown_by } = row.event
                        && honest(shown_by, world).is_some()
                    {
                        return Err(format!(
                            "{peer} has its identity alone, and takes it for another node's, too"
                        ));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn has_been_used(peer: NodeIndex, other: NodeIndex, world: &World) -> bool {
    let acknowledged = |one, two| world.cursors(one, two).is_some_and(|row| row.acknowledged > 0);
    acknowledged(peer, other) && acknowledged(other, peer)
}
