//! The event log is numbered without gaps, and no entry is rewritten.

use sotto_core::EventSeq;
use sotto_core::row::{Change, Key, Row};

use super::{Invariant, Observation};
use crate::world::World;

#[derive(Default)]
pub struct EventLog;

impl Invariant for EventLog {
    fn name(&self) -> &'static str {
        "event log"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let Observation::Committing(peer, batch) = observation else {
            return Ok(());
        };
        let disk = world.disk(*peer);
        let mut last = None;
        for change in &batch.changes {
            if let Change::Put(Row::Event(row)) | Change::Insert(Row::Event(row)) = change {
                let before = EventSeq(row.seq.0.wrapping_sub(1));
                let follows = before == EventSeq(0) || last == Some(before) || disk.row(&Key::Event(before)).is_some();
                if !follows || disk.row(&Key::Event(row.seq)).is_some() {
                    return Err(format!("{peer} writes event {} out of order", row.seq.0));
                }
                last = Some(row.seq);
            }
        }
        Ok(())
    }
}
