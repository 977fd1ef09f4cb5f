//! [`ByzantineFault`]: a real node that violates the protocol. Core has no code for it: a [`ByzantinePeer`] sits
//! between the node and its host. Each link of the node ends at the `ByzantinePeer`, which plays the remote peer
//! towards the node (it has every private key of the world) and speaks to the real remote peer with the node's own key.
//! So every frame can be changed before it is encrypted, and every byte after. What is inside the node's Signal
//! sessions is changed by a [`ByzantineRatchet`]. The invariants look at the honest nodes alone and hold for them as in
//! any other world.

mod bytes;
mod frames;
mod peer;
mod ratchet;

use std::fmt;
use std::str::FromStr;
use std::sync::PoisonError;

use sotto_core::row::{IdentityRow, Image};
use sotto_core::{Command, Entropy, FriendCode, Limits, Machine, Now, OpenError, Reply};

pub(super) use peer::{ByzantinePeer, Keys};
pub(super) use ratchet::ByzantineRatchet;
#[cfg(feature = "sabotage")]
pub(super) use ratchet::{ALL_IGNORABLE, NONE_IGNORABLE, UNMARKED};

use super::{NodeIndex, World, add_contact};

/// How a node violates the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ByzantineFault {
    /// Receives everything and acknowledges nothing.
    NeverAcks,
    /// Acknowledges what was never sent.
    AcksTheUnsent,
    /// Reports another session position in each `Hello`.
    MisreportsCursors,
    /// Reports a lost session in each `Hello`, takes the new session, acknowledges at most its first ciphertext, hangs
    /// up.
    LosesSession,
    /// Sends two ciphertexts under one sequence number, and one ciphertext under two.
    Equivocates,
    /// Gives all its messages one id.
    ReusesIds,
    /// Skips 25 000 keys of its ratchet.
    JumpsAhead,
    /// Seals invalid contents, and valid contents where they are not allowed.
    SendsInvalidContents,
    /// Sends friend requests and pre-key offers with every frame.
    FloodsRequests,
    /// Sends sixty small frames with every frame.
    FloodsSmallFrames,
    /// Opens many links on which it sends nothing, and sends one byte a second on others.
    SlowLoris,
    /// Ends every link after the remote peer's first frame.
    HangsUp,
    /// Sends every frame three times.
    RepeatsFrames,
    /// Swaps frames, and byte ranges, with those that follow.
    ReordersFrames,
    /// Sends received frames and bytes back.
    ReflectsFrames,
    /// Flips bits.
    FlipsBits,
    /// Ends a link in the middle of a frame.
    Truncates,
    /// Sends bytes that it recorded on older links.
    ReplaysOldLinks,
    /// Seals ignorable contents of kinds that do not exist yet.
    SendsNewerContents,
}

impl ByzantineFault {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::NeverAcks,
        Self::AcksTheUnsent,
        Self::MisreportsCursors,
        Self::LosesSession,
        Self::Equivocates,
        Self::ReusesIds,
        Self::JumpsAhead,
        Self::SendsInvalidContents,
        Self::FloodsRequests,
        Self::FloodsSmallFrames,
        Self::SlowLoris,
        Self::HangsUp,
        Self::RepeatsFrames,
        Self::ReordersFrames,
        Self::ReflectsFrames,
        Self::FlipsBits,
        Self::Truncates,
        Self::ReplaysOldLinks,
        Self::SendsNewerContents,
    ];
}

impl fmt::Display for ByzantineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for ByzantineFault {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|fault| fault.to_string() == text).ok_or(())
    }
}

/// What the byzantine node writes to every honest one.
const UNSOLICITED_TEXTS: [&str; 6] = ["buy", "this", "now", "or", "else", "!"];

impl World {
    /// Makes the node of this peer byzantine.
    pub(crate) fn make_byzantine(&mut self, peer: NodeIndex, fault: ByzantineFault) {
        self.byzantine = Some((peer, fault));
    }

    /// Opens a byzantine node.
    pub(super) fn open_byzantine_peer(
        &self,
        fault: ByzantineFault,
        image: Image,
        mut entropy: Entropy,
        limits: Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        let (own, seed) = (entropy.fork(), image.identity.as_ref().map(|row| row.onion_seed));
        let node = self.cipher.open_byzantine(fault, image, entropy, limits, now)?;
        Ok(Box::new(ByzantinePeer::around(
            node,
            fault,
            seed,
            self.keys.clone(),
            own,
            now,
        )))
    }

    /// Adds an identity to the keys that a byzantine node knows.
    pub(super) fn learn_key(&self, identity: Option<&IdentityRow>) {
        if let Some(identity) = identity {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.insert(identity.address(), identity.onion_seed);
        }
    }

    /// Whether this peer's node keeps the protocol.
    pub fn is_honest(&self, peer: NodeIndex) -> bool {
        self.byzantine.is_none_or(|(byzantine, _)| byzantine != peer)
    }

    /// Checks that every honest node answers and stays within its limits. Returns how much the byzantine node has
    /// affected them.
    pub(crate) fn check_honest_nodes(&mut self) -> u64 {
        let Some((byzantine, _)) = self.byzantine else { return 0 };
        let mut effects = 0;
        for peer in self.peers().filter(|peer| *peer != byzantine).collect::<Vec<_>>() {
            let bound = self.limits().stranger_links + self.peers().count();
            match self.call(peer, Command::Status) {
                Ok(Reply::Status(status)) if status.links <= bound => effects += status.peer_faults,
                other => self.fail(format_args!(
                    "{peer} is beyond its limits or does not answer: {other:?}"
                )),
            }
            let owed = self.waiting(peer, byzantine);
            let unheard = UNSOLICITED_TEXTS
                .len()
                .saturating_sub(self.received_texts(byzantine, peer).len());
            if self.are_friends(peer, byzantine) {
                effects += (owed + unheard) as u64;
            }
        }
        effects
    }

    /// Starts traffic between the byzantine node and every honest one, so that there is something to violate.
    pub(crate) fn start_byzantine_traffic(&mut self) {
        let Some((byzantine, _)) = self.byzantine else { return };
        for peer in self.peers().filter(|peer| *peer != byzantine).collect::<Vec<_>>() {
            if self.are_friends(peer, byzantine) {
                self.submit_text(peer, byzantine, "what do you want?");
                self.submit_text(peer, byzantine, "stop that");
                let address = self.address(peer);
                self.submit(byzantine, Command::SetTimer(address.into(), 3600));
                self.submit(byzantine, Command::SetTyping(address, true));
            } else {
                let address = self.address(peer);
                self.submit(byzantine, add_contact(FriendCode { address, invite: None }));
            }
            for text in UNSOLICITED_TEXTS {
                self.submit_text(byzantine, peer, text);
            }
        }
    }
}
