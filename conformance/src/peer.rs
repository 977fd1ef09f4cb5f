//! Who the suite is towards the target: an onion key, a Signal identity, and what it remembers of its session.

use curve25519_dalek::scalar::clamp_integer;
use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;
use sotto_core::wire::content::content::Kind;
use sotto_core::wire::content::{Content, Timer};
use sotto_core::wire::link::{Bundle, Ciphertext, Hello, Relationship, Request};
use sotto_core::{Entropy, Offer, OnionAddress, OnionSecret, Ratchet as _, Signal, SignalSession, Wall};

use super::pace::Pace;
use super::report::Failure;

/// What is signed to bind an identity key to an onion key, before the key itself [I-5].
const IDENTITY_STATEMENT: &[u8] = b"sotto identity v1";
/// A step between session epochs, as if it were drawn [S-3].
const STEP: u64 = 1 << 32;

/// One of the suite's identities.
pub struct Peer {
    seed: [u8; 32],
    ratchet: Signal,
    entropy: Entropy,
    target: OnionAddress,
    /// Our image of its bucket at the target.
    pub pace: Pace,
    /// The bundle that waits for the target's consent, and its session epoch.
    pub offer: Option<(u64, Offer)>,
    /// The session with the target.
    pub session: Option<Session>,
    highest: u64,
}

/// A session with the target, and how far it has come.
#[derive(Clone)]
pub struct Session {
    state: SignalSession,
    /// Its session epoch.
    pub session_epoch: u64,
    /// The last that we have sealed.
    pub sent: u64,
    /// The last that we have opened.
    pub received: u64,
    /// The last of ours that the target has acknowledged.
    pub acknowledged: u64,
    /// The target's Signal identity key.
    pub identity_key: Vec<u8>,
}

impl Peer {
    /// The identity of this onion key.
    pub fn new(seed: [u8; 32], mut entropy: Entropy, target: OnionAddress, pace: Pace) -> Self {
        let (pair, registration_id) = Signal::generate(&mut entropy);
        Self {
            seed,
            ratchet: Signal::open(&pair, registration_id).expect("just generated"),
            entropy,
            target,
            pace,
            offer: None,
            session: None,
            highest: 0,
        }
    }

    /// Its address.
    pub fn address(&self) -> OnionAddress {
        OnionSecret::from_seed(&self.seed).address()
    }

    /// Its onion key.
    pub fn onion_key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.seed)
    }

    /// Its X25519 secret key [I-4].
    pub fn x25519(&self) -> [u8; 32] {
        clamp_integer(self.onion_key().to_scalar_bytes())
    }

    /// Fresh randomness.
    pub fn random<const N: usize>(&mut self) -> [u8; N] {
        self.entropy.bytes()
    }

    /// The onion key's word for a Signal identity key.
    pub fn vouch(&self, identity_key: &[u8]) -> Vec<u8> {
        self.onion_key()
            .sign(&[IDENTITY_STATEMENT, identity_key].concat())
            .to_vec()
    }

    /// Its own Signal identity key.
    pub fn identity_key(&self) -> &[u8] {
        self.ratchet.identity_key()
    }

    /// A true Hello.
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
            features: vec![1_789],
        }
    }

    /// A fresh bundle, of a session epoch above all before. It is remembered.
    pub fn offer(&mut self) -> (u64, Bundle) {
        let session = self.session.as_ref().map_or(0, |session| session.session_epoch);
        let session_epoch = self.highest.max(session) + 1 + self.entropy.below(STEP);
        self.highest = session_epoch;
        let offer = self.ratchet.offer(&mut self.entropy);
        let bundle = Bundle {
            identity_signature: self.vouch(self.identity_key()),
            ..offer.bundle.clone()
        };
        self.offer = Some((session_epoch, offer));
        (session_epoch, bundle)
    }

    /// A proper request with a fresh bundle.
    pub fn request(&mut self, invite: &[u8]) -> Request {
        let (session_epoch, bundle) = self.offer();
        Request {
            session_epoch,
            bundle: Some(bundle),
            name: "sotto conformance".to_owned(),
            note: "A test of the protocol. Nobody waits for an answer.".to_owned(),
            invite: invite.to_vec(),
        }
    }

    /// Opens the session that the target has begun with our outstanding offer. Gives the first content.
    pub fn opened(&mut self, sealed: &Ciphertext) -> Result<Content, Failure> {
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

    /// Begins a session with a bundle of the target's.
    pub fn open(&mut self, session_epoch: u64, bundle: &Bundle) -> Result<(), Failure> {
        let state = self
            .ratchet
            .initiate(&self.target, bundle, Wall(now()), &mut self.entropy)
            .map_err(|fault| Failure::new("a bundle that a session can be opened with", fault.to_string()))?;
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

    /// Opens the next ciphertext of the session.
    pub fn take(&mut self, sealed: &Ciphertext) -> Result<Content, Failure> {
        let session = self.session.as_mut().expect("there is a session");
        if (sealed.session_epoch, sealed.sequence) != (session.session_epoch, session.received + 1) {
            let expected = format!(
                "ciphertext {} of session epoch {}",
                session.received + 1,
                session.session_epoch
            );
            let came = format!("{} of {}", sealed.sequence, sealed.session_epoch);
            return Err(Failure::new(expected, came));
        }
        let opened = self
            .ratchet
            .decrypt(&self.target, &session.state, &sealed.ciphertext, &mut self.entropy)
            .map_err(|fault| Failure::new("a ciphertext that opens", fault.to_string()))?;
        session.state = opened.session;
        session.received += 1;
        decoded(&opened.plaintext)
    }

    /// Seals any plaintext as the next ciphertext of the session.
    pub fn seal(&mut self, plaintext: &[u8]) -> Ciphertext {
        let session = self.session.as_mut().expect("there is a session");
        let sealed = self
            .ratchet
            .encrypt(&self.target, &session.state, plaintext, Wall(now()), &mut self.entropy)
            .expect("a session that seals");
        session.state = sealed.session;
        session.sent += 1;
        Ciphertext {
            session_epoch: session.session_epoch,
            sequence: session.sent,
            ciphertext: sealed.ciphertext,
        }
    }

    /// Seals a content under a fresh id.
    pub fn say(&mut self, kind: Kind) -> Ciphertext {
        let content = self.content(kind);
        self.seal(&content.encode_to_vec())
    }

    /// A content under a fresh id.
    pub fn content(&mut self, kind: Kind) -> Content {
        Content {
            id: self.random::<16>().to_vec(),
            sent_at: now(),
            repeat: false,
            ignorable: false,
            kind: Some(kind),
        }
    }

    /// What is always worth saying.
    pub fn say_timer(&mut self) -> Ciphertext {
        self.say(Kind::Timer(Timer { seconds: 0 }))
    }
}

/// Whether the target's onion key vouches for an identity key [I-5].
pub fn vouches(target: &OnionAddress, identity_key: &[u8], signature: &[u8]) -> bool {
    let statement = [IDENTITY_STATEMENT, identity_key].concat();
    let key = ed25519_dalek::VerifyingKey::from_bytes(target.public_key());
    let signature = ed25519_dalek::Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_strict(&statement, &signature).is_ok())
}

fn decoded(plaintext: &[u8]) -> Result<Content, Failure> {
    Content::decode(plaintext).map_err(|error| Failure::new("a Content in the ciphertext", error.to_string()))
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
