//! Who stands between a node and its host.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sotto_core::link::{Link, LinkEvent};
use sotto_core::row::{Change, Row};
use sotto_core::wire::link::Frame;
use sotto_core::{
    Deadline, DeadlineReason, Entropy, Input, Intake, LinkId, Machine, Millis, Monotonic, Now, OnionAddress,
    OnionSecret, Output,
};

use super::Malice;

/// Everybody's onion seeds: a crook deceives its own node, for which it must play the others.
pub(in crate::world) type Keys = Arc<Mutex<BTreeMap<OnionAddress, [u8; 32]>>>;

/// Streams on which nothing is said, for each dial.
const MUTE: u64 = 6;
/// Beyond any number that a node gives its dials.
const FIRST_MUTE: u64 = 1 << 40;
/// How long the slow one waits between two bytes.
const DRIP: Millis = Millis::seconds(1);

/// A node, and what is done to all that it says.
pub(in crate::world) struct Crook {
    node: Box<dyn Machine>,
    pub(super) malice: Malice,
    seed: Option<[u8; 32]>,
    keys: Keys,
    pub(super) entropy: Entropy,
    relays: BTreeMap<LinkId, Relay>,
    wants: VecDeque<Output>,
    mute: u64,
    /// Bytes of older transmits.
    pub(super) overheard: VecDeque<Vec<u8>>,
    pub(super) offered: Option<sotto_core::wire::link::Bundle>,
    next_drip: Option<Monotonic>,
}

/// A link, with an end on either side.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Relay {
    /// Towards the real peer, in the node's name; frames may go once it is open.
    outward: Link,
    outward_open: bool,
    /// Towards the node, in the peer's name; none as long as the peer is not known.
    inward: Option<Link>,
    inward_open: bool,
    /// What the node has said before the peer could be told, and the other way round.
    from_node: Vec<u8>,
    for_node: Vec<Frame>,
    transmitting: bool,
    /// The next byte is not due yet.
    resting: bool,
    hung_up: bool,
    /// It ends after the next bytes, whatever the node wants.
    pub(super) broken_off: bool,
    /// Bytes that are to go, in pieces of their own.
    pub(super) waiting: VecDeque<Vec<u8>>,
    pub(super) held_frame: Option<Frame>,
}

impl Relay {
    fn new(outward: Link, inward: Option<Link>) -> Self {
        Self {
            outward,
            outward_open: false,
            inward,
            inward_open: false,
            from_node: Vec::new(),
            for_node: Vec::new(),
            transmitting: false,
            resting: false,
            hung_up: false,
            broken_off: false,
            waiting: VecDeque::new(),
            held_frame: None,
        }
    }
}

impl Relay {
    pub(super) fn is_open(&self) -> bool {
        self.outward_open
    }
}

impl Crook {
    pub fn around(
        node: Box<dyn Machine>,
        malice: Malice,
        seed: Option<[u8; 32]>,
        keys: Keys,
        entropy: Entropy,
        now: Now,
    ) -> Self {
        let mut crook = Self {
            node,
            malice,
            seed,
            keys,
            entropy,
            relays: BTreeMap::new(),
            wants: VecDeque::new(),
            mute: FIRST_MUTE,
            overheard: VecDeque::new(),
            offered: None,
            next_drip: None,
        };
        // What it wants as soon as it is opened.
        crook.turn(now);
        crook
    }

    fn ours(&self) -> OnionSecret {
        OnionSecret::from_seed(&self.seed.expect("a node has an identity before it has links"))
    }

