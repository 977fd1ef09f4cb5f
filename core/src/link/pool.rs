//! The links that are up or being made, and the rules by which they are bounded, resolved, kept alive and let go.
//!
//! A link is dialling or handshaking until the peer is authenticated; then it belongs to that peer. One peer has one link:
//! when a second one authenticates, `Pool::resolve` says which stays.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::kernel::alarms::Alarm;
use crate::kernel::context::Context;
use crate::kernel::rate::Bucket;
use crate::link::Link;
use crate::sabotage::{Rule, breaks};
use crate::wire::link::Frame;
use crate::wire::link::frame::Body;
use crate::{CircuitId, FaultKind, LinkId, MessageKey, Millis, Monotonic, OnionAddress, Output};

#[derive(Default)]
pub(crate) struct Pool {
    links: BTreeMap<LinkId, Entry>,
    by_peer: BTreeMap<OnionAddress, LinkId>,
    /// Dials under way, by peer.
    dialling: BTreeMap<OnionAddress, LinkId>,
    /// Links that may have bytes to transmit.
    unsent: BTreeSet<LinkId>,
    dialled: u64,
}

pub(crate) struct Entry {
    pub link: Link,
    pub phase: Phase,
    /// What carries the stream, if the peer has opened it.
    circuit: Option<CircuitId>,
    since: Monotonic,
    last_heard: Monotonic,
    /// When there was reason to think it dead, if nothing was heard since.
    doubted: Option<Monotonic>,
    /// When anything but a heartbeat last crossed.
    pub last_traffic: Monotonic,
    /// The peer broke a rule: nothing more is taken from it while the hang-up waits for its turn.
    pub doomed: bool,
    /// Their Hello was heard.
    pub greeted: bool,
    /// The features that it said, if the peer was not known then: it may become a contact on this link.
    pub features: Option<Vec<u32>>,
    /// For the frames of a peer that is not known here: one stranger's flood takes no token of another's.
    pub bucket: Bucket,
    /// Messages in the link's buffer, and in the transmit that is in flight.
    boarding: Vec<MessageKey>,
    aboard: Vec<MessageKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Dialling(OnionAddress),
    Handshaking(Option<OnionAddress>),
    Up(OnionAddress),
    /// Hung up; the driver's `Closed` is outstanding.
    Closing,
}

impl Phase {
    /// The authenticated peer.
    fn peer(self) -> Option<OnionAddress> {
        match self {
            Self::Up(peer) => Some(peer),
            Self::Dialling(_) | Self::Handshaking(_) | Self::Closing => None,
        }
    }
}

/// What a link's silence calls for.
pub(crate) enum Silence {
    Nothing,
    SayHeartbeat,
    Dead,
    Idle,
}

impl Pool {
    /// A new dial.
    pub fn dial(&mut self, peer: OnionAddress, link: Link, ctx: &mut Context) -> LinkId {
        self.dialled += 1;
        let id = LinkId::Dialled(self.dialled);
        self.insert(id, None, link, Phase::Dialling(peer), ctx);
        self.dialling.insert(peer, id);
        ctx.gate.output(Output::Dial(id, peer));
        id
    }

    /// A peer's stream. Others give way if there are too many, so that idle ones keep no other peer out.
    pub fn accept(&mut self, id: LinkId, circuit: CircuitId, link: Link, ctx: &mut Context) {
        self.insert(id, Some(circuit), link, Phase::Handshaking(None), ctx);
        ctx.wake(Alarm::Handshake(id), ctx.now.monotonic.after(ctx.limits.handshake));
        let most = ctx.limits.unauthenticated_links;
        self.thin_out(most, |phase| phase == Phase::Handshaking(None), ctx);
    }

    /// Of the links in such phases, ends as many as there are beyond `most`: each time the oldest of the circuit that has the
    /// most of them. A flood over few circuits ends its own links, and no peer that needs a round trip or two; one over many
    /// circuits has to build them.
    pub fn thin_out(&mut self, most: usize, such: impl Fn(Phase) -> bool, ctx: &mut Context) {
        let such = self
            .links
            .iter()
            .filter(|(_, entry)| !entry.doomed && such(entry.phase));
        let mut by_circuit: BTreeMap<Option<CircuitId>, BTreeSet<(Monotonic, LinkId)>> = BTreeMap::new();
        for (id, entry) in such {
            by_circuit.entry(entry.circuit).or_default().insert((entry.since, *id));
        }
        let count: usize = by_circuit.values().map(BTreeSet::len).sum();
        for _ in most..count {
            let busiest = by_circuit
                .values_mut()
                .max_by_key(|links| (links.len(), Reverse(links.first().copied())));
            let Some((_, id)) = busiest.and_then(BTreeSet::pop_first) else {
                return;
            };
            if let Some(entry) = self.links.get_mut(&id) {
                entry.doomed = true;
                ctx.fault(entry.phase.peer(), FaultKind::TooManyLinks);
                ctx.gate.hang_up(id);
            }
        }
    }

