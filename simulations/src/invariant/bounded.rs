//! What a node stages, outputs at once, transmits at once and seals ahead is bounded, for every input.

use sotto_core::Output;
use sotto_core::row::{Batch, Row};

use super::{Invariant, Observation, written};
use crate::node_index::NodeIndex;
use crate::world::World;

/// Outputs that one input may cause.
const OUTPUTS: usize = 1024;
/// Bytes of one transmit.
const TRANSMIT: usize = 256 * 1024;
/// Changes that one input may add to what is staged. The limit is checked after the input, so one input can exceed it.
const CHANGES_OF_ONE_INPUT: usize = 1024;
/// Outbox rows beyond the limit for user messages: the first of a session, receipts.
const UNASKED_FOR: usize = 2;

#[derive(Default)]
pub struct Bounded;

impl Invariant for Bounded {
    fn name(&self) -> &'static str {
        "bounded"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let (peer, what, size, bound) = match observation {
            Observation::Drained(peer, outputs) => (peer, "outputs at once", *outputs, OUTPUTS),
            Observation::Output(peer, Output::Transmit(_, bytes)) => {
                (peer, "bytes in a transmit", bytes.len(), TRANSMIT)
            }
            Observation::Output(peer, Output::Commit(_, batch)) => {
                let bound = world.limits().staged_changes + CHANGES_OF_ONE_INPUT;
                (peer, "changes in a batch", batch.changes.len(), bound)
            }
            Observation::Durable(peer, batch) => {
                within_window(*peer, batch, world)?;
                return within_bounds(*peer, batch, world);
            }
            _ => return Ok(()),
        };
        if size > bound {
            return Err(format!("{peer} has {size} {what}, more than {bound}"));
        }
        Ok(())
    }
}

/// The outbox rows for one contact, and the requests of strangers.
fn within_bounds(peer: NodeIndex, batch: &Batch, world: &World) -> Result<(), String> {
    let disk = world.disk(peer);
    for row in written(batch) {
        match row {
            Row::Outbox(row) => {
                let waiting = disk.waiting(row.contact);
                if waiting > world.limits().outbox_rows + UNASKED_FOR {
                    return Err(format!("{peer} has {waiting} outbox rows for {:?}", row.contact));
                }
            }
            Row::Request(_) => {
                let asking = disk.rows().filter(|row| matches!(row, Row::Request(_))).count();
                if asking > world.limits().requests {
                    return Err(format!("{peer} keeps {asking} requests of strangers"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn within_window(peer: NodeIndex, batch: &Batch, world: &World) -> Result<(), String> {
    for row in written(batch) {
        if let Row::Cursors(row) = row
            && row.sent - row.acknowledged > world.limits().window
        {
            return Err(format!(
                "{peer} has more than a window sealed and not acknowledged: {row:?}"
            ));
        }
    }
    Ok(())
}
