//! Rows are deleted when they are no longer needed: the private keys of a pre-key offer once a session of its epoch or
//! a later one is in use, a request once it is accepted, and a message once its timer has run out.

use sotto_core::row::{Key, Relationship, Row};

use super::{Invariant, Observation, written};
use crate::node_index::NodeIndex;
use crate::world::World;

#[derive(Default)]
pub struct Retention;

impl Invariant for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let Observation::Durable(peer, batch) = observation else {
            return Ok(());
        };
        let disk = world.disk(*peer);
        for row in written(batch) {
            match row {
                Row::Cursors(cursors) if disk.row(&Key::Session(cursors.contact)).is_some() => {
                    if let Some(Row::PreKeyOffer(offer)) = disk.row(&Key::PreKeyOffer(cursors.contact))
                        && offer.session_epoch <= cursors.session_epoch
                    {
                        return Err(format!("{peer} keeps the keys of {offer:?}, which was used"));
                    }
                }
                Row::Contact(contact)
                    if contact.relationship == Relationship::Friend
                        && disk.row(&Key::Request(contact.address)).is_some() =>
                {
                    return Err(format!("{peer} keeps the request of {:?}, a friend", contact.address));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn conclude(&mut self, world: &World, _: &[(NodeIndex, NodeIndex)]) -> Result<(), String> {
        for peer in world.peers().filter(|peer| world.is_honest(*peer)) {
            let now = world.driver_view(peer).0.wall;
            let overdue = world.disk(peer).next_disappearance().filter(|at| *at < now);
            if let Some(at) = overdue {
                return Err(format!(
                    "{peer} keeps a message whose timer has run out {} ago",
                    now.since(at)
                ));
            }
        }
        Ok(())
    }
}
