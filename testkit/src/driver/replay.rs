//! [`replay`]: plays a run that was recorded in the simulator on a real driver. The same inputs give the same outputs, to the
//! byte, seen from outside the driver.
//!
//! The driver runs the real node on the recorded rows, entropy and clocks. The suite causes the recorded inputs step by step: it
//! gives the commands, dials and accepts, writes the bytes and lets the deadline arrived. A driver may give inputs in another
//! order where the contract fixes none (bytes before or after `Stored`), and bytes in other pieces; the node gets them in the
//! recorded order. In the end the batches in the store, the bytes at the peers, the replies and the dials are the recorded ones.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use sotto_core::row::Batch;
use sotto_core::{
    Cause, CommandId, Deadline, DeadlineReason, Entropy, Input, Intake, Limits, LinkId, Machine, Monotonic, Node, Now,
    OnionAddress, Output, Refusal, Reply,
};

use super::contract::short;
use super::harness::{CommandHandle, Harness};
use super::network::{DialAttempt, PeerStream};
use super::{Driver, FakeStore};
use crate::memory_store::MemoryStore;

/// A run of one node, from its opening on.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Scenario and node.
    pub name: String,
    /// The rows that it was opened on.
    pub disk: MemoryStore,
    /// The node's limits.
    pub limits: Limits,
    /// The seed of its entropy.
    pub seed: [u8; 32],
    /// When it was opened.
    pub opened: Now,
    /// Inputs and outputs, in order.
    pub steps: Vec<Step>,
}

/// An input or an output of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An input.
    Input(Input, Now),
    /// An output.
    Output(Output),
}

/// Plays a recording on a driver. Panics if an output differs.
pub fn replay(driver: &dyn Driver, recording: &Recording) {
    let replay = Replay(Arc::new(Mutex::new(ReplayState {
        steps: recording.steps.clone().into(),
        ..ReplayState::default()
    })));
    let (node_replay, seed, opened) = (replay.clone(), recording.seed, recording.opened);
    let open = move |image, _, limits, _| {
        let node = Node::open(image, Entropy::from_seed(seed), limits, opened)?;
        let replay = node_replay.clone();
        Ok(Box::new(ReplayedNode { node, replay }) as Box<dyn Machine>)
    };
    let mut harness = Harness::new(driver, recording.disk.clone(), recording.limits.clone(), Arc::new(open));
    harness.start();
    let mut environment = ReplayEnvironment::default();
    loop {
        let (left, cause) = {
            let state = replay.state();
            assert!(
                state.differs.is_none(),
                "{}: {}",
                recording.name,
                state.differs.as_ref().expect("just seen")
            );
            (state.left(), state.cause())
        };
        let Some(cause) = cause else { break };
        let what = format!(
            "{}, {left} inputs before its end: the driver gives {}",
            recording.name,
            short(&cause)
        );
        environment.cause(&mut harness, cause);
        harness.until(&what, |_| {
            environment.read();
            let state = replay.state();
            state.differs.is_some() || state.left() < left
        });
    }
    environment.compare(&mut harness, recording, &replay);
    harness.shut_down();
}

/// The rest of the recording, shared by the node and the suite.
#[derive(Clone)]
struct Replay(Arc<Mutex<ReplayState>>);

#[derive(Default)]
struct ReplayState {
    steps: VecDeque<Step>,
    /// Inputs that the driver gave ahead of the recording, without bytes.
    ahead: Vec<Input>,
    bytes: BTreeMap<LinkId, VecDeque<u8>>,
    /// The driver's ids of commands and links, by the recorded ids.
    commands: BTreeMap<CommandId, CommandId>,
    links: BTreeMap<LinkId, LinkId>,
    differs: Option<String>,
}

impl Replay {
    fn state(&self) -> MutexGuard<'_, ReplayState> {
        self.0.lock().expect("replay")
    }
}

impl ReplayState {
    /// The next recorded input; `None` at the end.
    fn cause(&self) -> Option<Input> {
        self.steps.iter().find_map(|step| match step {
            Step::Input(input, _) => Some(input.clone()),
            Step::Output(_) => None,
        })
    }

