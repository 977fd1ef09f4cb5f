//! [`Cipher`]: which ratchet a world's nodes use. Most runs use the transparent one: it is much faster and keeps the
//! same rules.

use sotto_core::row::Image;
use sotto_core::{Entropy, Limits, Machine, Node, Now, OpenError, Ratchet as _, Signal};
use sotto_testkit::transparent::Transparent;

use super::byzantine::{ByzantineFault, ByzantineRatchet};

/// A ratchet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cipher {
    /// The transparent ratchet of the testkit.
    #[default]
    Transparent,
    /// libsignal.
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

    /// As `open`, with a [`ByzantineRatchet`] where the fault needs one.
    pub(super) fn open_byzantine(
        self,
        fault: ByzantineFault,
        image: Image,
        entropy: Entropy,
        limits: Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        const IDS: u8 = ByzantineFault::ReusesIds as u8;
        const JUMP: u8 = ByzantineFault::JumpsAhead as u8;
        const INVALID: u8 = ByzantineFault::SendsInvalidContents as u8;
        const NEWER: u8 = ByzantineFault::SendsNewerContents as u8;
        macro_rules! byzantine {
            ($ratchet:ident, $fault:ident) => {
                Box::new(Node::<ByzantineRatchet<$ratchet, $fault>>::open(
                    image, entropy, limits, now,
                )?)
            };
        }
        Ok(match (self, fault) {
            (Self::Transparent, ByzantineFault::ReusesIds) => byzantine!(Transparent, IDS),
            (Self::Transparent, ByzantineFault::JumpsAhead) => byzantine!(Transparent, JUMP),
            (Self::Transparent, ByzantineFault::SendsInvalidContents) => byzantine!(Transparent, INVALID),
            (Self::Transparent, ByzantineFault::SendsNewerContents) => byzantine!(Transparent, NEWER),
            (Self::Signal, ByzantineFault::ReusesIds) => byzantine!(Signal, IDS),
            (Self::Signal, ByzantineFault::JumpsAhead) => byzantine!(Signal, JUMP),
            (Self::Signal, ByzantineFault::SendsInvalidContents) => byzantine!(Signal, INVALID),
            (Self::Signal, ByzantineFault::SendsNewerContents) => byzantine!(Signal, NEWER),
            _ => return self.open(image, entropy, limits, now),
        })
    }

    /// As `open`, with a ratchet that breaks one of these rules.
    #[cfg(feature = "sabotage")]
    pub(super) fn open_sabotaged(
        self,
        broken: u64,
        image: Image,
        entropy: Entropy,
        limits: Limits,
        now: Now,
    ) -> Result<Box<dyn Machine>, OpenError> {
        use super::byzantine::{ALL_IGNORABLE, NONE_IGNORABLE, UNMARKED};
        use crate::rules::Rule;
        macro_rules! sabotaged {
            ($fault:ident) => {
                match self {
                    Self::Transparent => Box::new(Node::<ByzantineRatchet<Transparent, $fault>>::open(
                        image, entropy, limits, now,
                    )?) as Box<dyn Machine>,
                    Self::Signal => Box::new(Node::<ByzantineRatchet<Signal, $fault>>::open(
                        image, entropy, limits, now,
                    )?),
                }
            };
        }
        Ok(if Rule::RepeatUnmarked.is_in(broken) {
            sabotaged!(UNMARKED)
        } else if Rule::IgnorableForAnyPeer.is_in(broken) {
            sabotaged!(ALL_IGNORABLE)
        } else if Rule::IgnorableShown.is_in(broken) {
            sabotaged!(NONE_IGNORABLE)
        } else {
            return self.open(image, entropy, limits, now);
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
