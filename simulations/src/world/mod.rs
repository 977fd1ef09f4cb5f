//! [`World`]: nodes, their machines, the network between them, and one queue of events in virtual time.

mod byzantine;
mod cipher;
mod crash;
mod disk_fault;
mod double_open;
mod environment;
mod features;
mod host;
mod ledger;
mod network;
mod observation;
mod recorder;
#[cfg(feature = "sabotage")]
mod sabotaged;
mod timeline;
mod user;
mod view;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sotto_core::{CommitId, FetchId, Input, Limits, Millis, row::Query};
use sotto_testkit::memory_store::MemoryStore;

use crate::choice::Choices;
use crate::fingerprint::Fingerprint;
use crate::node_index::NodeIndex;
use crate::timeline::{Timeline, clock};

pub use byzantine::ByzantineFault;
pub use cipher::Cipher;
pub use crash::{CrashPoint, InFlight};
pub use disk_fault::DiskFault;
use disk_fault::DiskOperation;
use host::Host;
pub use host::OutputMoment;
use ledger::Ledger;
pub use ledger::{Fate, Sent, UserCommand};
use network::{Network, Side, StreamId};
pub use observation::{Invariant, Observation};
use recorder::Recorder;
pub use user::add_contact;

/// Nodes, machines, network, virtual time, and the invariants that observe them.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct World {
    cipher: Cipher,
    limits: Limits,
    seed: u64,
    choices: Choices,
    began: Millis,
    now: Millis,
    sim_events: u64,
    queue: Queue,
    hosts: Vec<Host>,
    network: Network,
    /// The byzantine node, if there is one, and its fault.
    byzantine: Option<(NodeIndex, ByzantineFault)>,
    /// The onion seeds of all peers, for the byzantine one.
    keys: byzantine::Keys,
    /// The planned crash, until it has happened.
    pub(crate) crash: Option<CrashPoint>,
    /// The crash in progress loses the bytes in transit.
    cuts: bool,
    user_commands: Vec<UserCommand>,
    ledger: Ledger,
    invariants: Vec<Box<dyn Invariant>>,
    fingerprint: Option<Fingerprint>,
    timeline: Timeline,
    recorder: Option<Recorder>,
    /// The scenario is over: no more faults.
    faults_over: bool,
    /// The only faults are the scenario's own, so durations can be checked.
    pub(crate) fault_free: bool,
    /// The scenario depends on durations: clocks have no faults.
    pub(crate) timing_sensitive: bool,
    /// The rules that all nodes break.
    #[cfg(feature = "sabotage")]
    pub(crate) broken: u64,
}

/// A scheduled event. An event that names an incarnation is void once that incarnation has ended.
#[derive(Debug)]
enum SimEvent {
    /// The machine starts.
    PowerOn(NodeIndex, u32),
    /// The driver polls, some time after an input.
    Drain(NodeIndex, u32),
    /// The node's deadline has come.
    Tick(NodeIndex, u32),
    /// The batch in flight becomes durable.
    Durable(NodeIndex, u32, CommitId),
    /// The disk answers a fetch, once the commit that was in flight before it is done.
    Fetched(NodeIndex, u32, FetchId, Query, Option<CommitId>),
    /// A dial reaches the listener.
    DialArrives(StreamId),
    /// The answer reaches the dialer.
    DialAnswered(StreamId),
    /// Bytes reach one end.
    Bytes(StreamId, Side, Vec<u8>),
    /// One end's transmit is taken.
    Drained(StreamId, Side),
    /// The stream ends for one end.
    Closed(StreamId, Side, sotto_core::Cause),
}

/// Events by time; at the same time, in the order in which they were scheduled.
#[derive(Default)]
struct Queue {
    events: BTreeMap<(Millis, u64), SimEvent>,
    seq: u64,
}

impl Queue {
    fn at(&mut self, when: Millis, event: SimEvent) {
        self.seq += 1;
        self.events.insert((when, self.seq), event);
    }

