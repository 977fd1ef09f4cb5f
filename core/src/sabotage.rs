//! [`Rule`]: rules that core can be made to break, so that the simulator can show that it detects this. Rules that a host can
//! break are broken there instead (`simulations/src/world/sabotaged.rs`). Only with the feature `sabotage`, which no release
//! build can have; without it nothing of this is in the program.

/// A rule, named by what a node does that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "sabotage", expect(missing_docs, reason = "each names what the node does"))]
#[repr(u8)]
pub enum Rule {
    SequenceUnchecked,
    RepeatAccepted,
    RetryNotRestored,
    MonotonicStored,
    RollbackUndetected,
    UsedOfferAwaited,
    CrossingLinksBothClosed,
    HeartbeatNotSent,
    UnsentAckAccepted,
    AckNotSent,
    AckOfUnsent,
    SequenceEquivocated,
    CiphertextSentTwice,
}

#[cfg(feature = "sabotage")]
mod armed {
    use std::cell::Cell;

    use super::Rule;

    thread_local! {
        static BROKEN: Cell<u64> = const { Cell::new(0) };
    }

    impl Rule {
        /// For [`arm`].
        pub const fn bit(self) -> u64 {
            1 << self as u8
        }
    }

    /// From now on, on this thread, these rules are broken, and no others.
    pub fn arm(rules: u64) {
        BROKEN.set(rules);
    }

    pub(crate) fn breaks(rule: Rule) -> bool {
        BROKEN.get() & rule.bit() != 0
    }
}

#[cfg(feature = "sabotage")]
pub use armed::arm;
#[cfg(feature = "sabotage")]
pub(crate) use armed::breaks;

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!("the feature `sabotage` is for simulations; it must be in no release build");

#[cfg(not(feature = "sabotage"))]
pub(crate) const fn breaks(_: Rule) -> bool {
    false
}
