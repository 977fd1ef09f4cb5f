//! Sessions: the one place that knows how messages are encrypted end to end.
//!
//! [`Ratchet`] is all that the rest of core sees: values in, values out. An operation reads the old session and gives a
//! new one beside its result, so a failed operation leaves nothing behind, and what a good one changes is one value that
//! the caller stores in one commit. [`Signal`] is the real one, over libsignal (PQXDH, Double Ratchet, SPQR); `testkit`
//! has a transparent one. libsignal writes session details to the `log` crate, at every level; nothing in Sotto may ever
//! install a logger for it.

mod bundle;
mod draft;
mod fingerprint;
mod key;
mod replay_guard;
pub(crate) mod resume;
mod signal;
#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use crate::wire::link::Bundle;
use crate::{Entropy, OnionAddress, SafetyNumber, Wall};

pub(crate) use bundle::identity_statement;
pub use signal::{Signal, SignalSession};

/// One identity's sessions. Who a session is with, and whether that one may be trusted, is the caller's to know.
///
/// Messages of a session are opened in the order in which they were sealed, each exactly once, without gaps: links keep
/// order and sequence numbers leave no holes, so anything else is a fault, and no peer can make us derive or keep keys
/// for messages that never come.
pub trait Ratchet: Sized {
    /// Everything that changes as messages go by.
    type Session: Clone;

    /// A fresh identity: the serialised key pair and a registration id (14 bits, never 0).
    fn generate(entropy: &mut Entropy) -> (Zeroizing<Vec<u8>>, u32);

    /// The identity that [`generate`](Self::generate) made.
    fn open(key_pair: &[u8], registration_id: u32) -> Result<Self, Damaged>;

    /// The serialised public identity key, 33 bytes.
    fn identity_key(&self) -> &[u8];

    /// Fresh signed, Kyber and one-time prekeys, for one peer alone. `identity_signature` is left empty for the caller.
    fn generate_prekeys(&self, entropy: &mut Entropy) -> PreKeys;

    /// Opens a session with the author of a bundle. That the bundle is theirs, by `identity_signature`, is checked by the
    /// caller; everything else about it, here.
    fn initiate(
        &self,
        peer: &OnionAddress,
        bundle: &Bundle,
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<Self::Session, SessionError>;

    /// Opens a session, and its first message, from a peer that used our offer. The offer must not be used again. That the
    /// identity key is the peer's is left to the caller.
    fn accept(
        &self,
        peer: &OnionAddress,
        secrets: &[u8],
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<Self::Session>, SessionError>;

    /// Seals the next message. It uses the session up, since no other message may be sealed by it. Until the peer has answered,
    /// every message carries what opens the session (about 1.8 kB).
    fn encrypt(
        &self,
        peer: &OnionAddress,
        session: Self::Session,
        plaintext: &[u8],
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<Encrypted<Self::Session>, SessionError>;

    /// Opens the next message of this session, and of no other.
    fn decrypt(
        &self,
        peer: &OnionAddress,
        session: &Self::Session,
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<Self::Session>, SessionError>;

    /// For a row.
    fn encode(session: &Self::Session) -> Zeroizing<Vec<u8>>;

    /// From a row.
    fn decode(bytes: &[u8]) -> Result<Self::Session, Damaged>;

    /// The number that both sides compare; the digits are the same on either side.
    fn safety_number(
        &self,
        ours: &OnionAddress,
        peer: &OnionAddress,
        their_identity_key: &[u8],
    ) -> Result<SafetyNumber, SessionError>;
}

/// Prekeys for one peer: what they get, and what we keep until they have used it.
pub struct PreKeys {
    /// For the peer.
    pub bundle: Bundle,
    /// The private halves, for [`Ratchet::accept`].
    pub secrets: Zeroizing<Vec<u8>>,
}

/// A ciphertext and the session that has sealed it: one value, because sending one without keeping the other would use a
/// message key twice.
#[must_use]
pub struct Encrypted<S> {
    /// For the peer: a type byte (1 `SignalMessage`, 2 `PreKeySignalMessage`), then the message.
    pub ciphertext: Vec<u8>,
    /// The session from here on.
    pub session: S,
}

/// A plaintext and the session that has opened it.
#[must_use]
pub struct Opened<S> {
    /// What the peer sealed.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The session from here on.
    pub session: S,
    /// The peer's serialised identity key in this session, 33 bytes.
    pub identity_key: Vec<u8>,
}

/// Why an operation on a session failed. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A public key is malformed, not canonical, not of the prime-order group, or our own.
    #[error("invalid public key: {0}")]
    InvalidKey(&'static str),
    /// A bundle is incomplete, out of range or wrongly signed.
    #[error("invalid prekey bundle: {0}")]
    InvalidBundle(&'static str),
    /// Not a ciphertext of this protocol.
    #[error("not a ciphertext")]
    Malformed,
    /// Longer than any frame could carry.
    #[error("the ciphertext is too long")]
    Oversized,
    /// It does not decrypt: tampered with, or not for this session.
    #[error("the ciphertext does not decrypt")]
    Undecipherable,
    /// Seen before.
    #[error("the message was opened before")]
    Duplicate,
    /// Messages before it are missing.
    #[error("messages before this one are missing")]
    OutOfOrder,
    /// It would open a session other than this one, or uses an offer other than this one.
    #[error("the message belongs to another session")]
    OtherSession,
    /// Another identity key than the session's.
    #[error("the identity key is not the one of this session")]
    UnexpectedIdentity,
    /// The peer has not answered in this session for 30 days, and libsignal seals no more: a new one is needed.
    #[error("the session has gone 30 days without an answer")]
    Stale,
    /// The stored session or offer is damaged.
    #[error("the stored session cannot be used")]
    Damaged,
}

/// A stored value does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored session value is damaged")]
pub struct Damaged;
