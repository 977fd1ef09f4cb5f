//! [`ReplayGuard`]: which message of a peer may come next. It refuses all others before the ratchet computes with them.
//!
//! libsignal runs a received message through both ratchets first and verifies its MAC last. Until then it will panic on
//! some SPQR headers, derive and keep up to 25 000 message keys for a counter that claims a gap, and let a message
//! without an SPQR part switch SPQR off. The guard closes all three.

use libsignal_protocol::{PublicKey, SessionRecord, SignalMessage};

use super::{Damaged, SessionError, key};

/// How far the peer has been heard in a session: the only place in both ratchets from which the next message may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplayGuard {
    /// The peer's ratchet key.
    ratchet_key: [u8; 32],
    /// The number of the next message under that key.
    next: u32,
    /// SPQR's epoch and index of the last message.
    epoch: u64,
    index: u32,
}

impl ReplayGuard {
    /// Bytes of its encoding.
    pub(super) const LEN: usize = 48;

    /// Nothing yet; the first message will come under this ratchet key.
    pub(super) fn nothing(ratchet_key: &PublicKey) -> Self {
        Self {
            ratchet_key: u_coordinate(ratchet_key),
            next: 0,
            epoch: 1,
            index: 0,
        }
    }

    /// The first message of a session that the peer opened.
    pub(super) fn first(message: &SignalMessage) -> Result<Self, SessionError> {
        key::check_ratchet(message.sender_ratchet_key())?;
        Self::nothing(message.sender_ratchet_key()).after(message, &SessionRecord::new_fresh())
    }

    /// Where the peer stands after `message`, if that is the next one.
    pub(super) fn after(&self, message: &SignalMessage, record: &SessionRecord) -> Result<Self, SessionError> {
        let spqr = SpqrHeader::parse(message.pq_ratchet()).ok_or(SessionError::Malformed)?;
        let ratchet_key = u_coordinate(message.sender_ratchet_key());
        let expected = if ratchet_key == self.ratchet_key {
            self.next
        } else {
            key::check_ratchet(message.sender_ratchet_key())?;
            match record.get_receiver_chain_key_bytes(message.sender_ratchet_key()) {
                // A key that the peer has left behind for good.
                Ok(Some(_)) => return Err(SessionError::Duplicate),
                _ => 0,
            }
        };
        if message.counter() < expected {
            return Err(SessionError::Duplicate);
        }
        let highest_index = if spqr.epoch == self.epoch {
            self.index.saturating_add(1)
        } else {
            1
        };
        if message.counter() > expected || spqr.index > highest_index {
            return Err(SessionError::OutOfOrder);
        }
        Ok(Self {
            ratchet_key,
            next: expected.checked_add(1).ok_or(SessionError::OutOfOrder)?,
            epoch: spqr.epoch,
            index: spqr.index,
        })
    }

    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.ratchet_key);
        into.extend_from_slice(&self.next.to_be_bytes());
        into.extend_from_slice(&self.epoch.to_be_bytes());
        into.extend_from_slice(&self.index.to_be_bytes());
    }

    pub(super) fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, Damaged> {
        let (ratchet_key, rest) = bytes.split_first_chunk().ok_or(Damaged)?;
        let (next, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (epoch, rest) = rest.split_first_chunk().ok_or(Damaged)?;
        let (index, _) = rest.split_first_chunk().ok_or(Damaged)?;
        Ok(Self {
            ratchet_key: *ratchet_key,
            next: u32::from_be_bytes(*next),
            epoch: u64::from_be_bytes(*epoch),
            index: u32::from_be_bytes(*index),
        })
    }
}

fn u_coordinate(key: &PublicKey) -> [u8; 32] {
    key.public_key_bytes().try_into().expect("32 bytes")
}

/// The head of a message's SPQR part: version, epoch, index, type, and for most types a numbered chunk of 32 bytes.
struct SpqrHeader {
    epoch: u64,
    index: u32,
}

impl SpqrHeader {
    /// `None` for whatever `spqr::recv` would panic on or take for a message of a peer without SPQR.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&1, rest) = bytes.split_first()? else {
            return None;
        };
        let (epoch, rest) = varint(rest)?;
        let (index, rest) = varint(rest)?;
        let (&kind, rest) = rest.split_first()?;
        match kind {
            // Nothing, and the bare acknowledgement of a ciphertext.
            0 | 4 => {}
            1 | 2 | 3 | 5 | 6 => {
                let (chunk, data) = varint(rest)?;
                if chunk > u16::MAX.into() || data.len() < 32 {
                    return None;
                }
            }
            _ => return None,
        }
        Some(Self {
            epoch: (epoch >= 1).then_some(epoch)?,
            index: index.try_into().ok()?,
        })
    }
}

/// A little-endian base-128 number of at most nine bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}
