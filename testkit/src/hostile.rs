//! [`HostilePeer`]: a [`TestPeer`] with a link to side A of a [`Pair`], without a stream between the two. With it a test is a
//! stranger, or a contact that violates the protocol.

use prost::Message as _;
pub use sotto_conformance::test_peer::NAME;
use sotto_conformance::test_peer::{Clock, TestPeer};
use sotto_core::link::{Link, LinkEvent};
use sotto_core::row::RowStore;
use sotto_core::wire::content::Content;
use sotto_core::wire::link::{Ack, Ciphertext, Frame, Relationship, Request, frame::Body};
use sotto_core::{Cause, CircuitId, Command, Entropy, Input, InviteToken, LinkId, OnionAddress, Ratchet, Signal};

use crate::pair::{A, Pair};

/// A peer that sends what the test says.
pub struct HostilePeer<R: Ratchet = Signal> {
    peer: TestPeer<R>,
    seed: u64,
    link: Option<(LinkId, Link)>,
    links: u64,
    /// Frames received on the present link.
    pub received: Vec<Frame>,
}

impl<R: Ratchet> HostilePeer<R> {
    /// A peer of side A whose keys follow from `seed`.
    pub fn new<S>(pair: &Pair<S, R>, seed: u64) -> Self {
        let [first, others @ ..] = seed.to_le_bytes();
        let mut entropy = Entropy::from_seed(std::array::from_fn(|index| first ^ others[index % 7]));
        let onion_seed = entropy.bytes();
        let clock = Clock::Fixed(pair.now.wall);
        let mut peer = TestPeer::new(onion_seed, entropy, pair.sides[A].address, clock);
        peer.features = vec![77, 1_500, 6, 77];
        Self {
            peer,
            seed,
            link: None,
            links: 0,
            received: Vec::new(),
        }
    }

    /// Its onion address.
    pub fn address(&self) -> OnionAddress {
        self.peer.address()
    }

    /// The session epoch of its session; 0 without one.
    pub fn session_epoch(&self) -> u64 {
        self.peer.session.as_ref().map_or(0, |session| session.session_epoch)
    }

    /// The sequence number of its last ciphertext; 0 without a session.
    pub fn sequence(&self) -> u64 {
        self.peer.session.as_ref().map_or(0, |session| session.sent)
    }

    /// Opens a stream to side A and sends nothing. Each `lane` is a circuit.
    pub fn connect<S: RowStore>(&mut self, pair: &mut Pair<S, R>, lane: u64) -> LinkId {
        self.links += 1;
        let circuit = (lane + 1) << 40;
        let id = LinkId::Accepted(circuit + (self.seed << 20) + self.links);
        pair.input(A, Input::Accepted(id, CircuitId(circuit)));
        let mut link = Link::dial(&self.peer.secret(), self.peer.target(), self.peer.fork_entropy());
        link.connected();
        self.link = Some((id, link));
        self.received.clear();
        pair.run();
        id
    }

    /// Opens a link and finishes its handshake.
    pub fn dial<S: RowStore>(&mut self, pair: &mut Pair<S, R>, lane: u64) -> LinkId {
        let id = self.connect(pair, lane);
        self.exchange(pair);
        id
    }

    /// Writes raw bytes to the present stream.
    pub fn write<S: RowStore>(&mut self, pair: &mut Pair<S, R>, bytes: Vec<u8>) {
        if let Some((id, _)) = &self.link {
            pair.input(A, Input::Received(*id, bytes));
            self.exchange(pair);
        }
    }

    /// Sends a frame.
    pub fn send<S: RowStore>(&mut self, pair: &mut Pair<S, R>, body: Body) {
        if let Some((_, link)) = &mut self.link {
            link.send(&Frame { body: Some(body) });
        }
        self.exchange(pair);
    }

    /// Encrypts a content, valid or not, as the next ciphertext, and sends it.
    pub fn send_content<S: RowStore>(&mut self, pair: &mut Pair<S, R>, content: &Content) {
        let sealed = self.encrypt(pair, &content.encode_to_vec());
        self.send(pair, Body::Ciphertext(sealed));
    }

    /// Encrypts any bytes as the next ciphertext.
    pub fn encrypt<S>(&mut self, pair: &Pair<S, R>, plaintext: &[u8]) -> Ciphertext {
        self.peer.clock = Clock::Fixed(pair.now.wall);
        self.peer.encrypt(plaintext)
    }

