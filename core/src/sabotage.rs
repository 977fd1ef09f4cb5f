//! Rules that can be broken on purpose, one at a time, so that simulations can show that they would notice. Only with the
//! feature `sabotage`, which no release build has; without it nothing of this is left in the program.

/// A rule of the node's, by what it does when the rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "sabotage", expect(missing_docs, reason = "each names the fault it is"))]
#[repr(u8)]
pub enum Rule {
    SendBeforeStore,
    AckBeforeStore,
    ReplyBeforeStore,
    AnnounceBeforeStore,
    TwoCommitsAtOnce,
    SessionNotStored,
    CursorsNotStored,
    EncryptAgainOnRetry,
    SequenceUnchecked,
    RepeatTakenAgain,
    RepeatUnmarked,
    NewestFirst,
    WindowUnbounded,
    OutboxUnbounded,
    RequestsUnbounded,
    RetryNotRestored,
    WakeLost,
    NoBackoff,
    MonotonicStored,
    EntropyReplayed,
    HashOrder,
    RollbackUnseen,
    OfferKept,
    StrangerAdmitted,
    InviteReused,
    BlockedHeard,
    ExpiryForgotten,
    ErasureForgotten,
    DisappearanceForgotten,
    EventNumberSkipped,
    CrossedLinksBothGo,
    DeadLinkKept,
    IdleLinkKept,
    HeartbeatUnsaid,
    LieOfCursorBelieved,
    AckUnpaid,
    AckOfTheUnseen,
    SequenceEquivocated,
    EverythingSaidTwice,
    /// Whoever drives nodes keeps it: one node for each store.
    #[cfg(feature = "sabotage")]
    StoreShared,
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
