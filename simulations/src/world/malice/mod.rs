//! A real node of bad intent. Core knows nothing of malice: a [`Crook`] stands between a node and its host. Each of the
//! node's links ends at the crook, who plays the peer towards the node (it may know everybody's keys, this being a made-up
//! world) and speaks to the real peer in the node's name, with the node's own key. So all that passes can be changed, frame
//! by frame before it is encrypted and byte by byte after; what is inside the node's Signal sessions is changed by a
//! [`Crooked`] ratchet. What honest nodes are owed all the same is for the invariants to say, which look at them alone.

mod bytes;
mod crook;
mod frames;
mod ratchet;

use std::fmt;
use std::str::FromStr;
use std::sync::PoisonError;

use sotto_core::row::{IdentityRow, Image};
use sotto_core::{Command, Entropy, FriendCode, Limits, Machine, Now, OpenError, Reply};

pub(super) use crook::{Crook, Keys};
pub(super) use ratchet::Crooked;

use super::{Peer, World, add};

/// What a node of bad intent does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Malice {
    /// Takes everything and acknowledges nothing.
    NeverAcks,
    /// Acknowledges what was never sent.
    AcksTheUnseen,
    /// Says something else about where it is in the session each time it is asked.
    LiesAboutCursors,
    /// Has lost its session each time, takes the new one, acknowledges hardly what it begins with, and goes.
    Forgets,
    /// Sends two ciphertexts under one number, and one under two.
    Equivocates,
    /// Gives all its messages one id.
    ReusesIds,
    /// Jumps 25 000 keys ahead in its ratchet.
    JumpsAhead,
    /// Seals what is no content, or has no place there.
    TalksNonsense,
    /// Asks to be a contact, again and again, and offers new sessions.
    FloodsRequests,
    /// Says a thousand small things for every one that it has to say.
    Chatters,
    /// Opens many streams on which it says nothing, and speaks a byte a second on others.
    SlowLoris,
    /// Ends every link as soon as it is greeted.
    HangsUp,
    /// Says everything three times.
    RepeatsItself,
    /// Swaps frames, and bytes, with those that come after.
    Reorders,
    /// Sends back what it was sent.
    Reflects,
    /// Flips bits.
    FlipsBits,
    /// Breaks off in the middle.
    Truncates,
    /// Says what it said on older links.
    ReplaysOldLinks,
}

impl Malice {
    /// All.
    pub const ALL: [Self; 18] = [
        Self::NeverAcks,
        Self::AcksTheUnseen,
        Self::LiesAboutCursors,
        Self::Forgets,
        Self::Equivocates,
        Self::ReusesIds,
        Self::JumpsAhead,
        Self::TalksNonsense,
        Self::FloodsRequests,
        Self::Chatters,
        Self::SlowLoris,
        Self::HangsUp,
        Self::RepeatsItself,
        Self::Reorders,
        Self::Reflects,
        Self::FlipsBits,
        Self::Truncates,
        Self::ReplaysOldLinks,
    ];
}

impl fmt::Display for Malice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for Malice {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|malice| malice.to_string() == text)
            .ok_or(())
    }
}

/// What everybody finds in their inbox from a person of bad intent.
const SPAM: [&str; 6] = ["buy", "this", "now", "or", "else", "!"];

impl World {
    /// One more person lives here, who means ill.
    pub(crate) fn corrupt(&mut self, peer: Peer, malice: Malice) {
        self.malicious = Some((peer, malice));
    }

    /// A crook, with a node in it.
    pub(super) fn open_crook(
        &self,
        malice: Malice,
        image: Image,
        mut entropy: Entropy,
        limits: Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        let (own, seed) = (entropy.fork(), image.identity.as_ref().map(|row| row.onion_seed));
        let node = self.cipher.open_crooked(malice, image, entropy, limits, now)?;
        Ok(Box::new(Crook::around(node, malice, seed, self.keys.clone(), own, now)))
    }

    /// Whoever means ill knows who everybody is.
    pub(super) fn learn_key(&self, identity: Option<&IdentityRow>) {
        if let Some(identity) = identity {
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.insert(identity.address(), identity.onion_seed);
        }
    }

    /// Whether nobody has taught that node to lie.
    pub fn is_honest(&self, peer: Peer) -> bool {
        self.malicious.is_none_or(|(crook, _)| crook != peer)
    }

    /// Whatever that person does, the honest nodes answer, and hold no more of it than they may. Gives what they have borne.
    pub(crate) fn check_composure(&mut self) -> u64 {
        let Some((crook, _)) = self.malicious else { return 0 };
        let mut borne = 0;
        for peer in self.peers().filter(|peer| *peer != crook).collect::<Vec<_>>() {
            let bound = self.limits().stranger_links + self.peers().count();
            match self.ask(peer, Command::Status) {
                Ok(Reply::Status(status)) if status.links <= bound => borne += status.peer_faults,
                other => self.fail(format_args!("{peer} is out of countenance: {other:?}")),
            }
            let owed = self.waiting(peer, crook);
            let unheard = SPAM.len().saturating_sub(self.heard(crook, peer).len());
            if self.are_friends(peer, crook) {
                borne += (owed + unheard) as u64;
            }
        }
        borne
    }

    /// That person writes to everybody, and is written to: so the crook has something to spoil.
    pub(crate) fn mischief(&mut self) {
        let Some((crook, _)) = self.malicious else { return };
        for peer in self.peers().filter(|peer| *peer != crook).collect::<Vec<_>>() {
            if self.are_friends(peer, crook) {
                self.write(peer, crook, "what do you want?");
                self.write(peer, crook, "stop that");
                let address = self.address(peer);
                self.post(crook, Command::SetTimer(address.into(), 3600));
                self.post(crook, Command::SetTyping(address, true));
            } else {
                let address = self.address(peer);
                self.post(crook, add(FriendCode { address, invite: None }));
            }
            for text in SPAM {
                self.write(crook, peer, text);
            }
        }
    }
}
