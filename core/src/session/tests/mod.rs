//! Two identities and what passes between them. Every session is written to bytes and read back at every step, as a
//! store would, so each test also says that nothing of a session lives outside its encoding.

mod conversation;
mod hostile;
mod keys;

use std::collections::VecDeque;

use libsignal_protocol::{CiphertextMessage, PreKeySignalMessage, SignalMessage};
use proptest::test_runner::{Config, RngSeed};

use super::{Encrypted, Opened, Ratchet, SessionError, Signal, SignalSession, signal};
use crate::wire::link::Bundle;
use crate::{Entropy, OnionAddress, Wall};

const NOW: Wall = Wall(1_700_000_000_000);

/// One person: an identity, and at most one session, as a row holds it.
struct Person {
    signal: Signal,
    address: OnionAddress,
    entropy: Entropy,
    stored: Vec<u8>,
    inbox: VecDeque<Vec<u8>>,
}

impl Person {
    fn new(seed: u8) -> Self {
        let mut entropy = Entropy::from_seed([seed; 32]);
        let (key_pair, registration_id) = Signal::generate(&mut entropy);
        assert!((1..=0x3fff).contains(&registration_id));
        let onion = ed25519_dalek::SigningKey::from_bytes(&entropy.bytes());
        Self {
            signal: Signal::open(&key_pair, registration_id).unwrap(),
            address: OnionAddress::from_public_key(onion.verifying_key().to_bytes()).unwrap(),
            entropy,
            stored: Vec::new(),
            inbox: VecDeque::new(),
        }
    }

    fn session(&self) -> SignalSession {
        Signal::decode(&self.stored).expect("a stored session decodes")
    }

    fn store(&mut self, session: &SignalSession) {
        self.stored = Signal::encode(session).to_vec();
        assert_eq!(*Signal::encode(&self.session()), self.stored);
    }

    fn initiate(&mut self, peer: &Person, bundle: &Bundle) {
        let session = self
            .signal
            .initiate(&peer.address, bundle, NOW, &mut self.entropy)
            .expect("a good bundle");
        self.store(&session);
    }

    fn accept(&mut self, peer: &Person, secrets: &[u8], ciphertext: &[u8]) -> Vec<u8> {
        let opened = self
            .signal
            .accept(&peer.address, secrets, ciphertext, &mut self.entropy);
        self.keep(peer, &opened.expect("a first message"))
    }

    /// Seals for `peer`, without handing it over.
    fn seal(&mut self, peer: &Person, plaintext: &[u8]) -> Vec<u8> {
        let Encrypted { ciphertext, session } = self
            .signal
            .encrypt(&peer.address, self.session(), plaintext, NOW, &mut self.entropy)
            .expect("a usable session");
        self.store(&session);
        ciphertext
    }

    /// Seals for `peer` and leaves it in their inbox.
    fn send(&mut self, peer: &mut Person, plaintext: &[u8]) {
        let ciphertext = self.seal(peer, plaintext);
        peer.inbox.push_back(ciphertext);
    }

    fn receive(&mut self, peer: &Person) -> Option<Vec<u8>> {
        let ciphertext = self.inbox.pop_front()?;
        Some(self.read(peer, &ciphertext))
    }

    fn read(&mut self, peer: &Person, ciphertext: &[u8]) -> Vec<u8> {
        let opened = self.try_read(peer, ciphertext);
        self.keep(peer, &opened.unwrap_or_else(|fault| panic!("{fault}")))
    }

    fn try_read(&mut self, peer: &Person, ciphertext: &[u8]) -> Result<Opened<SignalSession>, SessionError> {
        let session = self.session();
        self.signal
            .decrypt(&peer.address, &session, ciphertext, &mut self.entropy)
    }

    /// Reads what must not be readable, and says why it was not.
    fn refuse(&mut self, peer: &Person, ciphertext: &[u8]) -> SessionError {
        self.try_read(peer, ciphertext).err().expect("a fault")
    }

    fn keep(&mut self, peer: &Person, opened: &Opened<SignalSession>) -> Vec<u8> {
        assert_eq!(opened.identity_key, peer.signal.identity_key());
        self.store(&opened.session);
        opened.plaintext.to_vec()
    }
}

/// Alice has used Bob's offer and sealed one message; Bob has opened it.
fn acquainted() -> (Person, Person) {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let prekeys = bob.signal.generate_prekeys(&mut bob.entropy);
    alice.initiate(&bob, &prekeys.bundle);
    let first = alice.seal(&bob, b"first");
    assert_eq!(bob.accept(&alice, &prekeys.secrets, &first), b"first");
    (alice, bob)
}

/// Both have heard each other.
fn talking() -> (Person, Person) {
    let (mut alice, mut bob) = acquainted();
    bob.send(&mut alice, b"answer");
    assert_eq!(alice.receive(&bob).unwrap(), b"answer");
    (alice, bob)
}

fn signal_message(ciphertext: &[u8]) -> SignalMessage {
    match signal::parse(ciphertext) {
        Ok(CiphertextMessage::SignalMessage(message)) => message,
        _ => panic!("a SignalMessage"),
    }
}

fn prekey_message(ciphertext: &[u8]) -> PreKeySignalMessage {
    match signal::parse(ciphertext) {
        Ok(CiphertextMessage::PreKeySignalMessage(message)) => message,
        _ => panic!("a PreKeySignalMessage"),
    }
}

/// The same cases in every run.
fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    }
}
