//! A node to hold the suite against: core on a store in memory, on a thread of its own, behind Unix socket pairs. Its clock
//! runs faster than ours, so that what takes minutes takes seconds.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sotto_conformance::{Stream, Target};
use sotto_core::{
    Cause, Command, CommandId, Entropy, Input, InviteToken, Limits, LinkId, Millis, Monotonic, Node, Now, OnionAddress,
    OnionSecret, Output, Refusal, Reply, Wall,
};
use sotto_testkit::disk::Disk;

#[path = "../../examples/threads/link.rs"]
mod link;
use link::Link;

/// How many times as fast as ours its clock runs, unless there is reason for another haste: a handshake may take 3 s.
pub const HASTE: u32 = 10;
/// When it is started, in milliseconds since 1970.
const START: u64 = 1_800_000_000_000;

enum Event {
    Came(UnixStream),
    Said(LinkId, Input),
    Command(Command, Sender<Result<Reply, Refusal>>),
    Halt,
}

/// Where peers reach a node.
#[derive(Clone)]
pub struct Door(Sender<Event>);

impl Door {
    /// A fresh stream.
    pub fn stream(&self) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        self.0.send(Event::Came(theirs)).map_err(io::Error::other)?;
        Ok(ours)
    }
}

/// A node that runs.
pub struct Own {
    inbox: Sender<Event>,
    thread: Option<JoinHandle<()>>,
    /// How fast its clock runs.
    pub haste: u32,
    /// Its secret onion key, for whoever stands in its place.
    pub onion_seed: [u8; 32],
}

impl Own {
    /// A node whose keys follow from `seed`.
    pub fn start(seed: u8) -> Self {
        Self::hasty(seed, HASTE)
    }

    /// One whose clock runs so fast.
    pub fn hasty(seed: u8, haste: u32) -> Self {
        let (inbox, events) = channel();
        let sender = inbox.clone();
        let (told, onion_seed) = channel();
        let thread = thread::spawn(move || {
            let node = <Node>::open(
                Disk::default().image(),
                Entropy::from_seed([seed; 32]),
                Limits::default(),
                Now {
                    monotonic: Monotonic(0),
                    wall: Wall(START),
                },
            );
            let mut host = Host {
                node: node.expect("an empty store opens"),
                disk: Disk::default(),
                links: HashMap::new(),
                askers: HashMap::new(),
                accepted: 0,
                inbox: sender,
                start: Instant::now(),
                haste,
            };
            host.perform();
            let identity = host.disk.image().identity.expect("the first commit");
            told.send(identity.onion_seed).expect("somebody waits");
            host.run(&events);
        });
        Self {
            inbox,
            thread: Some(thread),
            haste,
            onion_seed: onion_seed.recv().expect("the node starts"),
        }
    }

    /// Who it is.
    pub fn address(&self) -> OnionAddress {
        OnionSecret::from_seed(&self.onion_seed).address()
    }

    /// Where it is reached.
    pub fn door(&self) -> Door {
        Door(self.inbox.clone())
    }

    /// So many unused invites.
    pub fn invites(&self, many: usize) -> Vec<InviteToken> {
        let invite = |_| {
            let (asker, answer) = channel();
            self.inbox
                .send(Event::Command(Command::CreateInvite, asker))
                .expect("the node runs");
            match answer.recv().expect("an answer") {
                Ok(Reply::Invite(code)) => code.invite.expect("a token"),
                other => panic!("{other:?}"),
            }
        };
        (0..many).map(invite).collect()
    }
}

impl Target for Own {
    fn open(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.door().stream()?))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.inbox.send(Event::Halt);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(
            thread::panicking() || matches!(ended, Some(Ok(()))),
            "the node panicked"
        );
    }
}

struct Host {
    node: Node,
    disk: Disk,
    links: HashMap<LinkId, Link>,
    askers: HashMap<CommandId, Sender<Result<Reply, Refusal>>>,
    accepted: u64,
    inbox: Sender<Event>,
    start: Instant,
    haste: u32,
}

impl Host {
    fn run(&mut self, events: &Receiver<Event>) {
        loop {
            let now = self.now();
            let sleep = self
                .node
                .deadline()
                .map_or(Millis::minutes(1), |deadline| deadline.at.since(now.monotonic));
            let event = events.recv_timeout(Duration::from_millis(sleep.0) / self.haste);
            match event {
                Ok(Event::Halt) => return,
                Ok(Event::Came(stream)) => {
                    self.accepted += 1;
                    let id = LinkId::Accepted(self.accepted);
                    let inbox = self.inbox.clone();
                    let link = Link::new(
                        id,
                        move || Ok(stream),
                        move |input| _ = inbox.send(Event::Said(id, input)),
                    );
                    self.links.insert(id, link);
                    self.tell(Input::Accepted(id));
                }
                Ok(Event::Said(id, input)) if self.links.contains_key(&id) => {
                    if matches!(input, Input::Closed(..)) {
                        self.links.remove(&id);
                    }
                    self.tell(input);
                }
                Ok(Event::Said(..)) => {}
                Ok(Event::Command(command, asker)) => {
                    let id = CommandId(self.askers.len() as u64);
                    self.askers.insert(id, asker);
                    self.tell(Input::Command(id, command));
                }
                Err(_) => self.tell(Input::Tick),
            }
            self.perform();
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.node.poll() {
            match output {
                Output::Commit(id, batch) => {
                    self.disk.apply(batch);
                    self.tell(Input::Stored(id));
                }
                Output::Fetch(id, query) => {
                    let rows = self.disk.fetch(&query);
                    self.tell(Input::Fetched(id, rows));
                }
                // Nobody is anywhere.
                Output::Dial(id, _) => self.tell(Input::Closed(id, Cause::Unreachable)),
                Output::Transmit(id, bytes) => _ = self.links.get(&id).map(|link| link.transmit(bytes)),
                Output::Hangup(id) => {
                    if self.links.get(&id).is_some_and(|link| !link.hang_up()) {
                        self.links.remove(&id);
                        self.tell(Input::Closed(id, Cause::HungUp));
                    }
                }
                Output::Reply(id, answer) => _ = self.askers.get(&id).map(|asker| asker.send(answer)),
                Output::Notify(_) => {}
            }
        }
    }

    fn tell(&mut self, input: Input) {
        let now = self.now();
        self.node.handle(input, now);
    }

    fn now(&self) -> Now {
        let elapsed = self.start.elapsed() * self.haste;
        let millis = u64::try_from(elapsed.as_millis()).expect("a short run");
        Now {
            monotonic: Monotonic(millis),
            wall: Wall(START + millis),
        }
    }
}
