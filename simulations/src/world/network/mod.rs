//! [`Network`]: ordered byte streams between machines, dialed by onion address. A stream may be slow, split bytes
//! anywhere, or be cut, and a dial may be refused. A stream never reorders bytes, and each end learns exactly once that
//! it has ended.

mod faults;

use std::collections::{BTreeMap, BTreeSet};

use sotto_core::{Cause, CircuitId, Input, LinkId, Millis, OnionAddress};

use super::{NodeIndex, SimEvent, World};

/// One way across the network.
const LATENCY: Millis = Millis(40);
/// Until a dial reaches the listener.
const RENDEZVOUS: Millis = Millis(400);
/// Until the local socket has taken the bytes.
const WRITE: Millis = Millis(1);

/// Names a stream.
pub(super) type StreamId = u64;

/// One end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Dialer,
    Listener,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Listener,
            Self::Listener => Self::Dialer,
        }
    }
}

/// All streams, and which peers can be reached.
#[derive(Default)]
pub(super) struct Network {
    streams: BTreeMap<StreamId, Stream>,
    last_stream: u64,
    listeners: BTreeMap<OnionAddress, NodeIndex>,
    /// Pairs that cannot reach each other.
    partitioned: BTreeSet<(NodeIndex, NodeIndex)>,
    /// Dials still to be refused, by dialer.
    refusals: BTreeMap<NodeIndex, u32>,
    /// The first bytes of each stream, towards either side.
    first_bytes: BTreeMap<(StreamId, Side), Vec<u8>>,
    /// Longest piece in which bytes arrive; 0 is no limit.
    longest_piece: usize,
}

struct Stream {
    dialer: End,
    /// The dialed address. It is resolved when the dial arrives.
    address: OnionAddress,
    /// `None` until the dial arrives.
    listener: Option<End>,
    /// Bytes in transit are lost.
    cut: bool,
    /// Neither end notices what the other does.
    silent: bool,
}

struct End {
    peer: NodeIndex,
    link: LinkId,
    phase: Phase,
    transmitting: bool,
    /// Bytes reach this end in order: none before this moment.
    arrived_until: Millis,
    /// A `Closed` for this end is scheduled.
    closing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Dialing,
    Up,
    /// The node has hung up; `Closed` is scheduled.
    HungUp,
    /// `Closed` was delivered, or the machine stopped.
    Gone,
}

impl End {
    fn new(peer: NodeIndex, link: LinkId, phase: Phase, now: Millis) -> Self {
        Self {
            peer,
            link,
            phase,
            transmitting: false,
            arrived_until: now,
            closing: false,
        }
    }
}

impl Stream {
    fn end(&mut self, side: Side) -> Option<&mut End> {
        match side {
            Side::Dialer => Some(&mut self.dialer),
            Side::Listener => self.listener.as_mut(),
        }
    }
}

impl Network {
    /// Whether the scenario limits the size of pieces.
    pub(super) fn has_small_pieces(&self) -> bool {
        self.longest_piece > 0
    }

    pub(super) fn peer_of(&self, id: StreamId, side: Side) -> Option<NodeIndex> {
        let stream = self.streams.get(&id)?;
        match side {
            Side::Dialer => Some(stream.dialer.peer),
            Side::Listener => stream.listener.as_ref().map(|end| end.peer),
        }
    }

    /// The peer at the dialed address, even before the dial arrives.
    pub(super) fn dialed_peer(&self, id: StreamId) -> Option<NodeIndex> {
        self.whose(self.streams.get(&id)?.address)
    }

    /// The first bytes of another stream, or else of this one.
    pub(super) fn earlier_bytes(&self, id: StreamId, side: Side) -> Option<Vec<u8>> {
        let other = self
            .first_bytes
            .iter()
            .rev()
            .find(|((of, to), _)| *to == side && *of != id);
        other
            .or(self.first_bytes.last_key_value())
            .map(|(_, bytes)| bytes.clone())
    }

    pub(super) fn whose(&self, address: OnionAddress) -> Option<NodeIndex> {
        self.listeners.get(&address).copied()
    }
}

fn pair(a: NodeIndex, b: NodeIndex) -> (NodeIndex, NodeIndex) {
    (a.min(b), a.max(b))
}

impl World {
    pub(super) fn listen(&mut self, peer: NodeIndex, address: OnionAddress) {
        self.network.listeners.insert(address, peer);
    }

