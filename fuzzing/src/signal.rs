//! Two fixed identities over libsignal, and the ciphertexts that one sends the other.

use sotto_core::wire::link::Bundle;
use sotto_core::{Encrypted, Entropy, OnionAddress, OnionSecret, Opened, Ratchet, Signal, SignalSession, Wall};

pub(crate) const NOW: Wall = Wall(1_700_000_000_000);

/// One of the two identities.
pub(crate) struct Party {
    pub ratchet: Signal,
    pub address: OnionAddress,
    pub entropy: Entropy,
}

impl Party {
    pub fn new(seed: u8) -> Self {
        let mut entropy = Entropy::from_seed([seed; 32]);
        let (key_pair, registration_id) = Signal::generate(&mut entropy);
        Self {
            ratchet: Signal::open(&key_pair, registration_id).expect("just generated"),
            address: OnionSecret::from_seed(&[seed; 32]).address(),
            entropy,
        }
    }

    pub fn seal(&mut self, to: &OnionAddress, session: &mut SignalSession, plaintext: &[u8]) -> Vec<u8> {
        let sealed = self
            .ratchet
            .encrypt(to, session.clone(), plaintext, NOW, &mut self.entropy);
        let Encrypted {
            ciphertext,
            session: after,
        } = sealed.expect("a good session seals");
        *session = after;
        ciphertext
    }

    pub fn open(&mut self, from: &OnionAddress, session: &mut SignalSession, ciphertext: &[u8]) {
        let opened = self.ratchet.decrypt(from, session, ciphertext, &mut self.entropy);
        *session = opened.expect("a good ciphertext opens").session;
    }
}

/// A session between the two, from its beginning.
pub(crate) struct Friendship {
    /// The identity that begins the session with the other's offer.
    pub opener: Party,
    pub offerer: Party,
    pub bundle: Bundle,
    pub secrets: Vec<u8>,
    pub session: SignalSession,
}

impl Friendship {
    pub fn new() -> Self {
        let (mut opener, mut offerer) = (Party::new(1), Party::new(2));
        let prekeys = offerer.ratchet.generate_prekeys(&mut offerer.entropy);
        let session = opener
            .ratchet
            .initiate(&offerer.address, &prekeys.bundle, NOW, &mut opener.entropy)
            .expect("a good bundle");
        Self {
            opener,
            offerer,
            bundle: prekeys.bundle,
            secrets: prekeys.secrets.to_vec(),
            session,
        }
    }

    /// Begins the offerer's side of the session.
    pub fn accept(&mut self, ciphertext: &[u8]) -> Opened<SignalSession> {
        let Self {
            opener,
            offerer,
            secrets,
            ..
        } = self;
        let opened = offerer
            .ratchet
            .accept(&opener.address, secrets, ciphertext, &mut offerer.entropy);
        opened.expect("a good opening")
    }
}
