//! One run, recorded where everything is made up, and played again on a real driver: same inputs, same outputs, to the byte,
//! seen from outside.
//!
//! In the driver there is the real node, on the recorded rows, entropy and clocks. The suite causes what was told to the node
//! then, step by step: it gives the commands, dials and answers, says the bytes, lets the deadline come. What a driver has
//! to tell may come in another order where nothing fixes one (whether bytes were taken before or after a commit was stored),
//! and bytes in other pieces; the node is told in the recorded order. What has come out in the end (batches at the store,
//! bytes at the peers, answers, dials) is what came out then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use sotto_core::row::Batch;
use sotto_core::{
    Cause, CommandId, Deadline, DeadlineReason, Entropy, Input, Intake, Limits, LinkId, Machine, Monotonic, Node, Now,
    OnionAddress, Output, Refusal, Reply,
};

use super::contract::short;
use super::network::{Far, Ring};
use super::stage::{Ask, Stage};
use super::{Driver, Shelf};
use crate::disk::Disk;

/// A run of one node, from its opening on.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Where it is from.
    pub name: String,
    /// The rows that it was opened on.
    pub disk: Disk,
    /// The node's bounds.
    pub limits: Limits,
    /// The seed of its entropy.
    pub seed: [u8; 32],
    /// When it was opened.
    pub opened: Now,
    /// What happened then.
    pub steps: Vec<Step>,
}

/// What happens to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is told something.
    Told(Input, Now),
    /// It wants something.
    Wanted(Output),
}

/// Plays a recording on a driver. Panics if anything comes out otherwise.
pub fn replay(driver: &dyn Driver, recording: &Recording) {
    let tape = Tape(Arc::new(Mutex::new(Reel {
        steps: recording.steps.clone().into(),
        ..Reel::default()
    })));
    let (node_tape, seed, opened) = (tape.clone(), recording.seed, recording.opened);
    let open = move |image, _, limits, _| {
        let node = Node::open(image, Entropy::from_seed(seed), limits, opened)?;
        let tape = node_tape.clone();
        Ok(Box::new(Replayed { node, tape }) as Box<dyn Machine>)
    };
    let mut stage = Stage::new(driver, recording.disk.clone(), recording.limits.clone(), Arc::new(open));
    stage.start();
    let mut outside = Outside::default();
    loop {
        let (left, cause) = {
            let reel = tape.reel();
            assert!(
                reel.differs.is_none(),
                "{}: {}",
                recording.name,
                reel.differs.as_ref().expect("just seen")
            );
            (reel.left(), reel.cause())
        };
        let Some(cause) = cause else { break };
        let what = format!(
            "{}, {left} inputs before its end: the driver tells {}",
            recording.name,
            short(&cause)
        );
        outside.bring_about(&mut stage, cause);
        stage.until(&what, |_| {
            outside.listen();
            let reel = tape.reel();
            reel.differs.is_some() || reel.left() < left
        });
    }
    outside.compare(&mut stage, recording, &tape);
    stage.shut_down();
}

/// What is still to be played, between the node and the suite.
#[derive(Clone)]
struct Tape(Arc<Mutex<Reel>>);

#[derive(Default)]
struct Reel {
    steps: VecDeque<Step>,
    /// What the driver has told ahead of its turn; bytes apart.
    ahead: Vec<Input>,
    bytes: BTreeMap<LinkId, VecDeque<u8>>,
    /// The driver's own names for commands and links, by the recorded ones.
    commands: BTreeMap<CommandId, CommandId>,
    links: BTreeMap<LinkId, LinkId>,
    differs: Option<String>,
}

impl Tape {
    fn reel(&self) -> MutexGuard<'_, Reel> {
        self.0.lock().expect("tape")
    }
}

impl Reel {
    /// What the node is to be told next; `None` when all is played.
    fn cause(&self) -> Option<Input> {
        self.steps.iter().find_map(|step| match step {
            Step::Told(input, _) => Some(input.clone()),
            Step::Wanted(_) => None,
        })
    }

