//! The network: ordered streams of bytes between machines, found by onion address. It may be slow, split bytes anywhere,
//! refuse a dial, or cut a stream; it never reorders, and it tells each end of a stream exactly once that it is over.

mod faults;

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::{Cause, Input, LinkId, Millis, OnionAddress};

use super::{Happening, Peer, World};

/// One way across the network.
const LATENCY: Millis = Millis(40);
/// Until a dial reaches the other side.
const RENDEZVOUS: Millis = Millis(400);
/// Until the local socket has taken the bytes.
const WRITE: Millis = Millis(1);

/// Names a stream.
pub(super) type WireId = u64;

/// Which end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Dialler,
    Listener,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Listener,
            Self::Listener => Self::Dialler,
        }
    }
}

/// All streams, and who can be reached.
#[derive(Default)]
pub(super) struct Network {
    wires: BTreeMap<WireId, Wire>,
    laid: u64,
    listeners: BTreeMap<OnionAddress, Peer>,
    /// Pairs that cannot reach each other.
    apart: BTreeSet<(Peer, Peer)>,
    /// Dials still to be refused, by dialler.
    refusals: BTreeMap<Peer, u32>,
    /// What each stream began with, towards either side.
    first_words: BTreeMap<(WireId, Side), Vec<u8>>,
    /// Longest piece in which bytes arrive; 0 is whole.
    piece: usize,
}

struct Wire {
    dialler: End,
    /// What was dialled; whose it is is found out when the call arrives.
    address: OnionAddress,
    /// `None` until the call arrives.
    listener: Option<End>,
    /// What is still on its way is lost.
    cut: bool,
    /// What one end does is not noticed at the other.
    silent: bool,
}

struct End {
    peer: Peer,
    link: LinkId,
    phase: Phase,
    transmitting: bool,
    /// Bytes reach this end in order: none before this.
    heard_until: Millis,
    /// A `Closed` for this end is on its way.
    closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dialling,
    Up,
    /// The node has hung up; `Closed` is on its way.
    HungUp,
    /// `Closed` was delivered, or the machine died.
    Gone,
}

impl End {
    fn new(peer: Peer, link: LinkId, phase: Phase, now: Millis) -> Self {
        Self {
            peer,
            link,
            phase,
            transmitting: false,
            heard_until: now,
            closing: false,
        }
    }
}

impl Wire {
    fn end(&mut self, side: Side) -> Option<&mut End> {
        match side {
            Side::Dialler => Some(&mut self.dialler),
            Side::Listener => self.listener.as_mut(),
        }
    }
}

impl Network {
    /// Whether bytes arrive in pieces, as the story wants.
    pub(super) fn splits(&self) -> bool {
        self.piece > 0
    }

    pub(super) fn peer_of(&self, id: WireId, side: Side) -> Option<Peer> {
        let wire = self.wires.get(&id)?;
        match side {
            Side::Dialler => Some(wire.dialler.peer),
            Side::Listener => wire.listener.as_ref().map(|end| end.peer),
        }
    }

    /// Whom a stream is meant for that may not have arrived.
    pub(super) fn called_by(&self, id: WireId) -> Option<Peer> {
        self.whose(self.wires.get(&id)?.address)
    }

    /// The first words of another stream, or else of this one.
    pub(super) fn overheard(&self, id: WireId, side: Side) -> Option<Vec<u8>> {
        let other = self
            .first_words
            .iter()
            .rev()
            .find(|((of, to), _)| *to == side && *of != id);
        other
            .or(self.first_words.last_key_value())
            .map(|(_, bytes)| bytes.clone())
    }

    pub(super) fn whose(&self, address: OnionAddress) -> Option<Peer> {
        self.listeners.get(&address).copied()
    }
}

fn pair(a: Peer, b: Peer) -> (Peer, Peer) {
    (a.min(b), a.max(b))
}

impl World {
    pub(super) fn listen(&mut self, peer: Peer, address: OnionAddress) {
        self.network.listeners.insert(address, peer);
    }

