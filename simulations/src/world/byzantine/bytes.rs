//! What a [`ByzantinePeer`] does to encrypted bytes.

use super::ByzantineFault;
use super::peer::{ByzantinePeer, Relay};

/// How many transmits are recorded.
const REMEMBERED: usize = 32;
/// One in so many transmits is corrupted, so that some links get past the handshake.
const CORRUPTED_ONE_IN: u64 = 6;

impl ByzantinePeer {
    /// Takes bytes that the real peer has sent.
    pub(super) fn inspect_received(&mut self, bytes: &[u8], relay: &mut Relay) {
        if self.fault == ByzantineFault::ReflectsFrames && self.entropy.below(CORRUPTED_ONE_IN) == 0 {
            relay.waiting.push_back(bytes.to_vec());
        }
    }

    /// Queues what is sent in place of these bytes.
    pub(super) fn corrupt_bytes(&mut self, mut bytes: Vec<u8>, relay: &mut Relay) {
        let chance = self.entropy.below(CORRUPTED_ONE_IN) == 0;
        let place = usize::try_from(self.entropy.below(bytes.len() as u64)).unwrap_or(0);
        match self.fault {
            ByzantineFault::FlipsBits if chance => bytes[place] ^= 1 << (place % 8),
            ByzantineFault::Truncates if chance => {
                bytes.truncate(place.max(1));
                relay.truncated = true;
            }
            ByzantineFault::ReplaysOldLinks => {
                let old = self.recorded.get(place % REMEMBERED).filter(|_| chance).cloned();
                self.recorded.push_back(bytes.clone());
                self.recorded.truncate(REMEMBERED);
                relay.waiting.extend(old);
            }
            ByzantineFault::ReordersFrames if chance && bytes.len() > 1 => {
                let head = bytes.split_off(place.max(1));
                relay.waiting.push_back(head);
            }
            ByzantineFault::SlowLoris => {
                // Half of the handshakes never finish. After a handshake one byte a second would take too long.
                let piece = if relay.is_open() || place % 2 == 0 { 64 } else { 1 };
                relay.waiting.extend(bytes.chunks(piece).map(<[u8]>::to_vec));
                return;
            }
            _ => {}
        }
        relay.waiting.push_back(bytes);
    }
}
