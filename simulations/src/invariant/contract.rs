//! The simulator's hosts keep the driver's contract, by the same ledger as real drivers (`sotto_testkit::driver`).

use std::collections::BTreeMap;

use sotto_testkit::driver;

use super::{Invariant, Seen};
use crate::{Peer, World};

/// What is open between each node and its host.
#[derive(Default)]
pub struct Contract(BTreeMap<Peer, driver::Contract>);

impl Invariant for Contract {
    fn name(&self) -> &'static str {
        "contract"
    }

    fn observe(&mut self, seen: &Seen<'_>, world: &World) -> Result<(), String> {
        match seen {
            Seen::Opening(peer) => _ = self.0.insert(*peer, driver::Contract::default()),
            Seen::Output(peer, output) => self.0.entry(*peer).or_default().wanted(output),
            Seen::Input(peer, input) => {
                let (now, deadline, intake) = world.faces(*peer);
                let contract = self.0.entry(*peer).or_default();
                contract
                    .told(input, now, deadline, intake)
                    .map_err(|breach| format!("{peer}: {breach}"))?;
            }
            _ => {}
        }
        Ok(())
    }
}
