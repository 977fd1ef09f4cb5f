//! The rules that nodes can be made to break.

use sotto_core::sabotage::Rule;

/// Every rule, and which other rules must be broken for it to matter.
pub const TABLE: &[(Rule, &[Rule])] = &[
    (Rule::SendBeforeStore, &[]),
    (Rule::AckBeforeStore, &[]),
    (Rule::ReplyBeforeStore, &[]),
    (Rule::AnnounceBeforeStore, &[]),
    (Rule::TwoCommitsAtOnce, &[]),
    (Rule::SessionNotStored, &[]),
    (Rule::CursorsNotStored, &[]),
    (Rule::EncryptAgainOnRetry, &[]),
    (Rule::SequenceUnchecked, &[Rule::EverythingSaidTwice]),
    (Rule::RepeatTakenAgain, &[]),
    (Rule::RepeatUnmarked, &[]),
    (Rule::NewestFirst, &[]),
    (Rule::WindowUnbounded, &[]),
    (Rule::OutboxUnbounded, &[]),
    (Rule::RequestsUnbounded, &[]),
    (Rule::RetryNotRestored, &[]),
    (Rule::WakeLost, &[]),
    (Rule::NoBackoff, &[]),
    (Rule::MonotonicStored, &[]),
    (Rule::EntropyReplayed, &[]),
    (Rule::HashOrder, &[]),
    (Rule::RollbackUnseen, &[]),
    (Rule::OfferKept, &[]),
    (Rule::StrangerAdmitted, &[]),
    (Rule::InviteReused, &[]),
    (Rule::BlockedHeard, &[]),
    (Rule::ExpiryForgotten, &[]),
    (Rule::ErasureForgotten, &[]),
    (Rule::DisappearanceForgotten, &[]),
    (Rule::EventNumberSkipped, &[]),
    (Rule::CrossedLinksBothGo, &[]),
    (Rule::DeadLinkKept, &[]),
    (Rule::IdleLinkKept, &[]),
    (Rule::HeartbeatUnsaid, &[]),
    (Rule::LieOfCursorBelieved, &[Rule::AckOfTheUnseen]),
    (Rule::AckUnpaid, &[]),
    (Rule::AckOfTheUnseen, &[]),
    (Rule::SequenceEquivocated, &[]),
    (Rule::StoreShared, &[]),
];

/// What a node may do, and what its peers must tolerate.
pub const HARMLESS: &[Rule] = &[Rule::EverythingSaidTwice];

/// The bits of the rule of that name, and of those that must be broken with it.
pub fn named(name: &str) -> Result<u64, String> {
    let row = TABLE.iter().find(|(rule, _)| format!("{rule:?}") == name);
    let (rule, with) = row.ok_or_else(|| format!("no rule is called {name}"))?;
    Ok(bits(*rule, with))
}

/// The rules of the table among these bits.
pub fn names(broken: u64) -> impl Iterator<Item = Rule> {
    TABLE
        .iter()
        .map(|(rule, _)| *rule)
        .filter(move |rule| broken & rule.bit() != 0)
}

/// The bits of a rule, and of those that go with it.
pub fn bits(rule: Rule, with: &[Rule]) -> u64 {
    with.iter().fold(rule.bit(), |bits, rule| bits | rule.bit())
}
