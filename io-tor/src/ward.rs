//! What is looked after, from one client to the next.

use std::sync::Arc;

use tor_rtcompat::Runtime;
use tracing::debug;

use crate::heal::Healer;
use crate::network::{Disturbance, Network, Watch, now};
use crate::shared::Shared;

/// Being reachable, whatever becomes of clients, machine and network.
pub(crate) struct Ward<R: Runtime> {
    pub shared: Arc<Shared<R>>,
    pub healer: Healer,
    pub watch: Watch,
}

impl<R: Runtime> Ward<R> {
    pub fn new(shared: Arc<Shared<R>>) -> Self {
        Self {
            healer: Healer::new(&shared.limits),
            watch: Watch::new(Network::here(), now()),
            shared,
        }
    }

    /// Whether the machine has slept or moved since the last look.
    pub fn look(&mut self) -> Option<Disturbance> {
        let disturbance = self.watch.look(Network::here(), now(), self.shared.limits.watch);
        if let Some(disturbance) = disturbance {
            debug!(?disturbance, "the network may be another one");
        }
        disturbance
    }
}
