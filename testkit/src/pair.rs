//! [`Pair`]: two [hosts](Host) in one process. What one transmits the other receives at once. Tests and benchmarks run on it.

use sotto_core::row::{Batch, Change, Key, Row, RowStore};
use sotto_core::{
    Cause, CircuitId, Command, CommandId, Entropy, FriendCode, Input, Limits, LinkId, MessageId, Millis, Monotonic,
    NewMessage, Now, Ratchet, Refusal, Reply, Signal, Wall,
};

use crate::host::{Host, LinkOutput};
use crate::memory_store::MemoryStore;

/// Two nodes that reach each other at once.
pub struct Pair<S, R: Ratchet = Signal> {
    /// The two hosts, [`A`] and [`B`].
    pub sides: [Host<S, R>; 2],
    /// The clocks of both.
    pub now: Now,
    /// The links between the two: the id that each side uses.
    links: Vec<[Option<LinkId>; 2]>,
    accepted: u64,
    /// Whether dials succeed.
    pub reachable: bool,
    /// Transmitted bytes (`Some`) and hang-ups (`None`) on links that are not between the two, for a hostile peer to take.
    pub foreign: Vec<(LinkId, Option<Vec<u8>>)>,
}

/// Index of the first side.
pub const A: usize = 0;
/// Index of the second side.
pub const B: usize = 1;

impl<S: RowStore> Pair<S> {
    /// Opens two nodes on two stores. Their randomness comes from `seed`.
    pub fn new(stores: [S; 2], seed: u8, limits: &Limits) -> Self {
        Self::over(stores, seed, limits)
    }
}

impl<S: RowStore, R: Ratchet> Pair<S, R> {
    /// As [`new`](Pair::new), over any ratchet.
    pub fn over(stores: [S; 2], seed: u8, limits: &Limits) -> Self {
        let now = Now {
            monotonic: Monotonic(1_000),
            wall: Wall(1_700_000_000_000),
        };
        let mut number = 0;
        let sides = stores.map(|store| {
            number += 1;
            Host::open(store, [seed.wrapping_add(number); 32], limits, now)
        });
        let mut pair = Self {
            sides,
            now,
            links: Vec::new(),
            accepted: 0,
            reachable: true,
            foreign: Vec::new(),
        };
        pair.run();
        pair
    }

    /// Drops a node and opens it again from its rows, as after a crash. Its links are cut.
    pub fn reopen(&mut self, side: usize, seed: u8, limits: &Limits) {
        self.cut();
        self.sides[side].reopen([seed; 32], limits, self.now);
        self.run();
    }

    /// Cuts every link.
    pub fn cut(&mut self) {
        for ids in std::mem::take(&mut self.links) {
            for (side, id) in ids.into_iter().enumerate() {
                if let Some(id) = id {
                    self.input(side, Input::Closed(id, Cause::Ended));
                }
            }
        }
    }

    /// Every link dies without a `Closed`: bytes sent on it are lost.
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
            for side in [A, B] {
                self.input(side, Input::Tick);
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

    /// Gives one side an input.
    pub fn input(&mut self, side: usize, input: Input) {
        self.sides[side].node.handle(input, self.now);
    }

    /// Gives a command and runs nothing.
    pub fn submit(&mut self, side: usize, command: Command) -> CommandId {
        self.sides[side].submit(command, self.now)
    }

    /// Gives a command and runs until both nodes are idle.
    pub fn command(&mut self, side: usize, command: Command) -> Result<Reply, Refusal> {
        let id = self.submit(side, command);
        self.run();
        self.sides[side].take_reply(id).expect("every command gets a reply")
    }

    /// Makes the two contacts: A sends a request, B accepts it.
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
        .expect("the request is queued");
        self.command(
            B,
            Command::AcceptContact {
                contact: a,
                petname: None,
            },
        )
        .expect("the request is accepted");
    }

    /// Runs until both nodes are idle.
    pub fn run(&mut self) {
        while [A, B].map(|side| self.run_side(side)) != [false, false] {}
    }

    /// Carries out the link outputs of one side. False if there were none.
    fn run_side(&mut self, side: usize) -> bool {
        let mut moved = false;
        while let Some(output) = self.sides[side].poll(self.now) {
            moved = true;
            self.carry_out(side, output);
        }
        moved
    }

    fn carry_out(&mut self, side: usize, output: LinkOutput) {
        let other = 1 - side;
        match output {
            LinkOutput::Dial(id, address) => {
                if !self.reachable || address != self.sides[other].address {
                    return self.input(side, Input::Closed(id, Cause::Unreachable));
                }
                self.accepted += 1;
                let accepted = LinkId::Accepted(self.accepted);
                let mut ids = [None, None];
                ids[side] = Some(id);
                ids[other] = Some(accepted);
                self.links.push(ids);
                self.input(side, Input::Connected(id));
                self.input(other, Input::Accepted(accepted, CircuitId(self.accepted)));
            }
            LinkOutput::Transmit(id, bytes) => {
                match self.far_end(side, id) {
                    Some(far) => self.input(other, Input::Received(far, bytes)),
                    None => self.foreign.push((id, Some(bytes))),
                }
                self.input(side, Input::Drained(id));
            }
            LinkOutput::Hangup(id) => {
                if let Some(at) = self.links.iter().position(|ids| ids[side] == Some(id)) {
                    let ids = self.links.remove(at);
                    if let Some(far) = ids[other] {
                        self.input(other, Input::Closed(far, Cause::Ended));
                    }
                } else {
                    self.foreign.push((id, None));
                }
                self.input(side, Input::Closed(id, Cause::HungUp));
            }
        }
    }

    fn far_end(&self, side: usize, id: LinkId) -> Option<LinkId> {
        self.links.iter().find(|ids| ids[side] == Some(id))?[1 - side]
    }
}

impl<R: Ratchet> Pair<MemoryStore, R> {
    /// Sends a text to the other side and runs until both nodes are idle.
    pub fn send_text(&mut self, from: usize, text: &str) -> MessageId {
        let new_message = NewMessage::plain(self.sides[1 - from].address, text);
        match self.command(from, Command::Send(new_message)) {
            Ok(Reply::Message { id, .. }) => id,
            other => panic!("not queued: {other:?}"),
        }
    }

    /// Gives one side another Signal identity under the same onion key, as after a lost store.
    pub fn change_identity(&mut self, side: usize, limits: &Limits) {
        let Some(Row::Identity(mut identity)) = self.sides[side].store.row(&Key::Identity).cloned() else {
            panic!("a node has an identity");
        };
        let (signal_identity, registration_id) = R::generate(&mut Entropy::from_seed([99; 32]));
        identity.signal_identity = signal_identity.to_vec();
        identity.registration_id = registration_id;
        self.sides[side].store.apply(Batch {
            changes: vec![Change::Put(Row::Identity(identity))],
        });
        self.sides[side].store.lose(|row| matches!(row, Row::Session(_)));
        self.reopen(side, 55, limits);
    }

    /// The texts that a side has received from the other, in order.
    pub fn received_texts(&self, side: usize) -> Vec<&str> {
        let conversation = self.sides[side].store.conversation(self.sides[1 - side].address);
        let received = conversation.into_iter().filter(|row| row.key.is_from_peer());
        received.map(|row| row.text.as_str()).collect()
    }
}
