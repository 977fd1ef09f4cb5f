//! Somebody who cannot be reached is not dialled without a pause.

use std::collections::{BTreeMap, VecDeque};

use sotto_core::{Millis, OnionAddress, Output};

use super::{Invariant, Seen};
use crate::{Peer, World};

const SPAN: Millis = Millis::minutes(10);
/// A bad world gives good reasons for some: links that are cut, restarts.
const DIALS: usize = 40;

#[derive(Default)]
pub struct Pace {
    dials: BTreeMap<(Peer, OnionAddress), VecDeque<Millis>>,
}

impl Invariant for Pace {
    fn name(&self) -> &'static str {
        "pace"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        let Seen::Output(peer, Output::Dial(_, address)) = seen else {
            return Ok(());
        };
        let dials = self.dials.entry((*peer, *address)).or_default();
        dials.push_back(world.now());
        dials.retain(|at| world.now().0 - at.0 <= SPAN.0);
        if dials.len() > DIALS {
            return Err(format!(
                "{peer} dials {address:?} more than {DIALS} times in ten minutes"
            ));
        }
        Ok(())
    }
}