    fn next_before(&mut self, end: Millis) -> Option<((Millis, u64), SimEvent)> {
        let entry = self.events.first_entry()?;
        let when = *entry.key();
        (when.0 <= end).then(|| (when, entry.remove()))
    }

    /// Delays an event, which keeps its place among others of the same time.
    fn put_off(&mut self, until: Millis, place: u64, event: SimEvent) {
        self.events.insert((until, place), event);
    }
}

impl World {
    /// A world with one new node for each disk. `era` counts the earlier worlds that have written these disks: no two
    /// eras share randomness. The invariants are checked throughout.
    pub fn new(
        cipher: Cipher,
        disks: Vec<MemoryStore>,
        era: u32,
        limits: Limits,
        seed: u64,
        choices: Choices,
        invariants: Vec<Box<dyn Invariant>>,
    ) -> Self {
        let hosts = disks.into_iter().map(|disk| Host::new(disk, era)).collect::<Vec<_>>();
        Self {
            cipher,
            limits,
            seed,
            choices,
            // An era's clocks start after those of the era before.
            began: Millis::hours(1000 * u64::from(era)),
            now: Millis::hours(1000 * u64::from(era)),
            sim_events: 0,
            queue: Queue::default(),
            hosts,
            network: Network::default(),
            byzantine: None,
            keys: byzantine::Keys::default(),
            crash: None,
            cuts: false,
            user_commands: Vec::new(),
            ledger: Ledger::default(),
            invariants,
            fingerprint: None,
            timeline: Timeline::default(),
            recorder: None,
            faults_over: false,
            fault_free: false,
            timing_sensitive: false,
            #[cfg(feature = "sabotage")]
            broken: 0,
        }
    }

    /// Another world that goes on from this one's moment, with these disks in the machines. Nodes of one branch share no
    /// randomness with those of this world, so a disk may be an older one of its machine, as after a backup.
    #[must_use]
    pub fn branch(&self, disks: Vec<MemoryStore>, invariants: Vec<Box<dyn Invariant>>) -> Self {
        let choices = Choices::harmless();
        let mut branch = Self::new(
            self.cipher,
            disks,
            0,
            self.limits.clone(),
            self.seed,
            choices,
            invariants,
        );
        (branch.began, branch.now) = (self.now, self.now);
        for (peer, before) in self.peers().zip(&self.hosts) {
            branch.hosts[peer.0].incarnation = before.incarnation + 1;
            branch.hosts[peer.0].address = before.address;
            if let Some(address) = before.address {
                branch.listen(peer, address);
            }
        }
        for peer in self.peers() {
            branch.ledger.tampered(peer);
            branch.observe(&Observation::Tampered(peer));
        }
        branch
    }

    /// Keeps a hash over all outputs from now on.
    pub fn keep_fingerprint(&mut self) {
        self.fingerprint.get_or_insert_default();
    }

    /// Keeps every input, output and fault from now on.
    pub fn keep_timeline(&mut self) {
        self.timeline.keep();
    }

    /// Starts all machines and learns their addresses.
    pub fn start(&mut self) {
        // A byzantine peer first: while it recovers from a crash, the others would already be linked.
        let (honest, byzantine): (Vec<_>, Vec<_>) = self.peers().partition(|peer| self.is_honest(*peer));
        for peer in byzantine {
            for host in &self.hosts {
                self.learn_key(host.disk.image().identity.as_ref());
            }
            self.switch_on(peer);
            self.submit(peer, sotto_core::Command::Identity);
            self.until("the byzantine peer's address is known", |world| {
                world.hosts[peer.0].address.is_some()
            });
        }
        for peer in honest {
            self.switch_on(peer);
            self.submit(peer, sotto_core::Command::Identity);
        }
        // Counts on from the first address that was missing: worlds can be large.
        let known = Cell::new(0);
        self.until("all addresses are known", |world| {
            let more = world.hosts[known.get()..].iter();
            known.set(known.get() + more.take_while(|host| host.address.is_some()).count());
            known.get() == world.hosts.len()
        });
    }

    /// Lets time pass.
    pub fn advance(&mut self, span: Millis) {
        let end = Millis(self.now.0 + span.0);
        while self.step(end) {}
        self.now = end;
    }

