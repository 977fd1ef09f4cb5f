//! What a node counts as the room that a contact's messages take up is what they take up, and it is no more than the quota
//! allows: the last content that is taken begins below the quota.

use sotto_core::row::Row;

use super::{Invariant, Observation, honest, written};
use crate::world::World;

/// Bytes of the largest content.
const CONTENT: u64 = 40 * 1024;

#[derive(Default)]
pub struct Quota;

impl Invariant for Quota {
    fn name(&self) -> &'static str {
        "quota"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let Observation::Durable(peer, batch) = observation else {
            return Ok(());
        };
        let disk = world.disk(*peer);
        for row in written(batch) {
            let Row::Cursors(cursors) = row else { continue };
            // A byzantine author may use an id twice. The second message is counted until the quota is reached, and not kept.
            if honest(cursors.contact, world).is_none() {
                continue;
            }
            let rows = disk.conversation(cursors.contact).into_iter();
            let theirs = rows.filter(|message| message.key.author == cursors.contact);
            let taken: u64 = theirs.map(sotto_core::row::MessageRow::stored_bytes).sum();
            if cursors.stored != taken {
                return Err(format!(
                    "{peer} counts {} bytes of messages that take up {taken}",
                    cursors.stored
                ));
            }
            if taken > world.limits().contact_quota + CONTENT {
                return Err(format!("{peer} keeps {taken} bytes of one contact"));
            }
        }
        Ok(())
    }
}
