//! [`SabotagedNode`]: a node that breaks a rule although its core does not. It stands between a node and its host and
//! changes inputs, outputs, batches, deadlines, limits, and what a node is opened from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use sotto_core::row::{Batch, Change, Image, Key, OutboxContent, OutboxRow, Row};
use sotto_core::{
    Command, CommandId, CommitId, Deadline, Entropy, Input, Intake, Limits, LinkId, Machine, Millis, Notice, Now,
    OnionAddress, OpenError, Output, Reply,
};

use super::{NodeIndex, World};
use crate::rules::Rule;

/// Command ids of the [`SabotagedNode`] itself; hosts count from 1.
const OWN_COMMANDS: u64 = 1 << 40;

impl World {
    /// Opens a node that breaks the world's rules.
    pub(super) fn open_sabotaged(
        &self,
        peer: NodeIndex,
        mut image: Image,
        entropy: Entropy,
        limits: &Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        let breaks = |rule: Rule| rule.is_in(self.broken);
        let entropy = if breaks(Rule::EntropyReplayed) && image.identity.is_some() {
            Entropy::from_seed([0; 32])
        } else {
            entropy
        };
        if breaks(Rule::SealedAgain) {
            forget_sealing(&mut image, |contact| self.received_by(contact, peer));
        }
        if breaks(Rule::NewestFirst) {
            reverse_outboxes(&mut image);
        }
        let with_session = image.sessions.iter().map(|row| row.contact).collect();
        let received = image.cursors.iter().map(|row| (row.contact, row.received)).collect();
        let limits = loosened(limits, self.broken);
        let node = self.cipher.open_sabotaged(self.broken, image, entropy, limits, now)?;
        Ok(Box::new(SabotagedNode {
            node,
            broken: self.broken,
            now,
            unconfirmed: None,
            held: VecDeque::new(),
            with_session,
            received,
            strangers: Vec::new(),
            hasher: RandomState::new(),
            own_commands: OWN_COMMANDS,
        }))
    }
}

impl World {
    /// How much of a peer's session a contact's disk has received. While addresses are not known yet, all of it.
    fn received_by(&self, contact: OnionAddress, peer: NodeIndex) -> u64 {
        let both = self.find(contact).zip(self.hosts[peer.0].address);
        let cursors = both.map(|(contact, _)| self.cursors(contact, peer));
        cursors.map_or(u64::MAX, |row| row.map_or(0, |row| row.received))
    }
}

/// Limits that are none. They stay below what makes a deadline longer than an invariant allows.
fn loosened(limits: &Limits, broken: u64) -> Limits {
    let breaks = |rule: Rule| rule.is_in(broken);
    let rows = |rule, loose, usual| if breaks(rule) { loose } else { usual };
    let span = |rule, loose, usual| if breaks(rule) { loose } else { usual };
    Limits {
        window: if breaks(Rule::WindowUnbounded) {
            1 << 20
        } else {
            limits.window
        },
        outbox_rows: rows(Rule::OutboxUnbounded, 1 << 20, limits.outbox_rows),
        requests: rows(Rule::RequestsUnbounded, 1 << 10, limits.requests),
        retry_first: span(Rule::NoBackoff, Millis(100), limits.retry_first),
        retry_cap: span(Rule::NoBackoff, Millis(100), limits.retry_cap),
        outbox_expiry: span(Rule::ExpiryMissing, Millis::hours(24 * 365), limits.outbox_expiry),
        heartbeat: span(Rule::DeadLinkKept, Millis::minutes(4), limits.heartbeat),
        idle: span(Rule::IdleLinkKept, Millis::hours(1000), limits.idle),
        ..limits.clone()
    }
}

/// Sealed rows that the contact has not received are presented as unsealed, and their sequence numbers as free.
fn forget_sealing(image: &mut Image, received_by: impl Fn(OnionAddress) -> u64) {
    for cursors in &mut image.cursors {
        let received = received_by(cursors.contact);
        let rows = image.outbox.iter_mut().filter(|row| row.contact == cursors.contact);
        let is_new = |row: &OutboxRow| row.sealed.as_ref().is_some_and(|sealed| sealed.sequence > received);
        let mut sealed: Vec<_> = rows.filter(|row| is_new(row)).collect();
        if sealed.iter().any(|row| row.content == OutboxContent::Obsolete) {
            continue; // they cannot be sealed any more
        }
        for row in &mut sealed {
            row.sealed = None;
        }
        cursors.sent -= sealed.len() as u64;
    }
}