    pub(super) fn dial(&mut self, peer: NodeIndex, link: LinkId, address: OnionAddress) {
        self.network.last_stream += 1;
        let id = self.network.last_stream;
        let taken = self.hosts[peer.0].links.insert(link, (id, Side::Dialer));
        if taken.is_some() || !matches!(link, LinkId::Dialled(_)) {
            self.fail(format_args!("{peer} dials with {link:?}, which is not free for that"));
        }
        let stream = Stream {
            dialer: End::new(peer, link, Phase::Dialing, self.now),
            address,
            listener: None,
            cut: false,
            silent: false,
        };
        self.network.streams.insert(id, stream);
        if self.refused(peer) {
            self.close(id, Side::Dialer, Cause::Unreachable, RENDEZVOUS);
        } else {
            let delay = self.rendezvous();
            self.schedule(delay, SimEvent::DialArrives(id));
        }
    }

    fn refused(&mut self, peer: NodeIndex) -> bool {
        match self.network.refusals.get_mut(&peer) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => self.chance("refused dial", 4),
        }
    }

    pub(super) fn dial_arrives(&mut self, id: StreamId) {
        let Some(stream) = self.network.streams.get(&id) else {
            return;
        };
        if stream.dialer.phase != Phase::Dialing {
            return;
        }
        let dialer = stream.dialer.peer;
        let reachable = |callee: &NodeIndex| {
            let host = &self.hosts[callee.0];
            let there = host.node.is_some() && host.published_from.max(host.suspended_until) <= self.now;
            there && !self.network.partitioned.contains(&pair(dialer, *callee))
        };
        let callee = self.network.listeners.get(&stream.address).copied();
        let Some(callee) = callee.filter(reachable) else {
            self.close(id, Side::Dialer, Cause::Unreachable, LATENCY);
            return;
        };
        let back = self.latency();
        let now = self.now;
        let host = &mut self.hosts[callee.0];
        host.accepted += 1;
        let link = LinkId::Accepted(host.accepted);
        host.links.insert(link, (id, Side::Listener));
        if let Some(stream) = self.network.streams.get_mut(&id) {
            stream.dialer.arrived_until = Millis(now.0 + back.0);
            stream.listener = Some(End::new(callee, link, Phase::Up, now));
        }
        self.schedule(back, SimEvent::DialAnswered(id));
        self.feed(callee, Input::Accepted(link, CircuitId(id)));
    }

    pub(super) fn dial_answered(&mut self, id: StreamId) {
        let Some(stream) = self.network.streams.get_mut(&id) else {
            return;
        };
        if stream.dialer.phase == Phase::Dialing && !stream.cut {
            stream.dialer.phase = Phase::Up;
            let (peer, link) = (stream.dialer.peer, stream.dialer.link);
            self.feed(peer, Input::Connected(link));
        }
    }

    pub(super) fn transmit(&mut self, peer: NodeIndex, link: LinkId, bytes: &[u8]) {
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
        if self.chance("cut", 20) {
            self.cut_stream(id);
        }
        if !self.fault_free && !self.faults_over {
            self.network
                .first_bytes
                .entry((id, side.other()))
                .or_insert_with(|| bytes.to_vec());
        }
        for piece in self.pieces(bytes) {
            let arrival = Millis(self.now.0 + self.latency().0);
            let stream = self.network.streams.get_mut(&id);
            if let Some(hearer) = stream.and_then(|stream| stream.end(side.other())) {
                hearer.arrived_until = hearer.arrived_until.max(arrival);
                let arrival = hearer.arrived_until;
                self.queue.at(arrival, SimEvent::Bytes(id, side.other(), piece));
            }
        }
        let drained = self.delay("slow drain", WRITE);
        self.schedule(drained, SimEvent::Drained(id, side));
    }

    /// Splits one transmit into the pieces that arrive.
    fn pieces(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.network.longest_piece > 0 {
            return bytes.chunks(self.network.longest_piece).map(<[u8]>::to_vec).collect();
        }
        if !self.chance("split", 4) {
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

    pub(super) fn bytes(&mut self, id: StreamId, side: Side, bytes: Vec<u8>) {
        let Some(stream) = self.network.streams.get_mut(&id).filter(|stream| !stream.cut) else {
            return;
        };
        if let Some(end) = stream.end(side).filter(|end| end.phase == Phase::Up) {
            let (peer, link) = (end.peer, end.link);
            self.feed_bulk(peer, Input::Received(link, bytes));
        }
    }

    pub(super) fn drained(&mut self, id: StreamId, side: Side) {
        let end = self.network.streams.get_mut(&id).and_then(|stream| stream.end(side));
        if let Some(end) = end.filter(|end| end.phase != Phase::Gone) {
            end.transmitting = false;
            let (peer, link) = (end.peer, end.link);
            self.feed(peer, Input::Drained(link));
        }
    }

    pub(super) fn hangup(&mut self, peer: NodeIndex, link: LinkId) {
        let Some((id, side, end)) = self.end_of(peer, link, "hangs up") else {
            return;
        };
        if end.phase == Phase::HungUp {
            self.fail(format_args!("{peer} hangs up {link:?} twice"));
        }
        end.phase = Phase::HungUp;
        // A choice decides whether `Drained` or `Closed` completes an open transmit.
        let delay = self.delay("slow hangup", WRITE);
        self.close(id, side, Cause::HungUp, delay);
        if !self.network.streams.get(&id).is_some_and(|stream| stream.silent) {
            self.close(id, side.other(), Cause::Ended, LATENCY);
        }
    }

    pub(super) fn closed(&mut self, id: StreamId, side: Side, cause: Cause) {
        let end = self.network.streams.get_mut(&id).and_then(|stream| stream.end(side));
        let Some(end) = end.filter(|end| end.phase != Phase::Gone) else {
            return;
        };
        end.phase = Phase::Gone;
        let (peer, link) = (end.peer, end.link);
        self.forget_if_over(id);
        self.feed_bulk(peer, Input::Closed(link, cause));
    }

    /// A machine has stopped: the other ends are told.
    pub(super) fn network_lost(&mut self, peer: NodeIndex) {
        let cuts = std::mem::take(&mut self.cuts);
        for (_, (id, side)) in std::mem::take(&mut self.hosts[peer.0].links) {
            let bytes_lost = cuts || self.chance("bytes lost", 2);
            if let Some(stream) = self.network.streams.get_mut(&id) {
                stream.cut |= bytes_lost;
                if let Some(end) = stream.end(side) {
                    end.phase = Phase::Gone;
                }
            }
            self.close(id, side.other(), Cause::Ended, LATENCY);
            self.forget_if_over(id);
        }
    }

    /// Tells one end, once, that the stream has ended: after the bytes that are still on their way to it.
    fn close(&mut self, id: StreamId, side: Side, cause: Cause, delay: Millis) {
        let now = self.now;
        let Some(stream) = self.network.streams.get_mut(&id) else {
            return;
        };
        let cut = stream.cut;
        let Some(end) = stream.end(side).filter(|end| !end.closing && end.phase != Phase::Gone) else {
            return;
        };
        end.closing = true;
        let soonest = Millis(now.0 + delay.0);
        let heard = end.arrived_until;
        self.queue.at(
            if cut { soonest } else { soonest.max(heard) },
            SimEvent::Closed(id, side, cause),
        );
    }

    /// The end that a node refers to; `None` if it has ended and the node is not told yet.
    fn end_of(&mut self, peer: NodeIndex, link: LinkId, what: &str) -> Option<(StreamId, Side, &mut End)> {
        let Some((id, side)) = self.hosts[peer.0].links.get(&link).copied() else {
            self.fail(format_args!("{peer} {what} {link:?}, which is over"));
        };
        let end = self.network.streams.get_mut(&id)?.end(side)?;
        (end.phase != Phase::Gone).then_some((id, side, end))
    }

    fn forget_if_over(&mut self, id: StreamId) {
        let over = |end: &End| end.phase == Phase::Gone;
        if let Some(stream) = self.network.streams.get(&id)
            && over(&stream.dialer)
            && stream.listener.as_ref().is_none_or(over)
        {
            self.network.streams.remove(&id);
        }
    }

    /// `usual`, or a multiple of it.
    fn delay(&mut self, label: &'static str, usual: Millis) -> Millis {
        let factor = if self.faults_over {
            0
        } else {
            self.choices.choose(label, 5)
        };
        self.timeline.chance(self.now, label, factor);
        Millis(usual.0 * [1, 2, 7, 30, 100][factor as usize])
    }
}