    fn theirs(&self, address: OnionAddress) -> Option<OnionSecret> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&address).map(OnionSecret::from_seed)
    }

    /// The node wants a link: the crook takes it, and dials the peer itself.
    fn dial(&mut self, id: LinkId, peer: OnionAddress) {
        let outward = Link::dial(&self.ours(), peer, self.entropy.fork());
        let inward = self
            .theirs(peer)
            .map(|secret| Link::accept(&secret, self.entropy.fork()));
        self.relays.insert(id, Relay::new(outward, inward));
        self.wants.push_back(Output::Dial(id, peer));
        if self.malice == Malice::SlowLoris {
            for _ in 0..MUTE {
                self.mute += 1;
                self.wants.push_back(Output::Dial(LinkId::Dialled(self.mute), peer));
            }
        }
    }

    /// Bytes of the real peer.
    fn received(&mut self, id: LinkId, bytes: &[u8], now: Now) {
        let Some(mut relay) = self.relays.remove(&id) else {
            return;
        };
        self.heard_bytes(bytes, &mut relay);
        relay.outward.receive(bytes);
        loop {
            match relay.outward.event() {
                Ok(None) => break,
                Ok(Some(LinkEvent::Authenticated(peer))) => {
                    relay.outward_open = true;
                    if relay.inward.is_none()
                        && let Some(theirs) = self.theirs(peer)
                    {
                        let mut inward = Link::dial(&theirs, self.ours().address(), self.entropy.fork());
                        inward.connected();
                        relay.inward = Some(inward);
                        self.node.handle(Input::Accepted(id), now);
                    }
                }
                Ok(Some(LinkEvent::Frame(frame))) => {
                    for back in self.back(&frame) {
                        relay.outward.send(&back);
                    }
                    if self.malice == Malice::HangsUp {
                        Self::hang_up(&mut relay, id, &mut self.wants);
                    }
                    relay.for_node.push(frame);
                }
                // The peer will say nothing more that can be understood.
                Err(_) => {
                    Self::hang_up(&mut relay, id, &mut self.wants);
                    break;
                }
            }
        }
        self.relays.insert(id, relay);
    }

    fn hang_up(relay: &mut Relay, id: LinkId, wants: &mut VecDeque<Output>) {
        if !std::mem::replace(&mut relay.hung_up, true) {
            wants.push_back(Output::Hangup(id));
        }
    }

    /// Whatever the node says on a link, it is told that it is taken.
    fn said(&mut self, id: LinkId, bytes: &[u8], now: Now) {
        if let Some(relay) = self.relays.get_mut(&id) {
            relay.from_node.extend_from_slice(bytes);
        }
        self.node.handle(Input::Drained(id), now);
    }

    /// Passes on what either side has said, as far as the other can hear it. Gives what the node is to be told.
    fn pass_on(&mut self, id: LinkId) -> Option<Vec<u8>> {
        let mut relay = self.relays.remove(&id)?;
        let mut for_node = None;
        if let Some(mut inward) = relay.inward.take() {
            if relay.outward_open {
                inward.receive(&std::mem::take(&mut relay.from_node));
            }
            while let Ok(Some(event)) = inward.event() {
                match event {
                    LinkEvent::Authenticated(_) => relay.inward_open = true,
                    LinkEvent::Frame(frame) => {
                        for frame in self.twisted(frame, &mut relay) {
                            relay.outward.send(&frame);
                        }
                    }
                }
            }
            if relay.inward_open {
                for frame in std::mem::take(&mut relay.for_node) {
                    inward.send(&frame);
                }
            }
            for_node = inward.transmit().inspect(|_| inward.drained());
            relay.inward = Some(inward);
        }
        self.relays.insert(id, relay);
        for_node
    }

    /// Hands over what each side has to say until there is nothing more; then it is the host's turn.
    fn turn(&mut self, now: Now) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.node.poll() {
                quiet = false;
                match output {
                    Output::Dial(id, peer) => self.dial(id, peer),
                    Output::Transmit(id, bytes) => self.said(id, &bytes, now),
                    Output::Hangup(id) => {
                        if let Some(relay) = self.relays.get_mut(&id) {
                            Self::hang_up(relay, id, &mut self.wants);
                        }
                    }
                    other => {
                        self.learn_identity(&other);
                        self.wants.push_back(other);
                    }
                }
            }
            for id in self.relays.keys().copied().collect::<Vec<_>>() {
                if let Some(bytes) = self.pass_on(id) {
                    quiet = false;
                    self.node.handle(Input::Received(id, bytes), now);
                }
            }
            if quiet {
                break;
            }
        }
        for id in self.relays.keys().copied().collect::<Vec<_>>() {
            self.speak(id);
        }
    }

    fn learn_identity(&mut self, output: &Output) {
        if let Output::Commit(_, batch) = output {
            for change in &batch.changes {
                if let Change::Put(Row::Identity(row)) = change {
                    self.seed = Some(row.onion_seed);
                }
            }
        }
    }

    /// Gives the host the next bytes of a link, if it has taken the last.
    fn speak(&mut self, id: LinkId) {
        let Some(mut relay) = self.relays.remove(&id) else {
            return;
        };
        if !relay.transmitting && !relay.resting && !relay.hung_up {
            if relay.waiting.is_empty()
                && let Some(bytes) = relay.outward.transmit()
            {
                relay.outward.drained();
                self.spoil(bytes, &mut relay);
            }
            if let Some(bytes) = relay.waiting.pop_front() {
                relay.transmitting = true;
                self.wants.push_back(Output::Transmit(id, bytes));
            }
            if relay.broken_off {
                Self::hang_up(&mut relay, id, &mut self.wants);
            }
        }
        self.relays.insert(id, relay);
    }
}

impl Machine for Crook {
    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Accepted(id) => {
                let outward = Link::accept(&self.ours(), self.entropy.fork());
                self.relays.insert(id, Relay::new(outward, None));
            }
            Input::Connected(LinkId::Dialled(number)) if number > FIRST_MUTE => {}
            Input::Connected(id) => {
                if let Some(relay) = self.relays.get_mut(&id) {
                    relay.outward.connected();
                }
                self.node.handle(Input::Connected(id), now);
            }
            Input::Received(id, bytes) => self.received(id, &bytes, now),
            Input::Drained(id) => {
                if let Some(relay) = self.relays.get_mut(&id) {
                    relay.transmitting = false;
                    relay.resting = self.malice == Malice::SlowLoris;
                }
                if self.malice == Malice::SlowLoris {
                    self.next_drip.get_or_insert(now.monotonic.after(DRIP));
                }
            }
            Input::Closed(LinkId::Dialled(number), _) if number > FIRST_MUTE => {}
            Input::Closed(id, cause) => {
                // The host may not have come for these yet, and they have no place any more.
                self.wants
                    .retain(|output| !matches!(output, Output::Transmit(of, _) | Output::Hangup(of) if *of == id));
                let known = self.relays.remove(&id).is_none_or(|relay| relay.inward.is_some());
                if known || matches!(id, LinkId::Dialled(_)) {
                    self.node.handle(Input::Closed(id, cause), now);
                }
            }
            Input::Tick => {
                if self.next_drip.take_if(|at| *at <= now.monotonic).is_some() {
                    for relay in self.relays.values_mut() {
                        relay.resting = false;
                    }
                }
                self.node.handle(Input::Tick, now);
            }
            other => self.node.handle(other, now),
        }
        self.turn(now);
    }

    fn poll(&mut self) -> Option<Output> {
        self.wants.pop_front()
    }

    fn deadline(&self) -> Option<Deadline> {
        let drip = self.next_drip.map(|at| Deadline {
            at,
            reason: DeadlineReason::Idle,
        });
        [self.node.deadline(), drip].into_iter().flatten().min()
    }

    fn intake(&self) -> Intake {
        self.node.intake()
    }
}
