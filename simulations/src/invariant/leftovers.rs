//! What has had its time is on no disk: the private keys of an offer once a session of its generation or a later one is in
//! use, a request once there is consent, and a message whose time is up.

use sotto_core::row::{Key, Row, Standing};

use super::{Invariant, Seen, written};
use crate::{Peer, World};

#[derive(Default)]
pub struct Leftovers;

impl Invariant for Leftovers {
    fn name(&self) -> &'static str {
        "no leftovers"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        let Seen::Durable(peer, batch) = seen else {
            return Ok(());
        };
        let disk = world.disk(*peer);
        for row in written(batch) {
            match row {
                Row::Cursors(cursors) if disk.row(&Key::Session(cursors.contact)).is_some() => {
                    if let Some(Row::Offer(offer)) = disk.row(&Key::Offer(cursors.contact))
                        && offer.generation <= cursors.generation
                    {
                        return Err(format!("{peer} keeps the keys of {offer:?}, which is used"));
                    }
                }
                Row::Contact(contact)
                    if contact.standing == Standing::Friend && disk.row(&Key::Request(contact.address)).is_some() =>
                {
                    return Err(format!("{peer} keeps the request of {:?}, a friend", contact.address));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn conclude(&mut self, world: &World, _: &[(Peer, Peer)]) -> Result<(), String> {
        for peer in world.peers().filter(|peer| world.is_honest(*peer)) {
            let now = world.faces(peer).0.wall;
            let overdue = world.disk(peer).next_disappearance().filter(|at| *at < now);
            if let Some(at) = overdue {
                return Err(format!(
                    "{peer} keeps a message whose time was up {} ago",
                    now.since(at)
                ));
            }
        }
        Ok(())
    }
}
