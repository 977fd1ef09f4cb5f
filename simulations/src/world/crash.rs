//! [`CrashPoint`]: nodes that stop. Crashes at a planned output, power cuts, restored and edited disks.

use std::fmt;

use sotto_core::{Input, Millis, Output};
use sotto_testkit::memory_store::MemoryStore;

use super::{DiskOperation, NodeIndex, Observation, SimEvent, World};

const REBOOT: Millis = Millis::seconds(1);

/// Where a run stops a node: instead of its `output`-th output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrashPoint {
    /// Whose node.
    pub peer: NodeIndex,
    /// Which output, counted from 0 over all incarnations.
    pub output: u64,
    /// What happens to the commit in flight.
    pub in_flight: InFlight,
    /// Whether transmitted bytes that have not arrived are lost.
    pub bytes_lost: bool,
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_flight = match self.in_flight {
            InFlight::Lost => "lost",
            InFlight::Durable => "durable",
        };
        let bytes = if self.bytes_lost { ":cut" } else { "" };
        write!(f, "{}:{}:{in_flight}{bytes}", self.peer, self.output)
    }
}

/// What happens to a commit in flight when the node stops. `Stored` never comes, but the commit may be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InFlight {
    /// It is lost.
    Lost,
    /// It is durable.
    Durable,
}

impl World {
    /// Stops a node. A commit in flight is lost.
    pub fn switch_off(&mut self, peer: NodeIndex) {
        self.hosts[peer.0].off = true;
        self.power_off(peer, InFlight::Lost);
    }

    /// Starts a node from its disk. Its user issues every command again that has no reply.
    pub fn switch_on(&mut self, peer: NodeIndex) {
        if self.hosts[peer.0].node.is_some() {
            return;
        }
        self.timeline.power(self.now, peer, true);
        self.hosts[peer.0].off = false;
        if self.disk_refuses(peer, DiskOperation::Opening) {
            self.start_later(peer);
            return;
        }
        self.open(peer);
        self.reissue(peer);
    }

    /// Stops and starts a node.
    pub fn restart(&mut self, peer: NodeIndex) {
        self.switch_off(peer);
        self.switch_on(peer);
    }

    /// A copy of the disk, for `restore`.
    pub fn snapshot(&self, peer: NodeIndex) -> MemoryStore {
        self.hosts[peer.0].disk.clone()
    }

    /// Replaces the disk by an older copy, as with a backup.
    pub fn restore(&mut self, peer: NodeIndex, disk: MemoryStore) {
        self.edit_disk(peer, |current| *current = disk);
    }

    /// Changes a disk while its node is off.
    pub fn edit_disk(&mut self, peer: NodeIndex, change: impl FnOnce(&mut MemoryStore)) {
        self.switch_off(peer);
        change(&mut self.hosts[peer.0].disk);
        self.ledger.tampered(peer);
        self.observe(&Observation::Tampered(peer));
        self.switch_on(peer);
    }

    /// Moves a wall clock.
    pub fn move_wall_clock(&mut self, peer: NodeIndex, by_millis: i64) {
        self.hosts[peer.0].wall_offset += by_millis;
    }

    /// For this long no dial finds a peer's onion service, though it is up.
    pub fn unpublish(&mut self, peer: NodeIndex, span: Millis) {
        self.hosts[peer.0].published_from = Millis(self.now.0 + span.0);
    }

    /// A new Signal identity, as a store keeps it, and its registration id.
    pub fn another_identity(&self) -> (Vec<u8>, u32) {
        self.cipher.identity(&mut sotto_core::Entropy::from_seed(
            *b"a signal identity of no peer....",
        ))
    }

    /// Every crash that could have happened so far.
    pub fn crash_points(&self) -> Vec<CrashPoint> {
        let mut points = Vec::new();
        for peer in self.peers() {
            for (output, moment) in (0..).zip(self.outputs(peer)) {
                let outcomes = if moment.commit_in_flight {
                    &[InFlight::Lost, InFlight::Durable][..]
                } else {
                    &[InFlight::Lost]
                };
                points.extend(outcomes.iter().flat_map(|in_flight| {
                    [false, true].map(|bytes_lost| CrashPoint {
                        peer,
                        output,
                        in_flight: *in_flight,
                        bytes_lost,
                    })
                }));
            }
        }
        points
    }

    /// Whether the node stops instead of this output: as planned, or by a choice.
    pub(super) fn crash_here(&mut self, peer: NodeIndex, output: u64) -> Option<InFlight> {
        if let Some(point) = self.crash.take_if(|point| point.peer == peer && point.output == output) {
            self.cuts |= point.bytes_lost;
            return Some(point.in_flight);
        }
        let outcomes = [InFlight::Lost, InFlight::Durable];
        self.chance("crash", 80)
            .then(|| outcomes[self.choices.choose("torn commit", 2) as usize])
    }

    /// A crash instead of `output`. The node starts again by itself.
    pub(super) fn crash(&mut self, peer: NodeIndex, output: Output, in_flight: InFlight) {
        self.timeline.fault(self.now, &[peer], || {
            format!("crashes; the commit in flight is {in_flight:?}")
        });
        if let Output::Commit(id, batch) = output {
            self.hosts[peer.0].commit = Some((id, batch));
        }
        self.power_off(peer, in_flight);
        let host = &self.hosts[peer.0];
        let event = SimEvent::PowerOn(peer, host.incarnation);
        self.schedule(REBOOT, event);
    }

    /// A crash with this outcome for the commit in flight. The node starts again by itself.
    pub fn crash_now(&mut self, peer: NodeIndex, in_flight: InFlight) {
        self.timeline.fault(self.now, &[peer], || {
            format!("crashes; the commit in flight is {in_flight:?}")
        });
        self.power_off(peer, in_flight);
        let event = SimEvent::PowerOn(peer, self.hosts[peer.0].incarnation);
        self.schedule(REBOOT, event);
    }

    pub(super) fn power_off(&mut self, peer: NodeIndex, in_flight: InFlight) {
        match in_flight {
            InFlight::Lost => self.hosts[peer.0].commit = None,
            InFlight::Durable => self.make_durable(peer),
        }
        let host = &mut self.hosts[peer.0];
        if host.node.is_some() {
            self.timeline.power(self.now, peer, false);
        }
        host.node = None;
        host.incarnation += 1;
        host.awaiting_reply.clear();
        host.backlog.clear();
        self.network_lost(peer);
    }

    pub(super) fn reissue(&mut self, peer: NodeIndex) {
        for nth in 0..self.hosts[peer.0].user_commands.len() {
            let ask = self.hosts[peer.0].user_commands[nth];
            if self.user_commands[ask].reply.is_none() {
                self.issue(ask);
            }
        }
    }

    pub(super) fn issue(&mut self, ask: usize) {
        let asked = &mut self.user_commands[ask];
        let (peer, command) = (asked.peer, asked.command.clone());
        let host = &mut self.hosts[peer.0];
        if host.node.is_none() {
            return;
        }
        asked.attempts += 1;
        host.last_command += 1;
        let id = sotto_core::CommandId(host.last_command);
        host.awaiting_reply.insert(id, ask);
        self.feed(peer, Input::Command(id, command));
    }
}
