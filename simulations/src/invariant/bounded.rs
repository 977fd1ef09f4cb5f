//! What a node stages, puts out at once, sends at once and seals ahead is bounded, whatever comes in.

use sotto_core::Output;
use sotto_core::row::{Batch, Row};

use super::{Invariant, Seen, written};
use crate::{Peer, World};

/// Outputs that one input may lead to.
const OUTPUTS: usize = 1024;
/// Bytes that one transmit may have.
const TRANSMIT: usize = 256 * 1024;
/// Changes that one input may add to what is staged: it is counted after the input, so bounds are passed by one input's
/// worth.
const CHANGES_OF_ONE_INPUT: usize = 1024;
/// Rows that wait beyond the limit for what a person sends: the first of a session, receipts.
const UNASKED_FOR: usize = 2;

#[derive(Default)]
pub struct Bounded;

impl Invariant for Bounded {
    fn name(&self) -> &'static str {
        "bounded"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        let (peer, what, size, bound) = match seen {
            Seen::Drained(peer, outputs) => (peer, "outputs at once", *outputs, OUTPUTS),
            Seen::Output(peer, Output::Transmit(_, bytes)) => (peer, "bytes in a transmit", bytes.len(), TRANSMIT),
            Seen::Output(peer, Output::Commit(_, batch)) => {
                let bound = world.limits().staged_changes + CHANGES_OF_ONE_INPUT;
                (peer, "changes in a batch", batch.changes.len(), bound)
            }
            Seen::Durable(peer, batch) => {
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

/// What waits for one contact, and how many strangers wait for consent.
fn within_bounds(peer: Peer, batch: &Batch, world: &World) -> Result<(), String> {
    let disk = world.disk(peer);
    for row in written(batch) {
        match row {
            Row::Outbox(row) => {
                let waiting = disk.waiting(row.contact);
                if waiting > world.limits().outbox_rows + UNASKED_FOR {
                    return Err(format!("{peer} lets {waiting} rows wait for {:?}", row.contact));
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

fn within_window(peer: Peer, batch: &Batch, world: &World) -> Result<(), String> {
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