/// The unsealed rows of each contact are queued in reverse order.
fn reverse_outboxes(image: &mut Image) {
    let contacts: BTreeSet<OnionAddress> = image.outbox.iter().map(|row| row.contact).collect();
    for contact in contacts {
        let of_contact = |row: &&mut OutboxRow| row.contact == contact && row.sealed.is_none();
        let mut rows: Vec<_> = image.outbox.iter_mut().filter(of_contact).collect();
        let positions: Vec<_> = rows.iter().map(|row| row.position).collect();
        for (row, position) in rows.iter_mut().zip(positions.into_iter().rev()) {
            row.position = position;
        }
    }
    image.outbox.sort_by_key(|row| (row.contact, row.position));
}

/// A node, and the rules that it breaks.
struct SabotagedNode {
    node: Box<dyn Machine>,
    broken: u64,
    /// The clocks of the last input.
    now: Now,
    /// The node was told that this commit is durable, which it is not yet.
    unconfirmed: Option<CommitId>,
    /// Outputs that wait until it is.
    held: VecDeque<Output>,
    /// Contacts with a session row on the disk.
    with_session: BTreeSet<OnionAddress>,
    /// The highest sequence number received, by contact, on the disk.
    received: BTreeMap<OnionAddress, u64>,
    /// Strangers whose requests are in the commit in flight.
    strangers: Vec<OnionAddress>,
    hasher: RandomState,
    own_commands: u64,
}

impl SabotagedNode {
    fn breaks(&self, rule: Rule) -> bool {
        rule.is_in(self.broken)
    }

    /// Takes rows out of a batch, but never all.
    fn altered(&mut self, batch: Batch) -> Batch {
        let sealed_for: BTreeSet<_> = rows(&batch)
            .filter_map(|row| match row {
                Row::Outbox(row) if row.sealed.is_some() => Some(row.contact),
                _ => None,
            })
            .collect();
        let mut changes = batch.changes.clone();
        changes.retain(|change| !self.is_lost(change, &sealed_for));
        for row in rows(&batch) {
            match row {
                Row::Session(row) => _ = self.with_session.insert(row.contact),
                Row::Cursors(row) => _ = self.received.insert(row.contact, row.received),
                Row::Request(row) if self.breaks(Rule::StrangerAccepted) => self.strangers.push(row.contact),
                _ => {}
            }
        }
        if self.breaks(Rule::FeaturesNotStored) {
            for change in &mut changes {
                if let Change::Put(Row::Contact(row)) = change {
                    row.features = None;
                }
            }
        }
        if changes.is_empty() { batch } else { Batch { changes } }
    }

    fn is_lost(&self, change: &Change, sealed_for: &BTreeSet<OnionAddress>) -> bool {
        match change {
            Change::Put(Row::Session(row)) => {
                let is_update = self.with_session.contains(&row.contact) && sealed_for.contains(&row.contact);
                self.breaks(Rule::SessionNotStored) && is_update
            }
            Change::Put(Row::Cursors(row)) => {
                let before = self.received.get(&row.contact);
                self.breaks(Rule::CursorsNotStored) && before.is_some_and(|before| row.received > *before)
            }
            Change::Put(Row::Message(row)) => self.breaks(Rule::ErasureMissing) && row.deleted_at.is_some(),
            Change::Put(Row::Event(_)) | Change::Insert(Row::Event(_)) => self.breaks(Rule::EventLost),
            Change::Delete(Key::PreKeyOffer(_)) => self.breaks(Rule::OfferKept),
            Change::Delete(Key::Invite(_)) => self.breaks(Rule::InviteReused),
            Change::Delete(Key::Message(_)) => self.breaks(Rule::DisappearanceMissing),
            _ => false,
        }
    }

