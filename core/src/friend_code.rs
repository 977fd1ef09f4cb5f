//! The code that one person gives to another: Bech32m (BIP 350), prefix `sotto`, over a version byte, the onion public
//! key and, perhaps, a one-time invite.

use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

use crate::OnionAddress;
use crate::address::NotAnAddress;

const PREFIX: Hrp = Hrp::parse_unchecked("sotto");
const VERSION: u8 = 1;

/// Sixteen random bytes that let their bearer in at once, one time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteToken(pub [u8; 16]);

impl fmt::Debug for InviteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteToken(…)")
    }
}

/// The address to ask, and perhaps an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriendCode {
    /// The address.
    pub address: OnionAddress,
    /// Their invite to us.
    pub invite: Option<InviteToken>,
}

/// The text is neither a friend code nor an onion address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFriendCode {
    /// It does not look like one.
    #[error("a friend code starts with sotto1; an onion address ends with .onion")]
    Form,
    /// A typing error.
    #[error("the friend code has a typing error: its checksum does not match")]
    Checksum,
    /// A later version.
    #[error("friend code version {0} is not supported, only version 1")]
    Version(u8),
    /// The checksum holds, but the content is not 33 or 49 bytes.
    #[error("the friend code has the wrong length")]
    Length,
    /// The address in it, or the bare address, is wrong.
    #[error(transparent)]
    Address(#[from] NotAnAddress),
}

impl fmt::Display for FriendCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.address.public_key());
        if let Some(invite) = self.invite {
            bytes.extend_from_slice(&invite.0);
        }
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, PREFIX, &bytes).map_err(|_| fmt::Error)
    }
}

impl FromStr for FriendCode {
    type Err = NotAFriendCode;

    /// Accepts a code (of one case) or a bare onion address.
    fn from_str(text: &str) -> Result<Self, NotAFriendCode> {
        let text = text.trim();
        if !text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("sotto1")) {
            if text.len() < 56 {
                return Err(NotAFriendCode::Form);
            }
            return Ok(Self {
                address: text.parse()?,
                invite: None,
            });
        }
        let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| NotAFriendCode::Checksum)?;
        if checked.hrp() != PREFIX {
            // The separator is the last 1, so the prefix was longer than it looked.
            return Err(NotAFriendCode::Form);
        }
        // Fewer than five bits are left over and they are zero: a code has one text (but for its case).
        checked.validate_segwit_padding().map_err(|_| NotAFriendCode::Length)?;
        let bytes: Vec<u8> = checked.byte_iter().collect();
        let (version, rest) = bytes.split_first().ok_or(NotAFriendCode::Length)?;
        if *version != VERSION {
            return Err(NotAFriendCode::Version(*version));
        }
        let (key, invite) = rest.split_first_chunk::<32>().ok_or(NotAFriendCode::Length)?;
        let invite = match invite.len() {
            0 => None,
            16 => Some(InviteToken(invite.try_into().expect("16 bytes"))),
            _ => return Err(NotAFriendCode::Length),
        };
        Ok(Self {
            address: OnionAddress::from_public_key(*key)?,
            invite,
        })
    }
}

#[cfg(test)]
mod tests {
    use bech32::Checksum;
    use proptest::prelude::*;

    use super::*;
    use crate::OnionSecret;
    use crate::property::cases;

    const BARE: &str = "sotto1q84y5mrru2w9yz4774g8kyewchue23mk46ltu7ujgg0w56g5gmfzctvpmgm";
    const INVITING: &str =
        "sotto1q84y5mrru2w9yz4774g8kyewchue23mk46ltu7ujgg0w56g5gmfzcqqpqgpsgpgxquyqjzstpsxsurcm5m89q";

    fn code(seed: [u8; 32], invite: Option<[u8; 16]>) -> FriendCode {
        FriendCode {
            address: OnionSecret::from_seed(&seed).address(),
            invite: invite.map(InviteToken),
        }
    }

    fn text_of<C: Checksum>(prefix: &str, bytes: &[u8]) -> String {
        bech32::encode::<C>(Hrp::parse(prefix).unwrap(), bytes).unwrap()
    }

    #[test]
    fn known_codes() {
        let invite = std::array::from_fn(|n| u8::try_from(n).unwrap());
        assert_eq!(code([7; 32], None).to_string(), BARE);
        assert_eq!(code([7; 32], Some(invite)).to_string(), INVITING);
        assert_eq!(BARE.parse(), Ok(code([7; 32], None)));
        assert_eq!(INVITING.parse(), Ok(code([7; 32], Some(invite))));
    }

