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

/// Whom to ask, and perhaps their invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriendCode {
    /// Whom.
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