    pub(super) fn dial(&mut self, peer: Peer, link: LinkId, address: OnionAddress) {
        self.network.laid += 1;
        let id = self.network.laid;
        let taken = self.hosts[peer.0].links.insert(link, (id, Side::Dialler));
        if taken.is_some() || !matches!(link, LinkId::Dialled(_)) {
            self.fail(format_args!("{peer} dials with {link:?}, which is not free for that"));
        }
        let wire = Wire {
            dialler: End::new(peer, link, Phase::Dialling, self.now),
            address,
            listener: None,
            cut: false,
            silent: false,
        };
        self.network.wires.insert(id, wire);
        if self.refused(peer) {
            self.close(id, Side::Dialler, Cause::Unreachable, RENDEZVOUS);
        } else {
            let delay = self.rendezvous();
            self.soon(delay, Happening::Called(id));
        }
    }

    fn refused(&mut self, peer: Peer) -> bool {
        match self.network.refusals.get_mut(&peer) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => self.by_chance("refused dial", 4),
        }
    }

    pub(super) fn called(&mut self, id: WireId) {
        let Some(wire) = self.network.wires.get(&id) else {
            return;
        };
        if wire.dialler.phase != Phase::Dialling {
            return;
        }
        let dialler = wire.dialler.peer;
        let reachable = |callee: &Peer| {
            let host = &self.hosts[callee.0];
            let there = host.node.is_some() && host.found_from.max(host.asleep_until) <= self.now;
            there && !self.network.apart.contains(&pair(dialler, *callee))
        };
        let callee = self.network.listeners.get(&wire.address).copied();
        let Some(callee) = callee.filter(reachable) else {
            self.close(id, Side::Dialler, Cause::Unreachable, LATENCY);
            return;
        };
        let back = self.latency();
        let now = self.now;
        let host = &mut self.hosts[callee.0];
        host.accepted += 1;
        let link = LinkId::Accepted(host.accepted);
        host.links.insert(link, (id, Side::Listener));
        if let Some(wire) = self.network.wires.get_mut(&id) {
            wire.dialler.heard_until = Millis(now.0 + back.0);
            wire.listener = Some(End::new(callee, link, Phase::Up, now));
        }
        self.soon(back, Happening::Connected(id));
        self.feed(callee, Input::Accepted(link));
    }

    pub(super) fn connected(&mut self, id: WireId) {
        let Some(wire) = self.network.wires.get_mut(&id) else {
            return;
        };
        if wire.dialler.phase == Phase::Dialling && !wire.cut {
            wire.dialler.phase = Phase::Up;
            let (peer, link) = (wire.dialler.peer, wire.dialler.link);
            self.feed(peer, Input::Connected(link));
        }
    }

    pub(super) fn transmit(&mut self, peer: Peer, link: LinkId, bytes: &[u8]) {
        if bytes.is_empty() {
            self.fail(format_args!("{peer} transmits nothing on {link:?}"));
        }
        let Some((id, side, end)) = self.end_of(peer, link, "transmits on") else {
            return;
        };
        let (phase, transmitting) = (end.phase, end.transmitting);
        end.transmitting = true;
        if phase != Phase::Up || transmitting {
            let state = if transmitting { "is not drained" } else { "is not up" };
            self.fail(format_args!("{peer} transmits on {link:?}, which {state}"));
        }
        if self.by_chance("cut", 20) {
            self.cut_wire(id);
        }
        if !self.gentle && !self.calm {
            self.network
                .first_words
                .entry((id, side.other()))
                .or_insert_with(|| bytes.to_vec());
        }
        for piece in self.pieces(bytes) {
            let arrival = Millis(self.now.0 + self.latency().0);
            let wire = self.network.wires.get_mut(&id);
            if let Some(hearer) = wire.and_then(|wire| wire.end(side.other())) {
                hearer.heard_until = hearer.heard_until.max(arrival);
                let arrival = hearer.heard_until;
                self.queue.at(arrival, Happening::Bytes(id, side.other(), piece));
            }
        }
        let drained = self.delay("slow drain", WRITE);
        self.soon(drained, Happening::Drained(id, side));
    }

    /// Splits what is transmitted at once into what arrives at once.
    fn pieces(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.network.piece > 0 {
            return bytes.chunks(self.network.piece).map(<[u8]>::to_vec).collect();
        }
        if !self.by_chance("split", 4) {
            return vec![bytes.to_vec()];
        }
        let length = u32::try_from(bytes.len()).expect("a transmit is short");
        let (head, tail) = bytes.split_at(self.choices.choose("split where", length) as usize);
        [head, tail]
            .iter()
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.to_vec())
            .collect()
    }

    pub(super) fn bytes(&mut self, id: WireId, side: Side, bytes: Vec<u8>) {
        let Some(wire) = self.network.wires.get_mut(&id).filter(|wire| !wire.cut) else {
            return;
        };
        if let Some(end) = wire.end(side).filter(|end| end.phase == Phase::Up) {
            let (peer, link) = (end.peer, end.link);
            self.feed_bulk(peer, Input::Received(link, bytes));
        }
    }

    pub(super) fn drained(&mut self, id: WireId, side: Side) {
        let end = self.network.wires.get_mut(&id).and_then(|wire| wire.end(side));
        if let Some(end) = end.filter(|end| end.phase != Phase::Gone) {
            end.transmitting = false;
            let (peer, link) = (end.peer, end.link);
            self.feed(peer, Input::Drained(link));
        }
    }

    pub(super) fn hangup(&mut self, peer: Peer, link: LinkId) {
        let Some((id, side, end)) = self.end_of(peer, link, "hangs up") else {
            return;
        };
        if end.phase == Phase::HungUp {
            self.fail(format_args!("{peer} hangs up {link:?} twice"));
        }
        end.phase = Phase::HungUp;
        // Which of `Drained` and `Closed` completes an open transmit is left to chance.
        let delay = self.delay("slow hangup", WRITE);
        self.close(id, side, Cause::HungUp, delay);
        if !self.network.wires.get(&id).is_some_and(|wire| wire.silent) {
            self.close(id, side.other(), Cause::Ended, LATENCY);
        }
    }

    pub(super) fn closed(&mut self, id: WireId, side: Side, cause: Cause) {
        let end = self.network.wires.get_mut(&id).and_then(|wire| wire.end(side));
        let Some(end) = end.filter(|end| end.phase != Phase::Gone) else {
            return;
        };
        end.phase = Phase::Gone;
        let (peer, link) = (end.peer, end.link);
        self.forget_if_over(id);
        self.feed_bulk(peer, Input::Closed(link, cause));
    }

    /// A machine has died: the others will notice.
    pub(super) fn network_lost(&mut self, peer: Peer) {
        let cuts = std::mem::take(&mut self.cuts);
        for (_, (id, side)) in std::mem::take(&mut self.hosts[peer.0].links) {
            let bytes_lost = cuts || self.by_chance("bytes lost", 2);
            if let Some(wire) = self.network.wires.get_mut(&id) {
                wire.cut |= bytes_lost;
                if let Some(end) = wire.end(side) {
                    end.phase = Phase::Gone;
                }
            }
            self.close(id, side.other(), Cause::Ended, LATENCY);
            self.forget_if_over(id);
        }
    }

    /// Tells one end that the stream is over: after what is still on its way to it, and once.
    fn close(&mut self, id: WireId, side: Side, cause: Cause, delay: Millis) {
        let now = self.now;
        let Some(wire) = self.network.wires.get_mut(&id) else {
            return;
        };
        let cut = wire.cut;
        let Some(end) = wire.end(side).filter(|end| !end.closing && end.phase != Phase::Gone) else {
            return;
        };
        end.closing = true;
        let soonest = Millis(now.0 + delay.0);
        let heard = end.heard_until;
        self.queue.at(
            if cut { soonest } else { soonest.max(heard) },
            Happening::Closed(id, side, cause),
        );
    }

    /// The end that a node speaks of; `None` if it is over and the node has yet to be told.
    fn end_of(&mut self, peer: Peer, link: LinkId, what: &str) -> Option<(WireId, Side, &mut End)> {
        let Some((id, side)) = self.hosts[peer.0].links.get(&link).copied() else {
            self.fail(format_args!("{peer} {what} {link:?}, which is over"));
        };
        let end = self.network.wires.get_mut(&id)?.end(side)?;
        (end.phase != Phase::Gone).then_some((id, side, end))
    }

    fn forget_if_over(&mut self, id: WireId) {
        let over = |end: &End| end.phase == Phase::Gone;
        if let Some(wire) = self.network.wires.get(&id)
            && over(&wire.dialler)
            && wire.listener.as_ref().is_none_or(over)
        {
            self.network.wires.remove(&id);
        }
    }

    /// At least `usual`; sometimes much more.
    fn delay(&mut self, label: &'static str, usual: Millis) -> Millis {
        let factor = if self.calm { 0 } else { self.choices.choose(label, 5) };
        self.trace.chance(self.now, label, factor);
        Millis(usual.0 * [1, 2, 7, 30, 100][factor as usize])
    }
}