    #[test]
    fn capitals_spaces_and_bare_addresses_are_read() {
        let code = code([7; 32], None);
        assert_eq!(BARE.to_uppercase().parse(), Ok(code));
        assert_eq!(format!(" {BARE}\n").parse(), Ok(code));
        assert_eq!(code.address.to_string().parse(), Ok(code));
    }

    #[test]
    fn what_is_no_code_says_why() {
        let key = *code([7; 32], None).address.public_key();
        let with = |version: u8, rest: &[u8]| text_of::<Bech32m>("sotto", &[&[version], rest].concat());
        let cases = [
            (String::new(), NotAFriendCode::Form),
            ("bob".into(), NotAFriendCode::Form),
            ("sotto".into(), NotAFriendCode::Form),
            ("sotto1".into(), NotAFriendCode::Checksum),
            ("söttö1".into(), NotAFriendCode::Form),
            (BARE[..BARE.len() - 1].into(), NotAFriendCode::Checksum),
            (BARE.replace("sotto1", "Sotto1"), NotAFriendCode::Checksum),
            (
                text_of::<bech32::Bech32>("sotto", &[&[1], &key[..]].concat()),
                NotAFriendCode::Checksum,
            ),
            (
                text_of::<Bech32m>("sotto1x", &[&[1], &key[..]].concat()),
                NotAFriendCode::Form,
            ),
            (text_of::<Bech32m>("sotto", &[]), NotAFriendCode::Length),
            (with(2, &key), NotAFriendCode::Version(2)),
            (with(1, &key[1..]), NotAFriendCode::Length),
            (with(1, &[&key[..], &[0; 15]].concat()), NotAFriendCode::Length),
            (with(1, &[0xff; 32]), NotAFriendCode::Address(NotAnAddress::Key)),
            ("a".repeat(56), NotAFriendCode::Address(NotAnAddress::Checksum)),
            ("é".repeat(56), NotAFriendCode::Address(NotAnAddress::Form)),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<FriendCode>(), Err(why), "{text}");
        }
    }

    /// Thirty-three bytes leave a bit over in fifty-three characters. It is zero, or there would be two texts.
    #[test]
    fn the_bits_left_over_are_zero() {
        use bech32::primitives::iter::{ByteIterExt, Fe32IterExt};

        let key = *code([7; 32], None).address.public_key();
        let mut fields: Vec<_> = [1].into_iter().chain(key).bytes_to_fes().collect();
        let text = |fields: &[bech32::Fe32]| -> String {
            fields
                .iter()
                .copied()
                .with_checksum::<Bech32m>(&PREFIX)
                .chars()
                .collect()
        };
        assert_eq!(text(&fields), BARE);
        let last = fields.last_mut().unwrap();
        *last = bech32::Fe32::try_from(last.to_u8() | 1).unwrap();
        assert_eq!(text(&fields).parse::<FriendCode>(), Err(NotAFriendCode::Length));
        fields.push(bech32::Fe32::Q);
        assert_eq!(text(&fields).parse::<FriendCode>(), Err(NotAFriendCode::Length));
    }

    #[test]
    fn an_invite_is_not_shown_when_debugging() {
        assert_eq!(format!("{:?}", InviteToken([7; 16])), "InviteToken(…)");
    }

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn any_code_survives_its_text(seed: [u8; 32], invite: Option<[u8; 16]>) {
            let code = code(seed, invite);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            prop_assert_eq!(code.to_string().to_uppercase().parse(), Ok(code));
        }

        /// Up to three wrong characters, and two that changed places, are found for certain (BIP 350).
        #[test]
        fn typing_errors_are_found(
            seed: [u8; 32],
            invite: Option<[u8; 16]>,
            wrong in prop::collection::vec((any::<prop::sample::Index>(), "[a-z0-9]"), 1..=3),
            swapped: prop::sample::Index,
        ) {
            let text = code(seed, invite).to_string();
            let mut typed = text.clone();
            for (at, letter) in wrong {
                let at = at.index(text.len());
                typed.replace_range(at..=at, &letter);
            }
            prop_assert!(typed == text || typed.parse::<FriendCode>().is_err());
            let mut letters: Vec<char> = text.chars().collect();
            let at = swapped.index(letters.len() - 1);
            letters.swap(at, at + 1);
            let typed: String = letters.into_iter().collect();
            prop_assert!(typed == text || typed.parse::<FriendCode>().is_err());
        }

        #[test]
        fn any_text_is_survived(text in "\\PC{0,120}", data in "[a-z0-9]{0,100}") {
            let _ = text.parse::<FriendCode>();
            let like = format!("sotto1{data}");
            prop_assert!(like.parse::<FriendCode>().is_err());
        }
    }
}
