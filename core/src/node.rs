//! The node: five methods over everything else.
//!
//! `handle` routes an input to the part that it concerns; the parts write rows and effects into one `Context`; `poll` takes
//! out of the gate what is durable. The parts are the folders beside this file: `kernel` (gate, alarms, randomness, limits),
//! `link` (streams, the pool of links, the dial queue), `session` (one peer's ratchet, and how two Hellos resume it),
//! `delivery` (outbox and inbox), `contact` (requests and relationships) and `conversation` (messages and what changes them).
//! Here are the node's own: `open`, `commands`, `links` (where frames are routed), `dials` and `fetch`.

pub(crate) mod commands;
mod dials;
mod fetch;
mod links;
pub(crate) mod me;
mod open;

use std::collections::{BTreeMap, VecDeque};

pub use open::OpenError;

use crate::contact::Contacts;
use crate::kernel::alarms::Alarm;
use crate::kernel::context::Context;
use crate::kernel::gate::Effect;
use crate::kernel::rate::Bucket;
use crate::link::dial_queue::DialQueue;
use crate::link::pool::Pool;
use crate::row::{InviteRow, Key, Row, SessionRow};
use crate::session::{Ratchet, Signal};
use crate::wire::link::Frame;
use crate::{
    Availability, Deadline, EventSeq, FaultKind, FetchId, Input, Intake, InviteToken, LinkId, MessageKey, Now,
    OnionAddress, Output,
};
use fetch::Pending;
use me::Me;

/// The methods of a running node as a trait, so that a driver can also be given a node that is watched, recorded, or played
/// by a test.
pub trait Machine: Send {
    /// As [`Node::handle`].
    fn handle(&mut self, input: Input, now: Now);
    /// As [`Node::poll`].
    fn poll(&mut self) -> Option<Output>;
    /// As [`Node::deadline`].
    fn deadline(&self) -> Option<Deadline>;
    /// As [`Node::intake`].
    fn intake(&self) -> Intake;
}

/// A node that a driver runs. See the crate's documentation for the contract between them.
pub struct Node<R: Ratchet = Signal> {
    me: Me<R>,
    ctx: Context,
    contacts: Contacts<R::Session>,
    pool: Pool,
    invites: BTreeMap<InviteToken, InviteRow>,
    consumers: BTreeMap<String, EventSeq>,
    /// Queries under way, and what for.
    pending: BTreeMap<FetchId, Pending>,
    fetches: u64,
    dial_queue: DialQueue,
    /// For requests without an invite, of all strangers together.
    requests: Bucket,
    /// Messages that a link has taken, and whose acks may come before it is worth while to write that down.
    handed_over: Vec<(OnionAddress, MessageKey)>,
    outputs: VecDeque<Output>,
}

impl<R: Ratchet> Node<R> {
    /// Takes one input. Total: nothing that a peer sends can make it fail or panic. A driver that breaks its contract
    /// (an unknown commit, a link number used twice) makes it panic.
    pub fn handle(&mut self, input: Input, now: Now) {
        self.ctx.advance(now);
        match input {
            Input::Command(id, command) => self.command(id, command),
            Input::Accepted(id, circuit) => self.accepted(id, circuit),
            Input::Connected(id) => self.pool.connected(id, &mut self.ctx),
            Input::Received(id, bytes) => {
                self.pool.received(id, &bytes, &self.ctx);
                self.pull(id);
            }
            Input::Drained(id) => self.drained(id),
            Input::Closed(id, cause) => self.closed(id, cause),
            Input::Stored(id) => self.ctx.gate.stored(id),
            Input::Fetched(id, rows) => self.fetched(id, rows),
            // Nothing follows from it, no alarm either: a driver may give it when it likes.
            Input::Entropy(fresh) => return self.ctx.entropy.reseed(&fresh),
            Input::Tick => {}
        }
        loop {
            self.follow_up();
            let Some(alarm) = self.ctx.alarms.due(now.monotonic) else {
                break;
            };
            self.fire(alarm);
        }
    }