    fn insert(&mut self, id: LinkId, circuit: Option<CircuitId>, link: Link, phase: Phase, ctx: &Context) {
        let now = ctx.now.monotonic;
        let entry = Entry {
            link,
            phase,
            circuit,
            since: now,
            last_heard: now,
            doubted: None,
            last_traffic: now,
            doomed: false,
            greeted: false,
            features: None,
            bucket: Bucket::full(ctx.limits.frame_rate(), now),
            boarding: Vec::new(),
            aboard: Vec::new(),
        };
        let earlier = self.links.insert(id, entry);
        assert!(earlier.is_none(), "the driver reused {id:?}");
    }

    /// The dialled stream is up: the handshake begins.
    pub fn connected(&mut self, id: LinkId, ctx: &mut Context) {
        let Some(entry) = self.links.get_mut(&id) else { return };
        if let Phase::Dialling(peer) = entry.phase {
            entry.phase = Phase::Handshaking(Some(peer));
            entry.link.connected();
            self.unsent.insert(id);
            ctx.wake(Alarm::Handshake(id), ctx.now.monotonic.after(ctx.limits.handshake));
        }
    }

    /// The authenticated peer of a link.
    pub fn peer_of(&self, id: LinkId) -> Option<OnionAddress> {
        self.links.get(&id)?.phase.peer()
    }

    pub fn get(&mut self, id: LinkId) -> Option<&mut Entry> {
        self.links.get_mut(&id)
    }

    /// Bytes came.
    pub fn received(&mut self, id: LinkId, bytes: &[u8], ctx: &Context) {
        if let Some(entry) = self.links.get_mut(&id)
            && entry.phase != Phase::Closing
        {
            entry.last_heard = ctx.now.monotonic;
            entry.doubted = None;
            entry.link.receive(bytes);
            self.unsent.insert(id);
        }
    }

    /// The link that is up with a peer.
    pub fn link_of(&self, peer: &OnionAddress) -> Option<LinkId> {
        self.by_peer.get(peer).copied()
    }

    /// The link that is up with a peer, if the peer has said Hello on it.
    pub fn greeted_link_of(&self, peer: &OnionAddress) -> Option<LinkId> {
        let id = self.link_of(peer)?;
        self.links.get(&id)?.greeted.then_some(id)
    }

    /// Whether a peer is linked or being dialled.
    pub fn reaches(&self, peer: &OnionAddress) -> bool {
        self.by_peer.contains_key(peer) || self.dialling.contains_key(peer)
    }

    pub fn dials(&self) -> usize {
        self.dialling.len()
    }

    /// Links of peers that dialled and have not authenticated yet.
    pub fn handshakes(&self) -> usize {
        let unauthenticated = |entry: &&Entry| entry.phase == Phase::Handshaking(None);
        self.links.values().filter(unauthenticated).count()
    }

    /// The authenticated peers that are linked.
    pub fn peers(&self) -> impl Iterator<Item = &OnionAddress> {
        self.by_peer.keys()
    }

    pub fn up(&self) -> usize {
        self.by_peer.len()
    }

    /// The peer of a link has proven who it is. `Err` is the link that has to go, perhaps this one.
    pub fn authenticated(
        &mut self,
        id: LinkId,
        peer: OnionAddress,
        ours: &OnionAddress,
        ctx: &mut Context,
    ) -> Result<(), LinkId> {
        ctx.alarms.clear(Alarm::Handshake(id));
        if self.dialling.get(&peer) == Some(&id) {
            self.dialling.remove(&peer);
        }
        let loser = self
            .by_peer
            .get(&peer)
            .copied()
            .map(|older| self.resolve(older, id, &peer, ours, ctx));
        if loser == Some(id) {
            return Err(id);
        }
        if let Some(entry) = self.links.get_mut(&id) {
            entry.phase = Phase::Up(peer);
            entry.since = ctx.now.monotonic;
        }
        self.by_peer.insert(peer, id);
        ctx.wake(Alarm::Heartbeat(id), ctx.now.monotonic.after(ctx.limits.heartbeat));
        loser.map_or(Ok(()), Err)
    }

    /// Of two links with one peer, the one that has to go. Both sides must come to the same answer, without talking:
    /// links dialled by both at once are told by who dialled; otherwise the peer has lost the older one, and the newer stays.
    fn resolve(&self, older: LinkId, newer: LinkId, peer: &OnionAddress, ours: &OnionAddress, ctx: &Context) -> LinkId {
        let dialled_by_us = |id| matches!(id, LinkId::Dialled(_));
        let age = self
            .links
            .get(&older)
            .map_or(ctx.limits.handshake, |entry| ctx.now.monotonic.since(entry.since));
        if dialled_by_us(older) == dialled_by_us(newer) || age >= ctx.limits.handshake {
            return older;
        }
        // The link that the smaller key dialled stays.
        let we_stay = ours < peer || breaks(Rule::CrossingLinksBothClosed);
        if dialled_by_us(older) == we_stay { newer } else { older }
    }

