//! [`Host`]: a node with its store in memory. It commits and fetches at once, keeps replies and notices for the test, and
//! hands out what concerns links. Everything in testkit that runs a real node is built on it.
//!
//! Three drivers have a loop of their own. The doctest of `sotto_core` shows the whole contract on one page,
//! `examples/threads` is a complete driver, and the simulator's host injects faults at every output.

use std::collections::VecDeque;

use sotto_core::row::{IdentityRow, Image, RowStore};
use sotto_core::{
    Command, CommandId, Entropy, Input, Limits, LinkId, Node, Notice, Now, OnionAddress, Output, Ratchet, Refusal,
    Reply, Signal,
};

use crate::memory_store::MemoryStore;

/// A node and its store, with its replies and notices.
pub struct Host<S = MemoryStore, R: Ratchet = Signal> {
    /// The node.
    pub node: Node<R>,
    /// Its rows.
    pub store: S,
    /// Its onion address.
    pub address: OnionAddress,
    /// Replies that the test has not taken, in order.
    pub replies: Vec<(CommandId, Result<Reply, Refusal>)>,
    /// Notices that the test has not taken, in order.
    pub notices: Vec<Notice>,
    commands: u64,
    /// Outputs of the first start, for the first polls.
    deferred: VecDeque<LinkOutput>,
}

/// An output that the transport carries out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutput {
    /// As [`Output::Dial`].
    Dial(LinkId, OnionAddress),
    /// As [`Output::Transmit`].
    Transmit(LinkId, Vec<u8>),
    /// As [`Output::Hangup`].
    Hangup(LinkId),
}

impl<S: RowStore, R: Ratchet> Host<S, R> {
    /// Opens a node on the store's rows. An empty store gets a new identity, which is durable when this returns.
    pub fn open(mut store: S, seed: [u8; 32], limits: &Limits, now: Now) -> Self {
        let image = store.image().expect("a store that works");
        let identity = image.identity.as_ref().map(IdentityRow::address);
        let mut host = Self {
            node: open(image, seed, limits, now),
            store,
            address: identity.unwrap_or_else(placeholder),
            replies: Vec::new(),
            notices: Vec::new(),
            commands: 0,
            deferred: VecDeque::new(),
        };
        if identity.is_none() {
            host.address = host.create_identity(now);
        }
        host
    }

    /// Drops the node and opens it again on its rows, as after a crash.
    pub fn reopen(&mut self, seed: [u8; 32], limits: &Limits, now: Now) {
        let image = self.store.image().expect("a store that works");
        self.deferred.clear();
        self.node = open(image, seed, limits, now);
    }

    /// Gives a command. Its reply comes with a later [`poll`](Self::poll).
    pub fn submit(&mut self, command: Command, now: Now) -> CommandId {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.node.handle(Input::Command(id, command), now);
        id
    }

    /// Takes the reply to a command, if the node has given it.
    pub fn take_reply(&mut self, id: CommandId) -> Option<Result<Reply, Refusal>> {
        let at = self.replies.iter().position(|(replied, _)| *replied == id)?;
        Some(self.replies.remove(at).1)
    }

    /// Completes commits and fetches and keeps replies and notices, up to the next output that concerns a link. `None` when
    /// the node has no more outputs.
    pub fn poll(&mut self, now: Now) -> Option<LinkOutput> {
        if let Some(output) = self.deferred.pop_front() {
            return Some(output);
        }
        loop {
            match self.node.poll()? {
                Output::Commit(id, batch) => {
                    self.store.commit(&batch).expect("a store that works");
                    self.node.handle(Input::Stored(id), now);
                }
                Output::Fetch(id, query) => {
                    let rows = self.store.fetch(&query).expect("a store that works");
                    self.node.handle(Input::Fetched(id, rows), now);
                }
                Output::Reply(id, reply) => self.replies.push((id, reply)),
                Output::Notify(notice) => self.notices.push(notice),
                Output::Dial(id, address) => return Some(LinkOutput::Dial(id, address)),
                Output::Transmit(id, bytes) => return Some(LinkOutput::Transmit(id, bytes)),
                Output::Hangup(id) => return Some(LinkOutput::Hangup(id)),
            }
        }
    }

    fn create_identity(&mut self, now: Now) -> OnionAddress {
        let id = self.submit(Command::Identity, now);
        // A store that has lost its identity may have contacts, which the node dials at once.
        let dials: Vec<LinkOutput> = std::iter::from_fn(|| self.poll(now)).collect();
        self.deferred.extend(dials);
        match self.take_reply(id) {
            Some(Ok(Reply::Identity { address, .. })) => address,
            other => panic!("no identity: {other:?}"),
        }
    }
}

fn open<R: Ratchet>(image: Image, seed: [u8; 32], limits: &Limits, now: Now) -> Node<R> {
    Node::open(image, Entropy::from_seed(seed), limits.clone(), now).expect("the rows of a node")
}

/// Stands in until a new node has made its identity.
fn placeholder() -> OnionAddress {
    sotto_core::OnionSecret::from_seed(&[0; 32]).address()
}
