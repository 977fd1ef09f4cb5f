//! The simulator's hosts keep the driver's contract. The checks are those of real drivers (`sotto_testkit::driver`).

use std::collections::BTreeMap;

use sotto_testkit::driver;

use super::{Invariant, Observation};
use crate::node_index::NodeIndex;
use crate::world::World;

/// What is open between each node and its host.
#[derive(Default)]
pub struct Contract(BTreeMap<NodeIndex, driver::Contract>);

impl Invariant for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn observe(&mut self, observation: &Observation<'_>, world: &World) -> Result<(), String> {
        match observation {
            Observation::Opening(peer) => _ = self.0.insert(*peer, driver::Contract::default()),
            Observation::Output(peer, output) => self.0.entry(*peer).or_default().output(output),
            Observation::Input(peer, input) => {
                let (now, deadline, intake) = world.driver_view(*peer);
                let contract = self.0.entry(*peer).or_default();
                contract
                    .input(input, now, deadline, intake)
                    .map_err(|breach| format!("{peer}: {breach}"))?;
            }
            _ => {}
        }
        Ok(())
    }
}
