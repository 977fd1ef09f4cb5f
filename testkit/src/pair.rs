//! Two nodes in one memory: what either transmits the other receives at once, and a commit is stored as soon as it is cut.
//! The smallest host that obeys the driver's contract; benchmarks measure with it, tests converse with it.

use sotto_core::row::Batch;
use sotto_core::{
    Cause, Command, CommandId, Entropy, FriendCode, Input, Limits, LinkId, Millis, Monotonic, Node, Notice, Now,
    OnionAddress, Output, Ratchet, Refusal, Reply, Signal, Wall,
};

use crate::disk::Disk;

/// Where a host keeps rows.
pub trait Rows {
    /// Makes a batch durable.
    fn commit(&mut self, batch: Batch);
    /// Answers a query.
    fn fetch(&mut self, query: &sotto_core::row::Query) -> sotto_core::row::Rows;
    /// What a node starts from.
    fn image(&mut self) -> sotto_core::row::Image;
}

impl Rows for Disk {
    fn commit(&mut self, batch: Batch) {
        self.apply(batch);
    }

    fn fetch(&mut self, query: &sotto_core::row::Query) -> sotto_core::row::Rows {
        Self::fetch(self, query)
    }

    fn image(&mut self) -> sotto_core::row::Image {
        Self::image(self)
    }
}

/// One of the two.
pub struct Side<D, R: Ratchet = Signal> {
    /// The node.
    pub node: Node<R>,
    /// Its rows.
    pub disk: D,
    /// Its address.
    pub address: OnionAddress,
    /// Answers not looked at yet, in order.
    pub replies: Vec<(CommandId, Result<Reply, Refusal>)>,
    /// Notices not looked at yet.
    pub notices: Vec<Notice>,
    commands: u64,
}

/// Two nodes that reach each other at once.
pub struct Pair<D, R: Ratchet = Signal> {
    /// They.
    pub sides: [Side<D, R>; 2],
    /// Both clocks of both.
    pub now: Now,
    /// Links: what each side calls it. Index 0 is what side 0 calls it.
    links: Vec<[Option<LinkId>; 2]>,
    accepted: u64,
    /// Whether dials succeed.
    pub reachable: bool,
    /// What a side said on links that are not the pair's own, and their hang-ups: for hostile peers.
    pub astray: Vec<(LinkId, Option<Vec<u8>>)>,
}

/// The two sides.
pub const A: usize = 0;
/// The other one.
pub const B: usize = 1;

impl<D: Rows> Pair<D> {
    /// Two nodes over two disks (fresh ones, if those are empty), their randomness from `seed`.
    pub fn new(disks: [D; 2], seed: u8, limits: &Limits) -> Self {
        Self::over(disks, seed, limits)
    }
}

impl<D: Rows, R: Ratchet> Pair<D, R> {
    /// As [`new`](Pair::new), over any ratchet.
    pub fn over(disks: [D; 2], seed: u8, limits: &Limits) -> Self {
        let now = Now {
            monotonic: Monotonic(1_000),
            wall: Wall(1_700_000_000_000),
        };
        let mut number = 0;
        let sides = disks.map(|mut disk| {
            number += 1;
            let node = open(&mut disk, [seed.wrapping_add(number); 32], limits, now);
            Side {
                node,
                disk,
                address: placeholder(),
                replies: Vec::new(),
                notices: Vec::new(),
                commands: 0,
            }
        });
        let mut pair = Self {
            sides,
            now,
            links: Vec::new(),
            accepted: 0,
            reachable: true,
            astray: Vec::new(),
        };
        for side in [A, B] {
            match pair.command(side, Command::Identity) {
                Ok(Reply::Identity { address, .. }) => pair.sides[side].address = address,
                other => panic!("no identity: {other:?}"),
            }
        }
        pair
    }

    /// Drops a node and opens it again from its rows, as after a crash; its links are cut.
    pub fn reopen(&mut self, side: usize, seed: u8, limits: &Limits) {
        self.cut();
        self.sides[side].node = open(&mut self.sides[side].disk, [seed; 32], limits, self.now);
        self.run();
    }

    /// Cuts every link.
    pub fn cut(&mut self) {
        for names in std::mem::take(&mut self.links) {
            for (side, name) in names.into_iter().enumerate() {
                if let Some(id) = name {
                    self.sides[side].node.handle(Input::Closed(id, Cause::Ended), self.now);
                }
            }
        }
    }

    /// Every link dies, and nobody is told: what is said on it gets lost.
    pub fn silence(&mut self) {
        self.links.clear();
    }

