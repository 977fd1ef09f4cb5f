//! A node's name on the network: the ed25519 key of its onion service.

use std::fmt;
use std::str::FromStr;

use curve25519_dalek::edwards::CompressedEdwardsY;
use sha3::{Digest, Sha3_256};

/// A v3 onion address (rend-spec-v3, section 6), kept as its ed25519 public key: canonical, and not of low order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnionAddress([u8; 32]);

/// The bytes or the text are not an onion address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAddress {
    /// Not 56 base32 letters, with or without `.onion`.
    #[error("an onion address is 56 letters and digits (a-z, 2-7), with or without .onion")]
    Form,
    /// Another version than 3.
    #[error("onion address version {0} is not supported, only version 3")]
    Version(u8),
    /// A typing error.
    #[error("the onion address has a typing error: its checksum does not match")]
    Checksum,
    /// The key is not a canonical point of the prime-order kind.
    #[error("the address holds an invalid public key")]
    Key,
}

const SUFFIX: &str = ".onion";
const VERSION: u8 = 3;

impl OnionAddress {
    /// Checks a public key: canonical encoding, on the curve, in the prime-order subgroup (so not of low order).
    pub fn from_public_key(key: [u8; 32]) -> Result<Self, NotAnAddress> {
        let point = CompressedEdwardsY(key).decompress().ok_or(NotAnAddress::Key)?;
        if point.compress().0 != key || point.is_small_order() || !point.is_torsion_free() {
            return Err(NotAnAddress::Key);
        }
        Ok(Self(key))
    }

    /// The ed25519 public key.
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.0
    }

    /// The X25519 public key of the same secret (RFC 7748, the birational map).
    pub fn montgomery(&self) -> [u8; 32] {
        let point = CompressedEdwardsY(self.0).decompress().expect("checked when made");
        point.to_montgomery().to_bytes()
    }

    fn checksum(key: &[u8; 32]) -> [u8; 2] {
        let digest = Sha3_256::new()
            .chain_update(b".onion checksum")
            .chain_update(key)
            .chain_update([VERSION])
            .finalize();
        [digest[0], digest[1]]
    }
}

impl fmt::Display for OnionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 35];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..34].copy_from_slice(&Self::checksum(&self.0));
        bytes[34] = VERSION;
        f.write_str(&data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase())?;
        f.write_str(SUFFIX)
    }
}

/// Shortened, for logs.
impl fmt::Debug for OnionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", &self.to_string()[..8])
    }
}

impl FromStr for OnionAddress {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let lower = text.trim().to_ascii_lowercase();
        let name = lower.strip_suffix(SUFFIX).unwrap_or(&lower);
        let bytes = data_encoding::BASE32_NOPAD
            .decode(name.to_ascii_uppercase().as_bytes())
            .map_err(|_| NotAnAddress::Form)?;
        let bytes: [u8; 35] = bytes.try_into().map_err(|_| NotAnAddress::Form)?;
        let (key, rest) = bytes.split_first_chunk::<32>().expect("35 bytes");
        if rest[2] != VERSION {
            return Err(NotAnAddress::Version(rest[2]));
        }
        if rest[..2] != Self::checksum(key) {
            return Err(NotAnAddress::Checksum);
        }
        Self::from_public_key(*key)
    }
}
