//! Keys and signatures that a strict verifier refuses and a loose one accepts.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::{EdwardsPoint, Scalar, constants};
use sha2::{Digest, Sha512};

use super::noise::PROOF_STATEMENT;
use super::test_peer::TestPeer;

/// A valid ed25519 signature with the group's order added to S. Only a strict verifier refuses it.
pub fn malleated_signature(signature: &[u8]) -> Vec<u8> {
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

/// A peer's ed25519 key with a component of small order added. It can sign so that only a verifier that checks the order of the
/// key refuses.
pub struct MixedOrderKey {
    /// The ed25519 key.
    pub key: [u8; 32],
    /// Its X25519 key.
    pub x25519: [u8; 32],
    secret: Scalar,
}

impl MixedOrderKey {
    /// Made from a peer's key.
    pub fn of(peer: &TestPeer) -> Self {
        let public = CompressedEdwardsY(*peer.address().public_key()).decompress();
        let mixed: EdwardsPoint = public.expect("our own key") + constants::EIGHT_TORSION[1];
        Self {
            key: mixed.compress().to_bytes(),
            x25519: mixed.to_montgomery().to_bytes(),
            secret: Scalar::from_bytes_mod_order(peer.x25519()),
        }
    }

    /// The payload of message 3 with it.
    pub fn dialer_proof(&self, hash: &[u8]) -> Vec<u8> {
        let message = [PROOF_STATEMENT, hash].concat();
        let signature = (0_u64..).find_map(|nonce| {
            let nonce =
                Scalar::from_bytes_mod_order_wide(&digest(&[&self.secret.to_bytes(), &message, &nonce.to_le_bytes()]));
            let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
            let challenge = Scalar::from_bytes_mod_order_wide(&digest(&[&commitment, &self.key, &message]));
            // With a multiple of eight the small component vanishes, so that only the key itself is wrong.
            let vanishes = challenge.to_bytes()[0].is_multiple_of(8);
            vanishes.then(|| [commitment, (nonce + challenge * self.secret).to_bytes()].concat())
        });
        [&self.key[..], &signature.expect("one in eight")].concat()
    }
}

fn digest(parts: &[&[u8]]) -> [u8; 64] {
    Sha512::digest(parts.concat()).into()
}
