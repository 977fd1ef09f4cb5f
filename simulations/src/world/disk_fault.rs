//! [`DiskFault`]: disks that fail. The driver handles every error of its store in one way: it drops the node and opens
//! it again later. So each disk fault is a crash to the node. The faults differ in how long the node cannot start
//! again, and in whether the last batch is durable.
//!
//! A store that another process has open is [`DiskFault::Busy`]; two nodes over one store are in `double_open`.

use sotto_core::Millis;

use super::{InFlight, NodeIndex, SimEvent, World};

/// A supervisor restarts the daemon this long after it has ended with an error.
const PATIENCE: Millis = Millis::seconds(30);
/// How long a disk fault lasts that was chosen. The first ends with the failed operation.
const DISK_FAULT_TIMES: [Millis; 4] = [Millis(0), Millis::minutes(1), Millis::minutes(10), Millis::hours(2)];

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Writes fail for want of space. Reads work.
    Full,
    /// Another process holds the store: it can be neither opened, nor read, nor written.
    Busy,
    /// Reads fail. Earlier writes are durable.
    Unreadable,
    /// Writes end with an error and may be durable all the same.
    Failing,
}

/// What a driver does with a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DiskOperation {
    Opening,
    Reading,
    Writing,
}

impl DiskFault {
    const ALL: [Self; 4] = [Self::Full, Self::Busy, Self::Unreadable, Self::Failing];

    fn prevents(self, operation: DiskOperation) -> bool {
        match self {
            Self::Full | Self::Failing => operation == DiskOperation::Writing,
            Self::Busy => true,
            Self::Unreadable => operation != DiskOperation::Writing,
        }
    }
}

impl World {
    /// A disk has a fault from now on.
    pub fn fail_disk(&mut self, peer: NodeIndex, disk_fault: DiskFault) {
        self.set_disk_fault(peer, disk_fault, Millis(u64::MAX));
    }

    /// Ends a disk's fault.
    pub fn repair_disk(&mut self, peer: NodeIndex) {
        self.hosts[peer.0].disk_fault = None;
    }

    fn set_disk_fault(&mut self, peer: NodeIndex, disk_fault: DiskFault, until: Millis) {
        self.timeline
            .fault(self.now, &[peer], || format!("has a disk fault: {disk_fault:?}"));
        self.hosts[peer.0].disk_fault = Some((disk_fault, until));
    }

    /// Whether the disk refuses this operation, by the scenario or by a choice.
    pub(super) fn disk_refuses(&mut self, peer: NodeIndex, operation: DiskOperation) -> bool {
        if self.disk_fault_now(peer).is_none() && operation != DiskOperation::Opening && self.chance("disk fault", 200)
        {
            let disk_fault = DiskFault::ALL[self.choose("disk fault kind", DiskFault::ALL.len())];
            let lasting = if self.timing_sensitive {
                0
            } else {
                self.choose("disk fault time", DISK_FAULT_TIMES.len())
            };
            self.set_disk_fault(peer, disk_fault, Millis(self.now.0 + DISK_FAULT_TIMES[lasting].0));
        }
        self.disk_fault_now(peer)
            .is_some_and(|disk_fault| disk_fault.prevents(operation))
    }

    fn disk_fault_now(&self, peer: NodeIndex) -> Option<DiskFault> {
        self.hosts[peer.0]
            .disk_fault
            .filter(|(_, until)| self.now <= *until)
            .map(|(disk_fault, _)| disk_fault)
    }

    /// The disk has refused: the driver ends, and is restarted later.
    pub(super) fn driver_fails(&mut self, peer: NodeIndex) {
        let failing = self.disk_fault_now(peer) == Some(DiskFault::Failing);
        let in_flight = if failing && self.chance("torn commit", 2) {
            InFlight::Durable
        } else {
            InFlight::Lost
        };
        self.timeline.fault(self.now, &[peer], || {
            format!("ends with a store error; the commit in flight is {in_flight:?}")
        });
        self.power_off(peer, in_flight);
        self.start_later(peer);
    }

    pub(super) fn start_later(&mut self, peer: NodeIndex) {
        let event = SimEvent::PowerOn(peer, self.hosts[peer.0].incarnation);
        self.schedule(PATIENCE, event);
    }
}