    /// Whether the node is told at once that this batch is durable.
    fn confirms_early(&self, batch: &Batch) -> bool {
        let seals = || rows(batch).any(|row| matches!(row, Row::Outbox(row) if row.sealed.is_some()));
        let early = [
            Rule::SendBeforeStore,
            Rule::ReplyBeforeStore,
            Rule::AnnounceBeforeStore,
            Rule::TwoCommitsAtOnce,
        ];
        early.into_iter().any(|rule| self.breaks(rule)) || self.breaks(Rule::AckBeforeStore) && !seals()
    }

    /// Whether the host is given this output before the commit is durable.
    fn is_early(&self, output: &Output) -> bool {
        match output {
            Output::Transmit(..) => self.breaks(Rule::SendBeforeStore) || self.breaks(Rule::AckBeforeStore),
            Output::Reply(..) => self.breaks(Rule::ReplyBeforeStore),
            Output::Notify(Notice::Logged(_)) => self.breaks(Rule::AnnounceBeforeStore),
            Output::Commit(..) => self.breaks(Rule::TwoCommitsAtOnce),
            _ => false,
        }
    }

    /// The next output of the node that is due.
    fn next(&mut self) -> Option<Output> {
        if self.unconfirmed.is_none()
            && let Some(held) = self.held.pop_front()
        {
            return Some(held);
        }
        while let Some(output) = self.node.poll() {
            if self.unconfirmed.is_none() && self.held.is_empty() || self.is_early(&output) {
                return Some(output);
            }
            self.held.push_back(output);
        }
        None
    }

    /// Dials in an order that differs from process to process.
    fn shuffle_dials(&mut self) {
        self.held.extend(std::iter::from_fn(|| self.node.poll()));
        let is_dial = |output: &Output| matches!(output, Output::Dial(..));
        let mut dials: Vec<_> = self.held.iter().filter(|output| is_dial(output)).cloned().collect();
        dials.sort_by_key(|output| match output {
            Output::Dial(_, address) => self.hasher.hash_one(address),
            _ => 0,
        });
        let places = self.held.iter_mut().filter(|output| is_dial(output));
        for (place, dial) in places.zip(dials) {
            *place = dial;
        }
    }

    /// Accepts requests that the user has not seen.
    fn accept_strangers(&mut self) {
        for contact in std::mem::take(&mut self.strangers) {
            self.own_commands += 1;
            let accept = Command::AcceptContact { contact, petname: None };
            self.node
                .handle(Input::Command(CommandId(self.own_commands), accept), self.now);
        }
    }
}

fn rows(batch: &Batch) -> impl Iterator<Item = &Row> {
    batch.changes.iter().filter_map(|change| match change {
        Change::Put(row) | Change::Insert(row) => Some(row),
        Change::Delete(_) => None,
    })
}

fn is_of_link(output: &Output, link: LinkId) -> bool {
    matches!(output, Output::Transmit(of, _) | Output::Hangup(of) if *of == link)
}

impl Machine for SabotagedNode {
    fn handle(&mut self, input: Input, now: Now) {
        self.now = now;
        match input {
            Input::Command(id, Command::BlockContact(_, true)) if self.breaks(Rule::BlockIgnored) => {
                self.held.push_back(Output::Reply(id, Ok(Reply::Done)));
            }
            Input::Stored(id) => {
                if self.unconfirmed.take_if(|early| *early == id).is_none() {
                    self.node.handle(Input::Stored(id), now);
                }
                self.accept_strangers();
            }
            Input::Closed(link, cause) => {
                // Nothing may follow on this link.
                self.held.retain(|output| !is_of_link(output, link));
                self.node.handle(Input::Closed(link, cause), now);
            }
            other => self.node.handle(other, now),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        if self.breaks(Rule::HashOrder) && self.held.is_empty() {
            self.shuffle_dials();
        }
        loop {
            match self.next()? {
                Output::Commit(id, batch) => {
                    let batch = self.altered(batch);
                    if self.confirms_early(&batch) {
                        self.unconfirmed = Some(id);
                        self.node.handle(Input::Stored(id), self.now);
                    }
                    return Some(Output::Commit(id, batch));
                }
                Output::Reply(CommandId(id), _) if id > OWN_COMMANDS => {}
                output => return Some(output),
            }
        }
    }

    fn deadline(&self) -> Option<Deadline> {
        self.node.deadline().filter(|_| !self.breaks(Rule::DeadlineMissing))
    }

    fn intake(&self) -> Intake {
        self.node.intake()
    }
}
