//! [`ByzantinePeer`]: the machine that sits between a node and its host.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sotto_core::link::{Link, LinkEvent};
use sotto_core::row::{Change, Row};
use sotto_core::wire::link::Frame;
use sotto_core::{
    CircuitId, Deadline, DeadlineReason, Entropy, Input, Intake, LinkId, Machine, Millis, Monotonic, Now, OnionAddress,
    OnionSecret, Output,
};

use super::ByzantineFault;

/// The onion seeds of all peers. A byzantine peer plays the remote peers towards its own node.
pub(in crate::world) type Keys = Arc<Mutex<BTreeMap<OnionAddress, [u8; 32]>>>;

/// Links without any byte, opened with each dial.
const IDLE_DIALS: u64 = 6;
/// Larger than any link number that a node uses.
const FIRST_IDLE_DIAL: u64 = 1 << 40;
/// The time between two bytes of [`ByzantineFault::SlowLoris`].
const SLOW_BYTE_INTERVAL: Millis = Millis::seconds(1);

/// A node, and what is changed in its traffic.
pub(in crate::world) struct ByzantinePeer {
    node: Box<dyn Machine>,
    pub(super) fault: ByzantineFault,
    seed: Option<[u8; 32]>,
    keys: Keys,
    pub(super) entropy: Entropy,
    relays: BTreeMap<LinkId, Relay>,
    outputs: VecDeque<Output>,
    last_idle_dial: u64,
    /// Bytes of earlier transmits.
    pub(super) recorded: VecDeque<Vec<u8>>,
    pub(super) offered: Option<sotto_core::wire::link::Bundle>,
    next_slow_byte: Option<Monotonic>,
}

/// One link of the node, with an end on either side.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Relay {
    /// Towards the real peer, in the node's name. Frames may be sent once it is open.
    outward: Link,
    outward_open: bool,
    /// Towards the node, in the peer's name. `None` until the peer is known.
    inward: Option<Link>,
    inward_open: bool,
    /// What one side has sent before the other could receive it.
    from_node: Vec<u8>,
    for_node: Vec<Frame>,
    transmitting: bool,
    /// The next byte is not due yet.
    paused: bool,
    hung_up: bool,
    /// The link ends after the next bytes.
    pub(super) truncated: bool,
    /// Bytes to send, each entry as one transmit.
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
            paused: false,
            hung_up: false,
            truncated: false,
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

impl ByzantinePeer {
    pub fn around(
        node: Box<dyn Machine>,
        fault: ByzantineFault,
        seed: Option<[u8; 32]>,
        keys: Keys,
        entropy: Entropy,
        now: Now,
    ) -> Self {
        let mut byzantine = Self {
            node,
            fault,
            seed,
            keys,
            entropy,
            relays: BTreeMap::new(),
            outputs: VecDeque::new(),
            last_idle_dial: FIRST_IDLE_DIAL,
            recorded: VecDeque::new(),
            offered: None,
            next_slow_byte: None,
        };
        // The node has outputs as soon as it is opened.
        byzantine.exchange(now);
        byzantine
    }

    fn own_secret(&self) -> OnionSecret {
        OnionSecret::from_seed(&self.seed.expect("a node has an identity before it has links"))
    }

