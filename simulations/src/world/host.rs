//! [`Host`]: a machine and its driver. It keeps the driver's contract ([`sotto_core`]) and checks the node's side of
//! it: one commit in flight, one transmit per link, one reply per command, no output for a link after `Closed`.

use std::collections::{BTreeMap, VecDeque};

use sotto_core::row::{Batch, Query, Row};
use sotto_core::{
    CommandId, CommitId, Entropy, FetchId, Input, Intake, Limits, LinkId, Machine, Millis, Monotonic, Notice, Now,
    OnionAddress, Output, Wall,
};
use sotto_testkit::memory_store::MemoryStore;

use super::disk_fault::DiskFault;
use super::network::{Side, StreamId};
use super::{NodeIndex, Observation, SimEvent, World};

/// 1 January 2030: the wall clock when worlds begin.
const WALL_CLOCK_START: u64 = 1_893_456_000_000;
const COMMIT_TIME: Millis = Millis(3);
const FETCH_TIME: Millis = Millis(2);
const LATE_DRAIN: Millis = Millis(5);
/// How many origins monotonic clocks have.
pub(super) const CLOCK_ORIGINS: u32 = 7;
/// A node that needs more ticks at one moment spins.
const TICKS_AT_ONCE: u32 = 64;

/// A machine and its driver.
pub(super) struct Host {
    pub disk: MemoryStore,
    /// `None` while the machine is off.
    pub node: Option<Box<dyn Machine>>,
    /// Counts every start and stop.
    pub incarnation: u32,
    /// The scenario has switched the machine off.
    pub off: bool,
    pub address: Option<OnionAddress>,
    /// The batch in flight.
    pub commit: Option<(CommitId, Batch)>,
    pub links: BTreeMap<LinkId, (StreamId, Side)>,
    pub accepted: u64,
    /// Commands without a reply, with their place in the world's list.
    pub awaiting_reply: BTreeMap<CommandId, usize>,
    pub last_command: u64,
    /// Every command of its user, by place in the world's list.
    pub user_commands: Vec<usize>,
    /// Inputs that wait while the node is busy, in order.
    pub backlog: VecDeque<Input>,
    /// Every output polled, over all incarnations.
    pub outputs: Vec<OutputMoment>,
    /// Every input, over all incarnations.
    pub inputs: u64,
    /// When the last one came.
    awake: Millis,
    /// The features of its node since the last start.
    pub features: Vec<u32>,
    /// How far the wall clock is off, in milliseconds.
    pub wall_offset: i64,
    /// How much faster its clocks run, in millionths.
    pub drift: i64,
    /// Dials find it from then on.
    pub published_from: Millis,
    /// It is suspended until then.
    pub suspended_until: Millis,
    /// The disk's fault, and until when.
    pub disk_fault: Option<(DiskFault, Millis)>,
    pub started: Millis,
    pub armed: Option<Millis>,
    ticked: Millis,
    ticks_at_once: u32,
}

/// What a crash at this output can tear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputMoment {
    /// A commit is in flight, or is this output: a crash has two outcomes.
    pub commit_in_flight: bool,
}

impl Host {
    pub(super) fn new(disk: MemoryStore, era: u32) -> Self {
        Self {
            disk,
            node: None,
            incarnation: era << 16,
            off: false,
            address: None,
            commit: None,
            links: BTreeMap::new(),
            accepted: 0,
            awaiting_reply: BTreeMap::new(),
            last_command: 0,
            user_commands: Vec::new(),
            backlog: VecDeque::new(),
            outputs: Vec::new(),
            inputs: 0,
            awake: Millis(0),
            features: Limits::default().features,
            wall_offset: 0,
            drift: 0,
            published_from: Millis(0),
            suspended_until: Millis(0),
            disk_fault: None,
            started: Millis(0),
            armed: None,
            ticked: Millis(0),
            ticks_at_once: 0,
        }
    }

    pub(super) fn clock(&self, now: Millis) -> Now {
        Now {
            monotonic: Monotonic(self.first_moment() + self.measured(now.0 - self.started.0)),
            wall: Wall((WALL_CLOCK_START + now.0).saturating_add_signed(self.wall_offset)),
        }
    }

    /// Each incarnation's monotonic clock has another origin, as after a reboot.
    fn first_moment(&self) -> u64 {
        u64::from(self.incarnation % CLOCK_ORIGINS) * 1_000_003
    }

    fn on_world_clock(&self, at: Monotonic) -> Millis {
        Millis(self.started.0 + self.true_span(at.0.saturating_sub(self.first_moment())))
    }
}

impl World {
    pub(super) fn is(&self, peer: NodeIndex, incarnation: u32) -> bool {
        self.hosts[peer.0].incarnation == incarnation
    }