    /// A correct Hello.
    pub fn hello(&self, relationship: Relationship) -> Body {
        Body::Hello(self.peer.hello(relationship))
    }

    /// A correct request. The peer remembers its bundle.
    pub fn request(&mut self) -> Request {
        self.peer.request(&[])
    }

    /// A correct request with an invite token.
    pub fn request_with(&mut self, invite: &InviteToken) -> Request {
        self.peer.request(&invite.0)
    }

    /// Dials, unless its link is up, and sends a Hello and a request. Whether it was answered that the request waits.
    pub fn ask<S: RowStore>(&mut self, pair: &mut Pair<S, R>, lane: u64) -> bool {
        let request = self.request();
        self.ask_with(pair, lane, request)
    }

    /// As [`ask`](Self::ask), with this request.
    pub fn ask_with<S: RowStore>(&mut self, pair: &mut Pair<S, R>, lane: u64, request: Request) -> bool {
        self.exchange(pair);
        if !self.is_connected() {
            self.dial(pair, lane);
            self.send(pair, self.hello(Relationship::Requested));
        }
        self.received.clear();
        self.send(pair, Body::Request(request));
        let pending = |body: &Body| match body {
            Body::RequestStatus(status) => status.relationship() == Relationship::Pending,
            _ => false,
        };
        self.received
            .iter()
            .filter_map(|frame| frame.body.as_ref())
            .any(pending)
    }

    /// Becomes a contact of side A, by a request that A accepts.
    pub fn befriend<S: RowStore>(&mut self, pair: &mut Pair<S, R>, lane: u64) {
        self.dial(pair, lane);
        self.send(pair, self.hello(Relationship::Requested));
        let request = self.request();
        self.send(pair, Body::Request(request));
        let accept = Command::AcceptContact {
            contact: self.address(),
            petname: None,
        };
        pair.command(A, accept).expect("the request waits");
        self.exchange(pair);
        let consent = self.received.iter().find_map(|frame| match &frame.body {
            Some(Body::Ciphertext(sealed)) => Some(sealed.clone()),
            _ => None,
        });
        let consent = consent.expect("the consent");
        self.peer.accept_session(&consent).expect("a session");
        let ack = Ack {
            session_epoch: consent.session_epoch,
            received: 1,
        };
        self.send(pair, Body::Ack(ack));
    }

    /// Sends on a new link that it has no session, and begins one with the bundle that side A, whose key must be the smaller,
    /// offers.
    pub fn replace_session<S: RowStore>(&mut self, pair: &mut Pair<S, R>, lane: u64) {
        self.peer.session = None;
        self.dial(pair, lane);
        self.send(pair, self.hello(Relationship::Friend));
        let offer = self.received.iter().find_map(|frame| match &frame.body {
            Some(Body::PreKeyOffer(offer)) => Some(offer.clone()),
            _ => None,
        });
        let offer = offer.expect("the smaller offers a bundle");
        let bundle = offer.bundle.expect("an offer has a bundle");
        self.peer.clock = Clock::Fixed(pair.now.wall);
        self.peer
            .initiate_session(offer.session_epoch, &bundle)
            .expect("a good bundle");
        let renewed = self.peer.encrypt_content(self.peer.renewed());
        self.send(pair, Body::Ciphertext(renewed));
    }

    /// Ends the present stream.
    pub fn hang_up<S: RowStore>(&mut self, pair: &mut Pair<S, R>) {
        if let Some((id, _)) = self.link.take() {
            pair.input(A, Input::Closed(id, Cause::Ended));
            pair.run();
        }
    }

    /// Whether A has not hung up.
    pub fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Runs both sides until neither has bytes to send.
    pub fn exchange<S: RowStore>(&mut self, pair: &mut Pair<S, R>) {
        loop {
            pair.run();
            let Some((id, link)) = &mut self.link else { return };
            let mut moved = false;
            if let Some(bytes) = link.transmit() {
                link.drained();
                pair.input(A, Input::Received(*id, bytes));
                pair.run();
                moved = true;
            }
            let mut ended = false;
            for (_, bytes) in pair.foreign.extract_if(.., |(at, _)| at == id) {
                match bytes {
                    Some(bytes) => link.receive(&bytes),
                    None => ended = true,
                }
                moved = true;
            }
            while let Ok(Some(event)) = link.event() {
                if let LinkEvent::Frame(frame) = event {
                    self.received.push(frame);
                }
            }
            if ended {
                self.link = None;
            }
            if !moved {
                return;
            }
        }
    }
}