    /// Ends a link on our side: no more of its bytes count. Gives what it was, and what it still has to say.
    pub fn close(&mut self, id: LinkId, ctx: &mut Context) -> Option<(Phase, Option<Vec<u8>>)> {
        let entry = self.links.get_mut(&id)?;
        if entry.phase == Phase::Closing {
            return None;
        }
        let last_words = entry.link.transmit();
        let phase = std::mem::replace(&mut entry.phase, Phase::Closing);
        self.forget(id, phase, ctx);
        Some((phase, last_words))
    }

    /// The driver's last word on a link. Gives what it was.
    pub fn closed(&mut self, id: LinkId, ctx: &mut Context) -> Option<Phase> {
        let entry = self.links.remove(&id)?;
        self.forget(id, entry.phase, ctx);
        Some(entry.phase)
    }

    fn forget(&mut self, id: LinkId, phase: Phase, ctx: &mut Context) {
        self.unsent.remove(&id);
        ctx.alarms.clear(Alarm::Handshake(id));
        ctx.alarms.clear(Alarm::Heartbeat(id));
        if let Phase::Up(peer) | Phase::Dialling(peer) | Phase::Handshaking(Some(peer)) = phase {
            if self.by_peer.get(&peer) == Some(&id) {
                self.by_peer.remove(&peer);
            }
            if self.dialling.get(&peer) == Some(&id) {
                self.dialling.remove(&peer);
            }
        }
    }

    /// Puts a frame aboard. Frames for a link that is gone are dropped: what matters in them is durable, and is said anew
    /// on the next link. False if the peer makes us talk and does not listen: the link has to go.
    pub fn send(&mut self, id: LinkId, frame: &Frame, message: Option<MessageKey>, ctx: &Context) -> bool {
        let Some(entry) = self.links.get_mut(&id) else {
            return true;
        };
        if !matches!(entry.phase, Phase::Up(_)) {
            return true;
        }
        if !matches!(frame.body, Some(Body::Heartbeat(_))) {
            entry.last_traffic = ctx.now.monotonic;
        }
        entry.link.send(frame);
        entry.boarding.extend(message);
        self.unsent.insert(id);
        entry.link.backlog() <= ctx.limits.unsent_bytes
    }

    /// The next transmit of any link.
    pub fn transmit(&mut self) -> Option<Output> {
        while let Some(id) = self.unsent.pop_first() {
            if let Some(entry) = self.links.get_mut(&id)
                && let Some(bytes) = entry.link.transmit()
            {
                entry.aboard.append(&mut entry.boarding);
                return Some(Output::Transmit(id, bytes));
            }
        }
        None
    }

    /// A transmit is done; gives the peer and the messages that were in it.
    pub fn drained(&mut self, id: LinkId) -> Option<(OnionAddress, Vec<MessageKey>)> {
        let entry = self.links.get_mut(&id)?;
        entry.link.drained();
        let aboard = std::mem::take(&mut entry.aboard);
        if entry.phase == Phase::Closing {
            return None;
        }
        self.unsent.insert(id);
        match entry.phase {
            Phase::Up(peer) => Some((peer, aboard)),
            _ => None,
        }
    }

    /// Looks at a link's silence, and says when to look again.
    pub fn check_liveness(&mut self, id: LinkId, ctx: &mut Context) -> Silence {
        let Some(entry) = self.links.get_mut(&id) else {
            return Silence::Nothing;
        };
        let now = ctx.now.monotonic;
        let (silence, heartbeat) = (now.since(entry.last_heard), ctx.limits.heartbeat);
        if silence.0 >= 3 * heartbeat.0 || entry.doubted.is_some_and(|at| now.since(at) >= heartbeat) {
            return Silence::Dead;
        }
        if now.since(entry.last_traffic) >= ctx.limits.idle {
            return Silence::Idle;
        }
        // Counted from the last byte, so that neither the heartbeat nor the verdict comes late.
        let heartbeats = silence.0 / heartbeat.0.max(1) + 1;
        let next = entry.last_heard.after(Millis(heartbeats * heartbeat.0));
        ctx.wake(
            Alarm::Heartbeat(id),
            next.min(entry.last_traffic.after(ctx.limits.idle)),
        );
        if silence >= heartbeat {
            Silence::SayHeartbeat
        } else {
            Silence::Nothing
        }
    }

    /// Every link that is up may be dead: it has one heartbeat's time to say otherwise. Gives them, to be asked.
    pub fn doubt(&mut self, ctx: &mut Context) -> Vec<LinkId> {
        let up: Vec<LinkId> = self.by_peer.values().copied().collect();
        for id in &up {
            if let Some(entry) = self.links.get_mut(id) {
                let doubted = *entry.doubted.get_or_insert(ctx.now.monotonic);
                ctx.wake(Alarm::Heartbeat(*id), doubted.after(ctx.limits.heartbeat));
            }
        }
        up
    }

    /// Of the links that are up, the one with the least recent traffic.
    pub fn least_used(&self) -> Option<LinkId> {
        let up = self
            .by_peer
            .values()
            .filter_map(|id| Some((self.links.get(id)?.last_traffic, *id)));
        up.min().map(|(_, id)| id)
    }
}
