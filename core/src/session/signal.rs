//! The real ratchet: libsignal's PQXDH, Double Ratchet and SPQR, over a draft of its stores.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use libsignal_protocol::{
    CiphertextMessage, DeviceId, IdentityKey, IdentityKeyPair, PreKeySignalMessage, ProtocolAddress, SessionRecord,
    SignalMessage, SignalProtocolError, message_decrypt_prekey, message_decrypt_signal, message_encrypt,
    process_prekey_bundle,
};
use zeroize::Zeroizing;

use super::bundle::{self, Secrets};
use super::draft::{IdentityDraft, PreKeyDraft, SessionDraft};
use super::replay_guard::ReplayGuard;
use super::{Damaged, Encrypted, Opened, PreKeys, Ratchet, SessionError, fingerprint, key};
use crate::row::wipe;
use crate::wire::link::Bundle;
use crate::{Entropy, OnionAddress, SafetyNumber, Wall};

/// What a link's largest frame has room for.
const MAX_LEN: usize = 63 * 1024;
/// Type bytes.
const SIGNAL: u8 = 1;
const PREKEY: u8 = 2;
/// PQXDH; version 3 was X3DH.
const VERSION: u8 = 4;

/// Signal sessions of one identity.
pub struct Signal {
    key_pair: IdentityKeyPair,
    registration_id: u32,
    identity_key: Box<[u8]>,
    /// libsignal names the peer so towards its stores, its errors and its log, and nowhere else; the draft knows the peer
    /// without a name. The onion key's signature over the identity key is what ties a session to an address.
    peer: ProtocolAddress,
}

/// A session of [`Signal`].
#[derive(Clone)]
pub struct SignalSession {
    record: SessionRecord,
    guard: ReplayGuard,
}

impl Ratchet for Signal {
    type Session = SignalSession;

    fn generate(entropy: &mut Entropy) -> (Zeroizing<Vec<u8>>, u32) {
        let key_pair = IdentityKeyPair::generate(entropy.rng()).serialize();
        (Zeroizing::new(key_pair.into_vec()), bundle::registration_id(entropy))
    }

    fn open(key_pair: &[u8], registration_id: u32) -> Result<Self, Damaged> {
        let key_pair = IdentityKeyPair::try_from(key_pair).map_err(|_| Damaged)?;
        let derived = key_pair.private_key().public_key().map_err(|_| Damaged)?;
        if derived != *key_pair.public_key() {
            return Err(Damaged);
        }
        Ok(Self {
            identity_key: key_pair.identity_key().serialize(),
            key_pair,
            registration_id,
            peer: ProtocolAddress::new("peer".to_owned(), device()),
        })
    }

    fn identity_key(&self) -> &[u8] {
        &self.identity_key
    }

    fn generate_prekeys(&self, entropy: &mut Entropy) -> PreKeys {
        bundle::generate(&self.key_pair, self.registration_id, entropy)
    }

