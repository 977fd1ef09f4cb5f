//! [`PeerNode`]: a whole node on the suite's side, for the node of the driver under test to talk with.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use sotto_core::{
    Cause, CircuitId, Command, Input, Limits, LinkId, Monotonic, Now, OnionAddress, Refusal, Reply, Wall,
};

use super::network::{DialAttempt, FakeNetwork, PeerStream};
use crate::host::{Host, LinkOutput};
use crate::memory_store::MemoryStore;

/// The other node of a conversation. It runs on the machine's clocks.
pub struct PeerNode {
    host: Host,
    /// The links that are up.
    links: BTreeMap<LinkId, PeerStream>,
    accepted: u64,
    opened: Instant,
}

impl PeerNode {
    /// Opens it on these rows.
    pub fn open(disk: MemoryStore, limits: &Limits, seed: u8) -> Self {
        let opened = Instant::now();
        let mut node = Self {
            host: Host::open(disk, [seed; 32], limits, now(opened)),
            links: BTreeMap::new(),
            accepted: 0,
            opened,
        };
        // Its first dial fails: in the cases, the node of the driver under test dials first.
        node.perform(&FakeNetwork::default());
        node
    }

    /// Its rows.
    pub fn disk(&self) -> &MemoryStore {
        &self.host.store
    }

    /// Its onion address.
    pub fn address(&self) -> OnionAddress {
        self.host.address
    }

    /// Gives it a command.
    pub fn command(&mut self, network: &FakeNetwork, command: Command) -> Result<Reply, Refusal> {
        let id = self.host.submit(command, now(self.opened));
        self.perform(network);
        self.host.take_reply(id).expect("commits are stored at once")
    }

    /// Accepts a dial of the driver under test.
    pub fn accept(&mut self, dial: DialAttempt) {
        self.accepted += 1;
        let id = LinkId::Accepted(self.accepted);
        self.links.insert(id, dial.accept());
        self.input(Input::Accepted(id, CircuitId(self.accepted)));
    }

    /// How many links it has.
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Cuts its links.
    pub fn cut(&mut self) {
        for (id, _) in std::mem::take(&mut self.links) {
            self.input(Input::Closed(id, Cause::Ended));
        }
    }

    /// Reads, writes and ticks as far as it can without waiting.
    pub fn run(&mut self, network: &FakeNetwork) {
        for id in self.links.keys().copied().collect::<Vec<_>>() {
            let Some(stream) = self.links.get_mut(&id) else {
                continue;
            };
            let before = stream.unsent();
            stream.write(&[]);
            let drained = before > 0 && stream.unsent() == 0;
            let received = std::mem::take(&mut stream.read().received);
            let ended = stream.ended;
            if drained {
                self.input(Input::Drained(id));
            }
            if !received.is_empty() {
                self.input(Input::Received(id, received));
            }
            if ended {
                self.links.remove(&id);
                self.input(Input::Closed(id, Cause::Ended));
            }
        }
        let deadline = self.host.node.deadline();
        if deadline.is_some_and(|deadline| deadline.at <= now(self.opened).monotonic) {
            self.input(Input::Tick);
        }
        self.perform(network);
    }

    fn perform(&mut self, network: &FakeNetwork) {
        while let Some(output) = self.host.poll(now(self.opened)) {
            match output {
                LinkOutput::Dial(id, peer) if network.listening() == Some(peer) => {
                    self.links.insert(id, network.connect());
                    self.input(Input::Connected(id));
                }
                LinkOutput::Dial(id, _) => self.input(Input::Closed(id, Cause::Unreachable)),
                LinkOutput::Transmit(id, bytes) => {
                    let Some(stream) = self.links.get_mut(&id) else {
                        continue;
                    };
                    stream.write(&bytes);
                    if stream.unsent() == 0 {
                        self.input(Input::Drained(id));
                    }
                }
                LinkOutput::Hangup(id) => {
                    if self.links.remove(&id).is_some() {
                        self.input(Input::Closed(id, Cause::HungUp));
                    }
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.host.node.handle(input, now(self.opened));
    }
}

fn now(opened: Instant) -> Now {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        monotonic: Monotonic(u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX)),
        wall: Wall(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
    }
}
