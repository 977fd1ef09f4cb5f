//! Which ratchet a world's nodes run on. The transparent one is much faster and keeps the same rules, so most runs use it.

use sotto_core::row::Image;
use sotto_core::{Entropy, Limits, Machine, Node, Now, OpenError, Ratchet as _, Signal};
use sotto_testkit::transparent::Transparent;

use super::malice::{Crooked, Malice};

/// A ratchet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cipher {
    /// The transparent one of the testkit.
    #[default]
    Transparent,
    /// libsignal's.
    Signal,
}

impl Cipher {
    pub(super) fn identity(self, entropy: &mut Entropy) -> (Vec<u8>, u32) {
        let (pair, registration_id) = match self {
            Self::Transparent => Transparent::generate(entropy),
            Self::Signal => Signal::generate(entropy),
        };
        (pair.to_vec(), registration_id)
    }

    /// As `open`, with a node whose sessions hold what they should not.
    pub(super) fn open_crooked(
        self,
        malice: Malice,
        image: Image,
        entropy: Entropy,
        limits: Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        const IDS: u8 = Malice::ReusesIds as u8;
        const JUMP: u8 = Malice::JumpsAhead as u8;
        const NONSENSE: u8 = Malice::TalksNonsense as u8;
        macro_rules! crooked {
            ($ratchet:ident, $malice:ident) => {
                Box::new(Node::<Crooked<$ratchet, $malice>>::open(
                    image, entropy, limits, now,
                )?)
            };
        }
        Ok(match (self, malice) {
            (Self::Transparent, Malice::ReusesIds) => crooked!(Transparent, IDS),
            (Self::Transparent, Malice::JumpsAhead) => crooked!(Transparent, JUMP),
            (Self::Transparent, Malice::TalksNonsense) => crooked!(Transparent, NONSENSE),
            (Self::Signal, Malice::ReusesIds) => crooked!(Signal, IDS),
            (Self::Signal, Malice::JumpsAhead) => crooked!(Signal, JUMP),
            (Self::Signal, Malice::TalksNonsense) => crooked!(Signal, NONSENSE),
            _ => return self.open(image, entropy, limits, now),
        })
    }

    pub(super) fn open(
        self,
        image: Image,
        entropy: Entropy,
        limits: Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        Ok(match self {
            Self::Transparent => Box::new(Node::<Transparent>::open(image, entropy, limits, now)?),
            Self::Signal => Box::new(Node::<Signal>::open(image, entropy, limits, now)?),
        })
    }
}
