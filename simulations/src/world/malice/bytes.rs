//! What is done to bytes, encrypted as they are.

use super::Malice;
use super::crook::{Crook, Relay};

/// Transmits that are remembered.
const REMEMBERED: usize = 32;
/// One in so many transmits is spoilt, so that some links come to something first.
const SPOILT: u64 = 6;

impl Crook {
    /// Bytes that the real peer has sent.
    pub(super) fn heard_bytes(&mut self, bytes: &[u8], relay: &mut Relay) {
        if self.malice == Malice::Reflects && self.entropy.below(SPOILT) == 0 {
            relay.waiting.push_back(bytes.to_vec());
        }
    }

    /// Bytes that are to be sent: puts into the queue what goes in their place.
    pub(super) fn spoil(&mut self, mut bytes: Vec<u8>, relay: &mut Relay) {
        let chance = self.entropy.below(SPOILT) == 0;
        let place = usize::try_from(self.entropy.below(bytes.len() as u64)).unwrap_or(0);
        match self.malice {
            Malice::FlipsBits if chance => bytes[place] ^= 1 << (place % 8),
            Malice::Truncates if chance => {
                bytes.truncate(place.max(1));
                relay.broken_off = true;
            }
            Malice::ReplaysOldLinks => {
                let old = self.overheard.get(place % REMEMBERED).filter(|_| chance).cloned();
                self.overheard.push_back(bytes.clone());
                self.overheard.truncate(REMEMBERED);
                relay.waiting.extend(old);
            }
            Malice::Reorders if chance && bytes.len() > 1 => {
                let head = bytes.split_off(place.max(1));
                relay.waiting.push_back(head);
            }
            Malice::SlowLoris => {
                // Some never finish a handshake; what comes after one would take for ever byte by byte.
                let piece = if relay.is_open() || place % 2 == 0 { 64 } else { 1 };
                relay.waiting.extend(bytes.chunks(piece).map(<[u8]>::to_vec));
                return;
            }
            _ => {}
        }
        relay.waiting.push_back(bytes);
    }
}
