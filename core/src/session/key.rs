//! Public keys as peers send them: what is refused before libsignal computes with it.
//!
//! libsignal takes any 32 bytes as a key. A low-order one makes the shared secret a constant that anyone can compute, and a
//! non-canonical one gives a key a second name.

use libsignal_protocol::PublicKey;

use super::SessionError;

/// A type byte (5, Curve25519), then the little-endian u-coordinate.
const SERIALISED_LEN: usize = 33;

/// The u-coordinates of every point whose order divides 8, on the curve and on its twist, each in its one canonical form
/// (<https://cr.yp.to/ecdh.html#validate>).
const LOW_ORDER: [[u8; 32]; 5] = {
    let zero = [0; 32];
    let mut one = zero;
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        zero,
        one,
        minus_one,
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
            0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
            0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
        ],
    ]
};

/// A key that lasts (identity, prekey, base key): exact length, canonical, and in the prime-order group.
pub(super) fn parse(bytes: &[u8], what: &'static str) -> Result<PublicKey, SessionError> {
    let exact = bytes.len() == SERIALISED_LEN;
    let key = PublicKey::deserialize(bytes).ok().filter(|_| exact);
    let key = key.ok_or(SessionError::InvalidKey(what))?;
    check(&key, what)?;
    Ok(key)
}

/// As [`parse`], for a key that libsignal has parsed.
pub(super) fn check(key: &PublicKey, what: &'static str) -> Result<(), SessionError> {
    // Low order is covered: such points have torsion, or lie on the twist.
    key.is_canonical().then_some(()).ok_or(SessionError::InvalidKey(what))
}

/// A ratchet key: canonical and not of low order. Whether it has a torsion part is not asked, because that costs more
/// than the Diffie-Hellman itself, and X25519 multiplies any torsion away.
pub(super) fn check_ratchet(key: &PublicKey) -> Result<(), SessionError> {
    let u = key.public_key_bytes();
    let canonical = u[31] < 0x7f || (u[31] == 0x7f && (u[0] < 0xed || u[1..31] != [0xff; 30]));
    let low_order = LOW_ORDER.iter().any(|point| point == u);
    (canonical && !low_order)
        .then_some(())
        .ok_or(SessionError::InvalidKey("ratchet key"))
}
