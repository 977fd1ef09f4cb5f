//! A node does not dial an unreachable peer without a pause.

use std::collections::{BTreeMap, VecDeque};

use sotto_core::{Millis, OnionAddress, Output};

use super::{Invariant, Observation};
use crate::node_index::NodeIndex;
use crate::world::World;

const SPAN: Millis = Millis::minutes(10);
/// Faults are good reasons for some dials: cut links, restarts.
const DIALS: usize = 40;

#[derive(Default)]
pub struct DialRate {
    dials: BTreeMap<(NodeIndex, OnionAddress), VecDeque<Millis>>,
}

impl Invariant for DialRate {
    fn name(&self) -> &'static str {
        "dial rate"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        let Observation::Output(peer, Output::Dial(_, address)) = observation else {
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