    /// After anything: what is owed to the contacts that were touched is paid, what waits for them is sealed as far as the
    /// window has room, and a dial is scheduled for those that only a link can help. Then the dials start that have room.
    fn follow_up(&mut self) {
        while let Some(contact) = self.contacts.next_touched() {
            let peer = contact.address;
            let sealing = contact.identity_key.sealing();
            let link = self.pool.link_of(&peer);
            contact.resume_admission(link, &mut self.ctx);
            if link.is_none() && contact.admission.reopens() && self.ctx.availability != Availability::Invisible {
                contact.reach.wanted = true;
                self.dial_queue.push(peer, contact.has_mail(), contact.reach.last_seen);
            }
            let wanted = contact.delivery.flush(link, sealing, &self.me, &mut self.ctx);
            if contact.has_mail() && !self.pool.reaches(&peer) {
                let at = contact.reach.next_attempt(&self.ctx);
                self.ctx.wake_at(Alarm::Retry(peer), at);
            } else {
                self.ctx.alarms.clear(Alarm::Retry(peer));
            }
            if contact.admission.wants_count() {
                let stored = contact.delivery.cursors.stored;
                self.fetch_stored(peer, stored);
            }
            if !wanted.is_empty() {
                self.fetch_for_outbox(peer, wanted);
            }
        }
        self.dial_waiting();
    }

    /// The next thing to do, in order. Outputs wait until taken.
    pub fn poll(&mut self) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            if let Some(effect) = self.ctx.gate.release() {
                self.release(effect);
                self.follow_up();
                continue;
            }
            if let Some(transmit) = self.pool.transmit() {
                return Some(transmit);
            }
            if let Some(notice) = self.ctx.faults.next_notice() {
                return Some(Output::Notify(notice));
            }
            let contacts = &self.contacts;
            return self.ctx.gate.cut(|key| match key {
                Key::Contact(peer) => Some(Row::Contact(contacts.get(peer)?.row())),
                Key::Session(peer) => {
                    let session = contacts.get(peer)?.delivery.session.as_ref()?;
                    Some(Row::Session(SessionRow {
                        contact: *peer,
                        // Moved, not copied: what is copied has to be wiped.
                        record: std::mem::take(&mut *R::encode(session)),
                    }))
                }
                _ => unreachable!("only contacts and sessions are put by key"),
            });
        }
    }

    /// When `Input::Tick` is next useful, and what for.
    pub fn deadline(&self) -> Option<Deadline> {
        self.ctx.alarms.deadline()
    }

    /// Whether bulk input is welcome.
    pub fn intake(&self) -> Intake {
        if self.ctx.gate.backlog() >= self.ctx.limits.staged_changes {
            Intake::Busy
        } else {
            Intake::Welcome
        }
    }

    /// Lets out what is durable.
    fn release(&mut self, effect: Effect) {
        match effect {
            Effect::Frame(link, frame) => self.board(link, &frame, None),
            Effect::Message(link, frame, key) => self.board(link, &frame, Some(key)),
            Effect::Hangup(link) => self.hung_up(link),
            Effect::Output(output) => self.outputs.push_back(output),
        }
    }

    fn board(&mut self, link: LinkId, frame: &Frame, message: Option<MessageKey>) {
        if !self.pool.send(link, frame, message, &self.ctx) {
            self.fault(link, FaultKind::Backlog);
        }
    }

    fn fire(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Handshake(link) => self.fault(link, FaultKind::HandshakeTimeout),
            Alarm::Heartbeat(link) => self.check_liveness(link),
            Alarm::Retry(peer) => self.want_dial(peer),
            Alarm::OutboxExpiry(peer) => {
                if let Some(contact) = self.contacts.get_mut(&peer) {
                    contact.delivery.expire(&mut self.ctx);
                }
            }
            Alarm::Disappearance => self.disappear(),
            Alarm::RequestExpiry => self.contacts.expire_strangers(&mut self.ctx),
            Alarm::Pace(peer) => self.contacts.touch(peer),
            Alarm::Sent => self.note_sent(),
        }
    }
}

impl<R> Machine for Node<R>
where
    R: Ratchet<Session: Send> + Send,
{
    fn handle(&mut self, input: Input, now: Now) {
        self.handle(input, now);
    }

    fn poll(&mut self) -> Option<Output> {
        self.poll()
    }

    fn deadline(&self) -> Option<Deadline> {
        self.deadline()
    }

    fn intake(&self) -> Intake {
        self.intake()
    }
}
