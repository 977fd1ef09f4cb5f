//! A handshake, step by step, from the dialer's side [L-3]; and what a dialer may say that it must not.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar, constants};
use ed25519_dalek::Signer as _;
use sha2::{Digest, Sha512};
use sotto_core::OnionAddress;

use super::line::Line;
use super::peer::Peer;
use super::records::Records;
use super::report::Failure;
use crate::noise::{self, Forged, Keys};

/// Bytes of a handshake message, without its length.
pub const CALL: usize = 48;
/// Of the listener's.
pub const REPLY: usize = 48;
/// Of the dialer's last.
pub const CONFIRMATION: usize = 160;

/// What is signed to prove who dials, before the handshake hash [L-4].
const PROOF: &[u8] = b"sotto dialer v1";

/// What a dialer does that it must not.
#[derive(Default)]
pub struct Lies {
    /// In place of "sotto link v1" and the listener's key.
    pub prologue: Option<Vec<u8>>,
    /// In place of the listener's X25519 key.
    pub listener: Option<[u8; 32]>,
    /// In place of an ephemeral key.
    pub ephemeral: Option<Forged>,
    /// In place of the static key.
    pub identity: Option<Forged>,
}

/// A handshake under way.
pub struct Call {
    state: snow::HandshakeState,
    /// The stream.
    pub records: Records,
}

impl Call {
    /// Nothing is said yet.
    pub fn new(peer: &mut Peer, target: &OnionAddress, records: Records, lies: Lies) -> Self {
        let keys = Keys {
            x25519_secret: peer.x25519(),
            ephemeral_secret: peer.random(),
            prologue: lies
                .prologue
                .unwrap_or_else(|| [b"sotto link v1", &target.public_key()[..]].concat()),
        };
        let listener = lies.listener.unwrap_or_else(|| target.montgomery());
        let state = noise::forger(&keys, &listener, lies.ephemeral, lies.identity);
        Self { state, records }
    }

    /// Message 1, as a record.
    pub fn first(&mut self) -> Vec<u8> {
        noise::write(&mut self.state, &[])
    }

    /// Says message 1, and hears message 2; gives its bytes.
    pub fn greet(&mut self) -> Result<Vec<u8>, Failure> {
        let first = self.first();
        self.records.write(&first);
        self.hear_reply()
    }

    /// Hears message 2.
    pub fn hear_reply(&mut self) -> Result<Vec<u8>, Failure> {
        let message = self.records.expect_record(REPLY, "message 2")?;
        let read = self.state.read_message(&message, &mut [0; REPLY]);
        read.map_err(|error| Failure::new("message 2, which authenticates the target", error.to_string()))?;
        Ok(message)
    }

    /// The handshake hash after message 2.
    pub fn hash(&self) -> Vec<u8> {
        self.state.get_handshake_hash().to_vec()
    }

    /// Message 3 with any payload, as a record.
    pub fn last(&mut self, payload: &[u8]) -> Vec<u8> {
        noise::write(&mut self.state, payload)
    }

    /// Says message 3 with any payload; what comes is the target's.
    pub fn confirm(mut self, payload: &[u8]) -> Records {
        let last = self.last(payload);
        self.records.write(&last);
        self.records
    }

    /// Says message 3 truthfully, and then these plaintexts' records in the same write.
    pub fn finish(mut self, peer: &Peer, plaintexts: &[Vec<u8>]) -> Line {
        let proof = prove(peer, &self.hash());
        let mut bytes = self.last(&proof);
        let mut state = self.state.into_transport_mode().expect("the handshake is finished");
        for plaintext in plaintexts {
            bytes.extend(noise::seal(&mut state, plaintext));
        }
        self.records.write(&bytes);
        Line::new(self.records, state, peer.pace.clone())
    }
}

/// A true payload of message 3.
pub fn prove(peer: &Peer, hash: &[u8]) -> Vec<u8> {
    let key = peer.onion_key();
    let signature = key.sign(&[PROOF, hash].concat());
    [&key.verifying_key().to_bytes()[..], &signature.to_bytes()].concat()
}

/// The same signature with S beyond the group's order: what only a strict verifier refuses.
pub fn second_form(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut signature = signature.to_vec();
    let mut carry = 0;
    for (digit, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        [*digit, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    signature
}

/// The peer's key with a component of small order added, and a signature by it that every verifier takes who does not
/// look at the key's order.
pub struct Mixed {
    /// The ed25519 key.
    pub key: [u8; 32],
    /// Its X25519 key.
    pub x25519: [u8; 32],
    secret: Scalar,
}

impl Mixed {
    /// Of a peer's key.
    pub fn of(peer: &Peer) -> Self {
        let public = CompressedEdwardsY(*peer.address().public_key()).decompress();
        let mixed: EdwardsPoint = public.expect("our own key") + constants::EIGHT_TORSION[1];
        Self {
            key: mixed.compress().to_bytes(),
            x25519: mixed.to_montgomery().to_bytes(),
            secret: Scalar::from_bytes_mod_order(peer.x25519()),
        }
    }

    /// The payload of message 3 with it.
    pub fn prove(&self, hash: &[u8]) -> Vec<u8> {
        let message = [PROOF, hash].concat();
        let signature = (0_u64..).find_map(|nonce| {
            let nonce =
                Scalar::from_bytes_mod_order_wide(&digest(&[&self.secret.to_bytes(), &message, &nonce.to_le_bytes()]));
            let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
            let challenge = Scalar::from_bytes_mod_order_wide(&digest(&[&commitment, &self.key, &message]));
            // A multiple of eight makes the small component vanish, so that nothing but the key itself is wrong.
            let vanishes = challenge.to_bytes()[0].is_multiple_of(8);
            vanishes.then(|| [commitment, (nonce + challenge * self.secret).to_bytes()].concat())
        });
        [&self.key[..], &signature.expect("one in eight")].concat()
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 64] {
    Sha512::digest(parts.concat()).into()
}