    /// Lets time pass until the condition holds. Fails after three days.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Millis(self.now.0 + Millis::hours(72).0);
        while !so(self) {
            if !self.step(end) {
                self.fail(format_args!("three days were not enough: {what}"));
            }
        }
    }

    /// Processes the next event, unless it is later than `end`.
    fn step(&mut self, end: Millis) -> bool {
        let Some(((when, place), event)) = self.queue.next_before(end) else {
            return false;
        };
        self.now = when;
        if let Some(until) = self.suspension_end(&event) {
            self.queue.put_off(until, place, event);
            return true;
        }
        self.sim_events += 1;
        match event {
            SimEvent::PowerOn(peer, incarnation) if self.is(peer, incarnation) => self.switch_on(peer),
            SimEvent::Drain(peer, incarnation) if self.is(peer, incarnation) => {
                self.drain(peer);
                self.feed_backlog(peer);
            }
            SimEvent::Tick(peer, incarnation) if self.is(peer, incarnation) => self.tick(peer),
            SimEvent::Durable(peer, incarnation, commit) if self.is(peer, incarnation) => {
                if self.disk_refuses(peer, DiskOperation::Writing) {
                    self.driver_fails(peer);
                } else {
                    self.make_durable(peer);
                    self.feed(peer, Input::Stored(commit));
                    self.feed_backlog(peer);
                }
            }
            SimEvent::Fetched(peer, incarnation, fetch, query, after) if self.is(peer, incarnation) => {
                if self.disk_refuses(peer, DiskOperation::Reading) {
                    self.driver_fails(peer);
                } else {
                    self.fetched(peer, fetch, query, after);
                }
            }
            SimEvent::DialArrives(stream) => self.dial_arrives(stream),
            SimEvent::DialAnswered(stream) => self.dial_answered(stream),
            SimEvent::Bytes(stream, side, bytes) => {
                for piece in self.corrupt_in_transit(stream, side, bytes) {
                    self.bytes(stream, side, piece);
                }
            }
            SimEvent::Drained(stream, side) => self.drained(stream, side),
            SimEvent::Closed(stream, side, cause) => self.closed(stream, side, cause),
            SimEvent::PowerOn(..)
            | SimEvent::Drain(..)
            | SimEvent::Tick(..)
            | SimEvent::Durable(..)
            | SimEvent::Fetched(..) => {}
        }
        true
    }

    /// Whether the scenario's own faults are the only ones.
    pub fn is_fault_free(&self) -> bool {
        self.fault_free
    }

    /// What runs next on this thread is a node of this world.
    #[cfg(feature = "sabotage")]
    fn arm_sabotage(&self) {
        sotto_core::sabotage::arm(crate::rules::in_core(self.broken));
    }

    #[cfg(not(feature = "sabotage"))]
    #[expect(clippy::unused_self, reason = "its twin's signature")]
    fn arm_sabotage(&self) {}

    fn schedule(&mut self, delay: Millis, event: SimEvent) {
        self.queue.at(Millis(self.now.0 + delay.0), event);
    }

    /// Chooses a fault about once in `among` times, until the scenario is over.
    fn chance(&mut self, label: &'static str, among: u32) -> bool {
        let bad = !self.faults_over && self.choices.one_in(label, among);
        self.timeline.chance(self.now, label, bad.into());
        bad
    }

    /// Ends the run: a rule does not hold.
    pub(crate) fn fail(&self, why: fmt::Arguments<'_>) -> ! {
        panic!("at {}: {why}", clock(Millis(self.now.0 - self.began.0)))
    }

    /// All peers, byzantine ones included.
    pub fn peers(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.hosts.len()).map(NodeIndex)
    }

    /// Each two honest peers, in both directions.
    pub fn pairs(&self) -> BTreeSet<(NodeIndex, NodeIndex)> {
        let peers = || self.peers().filter(|peer| self.is_honest(*peer));
        peers()
            .flat_map(|a| peers().map(move |b| (a, b)))
            .filter(|(a, b)| a != b)
            .collect()
    }
}
