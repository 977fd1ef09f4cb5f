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
}

impl fmt::Display for OnionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 35];
        bytes[..32].copy_from_slice(&self.0);
        bytes[32..34].copy_from_slice(&checksum(&self.0, VERSION));
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
        let version = rest[2];
        // The checksum covers the version, so a typing error there is not taken for a later version.
        if rest[..2] != checksum(key, version) {
            return Err(NotAnAddress::Checksum);
        }
        if version != VERSION {
            return Err(NotAnAddress::Version(version));
        }
        Self::from_public_key(*key)
    }
}

fn checksum(key: &[u8; 32], version: u8) -> [u8; 2] {
    let digest = Sha3_256::new()
        .chain_update(b".onion checksum")
        .chain_update(key)
        .chain_update([version])
        .finalize();
    [digest[0], digest[1]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::OnionSecret;
    use crate::property::cases;

    /// The examples of Tor's address-spec, and a well-known service.
    const REAL: [&str; 4] = [
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
        "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion",
        "xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion",
        "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion",
    ];

    fn text_of(key: [u8; 32], version: u8) -> String {
        let bytes = [&key[..], &checksum(&key, version), &[version]].concat();
        data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase()
    }

    #[test]
    fn real_addresses_are_read_and_written_back() {
        for text in REAL {
            let address: OnionAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(text.trim_end_matches(SUFFIX).parse(), Ok(address));
            assert_eq!(format!("  {}\n", text.to_uppercase()).parse(), Ok(address));
            assert_eq!(OnionAddress::from_public_key(*address.public_key()), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        let key = *OnionSecret::from_seed(&[1; 32]).address().public_key();
        let form = [
            "",
            ".onion",
            "duckduckgo.com",
            &REAL[3][1..],
            &REAL[3].replace('d', "1"),
            &REAL[3].replace('d', "\u{e9}"),
            &format!("a{}", REAL[3]),
            // The old kind.
            "expyuzz4wqqyqhjn.onion",
        ];
        for text in form {
            assert_eq!(text.parse::<OnionAddress>(), Err(NotAnAddress::Form), "{text}");
        }
        assert_eq!(text_of(key, 4).parse::<OnionAddress>(), Err(NotAnAddress::Version(4)));
        // The text of a key of low order, with a right checksum.
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(
            text_of(identity, VERSION).parse::<OnionAddress>(),
            Err(NotAnAddress::Key)
        );
    }

    #[test]
    fn keys_that_are_not_canonical_points_of_prime_order_are_refused() {
        let key = *OnionSecret::from_seed(&[1; 32]).address().public_key();
        let point = CompressedEdwardsY(key).decompress().unwrap();
        for torsion in &curve25519_dalek::constants::EIGHT_TORSION {
            // Of low order, and of mixed order.
            assert_eq!(
                OnionAddress::from_public_key(torsion.compress().0),
                Err(NotAnAddress::Key)
            );
            let mixed = OnionAddress::from_public_key((point + torsion).compress().0);
            assert_eq!(mixed.is_ok(), *torsion == curve25519_dalek::EdwardsPoint::default());
        }
        // Not on the curve; and y = 2^255 - 18, which is a second form of 1.
        let mut off_curve = [0; 32];
        off_curve[0] = 2;
        assert_eq!(OnionAddress::from_public_key(off_curve), Err(NotAnAddress::Key));
        let mut above = [0xff; 32];
        (above[0], above[31]) = (0xee, 0x7f);
        assert_eq!(OnionAddress::from_public_key(above), Err(NotAnAddress::Key));
    }

    #[test]
    fn debugging_shows_little() {
        let address: OnionAddress = REAL[3].parse().unwrap();
        assert_eq!(format!("{address:?}"), "duckduck…");
    }

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn any_address_survives_its_text(seed: [u8; 32]) {
            let address = OnionSecret::from_seed(&seed).address();
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

        /// Sixteen bits of checksum: one wrong character in 65536 would pass.
        #[test]
        fn one_wrong_character_is_a_typing_error(seed: [u8; 32], at in 0..56_usize, letter in "[a-z2-7]") {
            let text = OnionSecret::from_seed(&seed).address().to_string();
            let wrong = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
            prop_assume!(wrong != text);
            prop_assert_eq!(wrong.parse::<OnionAddress>(), Err(NotAnAddress::Checksum));
        }

        #[test]
        fn any_text_is_survived(text in "\\PC{0,80}", letters in "[a-z2-7]{56}(.onion)?") {
            let _ = text.parse::<OnionAddress>();
            prop_assert!(letters.parse::<OnionAddress>().is_err());
        }
    }
}
