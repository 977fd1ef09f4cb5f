//! A peer of one's own making: it speaks the link's protocol with a key of its own and says whatever it is told to, to side
//! A of a [`Pair`]. With it a test can be a stranger, or a friend gone bad.

use prost::Message as _;
use sotto_core::link::{Link, LinkEvent};
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Content, Renewed};
use sotto_core::wire::link::{Bundle, Ciphertext, Frame, Hello, Relationship, Request, frame::Body};
use sotto_core::{Cause, Command, Entropy, Input, LinkId, OnionAddress, OnionSecret, Ratchet, Signal};

use crate::pair::{A, Pair, Rows};

/// What is signed to bind an identity key to an onion key, before the key itself (PROTOCOL.md).
const IDENTITY_STATEMENT: &[u8] = b"sotto identity v1";

/// A peer that does as the test says.
pub struct Peer<R: Ratchet = Signal> {
    secret: OnionSecret,
    seed: [u8; 32],
    ratchet: R,
    entropy: Entropy,
    link: Option<(LinkId, Link)>,
    links: u64,
    offer: Option<sotto_core::Offer>,
    session: Option<R::Session>,
    /// Session epoch and sequence number of the session, once there is one.
    pub session_epoch: u64,
    /// Number of the last ciphertext sealed.
    pub sequence: u64,
    /// Frames heard on the present link.
    pub heard: Vec<Frame>,
}

impl Peer {
    /// A peer whose keys follow from `seed`.
    pub fn new(seed: u8) -> Self {
        Self::over(seed)
    }
}

impl<R: Ratchet> Peer<R> {
    /// As [`new`](Peer::new), over any ratchet.
    pub fn over(seed: u8) -> Self {
        let mut entropy = Entropy::from_seed([seed; 32]);
        let (pair, registration_id) = R::generate(&mut entropy);
        let onion_seed = entropy.bytes();
        Self {
            secret: OnionSecret::from_seed(&onion_seed),
            seed: onion_seed,
            ratchet: R::open(&pair, registration_id).expect("just generated"),
            entropy,
            link: None,
            links: 0,
            offer: None,
            session: None,
            session_epoch: 0,
            sequence: 0,
            heard: Vec::new(),
        }
    }

    /// Who it is.
    pub fn address(&self) -> OnionAddress {
        self.secret.address()
    }

    /// Opens a stream to side A without saying anything. Links of peers with different `lane`s do not collide.
    pub fn connect<D: Rows>(&mut self, pair: &mut Pair<D, R>, lane: u64) -> LinkId {
        self.links += 1;
        let id = LinkId::Accepted(1_000_000 * (lane + 1) + self.links);
        pair.sides[A].node.handle(Input::Accepted(id), pair.now);
        let mut link = Link::dial(&self.secret, pair.sides[A].address, self.entropy.fork());
        link.connected();
        self.link = Some((id, link));
        self.heard.clear();
        pair.run();
        id
    }

    /// Opens a link, and finishes its handshake.
    pub fn dial<D: Rows>(&mut self, pair: &mut Pair<D, R>, lane: u64) -> LinkId {
        let id = self.connect(pair, lane);
        self.exchange(pair);
        id
    }

    /// Writes bytes as they are into the present stream.
    pub fn write<D: Rows>(&mut self, pair: &mut Pair<D, R>, bytes: Vec<u8>) {
        if let Some((id, _)) = &self.link {
            pair.sides[A].node.handle(Input::Received(*id, bytes), pair.now);
            self.exchange(pair);
        }
    }

    /// Sends a frame.
    pub fn send<D: Rows>(&mut self, pair: &mut Pair<D, R>, body: Body) {
        if let Some((_, link)) = &mut self.link {
            link.send(&Frame { body: Some(body) });
        }
        self.exchange(pair);
    }

    /// Seals a content, right or wrong, as the next in order, and sends it.
    pub fn say<D: Rows>(&mut self, pair: &mut Pair<D, R>, content: &Content) {
        let sealed = self.seal(pair, &content.encode_to_vec());
        self.send(pair, Body::Ciphertext(sealed));
    }

    /// Seals any bytes as the next in order.
    pub fn seal<D>(&mut self, pair: &Pair<D, R>, plaintext: &[u8]) -> Ciphertext {
        let session = self.session.as_ref().expect("befriended");
        let victim = pair.sides[A].address;
        let sealed = self
            .ratchet
            .encrypt(&victim, session, plaintext, pair.now.wall, &mut self.entropy);
        let sealed = sealed.expect("a session that can seal");
        self.session = Some(sealed.session);
        self.sequence += 1;
        Ciphertext {
            session_epoch: self.session_epoch,
            sequence: self.sequence,
            ciphertext: sealed.ciphertext,
        }
    }

