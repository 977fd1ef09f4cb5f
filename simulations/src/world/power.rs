//! Switching machines off and on: crashes at a planned output, power cuts, old disks put back, damage.

use std::fmt;

use sotto_core::{Input, Millis, Output};
use sotto_testkit::disk::Disk;

use super::{Errand, Happening, Peer, Seen, World};

const REBOOT: Millis = Millis::seconds(1);

/// Where a run kills a node: when it is asked for its `output`-th wish, which is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrashPoint {
    /// Whose node.
    pub peer: Peer,
    /// At which of its outputs, counted from 0 over its whole life.
    pub output: u64,
    /// What becomes of the commit in flight.
    pub in_flight: InFlight,
    /// Whether what it has transmitted and is still on its way is lost, too.
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

/// What becomes of a commit in flight when the node dies: its `Stored` never comes, but it may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InFlight {
    /// It did not.
    Lost,
    /// It did.
    Durable,
}

impl World {
    /// Switches a machine off; what was in flight to the disk is lost.
    pub fn switch_off(&mut self, peer: Peer) {
        self.hosts[peer.0].off = true;
        self.die(peer, InFlight::Lost);
    }

    /// Switches a machine on and opens its node from the disk; its user asks again what was not answered.
    pub fn switch_on(&mut self, peer: Peer) {
        if self.hosts[peer.0].node.is_some() {
            return;
        }
        self.trace.power(self.now, peer, true);
        self.hosts[peer.0].off = false;
        if self.disk_refuses(peer, Errand::Opening) {
            self.start_later(peer);
            return;
        }
        self.open(peer);
        self.ask_again(peer);
    }

    /// A power cut, and a reboot.
    pub fn restart(&mut self, peer: Peer) {
        self.switch_off(peer);
        self.switch_on(peer);
    }

    /// What the disk holds now, to be put back later.
    pub fn snapshot(&self, peer: Peer) -> Disk {
        self.hosts[peer.0].disk.clone()
    }

    /// Puts an old disk back, as people do from backups.
    pub fn restore(&mut self, peer: Peer, disk: Disk) {
        self.with_disk_out(peer, |current| *current = disk);
    }

    /// Changes what a disk holds while the machine is off.
    pub fn with_disk_out(&mut self, peer: Peer, change: impl FnOnce(&mut Disk)) {
        self.switch_off(peer);
        change(&mut self.hosts[peer.0].disk);
        self.ledger.tampered(peer);
        self.observe(&Seen::Tampered(peer));
        self.switch_on(peer);
    }

    /// Moves a machine's wall clock.
    pub fn move_wall_clock(&mut self, peer: Peer, by_millis: i64) {
        self.hosts[peer.0].wall_offset += by_millis;
    }

    /// For so long nobody finds a peer's service, though it is up.
    pub fn hide(&mut self, peer: Peer, span: Millis) {
        self.hosts[peer.0].found_from = Millis(self.now.0 + span.0);
    }

    /// A Signal identity that nobody has had so far, as a store keeps it, and its registration id.
    pub fn another_identity(&self) -> (Vec<u8>, u32) {
        self.cipher.identity(&mut sotto_core::Entropy::from_seed(
            *b"a signal identity of nobody here",
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

    /// Whether a node dies now that it is asked for this output: as planned, or by chance.
    pub(super) fn dies(&mut self, peer: Peer, output: u64) -> Option<InFlight> {
        if let Some(point) = self.crash.take_if(|point| point.peer == peer && point.output == output) {
            self.cuts |= point.bytes_lost;
            return Some(point.in_flight);
        }
        let outcomes = [InFlight::Lost, InFlight::Durable];
        self.by_chance("crash", 80)
            .then(|| outcomes[self.choices.choose("torn commit", 2) as usize])
    }

    /// A crash in place of `output`; the machine comes back by itself.
    pub(super) fn crash(&mut self, peer: Peer, output: Output, in_flight: InFlight) {
        self.trace.fault(self.now, &[peer], || {
            format!("dies; a commit in flight is {in_flight:?}")
        });
        if let Output::Commit(id, batch) = output {
            self.hosts[peer.0].commit = Some((id, batch));
        }
        self.die(peer, in_flight);
        let host = &self.hosts[peer.0];
        let happening = Happening::PowerOn(peer, host.incarnation);
        self.soon(REBOOT, happening);
    }

    /// A crash with this end for the commit in flight; the machine comes back by itself.
    pub fn lose_power(&mut self, peer: Peer, in_flight: InFlight) {
        self.trace.fault(self.now, &[peer], || {
            format!("loses power; a commit in flight is {in_flight:?}")
        });
        self.die(peer, in_flight);
        let happening = Happening::PowerOn(peer, self.hosts[peer.0].incarnation);
        self.soon(REBOOT, happening);
    }

    pub(super) fn die(&mut self, peer: Peer, in_flight: InFlight) {
        match in_flight {
            InFlight::Lost => self.hosts[peer.0].commit = None,
            InFlight::Durable => self.make_durable(peer),
        }
        let host = &mut self.hosts[peer.0];
        if host.node.is_some() {
            self.trace.power(self.now, peer, false);
        }
        host.node = None;
        host.incarnation += 1;
        host.asked.clear();
        host.backlog.clear();
        self.network_lost(peer);
    }

    pub(super) fn ask_again(&mut self, peer: Peer) {
        for nth in 0..self.hosts[peer.0].wishes.len() {
            let ask = self.hosts[peer.0].wishes[nth];
            if self.asks[ask].answer.is_none() {
                self.put_question(ask);
            }
        }
    }

    pub(super) fn put_question(&mut self, ask: usize) {
        let question = &mut self.asks[ask];
        let peer = question.peer;
        let command = question.command.clone();
        let host = &mut self.hosts[peer.0];
        if host.node.is_none() {
            return;
        }
        question.times += 1;
        host.commands += 1;
        let id = sotto_core::CommandId(host.commands);
        host.asked.insert(id, ask);
        self.feed(peer, Input::Command(id, command));
    }
}