    fn secret_of(&self, address: OnionAddress) -> Option<OnionSecret> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&address).map(OnionSecret::from_seed)
    }

    /// The node dials: the byzantine peer dials in its place.
    fn dial(&mut self, id: LinkId, peer: OnionAddress) {
        let outward = Link::dial(&self.own_secret(), peer, self.entropy.fork());
        let inward = self
            .secret_of(peer)
            .map(|secret| Link::accept(&secret, self.entropy.fork()));
        self.relays.insert(id, Relay::new(outward, inward));
        self.outputs.push_back(Output::Dial(id, peer));
        if self.fault == ByzantineFault::SlowLoris {
            for _ in 0..IDLE_DIALS {
                self.last_idle_dial += 1;
                self.outputs
                    .push_back(Output::Dial(LinkId::Dialled(self.last_idle_dial), peer));
            }
        }
    }

    /// Bytes of the real peer.
    fn received(&mut self, id: LinkId, bytes: &[u8], now: Now) {
        let Some(mut relay) = self.relays.remove(&id) else {
            return;
        };
        self.inspect_received(bytes, &mut relay);
        relay.outward.receive(bytes);
        loop {
            match relay.outward.event() {
                Ok(None) => break,
                Ok(Some(LinkEvent::Authenticated(peer))) => {
                    relay.outward_open = true;
                    if relay.inward.is_none()
                        && let Some(theirs) = self.secret_of(peer)
                    {
                        let mut inward = Link::dial(&theirs, self.own_secret().address(), self.entropy.fork());
                        inward.connected();
                        relay.inward = Some(inward);
                        self.node.handle(Input::Accepted(id, CircuitId(0)), now);
                    }
                }
                Ok(Some(LinkEvent::Frame(frame))) => {
                    for back in self.reflected(&frame) {
                        relay.outward.send(&back);
                    }
                    if self.fault == ByzantineFault::HangsUp {
                        Self::hang_up(&mut relay, id, &mut self.outputs);
                    }
                    relay.for_node.push(frame);
                }
                // Nothing after this can be decrypted.
                Err(_) => {
                    Self::hang_up(&mut relay, id, &mut self.outputs);
                    break;
                }
            }
        }
        self.relays.insert(id, relay);
    }

    fn hang_up(relay: &mut Relay, id: LinkId, outputs: &mut VecDeque<Output>) {
        if !std::mem::replace(&mut relay.hung_up, true) {
            outputs.push_back(Output::Hangup(id));
        }
    }

    /// Takes the node's bytes and completes its transmit at once.
    fn node_transmitted(&mut self, id: LinkId, bytes: &[u8], now: Now) {
        if let Some(relay) = self.relays.get_mut(&id) {
            relay.from_node.extend_from_slice(bytes);
        }
        self.node.handle(Input::Drained(id), now);
    }

    /// Relays what either side has sent. Returns the bytes for the node.
    fn relay_link(&mut self, id: LinkId) -> Option<Vec<u8>> {
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
                        for frame in self.altered(frame, &mut relay) {
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

    /// Relays until neither side has more; then the outputs are for the host.
    fn exchange(&mut self, now: Now) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.node.poll() {
                quiet = false;
                match output {
                    Output::Dial(id, peer) => self.dial(id, peer),
                    Output::Transmit(id, bytes) => self.node_transmitted(id, &bytes, now),
                    Output::Hangup(id) => {
                        if let Some(relay) = self.relays.get_mut(&id) {
                            Self::hang_up(relay, id, &mut self.outputs);
                        }
                    }
                    other => {
                        self.learn_identity(&other);
                        self.outputs.push_back(other);
                    }
                }
            }
            for id in self.relays.keys().copied().collect::<Vec<_>>() {
                if let Some(bytes) = self.relay_link(id) {
                    quiet = false;
                    self.node.handle(Input::Received(id, bytes), now);
                }
            }
            if quiet {
                break;
            }
        }
        for id in self.relays.keys().copied().collect::<Vec<_>>() {
            self.transmit_next(id);
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

    /// Gives the host the next transmit of a link, if the last one is completed.
    fn transmit_next(&mut self, id: LinkId) {
        let Some(mut relay) = self.relays.remove(&id) else {
            return;
        };
        if !relay.transmitting && !relay.paused && !relay.hung_up {
            if relay.waiting.is_empty()
                && let Some(bytes) = relay.outward.transmit()
            {
                relay.outward.drained();
                self.corrupt_bytes(bytes, &mut relay);
            }
            if let Some(bytes) = relay.waiting.pop_front() {
                relay.transmitting = true;
                self.outputs.push_back(Output::Transmit(id, bytes));
            }
            if relay.truncated {
                Self::hang_up(&mut relay, id, &mut self.outputs);
            }
        }
        self.relays.insert(id, relay);
    }
}

impl Machine for ByzantinePeer {
    fn handle(&mut self, input: Input, now: Now) {
        match input {
            Input::Accepted(id, _) => {
                let outward = Link::accept(&self.own_secret(), self.entropy.fork());
                self.relays.insert(id, Relay::new(outward, None));
            }
            Input::Connected(LinkId::Dialled(number)) if number > FIRST_IDLE_DIAL => {}
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
                    relay.paused = self.fault == ByzantineFault::SlowLoris;
                }
                if self.fault == ByzantineFault::SlowLoris {
                    self.next_slow_byte
                        .get_or_insert(now.monotonic.after(SLOW_BYTE_INTERVAL));
                }
            }
            Input::Closed(LinkId::Dialled(number), _) if number > FIRST_IDLE_DIAL => {}
            Input::Closed(id, cause) => {
                // Outputs that the host has not taken yet are void after `Closed`.
                self.outputs
                    .retain(|output| !matches!(output, Output::Transmit(of, _) | Output::Hangup(of) if *of == id));
                let known = self.relays.remove(&id).is_none_or(|relay| relay.inward.is_some());
                if known || matches!(id, LinkId::Dialled(_)) {
                    self.node.handle(Input::Closed(id, cause), now);
                }
            }
            Input::Tick => {
                if self.next_slow_byte.take_if(|at| *at <= now.monotonic).is_some() {
                    for relay in self.relays.values_mut() {
                        relay.paused = false;
                    }
                }
                self.node.handle(Input::Tick, now);
            }
            other => self.node.handle(other, now),
        }
        self.exchange(now);
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Deadline> {
        let slow_byte = self.next_slow_byte.map(|at| Deadline {
            at,
            reason: DeadlineReason::Heartbeat,
        });
        [self.node.deadline(), slow_byte].into_iter().flatten().min()
    }

    fn intake(&self) -> Intake {
        self.node.intake()
    }
}
