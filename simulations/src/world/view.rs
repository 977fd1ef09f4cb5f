//! What a world shows: its disks, clocks and counters.

use sotto_core::row::{ContactRow, CursorsRow, DeliveryState, Event, Key, MessageKey, MessageRow, Relationship, Row};
use sotto_core::{ConversationId, Deadline, Intake, Limits, MessageId, Millis, Now, OnionAddress};
use sotto_testkit::memory_store::MemoryStore;

use super::{NodeIndex, OutputMoment, World};
use crate::choice::Choice;

impl World {
    /// The virtual time.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// How many events were processed.
    pub fn sim_events(&self) -> u64 {
        self.sim_events
    }

    /// The limits of all nodes.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is durable.
    pub fn disk(&self, peer: NodeIndex) -> &MemoryStore {
        &self.hosts[peer.0].disk
    }

    /// Whether its node runs.
    pub fn is_on(&self, peer: NodeIndex) -> bool {
        self.hosts[peer.0].node.is_some()
    }

    /// How many inputs it has had.
    pub fn inputs(&self, peer: NodeIndex) -> u64 {
        self.hosts[peer.0].inputs
    }

    /// Its outputs so far.
    pub fn outputs(&self, peer: NodeIndex) -> &[OutputMoment] {
        &self.hosts[peer.0].outputs
    }

    /// What a host sees before it gives its node an input: the clocks, the deadline, the intake.
    pub fn driver_view(&self, peer: NodeIndex) -> (Now, Option<Deadline>, Intake) {
        let host = &self.hosts[peer.0];
        let node = host.node.as_ref();
        let intake = node.map_or(Intake::Welcome, |node| node.intake());
        (host.clock(self.now), node.and_then(|node| node.deadline()), intake)
    }

    /// The choices so far.
    pub fn choices(&self) -> &[Choice] {
        self.choices.made()
    }

    /// The hash over all outputs, if it is kept.
    pub fn fingerprint(&self) -> Option<u64> {
        self.fingerprint.as_ref().map(crate::fingerprint::Fingerprint::finish)
    }

    /// Whether its machine has a stream.
    pub fn has_links(&self, peer: NodeIndex) -> bool {
        !self.hosts[peer.0].links.is_empty()
    }

    /// Whether a batch is in flight.
    pub fn is_committing(&self, peer: NodeIndex) -> bool {
        self.hosts[peer.0].commit.is_some()
    }

    /// Whether every command has a reply.
    pub fn all_answered(&self) -> bool {
        self.user_commands.iter().all(|ask| ask.reply.is_some())
    }

    /// A peer's onion address.
    pub fn address(&self, peer: NodeIndex) -> OnionAddress {
        match self.hosts[peer.0].address {
            Some(address) => address,
            None => self.fail(format_args!("the address of {peer} is not known yet")),
        }
    }

    /// The peer at an address.
    pub fn find(&self, address: OnionAddress) -> Option<NodeIndex> {
        self.network.whose(address)
    }

    pub(super) fn peer_at(&self, address: OnionAddress) -> NodeIndex {
        match self.find(address) {
            Some(peer) => peer,
            None => self.fail(format_args!("no peer is at {address}")),
        }
    }

    /// A peer's contact row for another.
    pub fn contact(&self, peer: NodeIndex, other: NodeIndex) -> Option<&ContactRow> {
        match self.disk(peer).row(&Key::Contact(self.address(other)))? {
            Row::Contact(row) => Some(row),
            _ => None,
        }
    }

    /// A peer's relationship to another.
    pub fn relationship(&self, peer: NodeIndex, other: NodeIndex) -> Option<Relationship> {
        self.contact(peer, other).map(|row| row.relationship)
    }

    /// Whether both have the other as a contact.
    pub fn are_friends(&self, a: NodeIndex, b: NodeIndex) -> bool {
        [(a, b), (b, a)]
            .iter()
            .all(|(a, b)| self.relationship(*a, *b) == Some(Relationship::Friend))
    }

    /// A peer's cursors for another.
    pub fn cursors(&self, peer: NodeIndex, other: NodeIndex) -> Option<&CursorsRow> {
        match self.disk(peer).row(&Key::Cursors(self.address(other)))? {
            Row::Cursors(row) => Some(row),
            _ => None,
        }
    }

    /// The timer that `author` has set for a conversation, as it is on the disk of `at`; 0 is off.
    pub fn timer(&self, at: NodeIndex, with: NodeIndex, author: NodeIndex) -> u32 {
        let conversation = ConversationId::Direct(self.address(with));
        match self.disk(at).row(&Key::Timer(conversation, self.address(author))) {
            Some(Row::Timer(row)) => row.seconds,
            _ => 0,
        }
    }

    /// How many outbox rows a peer has for another.
    pub fn waiting(&self, peer: NodeIndex, other: NodeIndex) -> usize {
        let to = self.address(other);
        let rows = self.disk(peer).rows();
        rows.filter(|row| matches!(row, Row::Outbox(row) if row.contact == to))
            .count()
    }

    /// The key of a message of `from`, as it is on the disk of `at`.
    pub fn key(&self, at: NodeIndex, from: NodeIndex, to: NodeIndex, id: MessageId) -> MessageKey {
        let with = if at == from { to } else { from };
        MessageKey::direct(self.address(with), self.address(from), id)
    }

    /// The message as its receiver has it.
    pub fn received(&self, from: NodeIndex, to: NodeIndex, id: MessageId) -> Option<&MessageRow> {
        self.disk(to).message(&self.key(to, from, to, id))
    }

    /// The state of a message, as its sender has it.
    pub fn state(&self, from: NodeIndex, to: NodeIndex, id: MessageId) -> Option<DeliveryState> {
        self.disk(from)
            .delivery(&self.key(from, from, to, id))
            .map(|row| row.state)
    }

    /// The texts of `from` that `to` has, in the order in which `to` has them.
    pub fn received_texts(&self, from: NodeIndex, to: NodeIndex) -> Vec<&str> {
        let rows = self.disk(to).conversation(self.address(from)).into_iter();
        rows.filter(|row| row.key.is_from_peer())
            .map(|row| row.text.as_str())
            .collect()
    }

    /// How many events of a log satisfy the condition.
    pub fn count_events(&self, peer: NodeIndex, wanted: impl Fn(&Event) -> bool) -> usize {
        self.disk(peer).events().filter(|event| wanted(event)).count()
    }
}
