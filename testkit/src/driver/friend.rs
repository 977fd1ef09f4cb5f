//! A whole node on the suite's side, with its rows in memory, for the node of the driver under test to talk with.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use sotto_core::{
    Cause, Command, CommandId, Entropy, Input, Limits, LinkId, Monotonic, Node, Now, OnionAddress, Output, Refusal,
    Reply, Wall,
};

use super::network::{Far, Network, Ring};
use crate::disk::Disk;

/// The other person.
pub struct Friend {
    node: Node,
    /// Its rows.
    pub disk: Disk,
    /// Who it is.
    pub address: OnionAddress,
    /// The links that are up.
    links: BTreeMap<LinkId, Far>,
    accepted: u64,
    answer: Option<Result<Reply, Refusal>>,
    began: Instant,
}

impl Friend {
    /// Opened on those rows.
    pub fn open(disk: Disk, limits: &Limits, seed: u8) -> Self {
        let began = Instant::now();
        let entropy = Entropy::from_seed([seed; 32]);
        let node = Node::open(disk.image(), entropy, limits.clone(), now(began)).expect("a node's image");
        let mut friend = Self {
            node,
            disk,
            address: sotto_core::OnionSecret::from_seed(&[0; 32]).address(),
            links: BTreeMap::new(),
            accepted: 0,
            answer: None,
            began,
        };
        // A dial of its own finds nobody yet; it is for the node of the driver under test to begin.
        match friend.command(&Network::default(), Command::Identity) {
            Ok(Reply::Identity { address, .. }) => friend.address = address,
            other => panic!("no identity: {other:?}"),
        }
        friend
    }

    /// Has it do something.
    pub fn command(&mut self, network: &Network, command: Command) -> Result<Reply, Refusal> {
        self.tell(Input::Command(CommandId(0), command));
        self.perform(network);
        self.answer.take().expect("commits are stored at once")
    }

    /// It is dialled.
    pub fn accept(&mut self, call: Ring) {
        self.accepted += 1;
        let id = LinkId::Accepted(self.accepted);
        self.links.insert(id, call.answer());
        self.tell(Input::Accepted(id));
    }

    /// How many links it has.
    pub fn links(&self) -> usize {
        self.links.len()
    }

    /// Cuts its links.
    pub fn cut(&mut self) {
        for (id, _) in std::mem::take(&mut self.links) {
            self.tell(Input::Closed(id, Cause::Ended));
        }
    }

    /// Does what there is to do.
    pub fn pump(&mut self, network: &Network) {
        for id in self.links.keys().copied().collect::<Vec<_>>() {
            let Some(far) = self.links.get_mut(&id) else { continue };
            let before = far.unsaid();
            far.say(&[]);
            let drained = before > 0 && far.unsaid() == 0;
            let heard = std::mem::take(&mut far.listen().heard);
            let ended = far.ended;
            if drained {
                self.tell(Input::Drained(id));
            }
            if !heard.is_empty() {
                self.tell(Input::Received(id, heard));
            }
            if ended {
                self.links.remove(&id);
                self.tell(Input::Closed(id, Cause::Ended));
            }
        }
        if self
            .node
            .deadline()
            .is_some_and(|deadline| deadline.at <= now(self.began).monotonic)
        {
            self.tell(Input::Tick);
        }
        self.perform(network);
    }

    fn perform(&mut self, network: &Network) {
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
                Output::Dial(id, peer) if network.listening() == Some(peer) => {
                    self.links.insert(id, network.connect());
                    self.tell(Input::Connected(id));
                }
                Output::Dial(id, _) => self.tell(Input::Closed(id, Cause::Unreachable)),
                Output::Transmit(id, bytes) => {
                    let Some(far) = self.links.get_mut(&id) else { continue };
                    far.say(&bytes);
                    if far.unsaid() == 0 {
                        self.tell(Input::Drained(id));
                    }
                }
                Output::Hangup(id) => {
                    if self.links.remove(&id).is_some() {
                        self.tell(Input::Closed(id, Cause::HungUp));
                    }
                }
                Output::Reply(_, answer) => self.answer = Some(answer),
                Output::Notify(_) => {}
            }
        }
    }

    fn tell(&mut self, input: Input) {
        self.node.handle(input, now(self.began));
    }
}

fn now(began: Instant) -> Now {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        monotonic: Monotonic(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)),
        wall: Wall(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
    }
}