    /// A greeting that says: we asked you.
    pub fn hello(&self, relationship: Relationship) -> Body {
        Body::Hello(Hello {
            version_min: 1,
            version_max: 1,
            relationship: relationship.into(),
            session_epoch: self.session_epoch,
            sent: self.sequence,
            received: u64::from(self.session.is_some()),
            acknowledged: 0,
            offered: u64::from(self.offer.is_some()) * 7,
            features: vec![77, 1_500, 6, 77],
        })
    }

    /// A proper request; its offer is remembered.
    pub fn request(&mut self) -> Request {
        let offer = self.ratchet.offer(&mut self.entropy);
        let identity_signature = self.vouch(self.ratchet.identity_key());
        let bundle = Bundle {
            identity_signature,
            ..offer.bundle.clone()
        };
        self.offer = Some(offer);
        let name = "Mallory".to_owned();
        Request {
            session_epoch: 7,
            bundle: Some(bundle),
            name,
            note: String::new(),
            invite: Vec::new(),
        }
    }

    /// Its onion key's word for an identity key.
    pub fn vouch(&self, identity_key: &[u8]) -> Vec<u8> {
        use ed25519_dalek::Signer as _;
        let key = ed25519_dalek::SigningKey::from_bytes(&self.seed);
        key.sign(&[IDENTITY_STATEMENT, identity_key].concat()).to_vec()
    }

    /// Becomes a friend of side A, by request and consent.
    pub fn befriend<D: Rows>(&mut self, pair: &mut Pair<D, R>, lane: u64) {
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
        let opening = self.heard.iter().find_map(|frame| match &frame.body {
            Some(Body::Ciphertext(sealed)) => Some(sealed.clone()),
            _ => None,
        });
        let opening = opening.expect("consent");
        let secrets = self.offer.take().expect("asked").secrets;
        let victim = pair.sides[A].address;
        let opened = self
            .ratchet
            .accept(&victim, &secrets, &opening.ciphertext, &mut self.entropy);
        self.session = Some(opened.expect("a true opening").session);
        self.session_epoch = opening.session_epoch;
        let ack = sotto_core::wire::link::Ack {
            session_epoch: opening.session_epoch,
            received: 1,
        };
        self.send(pair, Body::Ack(ack));
    }

    /// Says on a new link that it has no session, and opens the one that side A, whose key must be the smaller, offers.
    pub fn renew<D: Rows>(&mut self, pair: &mut Pair<D, R>, lane: u64) {
        self.session = None;
        self.session_epoch = 0;
        self.sequence = 0;
        self.dial(pair, lane);
        self.send(pair, self.hello(Relationship::Friend));
        let offer = self.heard.iter().find_map(|frame| match &frame.body {
            Some(Body::PreKeyOffer(offer)) => Some(offer.clone()),
            _ => None,
        });
        let offer = offer.expect("the smaller offers a session");
        let victim = pair.sides[A].address;
        let bundle = offer.bundle.expect("an offer has a bundle");
        let session = self
            .ratchet
            .initiate(&victim, &bundle, pair.now.wall, &mut self.entropy);
        self.session = Some(session.expect("a good bundle"));
        self.session_epoch = offer.session_epoch;
        let renewed = Renewed {
            name: "Mallory".to_owned(),
            identity_signature: self.vouch(self.ratchet.identity_key()),
        };
        self.say(
            pair,
            &Content {
                id: vec![1; 16],
                kind: Some(Kind::Renewed(renewed)),
                ..Content::default()
            },
        );
    }

    /// Ends the present stream.
    pub fn hang_up<D: Rows>(&mut self, pair: &mut Pair<D, R>) {
        if let Some((id, _)) = self.link.take() {
            pair.sides[A].node.handle(Input::Closed(id, Cause::Ended), pair.now);
            pair.run();
        }
    }

    /// Whether A has not hung up yet.
    pub fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Lets both talk until neither has anything to say.
    pub fn exchange<D: Rows>(&mut self, pair: &mut Pair<D, R>) {
        loop {
            pair.run();
            let Some((id, link)) = &mut self.link else { return };
            let mut moved = false;
            if let Some(bytes) = link.transmit() {
                link.drained();
                pair.sides[A].node.handle(Input::Received(*id, bytes), pair.now);
                pair.run();
                moved = true;
            }
            let mut ended = false;
            for (_, said) in pair.astray.extract_if(.., |(at, _)| at == id) {
                match said {
                    Some(bytes) => link.receive(&bytes),
                    None => ended = true,
                }
                moved = true;
            }
            while let Ok(Some(event)) = link.event() {
                if let LinkEvent::Frame(frame) = event {
                    self.heard.push(frame);
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