    /// How many inputs are left.
    fn left(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Input(..))).count()
    }

    /// The driver's id of a link.
    fn link(&self, recorded: LinkId) -> LinkId {
        self.links.get(&recorded).copied().unwrap_or(recorded)
    }

    /// The next recorded input, if the driver has given it.
    fn next(&mut self) -> Option<(Input, Now)> {
        let Some(Step::Input(input, now)) = self.steps.front() else {
            return None;
        };
        let (input, now) = (input.clone(), *now);
        if let Input::Entropy(_) = input {
            self.steps.pop_front();
            return Some((input, now));
        }
        if let Input::Received(id, bytes) = &input {
            let link = self.link(*id);
            let arrived = self.bytes.entry(link).or_default();
            if arrived.len() < bytes.len() {
                return None;
            }
            let arrived: Vec<u8> = arrived.drain(..bytes.len()).collect();
            if arrived != *bytes {
                self.differs = Some(format!("other bytes arrived on {id:?}"));
            }
        } else {
            let at = self.ahead.iter().position(|given| self.is_same(&input, given))?;
            match (&input, self.ahead.remove(at)) {
                (Input::Command(recorded, _), Input::Command(id, _)) => _ = self.commands.insert(*recorded, id),
                (Input::Accepted(recorded, _), Input::Accepted(id, _)) => _ = self.links.insert(*recorded, id),
                _ => {}
            }
        }
        self.steps.pop_front();
        Some((input, now))
    }

    /// Whether an input is the recorded one, apart from ids that the driver assigns.
    fn is_same(&self, recorded: &Input, given: &Input) -> bool {
        match (recorded, given) {
            (Input::Command(_, recorded), Input::Command(_, given)) => recorded == given,
            (Input::Accepted(..), Input::Accepted(..)) => true,
            (Input::Drained(recorded), Input::Drained(given)) => self.link(*recorded) == *given,
            // When both ends hang up, either may be first.
            (Input::Closed(recorded, how), Input::Closed(given, cause)) => {
                let unreachable = [how, cause].map(|cause| *cause == Cause::Unreachable);
                self.link(*recorded) == *given && unreachable[0] == unreachable[1]
            }
            _ => recorded == given,
        }
    }
}

/// The real node. It gets a recorded input after the driver has given it.
struct ReplayedNode {
    node: Node,
    replay: Replay,
}