    fn initiate(
        &self,
        _peer: &OnionAddress,
        bundle: &Bundle,
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<SignalSession, SessionError> {
        let bundle = bundle::check(bundle, device())?;
        self.check_foreign(bundle.identity_key().map_err(|_| SessionError::Damaged)?)?;
        // The peer's first ratchet key is their signed prekey.
        let guard = ReplayGuard::nothing(&bundle.signed_pre_key_public().map_err(|_| SessionError::Damaged)?);

        let mut draft = SessionDraft::fresh();
        drive(process_prekey_bundle(
            &self.peer,
            &mut draft,
            &mut self.identity(),
            &bundle,
            system_time(now),
            entropy.rng(),
        ))
        .map_err(|error| match error {
            SignalProtocolError::SignatureValidationFailed => {
                SessionError::InvalidBundle("a prekey's signature is wrong")
            }
            other => session_error(&other),
        })?;
        let record = draft.take().ok_or(SessionError::Damaged)?;
        Ok(SignalSession { record, guard })
    }

    fn accept(
        &self,
        _peer: &OnionAddress,
        secrets: &[u8],
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<SignalSession>, SessionError> {
        let CiphertextMessage::PreKeySignalMessage(message) = parse(ciphertext)? else {
            return Err(SessionError::Malformed);
        };
        self.check_foreign(message.identity_key())?;
        key::check(message.identity_key().public_key(), "identity key")?;
        key::check(message.base_key(), "base key")?;
        // Without a one-time prekey libsignal would agree on a weaker secret than the offer is good for.
        message.pre_key_id().ok_or(SessionError::OtherSession)?;
        let guard = ReplayGuard::first(message.message())?;
        let secrets = Secrets::decode(secrets).map_err(|Damaged| SessionError::Damaged)?;
        self.decrypt_prekey(SessionDraft::fresh(), Some(&secrets), &message, guard, entropy)
    }

    fn encrypt(
        &self,
        _peer: &OnionAddress,
        session: SignalSession,
        plaintext: &[u8],
        now: Wall,
        entropy: &mut Entropy,
    ) -> Result<Encrypted<SignalSession>, SessionError> {
        let SignalSession { record, guard } = session;
        let mut draft = SessionDraft::used_up(record);
        let message = drive(message_encrypt(
            plaintext,
            &self.peer,
            &mut draft,
            &mut self.identity(),
            system_time(now),
            entropy.rng(),
        ))
        .map_err(|error| match error {
            SignalProtocolError::SessionNotFound(_) => SessionError::Stale,
            _ => SessionError::Damaged,
        })?;
        Ok(Encrypted {
            ciphertext: serialise(&message)?,
            session: SignalSession {
                record: draft.take().ok_or(SessionError::Damaged)?,
                guard,
            },
        })
    }

    fn decrypt(
        &self,
        _peer: &OnionAddress,
        session: &SignalSession,
        ciphertext: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Opened<SignalSession>, SessionError> {
        let SignalSession { record, guard } = session;
        match parse(ciphertext)? {
            CiphertextMessage::PreKeySignalMessage(message) => {
                // libsignal would look for the prekeys of a new session, and on success let it take this one's place.
                let base_key = record.alice_base_key().map_err(|error| session_error(&error))?;
                if base_key != &*message.base_key().serialize() {
                    return Err(SessionError::OtherSession);
                }
                if *message.identity_key().serialize() != *their_identity_key(record)? {
                    return Err(SessionError::UnexpectedIdentity);
                }
                let guard = guard.after(message.message(), record)?;
                self.decrypt_prekey(SessionDraft::of(record), None, &message, guard, entropy)
            }
            CiphertextMessage::SignalMessage(message) => {
                let guard = guard.after(&message, record)?;
                let mut draft = SessionDraft::of(record);
                let mut identity = self.identity();
                let decrypted = message_decrypt_signal(&message, &self.peer, &mut draft, &mut identity, entropy.rng());
                opened(drive(decrypted), draft, guard)
            }
            _ => Err(SessionError::Malformed),
        }
    }

    fn encode(session: &SignalSession) -> Zeroizing<Vec<u8>> {
        let mut record = session.record.serialize().expect("encoding to memory");
        let mut bytes = Zeroizing::new(Vec::with_capacity(ReplayGuard::LEN + record.len()));
        session.guard.encode(&mut bytes);
        bytes.extend_from_slice(&record);
        wipe(&mut record);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<SignalSession, Damaged> {
        let (guard, record) = bytes.split_first_chunk().ok_or(Damaged)?;
        let guard = ReplayGuard::decode(guard)?;
        let record = SessionRecord::deserialize(record).map_err(|_| Damaged)?;
        // What libsignal takes for granted in a session that it has stored itself.
        record.local_identity_key_bytes().map_err(|_| Damaged)?;
        record.get_sender_chain_key_bytes().map_err(|_| Damaged)?;
        their_identity_key(&record).map_err(|_| Damaged)?;
        Ok(SignalSession { record, guard })
    }

    fn safety_number(
        &self,
        ours: &OnionAddress,
        peer: &OnionAddress,
        their_identity_key: &[u8],
    ) -> Result<SafetyNumber, SessionError> {
        let theirs = IdentityKey::new(key::parse(their_identity_key, "identity key")?);
        Ok(fingerprint::safety_number(
            (ours, self.key_pair.identity_key()),
            (peer, &theirs),
        ))
    }
}

impl Signal {
    fn identity(&self) -> IdentityDraft<'_> {
        IdentityDraft {
            key_pair: &self.key_pair,
            registration_id: self.registration_id,
        }
    }

    /// A session with our own identity key could reflect our messages at us, and libsignal lifts its limits for one.
    fn check_foreign(&self, identity_key: &IdentityKey) -> Result<(), SessionError> {
        if identity_key == self.key_pair.identity_key() {
            return Err(SessionError::InvalidKey("the identity key is our own"));
        }
        Ok(())
    }

    fn decrypt_prekey(
        &self,
        mut draft: SessionDraft<'_>,
        secrets: Option<&Secrets>,
        message: &PreKeySignalMessage,
        guard: ReplayGuard,
        entropy: &mut Entropy,
    ) -> Result<Opened<SignalSession>, SessionError> {
        let prekeys = PreKeyDraft(secrets);
        let plaintext = drive(message_decrypt_prekey(
            message,
            &self.peer,
            &mut draft,
            &mut self.identity(),
            &mut { prekeys },
            &prekeys,
            &mut { prekeys },
            entropy.rng(),
        ));
        opened(plaintext, draft, guard)
    }
}

/// Drives one of libsignal's operations to its end. They are asynchronous for programs that keep the stores behind I/O; the
/// draft's stores answer at once, so one poll is enough.
fn drive<T>(operation: impl Future<Output = T>) -> T {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the draft's stores answer at once"),
    }
}

/// From a type byte and libsignal's serialisation.
pub(super) fn parse(bytes: &[u8]) -> Result<CiphertextMessage, SessionError> {
    if bytes.len() > MAX_LEN {
        return Err(SessionError::Oversized);
    }
    let message = match bytes.split_first() {
        Some((&SIGNAL, rest)) => SignalMessage::try_from(rest).map(CiphertextMessage::SignalMessage),
        Some((&PREKEY, rest)) => PreKeySignalMessage::try_from(rest).map(CiphertextMessage::PreKeySignalMessage),
        _ => return Err(SessionError::Malformed),
    };
    let message = message.map_err(|_| SessionError::Malformed)?;
    let versions = match &message {
        CiphertextMessage::PreKeySignalMessage(outer) => [outer.message_version(), outer.message().message_version()],
        CiphertextMessage::SignalMessage(inner) => [inner.message_version(); 2],
        _ => return Err(SessionError::Malformed),
    };
    if versions != [VERSION; 2] {
        return Err(SessionError::Malformed);
    }
    Ok(message)
}

/// To a type byte and libsignal's serialisation.
pub(super) fn serialise(message: &CiphertextMessage) -> Result<Vec<u8>, SessionError> {
    let kind = match message {
        CiphertextMessage::PreKeySignalMessage(_) => PREKEY,
        _ => SIGNAL,
    };
    let body = message.serialize();
    if body.len() >= MAX_LEN {
        return Err(SessionError::Oversized);
    }
    let mut bytes = Vec::with_capacity(1 + body.len());
    bytes.push(kind);
    bytes.extend_from_slice(body);
    Ok(bytes)
}

fn opened(
    plaintext: Result<Vec<u8>, SignalProtocolError>,
    draft: SessionDraft<'_>,
    guard: ReplayGuard,
) -> Result<Opened<SignalSession>, SessionError> {
    let plaintext = Zeroizing::new(plaintext.map_err(|error| session_error(&error))?);
    let record = draft.take().ok_or(SessionError::Damaged)?;
    Ok(Opened {
        plaintext,
        identity_key: their_identity_key(&record)?,
        session: SignalSession { record, guard },
    })
}

fn their_identity_key(record: &SessionRecord) -> Result<Vec<u8>, SessionError> {
    let key = record
        .remote_identity_key_bytes()
        .map_err(|error| session_error(&error))?;
    key.ok_or(SessionError::Damaged)
}

/// What libsignal's errors on a peer's bytes mean to us.
fn session_error(error: &SignalProtocolError) -> SessionError {
    use SignalProtocolError as E;
    match error {
        E::DuplicatedMessage(..) => SessionError::Duplicate,
        E::InvalidMessage(..) => SessionError::Undecipherable,
        E::InvalidPreKeyId | E::InvalidSignedPreKeyId | E::InvalidKyberPreKeyId => SessionError::OtherSession,
        E::InvalidSessionStructure(_) | E::InvalidState(..) | E::SessionNotFound(_) => SessionError::Damaged,
        _ => SessionError::Malformed,
    }
}

/// libsignal's devices of one user; ours have one.
fn device() -> DeviceId {
    DeviceId::new(1).expect("between 1 and 127")
}

fn system_time(now: Wall) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(now.0)
}
