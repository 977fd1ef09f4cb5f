//! Prekey bundles: making one with its secrets, and checking one that came from a peer.

use libsignal_protocol::{
    DeviceId, GenericSignedPreKey, IdentityKey, IdentityKeyPair, KeyPair, KyberPreKeyRecord, PreKeyBundle,
    PreKeyRecord, SignedPreKeyRecord, Timestamp, kem,
};
use prost::Message;
use zeroize::{Zeroize, Zeroizing};

use super::{Damaged, PreKeys, SessionError, key};
use crate::Entropy;
use crate::wire::link::Bundle;

/// Registration ids have 14 bits, and 0 is none.
const REGISTRATION_IDS: u32 = 0x3fff;
/// Prekey ids have 24 bits, and 0 is none.
const PREKEY_IDS: u32 = 0x00ff_ffff;

/// What the onion key signs to vouch for a Signal identity key.
pub(crate) fn identity_statement(identity_key: &[u8]) -> Vec<u8> {
    [b"sotto identity v1", identity_key].concat()
}

/// A registration id for a new identity.
pub(super) fn registration_id(entropy: &mut Entropy) -> u32 {
    number_up_to(REGISTRATION_IDS, entropy)
}

fn number_up_to(last: u32, entropy: &mut Entropy) -> u32 {
    u32::try_from(entropy.below(last.into()) + 1).expect("at most `last`")
}

/// The private halves of one offer, as libsignal's records.
#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(bytes = "vec", tag = "1")]
    signed: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    kyber: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    one_time: Vec<u8>,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.signed.zeroize();
        self.kyber.zeroize();
        self.one_time.zeroize();
    }
}

/// The private halves of one offer.
pub(super) struct Secrets {
    pub(super) signed: SignedPreKeyRecord,
    pub(super) kyber: KyberPreKeyRecord,
    pub(super) one_time: PreKeyRecord,
}

impl Secrets {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let stored = Stored::decode(bytes).map_err(|_| Damaged)?;
        Ok(Self {
            signed: SignedPreKeyRecord::deserialize(&stored.signed).map_err(|_| Damaged)?,
            kyber: KyberPreKeyRecord::deserialize(&stored.kyber).map_err(|_| Damaged)?,
            one_time: PreKeyRecord::deserialize(&stored.one_time).map_err(|_| Damaged)?,
        })
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let stored = Stored {
            signed: self.signed.serialize().expect("encoding to memory"),
            kyber: self.kyber.serialize().expect("encoding to memory"),
            one_time: self.one_time.serialize().expect("encoding to memory"),
        };
        Zeroizing::new(stored.encode_to_vec())
    }
}

/// Fresh prekeys. All three share one random id, so that a message for another offer is known as such at once.
pub(super) fn generate(identity: &IdentityKeyPair, registration_id: u32, entropy: &mut Entropy) -> PreKeys {
    let id = number_up_to(PREKEY_IDS, entropy);
    let rng = entropy.rng();
    let signed = KeyPair::generate(rng);
    let kyber = kem::KeyPair::generate(kem::KeyType::Kyber1024, rng);
    let one_time = KeyPair::generate(rng);

    let signed_prekey = signed.public_key.serialize().into_vec();
    let kyber_prekey = kyber.public_key.serialize().into_vec();
    let mut sign = |key: &[u8]| {
        let signature = identity.private_key().calculate_signature(key, rng);
        signature.expect("Curve25519 keys sign").into_vec()
    };
    let signed_prekey_signature = sign(&signed_prekey);
    let kyber_prekey_signature = sign(&kyber_prekey);

    // The records' time is for rotation of keys that serve many peers; these serve one, once.
    let time = Timestamp::from_epoch_millis(0);
    let secrets = Secrets {
        signed: SignedPreKeyRecord::new(id.into(), time, &signed, &signed_prekey_signature),
        kyber: KyberPreKeyRecord::new(id.into(), time, &kyber, &kyber_prekey_signature),
        one_time: PreKeyRecord::new(id.into(), &one_time),
    };
    let bundle = Bundle {
        registration_id,
        identity_key: identity.identity_key().serialize().into_vec(),
        identity_signature: Vec::new(),
        signed_prekey_id: id,
        signed_prekey,
        signed_prekey_signature,
        kyber_prekey_id: id,
        kyber_prekey,
        kyber_prekey_signature,
        one_time_prekey_id: id,
        one_time_prekey: one_time.public_key.serialize().into_vec(),
    };
    PreKeys {
        bundle,
        secrets: secrets.encode(),
    }
}

/// Everything about a peer's bundle but its signatures, which libsignal verifies when it is used.
pub(super) fn check(bundle: &Bundle, device: DeviceId) -> Result<PreKeyBundle, SessionError> {
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
    let identity_key = key::parse(&bundle.identity_key, "identity key")?;
    let signed_prekey = key::parse(&bundle.signed_prekey, "signed prekey")?;
    let one_time_prekey = key::parse(&bundle.one_time_prekey, "one-time prekey")?;
    let kyber_prekey = kem::PublicKey::deserialize(&bundle.kyber_prekey)
        .ok()
        .filter(|key| key.key_type() == kem::KeyType::Kyber1024)
        .ok_or(SessionError::InvalidKey("Kyber prekey"))?;
    PreKeyBundle::new(
        bundle.registration_id,
        device,
        Some((bundle.one_time_prekey_id.into(), one_time_prekey)),
        bundle.signed_prekey_id.into(),
        signed_prekey,
        bundle.signed_prekey_signature.clone(),
        bundle.kyber_prekey_id.into(),
        kyber_prekey,
        bundle.kyber_prekey_signature.clone(),
        IdentityKey::new(identity_key),
    )
    .map_err(|_| SessionError::InvalidBundle("incomplete"))
}
