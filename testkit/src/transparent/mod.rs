//! [`Transparent`]: a ratchet without secrets, for fast tests that can read ciphertexts. It keeps every rule of the real ratchet and
//! none of its cryptography.
//!
//! It has libsignal's structure: a bundle of signed prekeys, a first message that begins the session, chains that change with the
//! direction, a number and an authentication tag on each message. It hashes where libsignal multiplies points, and leaves the
//! plaintext readable in the ciphertext, so that a test can [`peek`] at it. Every failure of an operation is a failure of libsignal's
//! at the same point: `tests/ratchet` runs both through the same random sequences of operations and compares every result. It gives
//! no protection: anyone who sees a bundle can forge messages.

mod bundle;
mod bytes;
mod message;
mod session;

use std::cell::Cell;

use sotto_core::wire::link::Bundle;
use sotto_core::{
    Damaged, Encrypted, Entropy, OnionAddress, Opened, PreKeys, Ratchet, SafetyNumber, SessionError, Wall,
};
use zeroize::Zeroizing;

use bundle::Secrets;
use message::{Inner, Message, Opening};
pub use message::{Peek, peek};
pub use session::Session;

/// Sessions of one identity by the rules of libsignal, without its cryptography.
pub struct Transparent {
    identity_key: [u8; 33],
    registration_id: u32,
}

thread_local! {
    static DECRYPTED: Cell<usize> = const { Cell::new(0) };
}

impl Transparent {
    /// Ciphertexts that nodes of this thread have decrypted in a session that there was.
    pub fn decrypted() -> usize {
        DECRYPTED.get()
    }
}

impl Ratchet for Transparent {
    type Session = Session;

    fn generate(entropy: &mut Entropy) -> (Zeroizing<Vec<u8>>, u32) {
        let key = bytes::fresh_key(entropy);
        (Zeroizing::new(key.to_vec()), bundle::number_up_to(0x3fff, entropy))
    }

    fn open(key_pair: &[u8], registration_id: u32) -> Result<Self, Damaged> {
        Ok(Self {
            identity_key: bytes::key(key_pair).ok_or(Damaged)?,
            registration_id,
        })
    }

    fn identity_key(&self) -> &[u8] {
        &self.identity_key
    }

    fn generate_prekeys(&self, entropy: &mut Entropy) -> PreKeys {
        bundle::generate(&self.identity_key, self.registration_id, entropy)
    }

    fn initiate(
        &self,
        _peer: &OnionAddress,
        bundle: &Bundle,
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<Session, SessionError> {
        let theirs = bundle::check(bundle)?;
        self.check_foreign(&theirs.identity_key)?;
        bundle::verify(bundle)?;
        let opening = Opening {
            registration_id: self.registration_id,
            offer: theirs.prekeys.id,
            base_key: bytes::fresh_key(entropy),
            identity_key: self.identity_key,
        };
        Ok(Session::initiate(&theirs, opening, now, entropy))
    }

    fn accept(
        &self,
        _peer: &OnionAddress,
        secrets: &[u8],
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<Session>, SessionError> {
        let Message::Opening(opening, inner) = message::parse(ciphertext)? else {
            return Err(SessionError::Malformed);
        };
        self.check_foreign(&opening.identity_key)?;
        session::first(&inner)?;
        let secrets = Secrets::decode(secrets)?;
        if secrets.id != opening.offer {
            return Err(SessionError::OtherSession);
        }
        let session = Session::accept(&self.identity_key, &secrets, &opening);
        Self::opened(&session, &inner, entropy)
    }

    fn encrypt(
        &self,
        _peer: &OnionAddress,
        session: Session,
        plaintext: &[u8],
        now: Wall,
        _entropy: &mut Entropy,
    ) -> Result<Encrypted<Session>, SessionError> {
        let (inner, session) = session.seal(plaintext, now)?;
        let ciphertext = message::serialise(session.opening(), &inner)?;
        Ok(Encrypted { ciphertext, session })
    }

    fn decrypt(
        &self,
        _peer: &OnionAddress,
        session: &Session,
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<Session>, SessionError> {
        DECRYPTED.set(DECRYPTED.get() + 1);
        let inner = match message::parse(ciphertext)? {
            Message::Opening(opening, inner) => {
                if opening.base_key != session.base_key {
                    return Err(SessionError::OtherSession);
                }
                if opening.identity_key != session.peer {
                    return Err(SessionError::UnexpectedIdentity);
                }
                inner
            }
            Message::Ordinary(inner) => inner,
        };
        Self::opened(session, &inner, entropy)
    }

    fn encode(session: &Session) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(session.encode())
    }

    fn decode(bytes: &[u8]) -> Result<Session, Damaged> {
        Session::decode(bytes)
    }

    fn safety_number(
        &self,
        ours: &OnionAddress,
        peer: &OnionAddress,
        their_identity_key: &[u8],
    ) -> Result<SafetyNumber, SessionError> {
        let theirs = bytes::key(their_identity_key).ok_or(SessionError::InvalidKey("identity key"))?;
        let half = |address: &OnionAddress, key: &[u8]| bytes::hash("number", &[address.public_key(), key]);
        let (ours, theirs) = (half(ours, &self.identity_key), half(peer, &theirs));
        let digits = |half: &[u8; 32]| half[..30].iter().map(|byte| char::from(b'0' + byte % 10)).collect();
        let mut halves: [String; 2] = [digits(&ours), digits(&theirs)];
        halves.sort();
        Ok(SafetyNumber {
            digits: halves.concat(),
            scannable: [theirs, ours].concat(),
        })
    }
}

impl Transparent {
    fn opened(session: &Session, inner: &Inner<'_>, entropy: &mut Entropy) -> Result<Opened<Session>, SessionError> {
        let session = session.open(inner, entropy)?;
        Ok(Opened {
            plaintext: Zeroizing::new(inner.plaintext.to_vec()),
            identity_key: session.peer.to_vec(),
            session,
        })
    }

    fn check_foreign(&self, identity_key: &[u8; 33]) -> Result<(), SessionError> {
        if *identity_key == self.identity_key {
            return Err(SessionError::InvalidKey("the identity key is our own"));
        }
        Ok(())
    }
}