    /// How often the node is still to be told something.
    fn left(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Told(..))).count()
    }

    /// The driver's name for a link.
    fn link(&self, recorded: LinkId) -> LinkId {
        self.links.get(&recorded).copied().unwrap_or(recorded)
    }

    /// The input that is next, if the driver has told it.
    fn next(&mut self) -> Option<(Input, Now)> {
        let Some(Step::Told(input, now)) = self.steps.front() else {
            return None;
        };
        let (input, now) = (input.clone(), *now);
        if let Input::Received(id, bytes) = &input {
            let link = self.link(*id);
            let come = self.bytes.entry(link).or_default();
            if come.len() < bytes.len() {
                return None;
            }
            let come: Vec<u8> = come.drain(..bytes.len()).collect();
            if come != *bytes {
                self.differs = Some(format!("other bytes came over {id:?}"));
            }
        } else {
            let at = self.ahead.iter().position(|told| self.is_same(&input, told))?;
            match (&input, self.ahead.remove(at)) {
                (Input::Command(recorded, _), Input::Command(id, _)) => _ = self.commands.insert(*recorded, id),
                (Input::Accepted(recorded), Input::Accepted(id)) => _ = self.links.insert(*recorded, id),
                _ => {}
            }
        }
        self.steps.pop_front();
        Some((input, now))
    }

    /// Whether the driver has told what was recorded, but for the names that are its own to give.
    fn is_same(&self, recorded: &Input, told: &Input) -> bool {
        match (recorded, told) {
            (Input::Command(_, recorded), Input::Command(_, told)) => recorded == told,
            (Input::Accepted(_), Input::Accepted(_)) => true,
            (Input::Drained(recorded), Input::Drained(told)) => self.link(*recorded) == *told,
            // Where both ends hung up, who was first is anybody's guess.
            (Input::Closed(recorded, how), Input::Closed(told, cause)) => {
                let unreachable = [how, cause].map(|cause| *cause == Cause::Unreachable);
                self.link(*recorded) == *told && unreachable[0] == unreachable[1]
            }
            _ => recorded == told,
        }
    }
}

/// The real node, told what was recorded when the driver has told it.
struct Replayed {
    node: Node,
    tape: Tape,
}