    /// Lets time pass, one deadline after the other.
    pub fn pass(&mut self, span: Millis) {
        let end = self.now.monotonic.after(span);
        self.run();
        loop {
            let next = self
                .sides
                .iter()
                .filter_map(|side| side.node.deadline())
                .map(|deadline| deadline.at)
                .min();
            let at = next.map_or(end, |at| at.min(end)).max(self.now.monotonic);
            self.now.wall = self.now.wall.after(at.since(self.now.monotonic));
            self.now.monotonic = at;
            for side in &mut self.sides {
                side.node.handle(Input::Tick, self.now);
            }
            self.run();
            if at >= end {
                break;
            }
            // A deadline that is due again at once would be a busy loop; a millisecond keeps this loop finite.
            self.now.monotonic = self.now.monotonic.after(Millis(1));
            self.now.wall = self.now.wall.after(Millis(1));
        }
    }

    /// Gives a command without waiting for anything.
    pub fn submit(&mut self, side: usize, command: Command) -> CommandId {
        let this = &mut self.sides[side];
        this.commands += 1;
        let id = CommandId(this.commands);
        this.node.handle(Input::Command(id, command), self.now);
        id
    }

    /// Gives a command and runs until nothing moves.
    pub fn command(&mut self, side: usize, command: Command) -> Result<Reply, Refusal> {
        let id = self.submit(side, command);
        self.run();
        let replies = &mut self.sides[side].replies;
        let at = replies
            .iter()
            .position(|(replied, _)| *replied == id)
            .expect("every command is answered");
        replies.remove(at).1
    }

    /// Makes friends of the two: A asks, B accepts.
    pub fn befriend(&mut self) {
        let [a, b] = [self.sides[A].address, self.sides[B].address];
        let code = FriendCode {
            address: b,
            invite: None,
        };
        self.command(
            A,
            Command::AddContact {
                code,
                petname: None,
                note: String::new(),
            },
        )
        .expect("asked");
        self.command(
            B,
            Command::AcceptContact {
                contact: a,
                petname: None,
            },
        )
        .expect("accepted");
    }

    /// Runs until nothing moves.
    pub fn run(&mut self) {
        loop {
            let moved = [A, B].map(|side| self.step(side));
            if moved == [false, false] {
                break;
            }
        }
    }

    /// Carries out what one side wants. False if that is nothing.
    fn step(&mut self, side: usize) -> bool {
        let mut moved = false;
        while let Some(output) = self.sides[side].node.poll() {
            moved = true;
            self.carry_out(side, output);
        }
        moved
    }

    fn carry_out(&mut self, side: usize, output: Output) {
        let other = 1 - side;
        match output {
            Output::Commit(id, batch) => {
                self.sides[side].disk.commit(batch);
                self.sides[side].node.handle(Input::Stored(id), self.now);
            }
            Output::Fetch(id, query) => {
                let rows = self.sides[side].disk.fetch(&query);
                self.sides[side].node.handle(Input::Fetched(id, rows), self.now);
            }
            Output::Dial(id, address) => {
                if !self.reachable || address != self.sides[other].address {
                    self.sides[side]
                        .node
                        .handle(Input::Closed(id, Cause::Unreachable), self.now);
                    return;
                }
                self.accepted += 1;
                let theirs = LinkId::Accepted(self.accepted);
                let mut names = [None, None];
                names[side] = Some(id);
                names[other] = Some(theirs);
                self.links.push(names);
                self.sides[side].node.handle(Input::Connected(id), self.now);
                self.sides[other].node.handle(Input::Accepted(theirs), self.now);
            }
            Output::Transmit(id, bytes) => {
                match self.far_end(side, id) {
                    Some(theirs) => self.sides[other].node.handle(Input::Received(theirs, bytes), self.now),
                    None => self.astray.push((id, Some(bytes))),
                }
                self.sides[side].node.handle(Input::Drained(id), self.now);
            }
            Output::Hangup(id) => {
                if let Some(at) = self.links.iter().position(|names| names[side] == Some(id)) {
                    let names = self.links.remove(at);
                    if let Some(theirs) = names[other] {
                        self.sides[other]
                            .node
                            .handle(Input::Closed(theirs, Cause::Ended), self.now);
                    }
                } else {
                    self.astray.push((id, None));
                }
                self.sides[side].node.handle(Input::Closed(id, Cause::HungUp), self.now);
            }
            Output::Reply(id, reply) => self.sides[side].replies.push((id, reply)),
            Output::Notify(notice) => self.sides[side].notices.push(notice),
        }
    }

    fn far_end(&self, side: usize, id: LinkId) -> Option<LinkId> {
        self.links.iter().find(|names| names[side] == Some(id))?[1 - side]
    }
}

fn open<D: Rows, R: Ratchet>(disk: &mut D, seed: [u8; 32], limits: &Limits, now: Now) -> Node<R> {
    Node::open(disk.image(), Entropy::from_seed(seed), limits.clone(), now).expect("the image is a node's")
}

/// Stands in until the node has said its own.
fn placeholder() -> OnionAddress {
    sotto_core::OnionSecret::from_seed(&[0; 32]).address()
}