impl Machine for ReplayedNode {
    fn handle(&mut self, input: Input, _: Now) {
        let mut state = self.replay.state();
        match input {
            Input::Received(id, bytes) => state.bytes.entry(id).or_default().extend(bytes),
            // The node gets the recorded one.
            Input::Entropy(_) => {}
            input => state.ahead.push(input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        let replay = self.replay.clone();
        let mut state = replay.state();
        while let Some((input, now)) = state.next() {
            self.node.handle(input, now);
        }
        let output = self.node.poll();
        match (state.steps.front(), output) {
            (Some(Step::Output(recorded)), Some(output)) if *recorded == output => {
                state.steps.pop_front();
                Some(rename(&state, output))
            }
            (Some(Step::Input(..)) | None, None) => None,
            (recorded, output) => {
                let differs = format!("the node has the output {output:?} in place of {recorded:?}");
                state.differs.get_or_insert(differs);
                None
            }
        }
    }

    fn deadline(&self) -> Option<Deadline> {
        let state = self.replay.state();
        let due = matches!(state.steps.front(), Some(Step::Input(Input::Tick, _)));
        (due && !state.ahead.contains(&Input::Tick)).then_some(Deadline {
            at: Monotonic(0),
            reason: DeadlineReason::Retry,
        })
    }

    fn intake(&self) -> Intake {
        self.node.intake()
    }
}

/// With the driver's own ids.
fn rename(state: &ReplayState, output: Output) -> Output {
    match output {
        Output::Transmit(id, bytes) => Output::Transmit(state.link(id), bytes),
        Output::Hangup(id) => Output::Hangup(state.link(id)),
        Output::Reply(id, reply) => Output::Reply(state.commands.get(&id).copied().unwrap_or(id), reply),
        other => other,
    }
}

/// The peers and the commands around the driver.
#[derive(Default)]
struct ReplayEnvironment {
    commands: Vec<(CommandId, CommandHandle)>,
    dials: BTreeMap<LinkId, DialAttempt>,
    dialled: Vec<OnionAddress>,
    peers: BTreeMap<LinkId, PeerStream>,
}

impl ReplayEnvironment {
    /// Causes a recorded input.
    fn cause(&mut self, harness: &mut Harness<'_>, cause: Input) {
        match cause {
            Input::Command(id, command) => {
                let command = harness.command(command);
                self.commands.push((id, command));
            }
            Input::Accepted(id, _) => _ = self.peers.insert(id, harness.network.connect()),
            Input::Connected(id) => {
                let dial = self.take_dial(harness, id);
                self.peers.insert(id, dial.accept());
            }
            Input::Closed(id, Cause::Unreachable) => self.take_dial(harness, id).refuse(),
            Input::Closed(id, Cause::Ended) => _ = self.peers.get(&id).map(PeerStream::hang_up),
            Input::Received(id, bytes) => _ = self.peers.get_mut(&id).map(|peer| peer.write(&bytes)),
            // Given by the driver itself.
            Input::Drained(_)
            | Input::Closed(_, Cause::HungUp)
            | Input::Stored(_)
            | Input::Fetched(..)
            | Input::Entropy(_)
            | Input::Tick => {}
        }
    }

    /// The dial of a link. Dials arrived in the order of the outputs.
    fn take_dial(&mut self, harness: &mut Harness<'_>, link: LinkId) -> DialAttempt {
        harness.until("it dials", |harness| {
            while let Some(dial) = harness.network.next_dial() {
                self.dialled.push(dial.peer);
                let number = self.dialled.len() as u64;
                self.dials.insert(LinkId::Dialled(number), dial);
            }
            self.dials.contains_key(&link)
        });
        self.dials.remove(&link).expect("it dials")
    }

    fn read(&mut self) {
        for peer in self.peers.values_mut() {
            peer.write(&[]);
            peer.read();
        }
    }

    /// Compares every output with the recorded ones.
    fn compare(&mut self, harness: &mut Harness<'_>, recording: &Recording, replay: &Replay) {
        let name = &recording.name;
        harness.until("the last outputs are made", |_| {
            self.read();
            let state = replay.state();
            state.differs.is_some() || state.steps.is_empty()
        });
        assert_eq!(replay.state().differs, None, "{name}");
        let outputs = || {
            recording.steps.iter().filter_map(|step| match step {
                Step::Output(output) => Some(output),
                Step::Input(..) => None,
            })
        };
        let batches: Vec<&Batch> = outputs()
            .filter_map(|output| match output {
                Output::Commit(_, batch) => Some(batch),
                _ => None,
            })
            .collect();
        let replies: BTreeMap<CommandId, &Result<Reply, Refusal>> = outputs()
            .filter_map(|output| match output {
                Output::Reply(id, reply) => Some((*id, reply)),
                _ => None,
            })
            .collect();
        let dials: Vec<OnionAddress> = outputs()
            .filter_map(|output| match output {
                Output::Dial(_, peer) => Some(*peer),
                _ => None,
            })
            .collect();
        let store: FakeStore = harness.store.clone();
        harness.until("the store has the recorded batches", |_| {
            store.committed().len() >= batches.len()
        });
        assert!(store.committed().iter().eq(batches), "{name}: the durable rows differ");
        for (id, command) in &self.commands {
            let Some(reply) = replies.get(id) else { continue };
            harness.until("the command gets its reply", |harness| {
                harness.reply(*command).is_some()
            });
            assert_eq!(harness.reply(*command), Some(&Some((*reply).clone())), "{name}: {id:?}");
        }
        while let Some(dial) = harness.network.next_dial() {
            self.dialled.push(dial.peer);
        }
        assert_eq!(self.dialled, dials, "{name}: dials");
        for (id, peer) in &mut self.peers {
            let sent: Vec<u8> = outputs()
                .filter_map(|output| match output {
                    Output::Transmit(link, bytes) if link == id => Some(bytes),
                    _ => None,
                })
                .flatten()
                .copied()
                .collect();
            harness.until("the peer has the recorded bytes", |_| {
                peer.read();
                peer.ended || peer.received.len() >= sent.len()
            });
            assert!(
                peer.received == sent,
                "{name}: {id:?} received {} bytes, not {}",
                peer.received.len(),
                sent.len()
            );
        }
        assert!(recording.steps.len() > 20, "{name}: the recording has many steps");
    }
}