impl Machine for Replayed {
    fn handle(&mut self, input: Input, _: Now) {
        let mut reel = self.tape.reel();
        match input {
            Input::Received(id, bytes) => reel.bytes.entry(id).or_default().extend(bytes),
            input => reel.ahead.push(input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        let tape = self.tape.clone();
        let mut reel = tape.reel();
        while let Some((input, now)) = reel.next() {
            self.node.handle(input, now);
        }
        let wanted = self.node.poll();
        match (reel.steps.front(), wanted) {
            (Some(Step::Wanted(recorded)), Some(wanted)) if *recorded == wanted => {
                reel.steps.pop_front();
                Some(rename(&reel, wanted))
            }
            (Some(Step::Told(..)) | None, None) => None,
            (recorded, wanted) => {
                let differs = format!("the node wants {wanted:?} where it wanted {recorded:?}");
                reel.differs.get_or_insert(differs);
                None
            }
        }
    }

    fn deadline(&self) -> Option<Deadline> {
        let reel = self.tape.reel();
        let due = matches!(reel.steps.front(), Some(Step::Told(Input::Tick, _)));
        (due && !reel.ahead.contains(&Input::Tick)).then_some(Deadline {
            at: Monotonic(0),
            reason: DeadlineReason::Retry,
        })
    }

    fn intake(&self) -> Intake {
        self.node.intake()
    }
}

/// In the driver's own names.
fn rename(reel: &Reel, output: Output) -> Output {
    match output {
        Output::Transmit(id, bytes) => Output::Transmit(reel.link(id), bytes),
        Output::Hangup(id) => Output::Hangup(reel.link(id)),
        Output::Reply(id, answer) => Output::Reply(reel.commands.get(&id).copied().unwrap_or(id), answer),
        other => other,
    }
}

/// The world around the driver, as the suite plays it.
#[derive(Default)]
struct Outside {
    asks: Vec<(CommandId, Ask)>,
    rings: BTreeMap<LinkId, Ring>,
    dialled: Vec<OnionAddress>,
    peers: BTreeMap<LinkId, Far>,
}

impl Outside {
    /// Causes what the node was told then.
    fn bring_about(&mut self, stage: &mut Stage<'_>, cause: Input) {
        match cause {
            Input::Command(id, command) => {
                let ask = stage.ask(command);
                self.asks.push((id, ask));
            }
            Input::Accepted(id) => _ = self.peers.insert(id, stage.network.connect()),
            Input::Connected(id) => {
                let ring = self.ring(stage, id);
                self.peers.insert(id, ring.answer());
            }
            Input::Closed(id, Cause::Unreachable) => self.ring(stage, id).refuse(),
            Input::Closed(id, Cause::Ended) => _ = self.peers.get(&id).map(Far::hang_up),
            Input::Received(id, bytes) => _ = self.peers.get_mut(&id).map(|peer| peer.say(&bytes)),
            // The driver's own to tell.
            Input::Drained(_)
            | Input::Closed(_, Cause::HungUp)
            | Input::Stored(_)
            | Input::Fetched(..)
            | Input::Tick => {}
        }
    }

    /// The dial of that link: dials come in the order in which the node wanted them.
    fn ring(&mut self, stage: &mut Stage<'_>, link: LinkId) -> Ring {
        stage.until("it dials", |stage| {
            while let Some(ring) = stage.network.call() {
                self.dialled.push(ring.peer);
                let number = self.dialled.len() as u64;
                self.rings.insert(LinkId::Dialled(number), ring);
            }
            self.rings.contains_key(&link)
        });
        self.rings.remove(&link).expect("it dials")
    }

    fn listen(&mut self) {
        for peer in self.peers.values_mut() {
            peer.say(&[]);
            peer.listen();
        }
    }

    /// Everything that came out is what came out then.
    fn compare(&mut self, stage: &mut Stage<'_>, recording: &Recording, tape: &Tape) {
        let name = &recording.name;
        stage.until("the last outputs are out", |_| {
            self.listen();
            let reel = tape.reel();
            reel.differs.is_some() || reel.steps.is_empty()
        });
        assert_eq!(tape.reel().differs, None, "{name}");
        let wanted = || {
            recording.steps.iter().filter_map(|step| match step {
                Step::Wanted(output) => Some(output),
                Step::Told(..) => None,
            })
        };
        let batches: Vec<&Batch> = wanted()
            .filter_map(|output| match output {
                Output::Commit(_, batch) => Some(batch),
                _ => None,
            })
            .collect();
        let answers: BTreeMap<CommandId, &Result<Reply, Refusal>> = wanted()
            .filter_map(|output| match output {
                Output::Reply(id, answer) => Some((*id, answer)),
                _ => None,
            })
            .collect();
        let dials: Vec<OnionAddress> = wanted()
            .filter_map(|output| match output {
                Output::Dial(_, peer) => Some(*peer),
                _ => None,
            })
            .collect();
        let shelf: Shelf = stage.shelf.clone();
        stage.until("the store has what it had then", |_| {
            shelf.committed().len() >= batches.len()
        });
        assert!(shelf.committed().iter().eq(batches), "{name}: other rows are durable");
        for (id, ask) in &self.asks {
            let Some(answer) = answers.get(id) else { continue };
            stage.until("the command is answered", |stage| stage.answer(*ask).is_some());
            assert_eq!(stage.answer(*ask), Some(&Some((*answer).clone())), "{name}: {id:?}");
        }
        while let Some(ring) = stage.network.call() {
            self.dialled.push(ring.peer);
        }
        assert_eq!(self.dialled, dials, "{name}: dials");
        for (id, peer) in &mut self.peers {
            let said: Vec<u8> = wanted()
                .filter_map(|output| match output {
                    Output::Transmit(link, bytes) if link == id => Some(bytes),
                    _ => None,
                })
                .flatten()
                .copied()
                .collect();
            stage.until("the peer has heard what it heard then", |_| {
                peer.listen();
                peer.ended || peer.heard.len() >= said.len()
            });
            assert!(
                peer.heard == said,
                "{name}: {id:?} heard {} bytes, not {}",
                peer.heard.len(),
                said.len()
            );
        }
        assert!(recording.steps.len() > 20, "{name}: a run in which much happens");
    }
}
