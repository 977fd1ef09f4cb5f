//! A session is replaced for a reason: somebody's disk was changed, or a contact was removed. Crashes, cuts and silence are
//! none, however they meet. Only a session over which nothing was ever acknowledged may give way to another one: requests
//! that cross may each have opened one, as PROTOCOL.md says at [C-8] (seed 1140 of `declined_then_accepted` found it).

use std::collections::BTreeSet;

use sotto_core::row::{Event, Row};
use sotto_core::{Command, Input};

use super::{Invariant, Seen, honest, written};
use crate::{Peer, World};

#[derive(Default)]
pub struct SteadySessions {
    /// Who has given a reason.
    unsettled: BTreeSet<Peer>,
}

impl Invariant for SteadySessions {
    fn name(&self) -> &'static str {
        "steady sessions"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        match seen {
            Seen::Tampered(peer) | Seen::Input(peer, Input::Command(_, Command::RemoveContact(_))) => {
                self.unsettled.insert(*peer);
            }
            Seen::Committing(peer, batch) => {
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
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn has_been_used(peer: Peer, other: Peer, world: &World) -> bool {
    let acknowledged = |one, two| world.cursors(one, two).is_some_and(|row| row.acknowledged > 0);
    acknowledged(peer, other) && acknowledged(other, peer)
}