    /// Opens the node from its disk.
    pub(super) fn open(&mut self, peer: NodeIndex) {
        self.apply_boot_faults(peer);
        self.observe(&Observation::Opening(peer));
        self.arm_sabotage();
        let host = &mut self.hosts[peer.0];
        host.started = self.now;
        host.armed = None;
        let mut seed = *b"seed....node....life....entropy.";
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&(peer.0 as u64).to_le_bytes());
        seed[16..20].copy_from_slice(&host.incarnation.to_le_bytes());
        let now = host.clock(self.now);
        let limits = Limits {
            features: host.features.clone(),
            ..self.limits.clone()
        };
        if let Some(recorder) = &mut self.recorder {
            recorder.opening(peer, &host.disk, &limits, seed, now);
        }
        let (image, entropy) = (host.disk.image(), Entropy::from_seed(seed));
        self.learn_key(image.identity.as_ref());
        let byzantine = self.byzantine.filter(|(byzantine, _)| *byzantine == peer);
        let opened = match byzantine {
            #[cfg(feature = "sabotage")]
            None if self.broken != 0 => self.open_sabotaged(peer, image, entropy, &limits, now),
            None => self.cipher.open(image, entropy, limits, now),
            Some((_, byzantine)) => self.open_byzantine_peer(byzantine, image, entropy, limits, now),
        };
        match opened {
            Ok(node) => self.hosts[peer.0].node = Some(node),
            Err(error) => self.fail(format_args!("{peer} cannot be opened: {error}")),
        }
        self.drain(peer);
    }

    /// Gives one input to a running node, then carries out its outputs.
    pub(super) fn feed(&mut self, peer: NodeIndex, input: Input) {
        if self.hosts[peer.0].node.is_none() {
            return;
        }
        self.apply_clock_faults(peer);
        self.reseed(peer);
        self.record_input(peer, &input);
        self.observe(&Observation::Input(peer, &input));
        self.arm_sabotage();
        let host = &mut self.hosts[peer.0];
        host.inputs += 1;
        if let Input::Closed(link, _) = &input {
            host.links.remove(link);
        }
        let now = host.clock(self.now);
        if let Some(recorder) = &mut self.recorder {
            recorder.input(peer, &input, now);
        }
        if let Some(node) = &mut host.node {
            node.handle(input, now);
        }
        // A driver may have more inputs before it polls.
        if self.chance("late drain", 3) {
            let incarnation = self.hosts[peer.0].incarnation;
            self.schedule(LATE_DRAIN, SimEvent::Drain(peer, incarnation));
        } else {
            self.drain(peer);
        }
    }

    /// After a sleep, fresh entropy comes before any other input.
    fn reseed(&mut self, peer: NodeIndex) {
        let host = &mut self.hosts[peer.0];
        if std::mem::replace(&mut host.awake, self.now) == self.now {
            return;
        }
        let mut fresh = *b"seed....node....input...entropy.";
        fresh[..8].copy_from_slice(&self.seed.to_le_bytes());
        fresh[8..16].copy_from_slice(&(peer.0 as u64).to_le_bytes());
        fresh[16..24].copy_from_slice(&host.inputs.to_le_bytes());
        let now = host.clock(self.now);
        if let Some(recorder) = &mut self.recorder {
            recorder.input(peer, &Input::Entropy(fresh), now);
        }
        if let Some(node) = &mut host.node {
            node.handle(Input::Entropy(fresh), now);
        }
    }

    /// Bytes of links wait while the node is busy. `Closed` keeps its place behind them.
    pub(super) fn feed_bulk(&mut self, peer: NodeIndex, input: Input) {
        self.hosts[peer.0].backlog.push_back(input);
        self.feed_backlog(peer);
    }

    pub(super) fn feed_backlog(&mut self, peer: NodeIndex) {
        loop {
            let host = &mut self.hosts[peer.0];
            let Some(node) = &host.node else { return };
            if node.intake() == Intake::Busy {
                return;
            }
            let Some(input) = host.backlog.pop_front() else { return };
            self.feed(peer, input);
        }
    }

    pub(super) fn drain(&mut self, peer: NodeIndex) {
        self.arm_sabotage();
        let mut drained = 0;
        while let Some(output) = self.hosts[peer.0].node.as_mut().and_then(|node| node.poll()) {
            drained += 1;
            let host = &mut self.hosts[peer.0];
            let index = host.outputs.len() as u64;
            host.outputs.push(OutputMoment {
                commit_in_flight: host.commit.is_some() || matches!(output, Output::Commit(..)),
            });
            self.record_output(peer, index, &output);
            if let Some(fingerprint) = &mut self.fingerprint {
                fingerprint.output(peer.0, &output);
            }
            if let Some(in_flight) = self.crash_here(peer, index) {
                self.crash(peer, output, in_flight);
                return;
            }
            self.observe(&Observation::Output(peer, &output));
            if let Some(recorder) = &mut self.recorder {
                recorder.output(peer, &output);
            }
            self.perform(peer, output);
        }
        self.observe(&Observation::Drained(peer, drained));
        let host = &self.hosts[peer.0];
        let busy = host.node.as_ref().is_some_and(|node| node.intake() == Intake::Busy);
        if busy && host.commit.is_none() {
            self.fail(format_args!(
                "{peer} is busy, and no commit is in flight that could end it"
            ));
        }
        self.arm(peer);
    }

    fn perform(&mut self, peer: NodeIndex, output: Output) {
        match output {
            Output::Commit(id, batch) => self.commit(peer, id, batch),
            Output::Fetch(id, query) => {
                let host = &self.hosts[peer.0];
                let after = host.commit.as_ref().map(|(id, _)| *id);
                let event = SimEvent::Fetched(peer, host.incarnation, id, query, after);
                self.schedule(FETCH_TIME, event);
            }
            Output::Dial(link, address) => self.dial(peer, link, address),
            Output::Transmit(link, bytes) => self.transmit(peer, link, &bytes),
            Output::Hangup(link) => self.hangup(peer, link),
            Output::Reply(id, result) => {
                let Some(ask) = self.hosts[peer.0].awaiting_reply.remove(&id) else {
                    self.fail(format_args!(
                        "{peer} answers {id:?}, which was not asked or is answered already"
                    ));
                };
                self.answered(ask, result);
            }
            Output::Notify(Notice::Logged(_) | Notice::Presence(_) | Notice::Fault { .. }) => {}
        }
    }

    fn commit(&mut self, peer: NodeIndex, id: CommitId, batch: Batch) {
        let keys: Vec<_> = batch.changes.iter().map(sotto_core::row::Change::key).collect();
        if !keys.is_sorted_by(|a, b| a < b) {
            self.fail(format_args!(
                "{peer}'s batch is not in key order, or a key occurs twice: {keys:?}"
            ));
        }
        if keys.is_empty() {
            self.fail(format_args!("{peer} commits nothing"));
        }
        if self.hosts[peer.0].commit.is_some() {
            self.fail(format_args!("{peer} has two commits in flight"));
        }
        let host = &mut self.hosts[peer.0];
        host.commit = Some((id, batch));
        let event = SimEvent::Durable(peer, host.incarnation, id);
        let slow = if self.chance("slow disk", 4) { 1500 } else { 0 };
        self.schedule(Millis(COMMIT_TIME.0 + slow), event);
    }

    /// The batch in flight becomes durable.
    pub(super) fn make_durable(&mut self, peer: NodeIndex) {
        let Some((_, batch)) = self.hosts[peer.0].commit.take() else {
            return;
        };
        if self.byzantine.is_some() {
            for change in &batch.changes {
                if let sotto_core::row::Change::Put(Row::Identity(row)) = change {
                    self.learn_key(Some(row));
                }
            }
        }
        self.observe(&Observation::Committing(peer, &batch));
        self.hosts[peer.0].disk.apply(batch.clone());
        self.observe(&Observation::Durable(peer, &batch));
    }

    pub(super) fn fetched(&mut self, peer: NodeIndex, fetch: FetchId, query: Query, after: Option<CommitId>) {
        let host = &self.hosts[peer.0];
        if after.is_some() && host.commit.as_ref().map(|(id, _)| *id) == after {
            let event = SimEvent::Fetched(peer, host.incarnation, fetch, query, after);
            self.schedule(FETCH_TIME, event);
        } else {
            let rows = host.disk.fetch(&query);
            self.feed(peer, Input::Fetched(fetch, rows));
        }
    }

    /// Sets the timer for the node's deadline.
    fn arm(&mut self, peer: NodeIndex) {
        let host = &self.hosts[peer.0];
        let Some(deadline) = host.node.as_ref().and_then(|node| node.deadline()) else {
            return;
        };
        let at = host.on_world_clock(deadline.at).max(self.now);
        if host.armed != Some(at) {
            let late = if self.chance("late alarm", 3) { 5000 } else { 0 };
            let host = &mut self.hosts[peer.0];
            host.armed = Some(at);
            self.queue
                .at(Millis(at.0 + late), SimEvent::Tick(peer, host.incarnation));
        }
    }

    pub(super) fn tick(&mut self, peer: NodeIndex) {
        let host = &mut self.hosts[peer.0];
        // The deadline has moved since this timer was set.
        if host.armed.is_none_or(|at| at > self.now) {
            return;
        }
        host.armed = None;
        let due = host.node.as_ref().and_then(|node| node.deadline());
        let Some(due) = due.filter(|deadline| host.on_world_clock(deadline.at) <= self.now) else {
            self.arm(peer);
            return;
        };
        host.ticks_at_once = if host.ticked == self.now {
            host.ticks_at_once + 1
        } else {
            0
        };
        host.ticked = self.now;
        if host.ticks_at_once > TICKS_AT_ONCE {
            self.fail(format_args!("{peer} spins: its {} deadline does not pass", due.reason));
        }
        self.feed(peer, Input::Tick);
    }
}
