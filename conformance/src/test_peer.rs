//! [`TestPeer`]: a peer under the control of a test. It has an onion key, a Signal identity and one session with its target, and
//! makes frames and ciphertexts, correct ones and others. It has no I/O: the suite carries its frames over a stream, tests of one
//! process carry them straight to a node.

use curve25519_dalek::scalar::clamp_integer;
use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Content, Renewed, Timer};
use sotto_core::wire::link::{Bundle, Ciphertext, Hello, Relationship, Request};
use sotto_core::{Entropy, OnionAddress, OnionSecret, PreKeys, Ratchet, Signal, Wall};

use crate::noise;
use crate::report::Failure;

/// What is signed to bind an identity key to an onion key, before the key itself [I-5].
const IDENTITY_STATEMENT: &[u8] = b"sotto identity v1";
/// Largest step between two session epochs, as if it were drawn [S-3].
const STEP: u64 = 1 << 32;
/// The name that it claims.
pub const NAME: &str = "sotto conformance";

/// A peer under the control of a test.
pub struct TestPeer<R: Ratchet = Signal> {
    seed: [u8; 32],
    ratchet: R,
    entropy: Entropy,
    target: OnionAddress,
    /// Its clock.
    pub clock: Clock,
    /// The feature numbers in its Hello.
    pub features: Vec<u32>,
    /// The bundle that waits for the target, with its session epoch.
    pub offer: Option<(u64, PreKeys)>,
    /// The session with the target.
    pub session: Option<Session<R>>,
    highest: u64,
}

/// The wall clock of a [`TestPeer`].
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's.
    System,
    /// A clock that stands still, for runs that are deterministic.
    Fixed(Wall),
}

/// A session with the target and its counters.
pub struct Session<R: Ratchet = Signal> {
    state: R::Session,
    /// Its session epoch.
    pub session_epoch: u64,
    /// The last sequence number that the peer has sealed.
    pub sent: u64,
    /// The last that it has opened.
    pub received: u64,
    /// The last that the target has acknowledged.
    pub acknowledged: u64,
    /// The target's Signal identity key.
    pub identity_key: Vec<u8>,
}

impl<R: Ratchet> Clone for Session<R> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            identity_key: self.identity_key.clone(),
            ..*self
        }
    }
}

impl<R: Ratchet> TestPeer<R> {
    /// A peer with this onion key and a new Signal identity.
    pub fn new(seed: [u8; 32], mut entropy: Entropy, target: OnionAddress, clock: Clock) -> Self {
        let (pair, registration_id) = R::generate(&mut entropy);
        Self {
            seed,
            ratchet: R::open(&pair, registration_id).expect("a new identity"),
            entropy,
            target,
            clock,
            features: vec![1_789],
            offer: None,
            session: None,
            highest: 0,
        }
    }

    /// Its onion address.
    pub fn address(&self) -> OnionAddress {
        self.secret().address()
    }

    /// The target's onion address.
    pub fn target(&self) -> OnionAddress {
        self.target
    }

    /// Its onion key.
    pub fn secret(&self) -> OnionSecret {
        OnionSecret::from_seed(&self.seed)
    }

