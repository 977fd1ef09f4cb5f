//! [`TestNode`]: a target for the suite. A node on a store in memory, on a thread of its own, behind pairs of Unix sockets. Its
//! clock runs faster than ours, so that minutes pass in seconds.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sotto_conformance::{Stream, Target};
use sotto_core::{
    Cause, CircuitId, Command, CommandId, Input, InviteToken, Limits, LinkId, Millis, Monotonic, Now, OnionAddress,
    OnionSecret, Refusal, Reply, Wall,
};
use sotto_testkit::host::{Host, LinkOutput};
use sotto_testkit::memory_store::MemoryStore;

#[path = "../../examples/threads/link.rs"]
mod link;
use link::Link;

/// How many times as fast as ours the node's clock runs by default: a handshake may take 3 s.
pub const CLOCK_RATE: u32 = 10;
/// The node's wall clock at its start, in milliseconds since 1970.
const START: u64 = 1_800_000_000_000;

enum Event {
    Stream(UnixStream),
    Link(LinkId, Input),
    Command(Command, Sender<Result<Reply, Refusal>>),
    Halt,
}

/// Opens streams to a node.
#[derive(Clone)]
pub struct NodeConnector(Sender<Event>);

impl NodeConnector {
    /// A new stream.
    pub fn stream(&self) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        self.0.send(Event::Stream(theirs)).map_err(io::Error::other)?;
        Ok(ours)
    }
}

/// A running node.
pub struct TestNode {
    events: Sender<Event>,
    thread: Option<JoinHandle<()>>,
    /// How fast its clock runs.
    pub clock_rate: u32,
    /// Its secret onion key, for a mutant in its place.
    pub onion_seed: [u8; 32],
}

impl TestNode {
    /// A node whose keys follow from `seed`.
    pub fn start(seed: u8) -> Self {
        Self::with_clock_rate(seed, CLOCK_RATE)
    }

    /// A node whose clock runs this fast.
    pub fn with_clock_rate(seed: u8, clock_rate: u32) -> Self {
        let (sender, events) = channel();
        let link_events = sender.clone();
        let (seed_sender, onion_seed) = channel();
        let thread = thread::spawn(move || {
            let clock = Clock {
                start: Instant::now(),
                rate: clock_rate,
            };
            let mut driver = Driver {
                host: Host::open(MemoryStore::default(), [seed; 32], &Limits::default(), clock.now()),
                clock,
                links: HashMap::new(),
                pending: HashMap::new(),
                accepted: 0,
                events: link_events,
            };
            let identity = driver.host.store.image().identity.expect("the first commit");
            seed_sender.send(identity.onion_seed).expect("the test waits for it");
            driver.run(&events);
        });
        Self {
            events: sender,
            thread: Some(thread),
            clock_rate,
            onion_seed: onion_seed.recv().expect("the node starts"),
        }
    }

    /// Its onion address.
    pub fn address(&self) -> OnionAddress {
        OnionSecret::from_seed(&self.onion_seed).address()
    }

    /// Opens streams to it.
    pub fn connector(&self) -> NodeConnector {
        NodeConnector(self.events.clone())
    }

    /// New invites.
    pub fn invites(&self, count: usize) -> Vec<InviteToken> {
        let invite = |_| {
            let (sender, reply) = channel();
            self.events
                .send(Event::Command(Command::CreateInvite, sender))
                .expect("the node runs");
            match reply.recv().expect("a reply") {
                Ok(Reply::Invite(code)) => code.invite.expect("a token"),
                other => panic!("{other:?}"),
            }
        };
        (0..count).map(invite).collect()
    }
}

impl Target for TestNode {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.connector().stream()?))
    }
}

impl Drop for TestNode {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Halt);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            thread::panicking() || matches!(ended, Some(Ok(()))),
            "the node panicked"
        );
    }
}

struct Clock {
    start: Instant,
    rate: u32,
}

impl Clock {
    fn now(&self) -> Now {
        let elapsed = self.start.elapsed() * self.rate;
        let millis = u64::try_from(elapsed.as_millis()).expect("a short run");
        Now {
            monotonic: Monotonic(millis),
            wall: Wall(START + millis),
        }
    }
}

/// The thread of a node.
struct Driver {
    host: Host,
    clock: Clock,
    links: HashMap<LinkId, Link>,
    pending: HashMap<CommandId, Sender<Result<Reply, Refusal>>>,
    accepted: u64,
    events: Sender<Event>,
}

impl Driver {
    fn run(&mut self, events: &Receiver<Event>) {
        loop {
            let now = self.clock.now();
            let deadline = self.host.node.deadline();
            let sleep = deadline.map_or(Millis::minutes(1), |deadline| deadline.at.since(now.monotonic));
            match events.recv_timeout(Duration::from_millis(sleep.0) / self.clock.rate) {
                Ok(Event::Halt) => return,
                Ok(Event::Stream(stream)) => {
                    self.accepted += 1;
                    let id = LinkId::Accepted(self.accepted);
                    let events = self.events.clone();
                    let link = Link::new(
                        id,
                        move || Ok(stream),
                        move |input| _ = events.send(Event::Link(id, input)),
                    );
                    self.links.insert(id, link);
                    self.input(Input::Accepted(id, CircuitId(self.accepted)));
                }
                Ok(Event::Link(id, input)) if self.links.contains_key(&id) => {
                    if matches!(input, Input::Closed(..)) {
                        self.links.remove(&id);
                    }
                    self.input(input);
                }
                Ok(Event::Link(..)) => {}
                Ok(Event::Command(command, sender)) => {
                    let id = self.host.submit(command, self.clock.now());
                    self.pending.insert(id, sender);
                }
                Err(_) => self.input(Input::Tick),
            }
            self.perform();
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.host.poll(self.clock.now()) {
            match output {
                LinkOutput::Dial(id, _) => self.input(Input::Closed(id, Cause::Unreachable)),
                LinkOutput::Transmit(id, bytes) => _ = self.links.get(&id).map(|link| link.transmit(bytes)),
                LinkOutput::Hangup(id) => {
                    if self.links.get(&id).is_some_and(|link| !link.hang_up()) {
                        self.links.remove(&id);
                        self.input(Input::Closed(id, Cause::HungUp));
                    }
                }
            }
        }
        for (id, reply) in self.host.replies.drain(..) {
            if let Some(sender) = self.pending.remove(&id) {
                let _ = sender.send(reply);
            }
        }
        self.host.notices.clear();
    }

    fn input(&mut self, input: Input) {
        self.host.node.handle(input, self.clock.now());
    }
}
