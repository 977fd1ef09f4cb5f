//! [`ReachabilityState`]: what the supervisor keeps from one Tor client to the next.

use std::sync::Arc;

use tor_rtcompat::Runtime;
use tracing::debug;

use crate::network_monitor::{NetworkChange, NetworkMonitor, SourceAddresses, now};
use crate::recovery::Recovery;
use crate::shared_state::SharedState;

pub(crate) struct ReachabilityState<R: Runtime> {
    pub shared: Arc<SharedState<R>>,
    pub recovery: Recovery,
    pub monitor: NetworkMonitor,
}

impl<R: Runtime> ReachabilityState<R> {
    pub fn new(shared: Arc<SharedState<R>>) -> Self {
        Self {
            recovery: Recovery::new(&shared.limits),
            monitor: NetworkMonitor::new(SourceAddresses::current(), now()),
            shared,
        }
    }

    /// What happened to the machine and its network since the last check.
    pub fn check_network(&mut self) -> Option<NetworkChange> {
        let interval = self.shared.limits.network_check_interval;
        let change = self.monitor.check(SourceAddresses::current(), now(), interval);
        if let Some(change) = change {
            debug!(?change, "the network may have changed");
        }
        change
    }
}
