//! Which ratchet a world's nodes run on. The transparent one is much faster and keeps the same rules, so most runs use it.

use sotto_core::row::Image;
use sotto_core::{Entropy, Limits, Machine, Node, Now, OpenError, Ratchet as _, Signal};
use sotto_testkit::transparent::Transparent;

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
