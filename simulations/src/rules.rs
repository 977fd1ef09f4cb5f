//! [`Rule`]: the rules that nodes can be made to break. Most are broken from outside, by what stands between a node and its
//! host (`world::sabotaged`); a few are in `sotto_core::sabotage`.

use sotto_core::sabotage::Rule as CoreRule;

use crate::world::ByzantineFault;

macro_rules! rules {
    ($($(#[$about:meta])* $rule:ident $(= $core:ident)?,)*) => {
        /// A rule, named by the fault of a node that breaks it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Rule {
            $($(#[$about])* $rule,)*
        }

        impl Rule {
            /// Every rule.
            const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The rule that core itself breaks, if this is one.
            const fn in_core(self) -> Option<CoreRule> {
                match self {
                    $($(Self::$rule => Some(CoreRule::$core),)?)*
                    _ => None,
                }
            }
        }
    };
}

rules! {
    /// Frames leave before the batch that they depend on is durable.
    SendBeforeStore,
    /// Acknowledgements leave before what they acknowledge is durable.
    AckBeforeStore,
    /// Replies leave before the batch that they depend on is durable.
    ReplyBeforeStore,
    /// Events are announced before they are durable.
    AnnounceBeforeStore,
    /// A second commit is in flight.
    TwoCommitsAtOnce,
    /// A batch with a new ciphertext lacks the new ratchet state.
    SessionNotStored,
    /// A batch with a received message lacks the new cursors.
    CursorsNotStored,
    /// After a restart, sealed rows are sealed once more under the same sequence numbers.
    SealedAgain,
    /// Ciphertexts are decrypted whatever their sequence number is.
    SequenceUnchecked = SequenceUnchecked,
    /// A repeated message is received again.
    RepeatAccepted = RepeatAccepted,
    /// A message that may have arrived in an earlier session is not marked as repeated.
    RepeatUnmarked,
    /// After a restart, the newest queued message is sent first.
    NewestFirst,
    /// More than a window is sealed.
    WindowUnbounded,
    /// More rows are queued than fit.
    OutboxUnbounded,
    /// More requests of strangers are kept than fit.
    RequestsUnbounded,
    /// After a restart, no contact is dialed.
    RetryNotRestored = RetryNotRestored,
    /// The node has no deadline.
    DeadlineMissing,
    /// Failed dials are repeated without a growing pause.
    NoBackoff,
    /// A wall time is computed from the monotonic clock.
    MonotonicStored = MonotonicStored,
    /// Each start has the same randomness.
    EntropyReplayed,
    /// Dials are in the order of a hash table.
    HashOrder,
    /// Cursors that contradict each other are accepted.
    RollbackUndetected = RollbackUndetected,
    /// The opening of a session is awaited though the offer for it was used.
    UsedOfferAwaited = UsedOfferAwaited,
    /// A pre-key offer is kept after its use.
    OfferKept,
    /// A request is accepted without the user.
    StrangerAccepted,
    /// An invite is kept after its use.
    InviteReused,
    /// What a blocked contact sends is received.
    BlockIgnored,
    /// Queued messages never expire.
    ExpiryMissing,
    /// The text of a deleted message is kept.
    ErasureMissing,
    /// Messages do not disappear.
    DisappearanceMissing,
    /// An event is missing in the log.
    EventLost,
    /// Both nodes close their own of two crossing links.
    CrossingLinksBothClosed = CrossingLinksBothClosed,
    /// A link without heartbeats is kept.
    DeadLinkKept,
    /// A link without traffic is kept.
    IdleLinkKept,
    /// No heartbeat is sent.
    HeartbeatNotSent = HeartbeatNotSent,
    /// An acknowledgement of what was never sent is accepted.
    UnsentAckAccepted = UnsentAckAccepted,
    /// Nothing is acknowledged.
    AckNotSent = AckNotSent,
    /// More is acknowledged than was received.
    AckOfUnsent = AckOfUnsent,
    /// A ciphertext is sent under another sequence number.
    SequenceEquivocated = SequenceEquivocated,
    /// Every ciphertext is sent twice, which peers must tolerate.
    CiphertextSentTwice = CiphertextSentTwice,
    /// Two nodes run over one store.
    StoreShared,
    /// The features of a peer are not stored.
    FeaturesNotStored,
    /// Ignorable contents are sealed for a peer that does not know them.
    IgnorableForAnyPeer,
    /// An ignorable content is shown as unsupported.
    IgnorableShown,
}

/// Rules that matter only if another rule is broken, too.
const WITH: &[(Rule, &[Rule])] = &[
    (Rule::SequenceUnchecked, &[Rule::CiphertextSentTwice]),
    (Rule::UnsentAckAccepted, &[Rule::AckOfUnsent]),
];

/// What a node may do, and what its peers must tolerate.
pub const HARMLESS: &[Rule] = &[Rule::CiphertextSentTwice];

/// Every rule whose violation must be detected.
pub fn table() -> impl Iterator<Item = Rule> {
    Rule::ALL.iter().copied().filter(|rule| !HARMLESS.contains(rule))
}

impl Rule {
    const fn bit(self) -> u64 {
        1 << self as u8
    }

    /// Whether these bits break it.
    pub const fn is_in(self, broken: u64) -> bool {
        broken & self.bit() != 0
    }

    /// The byzantine node that a world needs for it to matter.
    pub const fn among(self) -> Option<ByzantineFault> {
        match self {
            Self::IgnorableShown => Some(ByzantineFault::SendsNewerContents),
            _ => None,
        }
    }

    /// Its bit, and those of the rules that must be broken with it.
    pub fn bits(self) -> u64 {
        let with = WITH
            .iter()
            .filter(|(rule, _)| *rule == self)
            .flat_map(|(_, with)| *with);
        with.fold(self.bit(), |bits, rule| bits | rule.bit())
    }
}

/// The bits of the rule of that name, and of those that must be broken with it.
pub fn named(name: &str) -> Result<u64, String> {
    let rule = table().find(|rule| format!("{rule:?}") == name);
    rule.map(Rule::bits).ok_or_else(|| format!("no rule is called {name}"))
}

/// The rules of the table among these bits.
pub fn names(broken: u64) -> impl Iterator<Item = Rule> {
    table().filter(move |rule| rule.is_in(broken))
}

/// The bits of what core itself breaks, for [`sotto_core::sabotage::arm`].
pub fn in_core(broken: u64) -> u64 {
    let rules = Rule::ALL.iter().filter(|rule| rule.is_in(broken));
    rules
        .filter_map(|rule| rule.in_core())
        .fold(0, |bits, rule| bits | rule.bit())
}
