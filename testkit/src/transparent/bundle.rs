//! Prekey bundles of the transparent ratchet: the fields and sizes of libsignal's, and its checks in its order.

use sotto_core::wire::link::Bundle;
use sotto_core::{Entropy, PreKeys, SessionError};
use zeroize::Zeroizing;

use super::bytes::{Key, Reader, fresh_key, hash, key};

const REGISTRATION_IDS: u32 = 0x3fff;
const PREKEY_IDS: u32 = 0x00ff_ffff;
/// A type byte (8, Kyber-1024) and the key.
const KYBER_LEN: usize = 1569;
const KYBER_TYPE: u8 = 8;

pub(super) fn number_up_to(last: u32, entropy: &mut Entropy) -> u32 {
    u32::try_from(entropy.below(last.into()) + 1).expect("at most `last`")
}

/// The names of an offer, the same on both sides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Prekeys {
    pub id: u32,
    pub signed: Key,
    pub one_time: Key,
    /// The Kyber key's hash.
    pub kyber: [u8; 32],
}

/// The offerer's half of an offer: the same names, because nothing is secret.
pub(super) type Secrets = Prekeys;

impl Secrets {
    fn encode(&self) -> Vec<u8> {
        [&self.id.to_be_bytes()[..], &self.signed, &self.one_time, &self.kyber].concat()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, SessionError> {
        let mut reader = Reader(bytes);
        let mut read = || {
            Some(Self {
                id: reader.number()?,
                signed: reader.key()?,
                one_time: reader.key()?,
                kyber: reader.array()?,
            })
        };
        let secrets = read().ok_or(SessionError::Damaged)?;
        reader.rest().is_empty().then_some(secrets).ok_or(SessionError::Damaged)
    }
}

/// A parsed bundle of a peer.
pub(super) struct Theirs {
    pub identity_key: Key,
    pub prekeys: Prekeys,
}

/// New prekeys under one random id.
pub(super) fn generate(identity_key: &Key, registration_id: u32, entropy: &mut Entropy) -> PreKeys {
    let id = number_up_to(PREKEY_IDS, entropy);
    let (signed, one_time) = (fresh_key(entropy), fresh_key(entropy));
    let mut kyber = vec![KYBER_TYPE; KYBER_LEN];
    kyber[1..33].copy_from_slice(&entropy.bytes::<32>());
    let prekeys = Prekeys {
        id,
        signed,
        one_time,
        kyber: hash("kyber", &[&kyber]),
    };
    let bundle = Bundle {
        registration_id,
        identity_key: identity_key.to_vec(),
        identity_signature: Vec::new(),
        signed_prekey_id: id,
        signed_prekey: signed.to_vec(),
        signed_prekey_signature: sign(identity_key, &signed),
        kyber_prekey_id: id,
        kyber_prekey_signature: sign(identity_key, &kyber),
        kyber_prekey: kyber,
        one_time_prekey_id: id,
        one_time_prekey: one_time.to_vec(),
    };
    PreKeys {
        bundle,
        secrets: Zeroizing::new(prekeys.encode()),
    }
}

/// Checks a peer's bundle except its signatures.
pub(super) fn check(bundle: &Bundle) -> Result<Theirs, SessionError> {
    if !(1..=REGISTRATION_IDS).contains(&bundle.registration_id) {
        return Err(SessionError::InvalidBundle("registration id out of range"));
    }
    let ids = [
        bundle.signed_prekey_id,
        bundle.kyber_prekey_id,
        bundle.one_time_prekey_id,
    ];
    if !ids.iter().all(|id| (1..=PREKEY_IDS).contains(id)) {
        return Err(SessionError::InvalidBundle("prekey id out of range"));
    }
    let named = |bytes: &[u8], what| key(bytes).ok_or(SessionError::InvalidKey(what));
    let identity_key = named(&bundle.identity_key, "identity key")?;
    let signed = named(&bundle.signed_prekey, "signed prekey")?;
    let one_time = named(&bundle.one_time_prekey, "one-time prekey")?;
    let kyber = &bundle.kyber_prekey;
    if kyber.len() != KYBER_LEN || kyber[0] != KYBER_TYPE {
        return Err(SessionError::InvalidKey("Kyber prekey"));
    }
    Ok(Theirs {
        identity_key,
        prekeys: Prekeys {
            id: bundle.signed_prekey_id,
            signed,
            one_time,
            kyber: hash("kyber", &[kyber]),
        },
    })
}

/// Checks the signatures of a well-formed bundle.
pub(super) fn verify(bundle: &Bundle) -> Result<(), SessionError> {
    let identity_key = key(&bundle.identity_key).ok_or(SessionError::Damaged)?;
    let signed = sign(&identity_key, &bundle.signed_prekey) == bundle.signed_prekey_signature
        && sign(&identity_key, &bundle.kyber_prekey) == bundle.kyber_prekey_signature;
    let wrong = SessionError::InvalidBundle("a prekey's signature is wrong");
    signed.then_some(()).ok_or(wrong)
}

fn sign(identity_key: &Key, what: &[u8]) -> Vec<u8> {
    let signature = hash("sign", &[identity_key, what]);
    [signature, signature].concat()
}