    /// Its onion key, to sign with.
    pub fn onion_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.seed)
    }

    /// Its X25519 secret key [I-4].
    pub fn x25519(&self) -> [u8; 32] {
        clamp_integer(self.onion_key().to_scalar_bytes())
    }

    /// Random bytes.
    pub fn random<const N: usize>(&mut self) -> [u8; N] {
        self.entropy.bytes()
    }

    /// A random generator of its own for a link.
    pub fn fork_entropy(&mut self) -> Entropy {
        self.entropy.fork()
    }

    /// The payload of message 3 for a handshake hash [L-4].
    pub fn dialer_proof(&self, handshake_hash: &[u8]) -> Vec<u8> {
        noise::dialer_proof(&self.seed, handshake_hash)
    }

    /// The onion key's signature of a Signal identity key.
    pub fn sign_identity(&self, identity_key: &[u8]) -> Vec<u8> {
        self.onion_key()
            .sign(&[IDENTITY_STATEMENT, identity_key].concat())
            .to_vec()
    }

    /// Its own Signal identity key.
    pub fn identity_key(&self) -> &[u8] {
        self.ratchet.identity_key()
    }

    /// A correct Hello.
    pub fn hello(&self, relationship: Relationship) -> Hello {
        let session = self.session.as_ref();
        Hello {
            version_min: 1,
            version_max: 1,
            relationship: relationship.into(),
            session_epoch: session.map_or(0, |session| session.session_epoch),
            sent: session.map_or(0, |session| session.sent),
            received: session.map_or(0, |session| session.received),
            acknowledged: session.map_or(0, |session| session.acknowledged),
            offered: self.offer.as_ref().map_or(0, |(session_epoch, _)| *session_epoch),
            features: self.features.clone(),
        }
    }

    /// A new bundle of a session epoch above all before. The peer remembers it.
    pub fn offer(&mut self) -> (u64, Bundle) {
        let session = self.session.as_ref().map_or(0, |session| session.session_epoch);
        let session_epoch = self.highest.max(session) + 1 + self.entropy.below(STEP);
        self.highest = session_epoch;
        let offer = self.ratchet.generate_prekeys(&mut self.entropy);
        let bundle = Bundle {
            identity_signature: self.sign_identity(self.identity_key()),
            ..offer.bundle.clone()
        };
        self.offer = Some((session_epoch, offer));
        (session_epoch, bundle)
    }

    /// A correct request with a new bundle.
    pub fn request(&mut self, invite: &[u8]) -> Request {
        let (session_epoch, bundle) = self.offer();
        Request {
            session_epoch,
            bundle: Some(bundle),
            name: NAME.to_owned(),
            note: "A test of the protocol. No answer is needed.".to_owned(),
            invite: invite.to_vec(),
            number: 1,
        }
    }

    /// The content that begins a session which replaces another one.
    pub fn renewed(&self) -> Kind {
        Kind::Renewed(Renewed {
            name: NAME.to_owned(),
            identity_signature: self.sign_identity(self.identity_key()),
        })
    }

    /// Opens the session that the target has begun with the outstanding offer. Returns the first content.
    pub fn accept_session(&mut self, sealed: &Ciphertext) -> Result<Content, Failure> {
        let expected = "the first ciphertext of a session that our bundle opens";
        let Some((session_epoch, offer)) = self
            .offer
            .take_if(|(session_epoch, _)| *session_epoch == sealed.session_epoch)
        else {
            return Err(Failure::new(
                expected,
                format!("session epoch {}", sealed.session_epoch),
            ));
        };
        let opened = self
            .ratchet
            .accept(&self.target, &offer.secrets, &sealed.ciphertext, &mut self.entropy)
            .map_err(|fault| Failure::new(expected, fault.to_string()))?;
        let content = decoded(&opened.plaintext)?;
        self.session = Some(Session {
            state: opened.session,
            session_epoch,
            sent: 0,
            received: 1,
            acknowledged: 0,
            identity_key: opened.identity_key,
        });
        Ok(content)
    }

    /// Begins a session with a bundle of the target.
    pub fn initiate_session(&mut self, session_epoch: u64, bundle: &Bundle) -> Result<(), Failure> {
        let now = self.clock.now();
        let state = self
            .ratchet
            .initiate(&self.target, bundle, now, &mut self.entropy)
            .map_err(|fault| Failure::new("a bundle that a session can begin with", fault.to_string()))?;
        self.offer = None;
        self.highest = self.highest.max(session_epoch);
        self.session = Some(Session {
            state,
            session_epoch,
            sent: 0,
            received: 0,
            acknowledged: 0,
            identity_key: bundle.identity_key.clone(),
        });
        Ok(())
    }

    /// Decrypts the next ciphertext of the session.
    pub fn decrypt(&mut self, sealed: &Ciphertext) -> Result<Content, Failure> {
        let session = self.session.as_mut().expect("there is a session");
        if (sealed.session_epoch, sealed.sequence) != (session.session_epoch, session.received + 1) {
            let expected = format!(
                "ciphertext {} of session epoch {}",
                session.received + 1,
                session.session_epoch
            );
            let actual = format!("{} of {}", sealed.sequence, sealed.session_epoch);
            return Err(Failure::new(expected, actual));
        }
        let opened = self
            .ratchet
            .decrypt(&self.target, &session.state, &sealed.ciphertext, &mut self.entropy)
            .map_err(|fault| Failure::new("a ciphertext that decrypts", fault.to_string()))?;
        session.state = opened.session;
        session.received += 1;
        decoded(&opened.plaintext)
    }

    /// Encrypts any plaintext as the next ciphertext of the session.
    pub fn encrypt(&mut self, plaintext: &[u8]) -> Ciphertext {
        let now = self.clock.now();
        let session = self.session.as_mut().expect("there is a session");
        let sealed = self
            .ratchet
            .encrypt(&self.target, session.state.clone(), plaintext, now, &mut self.entropy)
            .expect("a session that encrypts");
        session.state = sealed.session;
        session.sent += 1;
        Ciphertext {
            session_epoch: session.session_epoch,
            sequence: session.sent,
            ciphertext: sealed.ciphertext,
        }
    }

    /// Encrypts a content under a new id.
    pub fn encrypt_content(&mut self, kind: Kind) -> Ciphertext {
        let content = self.content(kind);
        self.encrypt(&content.encode_to_vec())
    }

    /// A content under a new id.
    pub fn content(&mut self, kind: Kind) -> Content {
        Content {
            id: self.random::<16>().to_vec(),
            sent_at: self.clock.now().0,
            kind: Some(kind),
            ..Content::default()
        }
    }

    /// Encrypts a content that is valid at any time.
    pub fn encrypt_timer(&mut self) -> Ciphertext {
        self.encrypt_content(Kind::Timer(Timer { seconds: 0 }))
    }
}

impl Clock {
    fn now(self) -> Wall {
        match self {
            Self::Fixed(now) => now,
            Self::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                Wall(since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
            }
        }
    }
}

/// Whether the target's onion key has signed an identity key [I-5].
pub fn is_identity_signed(target: &OnionAddress, identity_key: &[u8], signature: &[u8]) -> bool {
    let statement = [IDENTITY_STATEMENT, identity_key].concat();
    let key = ed25519_dalek::VerifyingKey::from_bytes(target.public_key());
    let signature = ed25519_dalek::Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_strict(&statement, &signature).is_ok())
}

fn decoded(plaintext: &[u8]) -> Result<Content, Failure> {
    Content::decode(plaintext).map_err(|error| Failure::new("a Content in the ciphertext", error.to_string()))
}
